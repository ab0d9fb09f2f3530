"""A SyncRun has a data sync run once in the mode that it names, or read some records anew."""

from __future__ import annotations

from typing import Any

import pytest

from support.checkout import Checkout, Document, document
from support.requests import soon
from support.syncing import Shop


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    """A small shop that was synced once."""
    checkout.emulator.seed(4)
    shop = Shop(checkout)
    shop.prepare()
    assert checkout.call("sync", "run").status == 0
    return shop


def sync_run(name: str, **spec: Any) -> Document:
    return document("SyncRun", name, {"dataSync": "shop", "notAfter": soon(), **spec})


def modes_of_two_runs(checkout: Checkout) -> list[str]:
    return [checkout.call("sync", "run", "--format", "json").json["mode"] for _ in range(2)]


@pytest.mark.usefixtures("on_both")
def test_a_run_is_wanted_until_one_has_done_it(shop: Shop, checkout: Checkout) -> None:
    checkout.write("run.yaml", sync_run("once", mode="verify"))
    [operation] = checkout.call("plan", "--format", "json").json["operations"]
    assert operation["does"].startswith("have the data sync of ordercloud run a full sync that reads the target too")
    applied = checkout.call("apply", "--yes", "--format", "json")
    assert (applied.status, applied.json["operations"][0]["outcome"]) == (0, "applied")
    assert "a request asks for it" in " ".join(checkout.call("sync", "status").stdout.split())
    assert checkout.call("apply", "--yes").status == 0
    assert modes_of_two_runs(checkout) == ["verify", "incremental"]
    assert shop.checkout.call("apply", "--yes").status == 0
    assert checkout.call("sync", "run", "--format", "json").json["mode"] == "incremental"


def test_some_records_are_read_anew(shop: Shop, checkout: Checkout) -> None:
    objects = shop.emulator.state()["ordercloud"]["commerce"]["objects"]
    known = [product["ID"] for product in objects["Product"][""]][:2]
    checkout.write("run.yaml", sync_run("some", records=known))
    assert checkout.call("apply", "--yes").status == 0
    report = checkout.call("sync", "run", "--format", "json").json
    assert (report["mode"], report["records"]["seen"]) == ("incremental", 2), report


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"dataSync": "other", "mode": "full"}, "there is no DataSync other"),
        ({"mode": "full", "records": ["P-1"]}, "write mode or records"),
        ({}, "write mode or records"),
        ({"mode": "walk"}, "mode"),
        ({"mode": "full", "notAfter": None}, "notAfter"),
    ],
)
def test_what_is_wrong_with_one_is_said_with_its_place(checkout: Checkout, spec: dict[str, Any], said: str) -> None:
    shop = Shop(checkout)
    shop.write_manifests()
    request = sync_run("once", **spec)
    request["spec"] = {name: value for name, value in request["spec"].items() if value is not None}
    checkout.write("run.yaml", request)
    ended = checkout.call("validate")
    assert ended.status == 1
    assert said in " ".join(ended.stdout.split())
    assert "manifests/run.yaml:" in ended.stdout
