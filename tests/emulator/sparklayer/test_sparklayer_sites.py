"""The emulator's handles on what a site holds: shown, emptied, brought back, edited by hand."""

from __future__ import annotations

import urllib.error

import httpx
import pytest

from reconciler.emulator.testing import RunningEmulator

SHIRT = {"external_id": "shirt", "title": "Shirt", "slug": "shirt", "variants": [{"external_id": "shirt/red"}]}


def test_a_site_is_emptied_and_brought_back(emulator: RunningEmulator, spark: httpx.Client) -> None:
    assert spark.post("/v1/products", json=SHIRT).status_code == 200
    yesterday = emulator.site()
    emulator.empty_site()
    assert spark.get("/v1/products/shirt").status_code == 404
    emulator.load_site(yesterday)
    shown = spark.get("/v1/products/shirt").json()
    assert (shown["title"], shown["variants"][0]["external_id"]) == ("Shirt", "shirt/red")
    # Unique members are known again, and new IDs are new.
    assert spark.post("/v1/products", json=SHIRT).status_code == 409
    other = spark.post("/v1/products", json={"title": "Hat", "slug": "hat"}).json()
    assert other["id"] != shown["id"]


def test_a_site_is_edited_by_hand(emulator: RunningEmulator, spark: httpx.Client) -> None:
    spark.post("/v1/products", json=SHIRT)
    held = emulator.site()
    held["products"]["records"][0]["title"] = "By hand"
    emulator.load_site(held)
    assert spark.get("/v1/products/shirt").json()["title"] == "By hand"


def test_what_is_no_dump_changes_nothing(emulator: RunningEmulator, spark: httpx.Client) -> None:
    spark.post("/v1/products", json=SHIRT)
    for wrong in ({"products": []}, {"nothing": {}}, {"products": {"records": [{}], "number": 1}}):
        with pytest.raises(urllib.error.HTTPError, match="no dump of a site"):
            emulator.load_site(wrong)
    assert spark.get("/v1/products/shirt").status_code == 200


def test_an_unknown_site_is_named(emulator: RunningEmulator) -> None:
    with pytest.raises(urllib.error.HTTPError, match="no site other; there are: demo"):
        emulator.empty_site("other")
