"""Apply then plan is empty, import then plan is empty: for every SparkLayer kind, under every switch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.switches import SPARKLAYER, flipped_switches, random_switches
from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import UnexpectedAnswer
from reconciler.registry import kinds
from support.sparklayer_workbench import Workbench, manifest, outcomes, without_stamps

DOCUMENTS = (
    manifest("CustomerGroup", "de", "{name: Deutschland, parent: eu}"),
    manifest("CustomerGroup", "eu", "{slug: europe, name: Europe}"),
    manifest(
        "PriceList",
        "vip",
        "{name: VIP, currencyCode: EUR, rules: [{sourcePriceListSlug: base, "
        "adjustmentPercentage: 1, adjustmentDirection: plus, currencyExchangeRate: 2}, "
        "{sourcePriceListSlug: retail, adjustmentPercentage: 0.125}]}",
    ),
    manifest("PriceList", "base", "{slug: base-price, name: Base, currencyCode: GBP, source: integration}"),
    manifest("PriceList", "retail", "{name: Retail, currencyCode: GBP, taxInclusiveDisplay: true}"),
    manifest("StockLocation", "main", "{externalID: 'Main / 1 %2F?', name: Main}"),
    manifest("StockLocation", "small", "{name: Small}"),
    manifest("Store", "store", "{baseCurrency: GBP, settings: {a: true, deep: {b: [1, {c: null}]}, number: 1.5}}"),
)


def price_list(slug: str) -> dict[str, Any]:
    """A price list as the emulator holds it."""
    stamps = {"created_at": "", "updated_at": ""}
    fixed = {"source": "integration", "rules": [], "tax_inclusive_display": False}
    return {"slug": slug, "name": slug[:9].upper(), "currency_code": "GBP", **fixed, **stamps}


def hold(emulator: RunningEmulator, **held: Any) -> None:
    """Let the site hold this, as somebody else left it there."""
    state = emulator.state(secrets=True)
    state["sparklayer"]["sites"]["demo"].update(held)
    emulator.load(state)


EVERY_ONE = [*flipped_switches(SPARKLAYER), *random_switches(3, names=SPARKLAYER)]


@pytest.mark.parametrize("switches", EVERY_ONE, ids=lambda switches: " ".join(f"{k}={v}" for k, v in switches.items()))
def test_after_apply_and_after_import_there_is_nothing_to_do(
    tmp_path: Path, emulator: RunningEmulator, switches: dict[str, str]
) -> None:
    emulator.switch(**switches)
    bench = Workbench(tmp_path, emulator)
    bench.write(*DOCUMENTS)
    assert set(outcomes(bench.apply()).values()) == {"applied"}
    assert (bench.plan().changes, bench.plan().breaches) == ((), ())
    emulator.clear_requests()
    bench.apply()
    assert {entry["method"] for entry in emulator.requests() if "auth" not in entry["path"]} == {"GET"}
    site = emulator.site()
    assert (site["currency"], site["settings"]["deep"]) == ("GBP", {"b": [1, {"c": None}]})
    bench.write(*reversed(DOCUMENTS))
    assert bench.plan().changes == ()
    bench.ledger = "fresh"
    imported = bench.imported()
    assert len(imported.manifests) == 7
    assert {key for key, _ in imported.left_out} == {kind.name for kind in kinds().values() if not kind.readable}
    plan = bench.plan()
    assert (plan.changes, plan.unchanged) == ((), 7)


def test_parents_and_sources_come_first(tmp_path: Path, emulator: RunningEmulator) -> None:
    bench = Workbench(tmp_path, emulator)
    bench.write(*DOCUMENTS)
    order = [change.key for change in bench.plan().changes]
    assert order.index("CustomerGroup/eu") < order.index("CustomerGroup/de")
    assert max(order.index("PriceList/base"), order.index("PriceList/retail")) < order.index("PriceList/vip")
    bench.apply()
    stored = {slug: without_stamps(each) for slug, each in emulator.site()["price_lists"].items()}
    assert stored["vip"]["rules"][0]["source_price_list_slug"] == "base-price"
    assert emulator.site()["groups"]["de"]["parent_slug"] == "europe"


def test_a_change_sends_what_changed(tmp_path: Path, emulator: RunningEmulator) -> None:
    bench = Workbench(tmp_path, emulator)
    bench.write(manifest("PriceList", "a", "{name: A, currencyCode: GBP}"), manifest("StockLocation", "w", "{name: W}"))
    bench.apply()
    bench.write(manifest("PriceList", "a", "{name: B, currencyCode: GBP}"), manifest("StockLocation", "w", "{name: V}"))
    [first, second] = bench.plan().changes
    assert [[field.path for field in change.fields] for change in (first, second)] == [["name"], ["name"]]
    bench.apply()
    assert emulator.site()["price_lists"]["a"]["name"] == "B"
    assert [each["name"] for each in emulator.site()["locations"]["records"]] == ["V"]


def test_somebody_elses_change_is_drift(tmp_path: Path, emulator: RunningEmulator) -> None:
    bench = Workbench(tmp_path, emulator)
    bench.write(manifest("PriceList", "a", "{name: A, currencyCode: GBP}"))
    bench.apply()
    held = emulator.state(secrets=True)
    held["sparklayer"]["sites"]["demo"]["price_lists"]["a"]["name"] = "Renamed in the Dashboard"
    emulator.load(held)
    [change] = bench.plan().changes
    assert (change.cause.value, change.fields[0].before) == ("live-moved", "Renamed in the Dashboard")


def test_a_stock_location_is_renamed_and_deleted(tmp_path: Path, emulator: RunningEmulator) -> None:
    bench = Workbench(tmp_path, emulator)
    bench.write(manifest("StockLocation", "old", "{name: W}"))
    bench.apply()
    [before] = emulator.site()["locations"]["records"]
    bench.write(manifest("StockLocation", "new", "{name: W}", "renamedFrom: [old]"))
    [change] = bench.plan().changes
    assert (change.action.value, change.fields[0].path) == ("rename", "externalID")
    bench.apply()
    assert emulator.site()["locations"]["records"] == [before | {"external_id": "new"}]
    bench.write(manifest("StockLocation", "new", "{name: W}", state="absent"))
    [change] = bench.plan().changes
    assert (change.action.value, change.risk.value) == ("delete", "loses-data")
    bench.apply()
    assert emulator.site()["locations"]["records"] == []
    assert bench.plan().changes == ()


@pytest.mark.parametrize("external", [{}, {"external_id": None}, {"external_id": ""}])
def test_a_stock_location_without_an_external_id_can_be_imported(
    tmp_path: Path, emulator: RunningEmulator, external: dict[str, Any]
) -> None:
    own_id = "3f1c1e3e-8e4a-4a2a-9b8e-2b8f5f3f6a10"
    hold(emulator, locations={"number": 0, "records": [{"id": own_id, "name": "Dashboard", **external}]})
    bench = Workbench(tmp_path, emulator)
    bench.write()
    bench.imported()
    assert bench.plan().changes == ()


def test_what_no_manifest_can_say_is_left_out_of_an_import(tmp_path: Path, emulator: RunningEmulator) -> None:
    steep = {"source_price_list_slug": "l" * 31, "adjustment_percentage": 1.5}
    rule = {"source_price_list_slug": "l" * 31, "adjustment_percentage": 0.5}
    lists = {slug: price_list(slug) for slug in ("l" * 31, "long", "steep", "fine")}
    lists["long"]["name"] = "n" * 65
    lists["steep"]["rules"], lists["fine"]["rules"] = [steep], [rule]
    hold(emulator, price_lists=lists)
    bench = Workbench(tmp_path, emulator)
    bench.write()
    result = bench.imported()
    assert {key: reason for key, reason in result.left_out if "/" in key} == {
        f"PriceList/{'l' * 31}": "no manifest can say it: spec.slug is longer than 30 characters",
        "PriceList/long": "no manifest can say it: spec.name is longer than 64 characters",
        "PriceList/steep": "no manifest can say it: spec.rules[0].adjustmentPercentage must be at most 1",
    }
    # A rule may name a list that no manifest stands for.
    assert [item.name for item in result.manifests] == ["fine"]
    assert bench.plan().changes == ()


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("CustomerGroup", {"groups": {"x": {"name": "X"}}}),
        ("PriceList", {"price_lists": {"x": price_list("")}}),
        ("StockLocation", {"locations": {"number": 0, "records": [{"id": "", "name": "X"}]}}),
    ],
)
def test_a_live_object_without_its_id_stops_the_plan(
    tmp_path: Path, emulator: RunningEmulator, kind: str, held: dict[str, Any]
) -> None:
    hold(emulator, **held)
    bench = Workbench(tmp_path, emulator)
    bench.write()
    with pytest.raises(UnexpectedAnswer, match="an object in the answer has no"):
        bench.plan(targets=frozenset({kind}))


def test_a_thousand_price_lists_are_read_in_pages(tmp_path: Path, emulator: RunningEmulator) -> None:
    hold(emulator, price_lists={f"l{n}": price_list(f"l{n}") | {"name": f"L{n % 7}"} for n in range(1001)})
    bench = Workbench(tmp_path, emulator)
    bench.write(manifest("PriceList", "l7", "{name: L0, currencyCode: GBP, source: integration}"))
    plan = bench.plan()
    assert (plan.changes, plan.unchanged, plan.summary["unmanaged"]) == ((), 1, 1000)
    assert sum("price-lists" in entry["path"] for entry in emulator.requests()) == 5
