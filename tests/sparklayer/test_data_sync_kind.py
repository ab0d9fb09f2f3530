"""DataSync: what is wrong with one, what it makes at the site, and what a plan says of it."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import Problem
from reconciler.kind.connection import Wire
from reconciler.kind.kind import Observed, Volume
from reconciler.kind.semantics import State
from reconciler.manifest.load import load
from reconciler.manifest.validate import validate
from reconciler.reconcile.diff import differences, risk_of
from reconciler.reconcile.plan import NoteKind, Plan
from reconciler.registry import kinds
from reconciler.sparklayer.batches import BATCH
from reconciler.sparklayer.kinds.data_sync.amounts import amounts, costs
from reconciler.sparklayer.kinds.data_sync.cost import ROWS
from reconciler.sparklayer.kinds.data_sync.kind import DataSyncKind
from reconciler.sparklayer.kinds.data_sync.spec import DataSyncSpec
from reconciler.sparklayer.kinds.price_list import PriceListKind
from reconciler.sparklayer.sync_log import SyncTimes, read_status, record_full
from support.sparklayer_workbench import Workbench, manifest, outcomes, read, written

PLACE = manifest("StockLocation", "main", "{name: Main}")
MINIMAL = "{stock: {default: main}}"


@pytest.fixture
def bench(tmp_path: Path, emulator: RunningEmulator) -> Workbench:
    return Workbench(tmp_path, emulator)


def sync(spec: str, name: str = "sync", state: str = "present") -> str:
    return manifest("DataSync", name, spec, state=state)


def problems(bench: Workbench, *documents: str) -> list[Problem]:
    bench.write(*documents)
    return list(validate(load(bench.folder / "manifests", kinds()), kinds()).problems)


def remarks(plan: Plan) -> str:
    return "\n".join(note.message for note in plan.notes if note.subject == "DataSync/sync")


def creates(plan: Plan) -> str:
    """Return what a plan says the data sync makes along with it."""
    detail = next(change.detail for change in plan.changes if change.key == "DataSync/sync") or ""
    return next((words for words in detail.split("; ") if words.startswith("creates ")), "")


@pytest.mark.parametrize(
    ("spec", "code", "words"),
    [
        ("{}", "missing-field", "nothing flows"),
        ("{stock: {}}", "missing-field", "neither locations nor default"),
        ("{products: {}, interval: 1h, walkInterval: 30m}", "bad-value", "(30m) is shorter than lookInterval (1h)"),
        ("{products: {}, heardWalkInterval: 12h}", "bad-value", "(12h) is shorter than walkInterval (24h)"),
        ("{products: {}, lookInterval: 10m}", "bad-value", "lookInterval (10m) is shorter than interval"),
        ("{products: {}, lookInterval: 2d, freshness: 3d}", "bad-value", "(24h) is shorter than lookInterval (2d)"),
        ("{products: {}, freshness: 5m}", "bad-value", "freshness (5m) is shorter than lookInterval (1h)"),
        ("{products: {}, lookInterval: 3h}", "bad-value", "freshness (2h) is shorter than lookInterval (3h)"),
        ("{products: {}, interval: 3h}", "bad-value", "lookInterval (1h) is shorter than interval"),
        ("{products: {}, interval: soon}", "bad-format", "must be a duration"),
        ("{products: {}, maxDeletePercent: 101}", "out-of-range", "at most 100"),
        ("{products: {recordUrl: 'https://x/'}}", "bad-format", "spec.products.recordUrl"),
        ("{products: {mapping: {variants.skuu: ID}}}", "unknown-field", "spec.products.mapping.variants.skuu"),
        ("{products: {mapping: {variants.sku: 'a b'}}}", "bad-value", "syntax error at column 3 of the expression"),
        ("{products: {mapping: {title: 'uper(Name)'}}}", "bad-value", "JMESPath has no function uper()"),
        ("{products: {mapping: {title: \"'https://u:pw@h'\"}}}", "bad-value", "must hold no credentials"),
        ("{products: {}, modus: pull}", "unknown-field", "spec.modus"),
        ("{products: {}, mode: poll}", "unknown-value", "spec.mode"),
        ("{products: {catalogs: []}}", "too-short", "spec.products.catalogs must not be empty"),
        ("{customers: {buyers: []}}", "too-short", "spec.customers.buyers must not be empty"),
        ("{customers: {walkInterval: 1s}}", "bad-value", "spec.customers.walkInterval is not valid: 1s is shorter"),
        ("{customers: {onDelete: archive}}", "unknown-value", "spec.customers.onDelete"),
        ("{customers: {mapping: {accountingId: ID}}}", "unknown-field", "spec.customers.mapping.accountingId"),
        ("{customers: {groups: {vip: wholesal}}}", "unknown-reference", "there is no CustomerGroup wholesal"),
        ("{orders: {cartID: 'xp..id'}}", "bad-format", "names with dots between them"),
        ("{orders: {cartID: Status}}", "bad-value", "a cart ID stands below xp"),
        ("{orders: {since: yesterday}}", "bad-format", "must be a date"),
        ("{orders: {since: '2026-02-30'}}", "bad-value", "there is no such day"),
        ("{pricing: {}}", "no-list-currency", "ordercloud-price"),
        ("{stock: {locations: {a: main, b: mian}}}", "unknown-reference", "there is no StockLocation mian"),
        ("{stock: {default: mian}}", "unknown-reference", "there is no StockLocation mian"),
    ],
)
def test_what_is_wrong_with_a_data_sync_is_said_where_it_stands(
    bench: Workbench, spec: str, code: str, words: str
) -> None:
    (problem,) = problems(bench, PLACE, sync(spec))
    assert problem.code == code
    assert words in problem.message
    assert problem.place.line > 0
    assert problem.place.column > 0


def test_the_nearest_known_name_and_the_next_step_are_offered(bench: Workbench) -> None:
    found = problems(bench, PLACE, sync("{products: {mapping: {variants.skuu: ID}}, mod: pull, freshnes: 2h}"))
    assert {(problem.code, problem.hint) for problem in found} == {
        ("unknown-field", "Did you mean variants.sku?"),
        ("unknown-field", "Did you mean mode?"),
        ("unknown-field", "Did you mean freshness?"),
    }


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("{products: {}, interval: 0s}", "Write it as 30m, 2h or 7d."),
        ("{products: {}, freshness: two hours}", "Write it as 30m, 2h or 7d."),
        ("{products: {}, freshness: 5m}", "Make it longer: lookInterval, interval and the time that a run may take."),
        ("{products: {}, currency: gbp}", "Write it as GBP, EUR or USD."),
        ("{products: {recordUrl: 'javascript:{ID}'}}", "Write it as https://admin.example.com/products/{ID}."),
        ("{products: {}, integration: '../../x y?'}", "Rename it."),
        ("{products: {}, integration: a/b}", "Rename it."),
        ("{products: {}, integration: ..}", "Rename it."),
    ],
)
def test_what_to_write_instead_fits_the_field(bench: Workbench, spec: str, hint: str) -> None:
    (problem,) = problems(bench, PLACE, sync(spec))
    assert problem.hint == hint


def test_values_that_variables_will_give_are_not_held_against_it(bench: Workbench) -> None:
    given = "integration: '${var:NAME}', freshness: '${var:AGE}', interval: '${var:OFTEN}'"
    given += ", customers: {walkInterval: 1s}"
    assert problems(bench, PLACE, sync(f"{{stock: {{default: main}}, {given}}}")) == []


def test_an_expression_is_blamed_at_its_own_line_and_column(bench: Workbench) -> None:
    (problem,) = problems(bench, sync("\n  products:\n    mapping:\n      variants.sku: xp.\n      title: Name"))
    text = (bench.folder / "manifests" / "all.yaml").read_text().splitlines()
    assert text[problem.place.line - 1] == "      variants.sku: xp."
    assert problem.place.column == text[problem.place.line - 1].index("xp.") + 1


def test_one_integration_is_one_data_sync(bench: Workbench) -> None:
    found = problems(bench, PLACE, sync(MINIMAL), sync(MINIMAL, "other"))
    assert [problem.code for problem in found] == ["duplicate-live-object"]
    assert problems(bench, PLACE, sync(MINIMAL), sync("{integration: b, stock: {default: main}}", "other")) == []


def test_a_price_list_manifest_needs_no_currency_beside_it(bench: Workbench) -> None:
    listed = manifest("PriceList", "ours", "{slug: their-slug, name: Ours, currencyCode: GBP}")
    assert problems(bench, listed, sync("{pricing: {priceList: ours}}")) == []
    assert problems(bench, listed, sync("{pricing: {priceList: their-slug}}")) == []


def test_a_mapping_that_looks_at_inventory_records_has_every_walk_read_all_stock() -> None:
    state = {"interval": "15m", "lookInterval": "1h", "walkInterval": "24h", "freshness": "2h", "stock": {}}
    said = " ".join(costs({**state, "products": {"mapping": {"variants.restockDate": "InventoryRecords[0].xp.at"}}}))
    assert "or stock by place, which products.mapping looks at" in said
    assert "LastUpdated" not in said


def test_walks_that_measure_messages_are_said_to_read_all_stock_and_how_old_it_may_be() -> None:
    state = {"interval": "15m", "lookInterval": "1h", "walkInterval": "24h", "freshness": "2h", "stock": {}}
    said = " ".join(costs({**state, "heardWalkInterval": "7d"}))
    assert "at every walk (24h, or 7d while messages tell the rest)" in said
    assert "or stock by place, as walks measure messages (heardWalkInterval)" in said
    assert "7 d 2 h (heardWalkInterval + freshness) where one is missing" in said
    assert "LastUpdated" not in said
    assert "one walk in 7" not in said


def test_what_was_applied_is_remembered_and_nothing_is_left_to_do(bench: Workbench) -> None:
    spec = "{products: {mapping: {variants.sku: ID}}, stock: {locations: {a: main}}, pricing: {}, currency: GBP}"
    bench.write(PLACE, sync(spec))
    plan = bench.plan()
    assert [(change.key, change.action.value) for change in plan.changes] == [
        ("StockLocation/main", "create"),
        ("DataSync/sync", "create"),
    ]
    assert "requests a day" in remarks(plan)
    assert "23 at every light walk (1h), 33 at every walk (24h)" in remarks(plan)
    assert "to be 2 h old at most (freshness), the inside of variants" in remarks(plan)
    assert "between places 1 d 2 h (walkInterval + freshness), and 7 d 14 h (7 times both) where its" in remarks(plan)
    assert "one walk in 7 and every full sync read all of that" in remarks(plan)
    assert "a full sync is due" in remarks(plan)
    assert outcomes(bench.apply()) == {"StockLocation/main": "applied", "DataSync/sync": "applied"}
    assert bench.plan().changes == ()

    bench.write(PLACE, sync(spec.replace("variants.sku: ID", "variants.sku: xp.Code")))
    (change,) = bench.plan().changes
    assert [(field.path, field.before, field.after) for field in change.fields] == [
        ("products.mapping.variants.sku", "ID", "xp.Code")
    ]
    assert change.cause is not None
    assert change.cause.value == "git-moved"
    assert "a full sync is due" in remarks(bench.plan())

    bench.write(PLACE, sync(spec.replace("pricing: {}", "pricing: {}, freshness: 3h")))
    assert "a full sync is due" not in remarks(bench.plan())

    bench.write(PLACE, sync("{onRemove: {logs: keep}}", state="absent"))
    (change,) = bench.plan().changes
    assert change.action.value == "delete"
    assert "its sync log" in remarks(bench.plan())
    assert outcomes(bench.apply()) == {"DataSync/sync": "applied"}
    assert bench.plan().changes == ()


def test_what_sparklayer_pulls_is_told_no_cost_of_runs(bench: Workbench) -> None:
    bench.write(PLACE, sync("{mode: pull, products: {}, customers: {}, orders: {}}"))
    told = remarks(bench.plan())
    assert "SparkLayer pulls products, customers and orders (mode: pull)" in told
    assert "walk" not in told
    bench.write(PLACE, sync("{mode: both, products: {}, customers: {}, orders: {}}"))
    both = remarks(bench.plan())
    assert "customers cost 4 requests for each buyer" in both
    assert "orders cost one request or more for each that changed" in both


def test_a_price_list_that_is_gone_is_made_again_by_the_next_apply(bench: Workbench) -> None:
    bench.write(PLACE, sync("{products: {}, pricing: {}, currency: GBP}"))
    assert creates(bench.plan()) == "creates PriceList ordercloud-price"
    bench.apply()
    assert bench.plan().changes == ()
    assert [note.key for note in bench.plan().notes if note.kind is NoteKind.UNMANAGED] == []

    bench.emulator.empty_site()
    planned = {change.key: change for change in bench.plan().changes}
    assert [(field.path, field.before, field.after) for field in planned["DataSync/sync"].fields] == [
        ("pricing.priceList", None, "ordercloud-price")
    ]
    assert creates(bench.plan()) == "creates PriceList ordercloud-price"
    assert outcomes(bench.apply())["DataSync/sync"] == "applied"
    assert list(bench.emulator.site()["price_lists"]) == ["ordercloud-price"]
    assert bench.plan().changes == ()


def test_a_price_list_that_a_manifest_declares_is_made_by_that_alone(bench: Workbench) -> None:
    listed = manifest("PriceList", "ours", "{slug: ours, name: Ours, currencyCode: GBP}")
    bench.write(PLACE, listed, sync("{pricing: {priceList: ours}}"))
    assert creates(bench.plan()) == ""
    bench.apply()
    bench.emulator.empty_site()
    assert "DataSync/sync" not in {change.key for change in bench.plan().changes}


WHOLE = {
    "integration": "ordercloud",
    "interval": "15m",
    "walkInterval": "24h",
    "freshness": "2h",
    "maxOpenProblems": 500,
    "maxDeletePercent": 10,
    "products": {"shipWeightUnit": "kg", "catalogs": ["a", "b"], "mapping": {"variants.sku": "ID", "title": "Name"}},
    "stock": {"locations": {"x": "main", "y.z": "main"}, "default": "main"},
    "pricing": {"priceList": "one"},
    "currency": "GBP",
}


AGAIN, MANY = "sends again what differs of", "up to 1,200 records, about"


def changed_to(path: str, value: Any) -> State:
    """The whole DataSync with another value somewhere; None takes it away."""
    state: State = deepcopy(WHOLE)
    *parents, last = path.split("/")
    inner = state
    for name in parents:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return state


@pytest.mark.parametrize(
    ("path", "value", "risk"),
    [
        ("products/mapping/variants.sku", "xp.Code", "re-syncs"),
        ("products/mapping/variants.sku", None, "re-syncs"),
        ("products/mapping/variants.rrp", "xp.rrp", "re-syncs"),
        ("products/mapping", None, "re-syncs"),
        ("products/shipWeightUnit", "g", "re-syncs"),
        ("products/recordUrl", "https://x/{ID}", "cosmetic"),
        ("products/catalogs", ["a", "b", "c"], "re-syncs"),
        ("products/catalogs", ["b", "a"], None),
        ("products/catalogs", ["a"], "stops-sync"),
        ("products/catalogs", None, "re-syncs"),
        ("products", None, "stops-sync"),
        ("stock/default", "other", "re-syncs"),
        ("stock/default", None, "stops-sync"),
        ("stock/locations", {"x": "main", "y.z": "other"}, "re-syncs"),
        ("stock/locations", {"x": "main", "y.z": "main", "w": "main"}, "re-syncs"),
        ("stock/locations", {"x": "main"}, "stops-sync"),
        ("stock", None, "stops-sync"),
        ("pricing/priceList", "two", "re-syncs"),
        ("pricing", None, "stops-sync"),
        ("currency", "EUR", "re-syncs"),
        ("currency", None, "re-syncs"),
        ("integration", "other", "re-syncs"),
        ("interval", "20m", "cosmetic"),
        ("maxOpenProblems", 1, "cosmetic"),
    ],
)
def test_the_risk_of_a_change_is_what_it_does_to_records(path: str, value: Any, risk: str | None) -> None:
    after = changed_to(path, value)
    fields = tuple(differences(DataSyncSpec, after, WHOLE, frozenset()))
    assert (risk_of(DataSyncSpec, fields, after).value if fields else None) == risk


@pytest.mark.parametrize(
    ("before", "after", "risk"),
    [
        ({"onDelete": "deactivate"}, {"onDelete": "delete"}, "loses-data"),
        ({"onDelete": "delete"}, {"onDelete": "deactivate"}, "cosmetic"),
        ({"overwriteUnread": False}, {"overwriteUnread": True}, "loses-data"),
        ({"overwriteUnread": True}, {"overwriteUnread": False}, "re-syncs"),
        ({"groupPriceLists": {}}, {"groupPriceLists": {"trade": ["trade-20"]}}, "cosmetic"),
        ({"walkInterval": "24h"}, {"walkInterval": "12h"}, "cosmetic"),
        ({"where": "Active"}, {"where": "xp.b2b"}, "re-syncs"),
    ],
)
def test_the_risk_of_a_change_is_what_it_does_to_customers(before: State, after: State, risk: str) -> None:
    state, was = ({**WHOLE, "customers": section} for section in (after, before))
    fields = tuple(differences(DataSyncSpec, state, was, frozenset()))
    assert risk_of(DataSyncSpec, fields, state).value == risk


def test_choosing_catalogs_where_all_flowed_takes_products_away() -> None:
    before = changed_to("products/catalogs", None)
    fields = tuple(differences(DataSyncSpec, WHOLE, before, frozenset()))
    assert risk_of(DataSyncSpec, fields, WHOLE).value == "stops-sync"


def test_a_section_that_comes_sends_records() -> None:
    before = changed_to("stock", None)
    fields = tuple(differences(DataSyncSpec, WHOLE, before, frozenset()))
    assert risk_of(DataSyncSpec, fields, WHOLE).value == "re-syncs"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            "products/mapping/variants.sku",
            "xp.Code",
            f"{AGAIN} products, stock and prices: {MANY} 1,206 requests",
        ),
        (
            "stock/default",
            "other",
            f"{AGAIN} stock: {MANY} 3 requests to write all of it, 36 or more to read",
        ),
        ("products/mapping/title", "ID", f"{AGAIN} products: {MANY} 1,200 requests"),
        ("products/mapping/variants.restockDate", "xp.d", f"{AGAIN} stock: {MANY}"),
        ("currency", "EUR", f"{AGAIN} products and prices: {MANY} 1,203 requests"),
        ("pricing/priceList", "two", f"{AGAIN} prices: {MANY} 3 requests"),
        ("integration", "other", f"{AGAIN} products, stock and prices: {MANY} 1,206 requests"),
        ("products", None, f"sends no more products: what was written stays, and grows old; {AGAIN} stock and prices"),
        ("products/recordUrl", "https://x/{ID}", None),
        ("interval", "20m", None),
    ],
)
def test_how_much_is_sent_again_is_estimated(path: str, value: Any, words: str | None) -> None:
    after = changed_to(path, value)
    changed = frozenset(field.path for field in differences(DataSyncSpec, after, WHOLE, frozenset()))
    observed = Observed("DataSync", "ordercloud", WHOLE, {})
    said = DataSyncKind().resends(after, observed, changed, Volume({"products": 1_200}))
    if words is None:
        assert said is None
    else:
        assert said is not None
        assert said.startswith(words)
        assert "no run has counted yet" in (DataSyncKind().resends(after, observed, changed, None) or "")


def test_one_request_is_told_as_one() -> None:
    after = changed_to("pricing/priceList", "two")
    changed = frozenset(field.path for field in differences(DataSyncSpec, after, WHOLE, frozenset()))
    said = DataSyncKind().resends(
        after, Observed("DataSync", "ordercloud", WHOLE, {}), changed, Volume({"products": 9})
    )
    assert "about 1 request to write" in str(said)


def test_the_rows_of_an_estimated_request_are_those_that_are_sent() -> None:
    assert ROWS == BATCH


def test_the_old_price_list_keeps_its_prices_and_the_plan_says_so(bench: Workbench) -> None:
    lists = [
        manifest("PriceList", name, f"{{slug: {name}, name: {name}, currencyCode: GBP}}") for name in ("one", "two")
    ]
    bench.write(*lists, sync("{pricing: {priceList: one}}"))
    bench.apply()
    bench.write(*lists, sync("{pricing: {priceList: two}}"))
    assert "the prices on the price list one stay as they are" in remarks(bench.plan())
    (change,) = bench.plan().changes
    assert change.risk.value == "re-syncs"
    assert change.detail == "sends again what differs of prices: how many, no run has counted yet"


def test_its_locations_are_made_before_it(bench: Workbench) -> None:
    bench.write(
        PLACE, manifest("StockLocation", "b", "{externalID: bb, name: B}"), sync("{stock: {locations: {x: b}}}")
    )
    change = next(change for change in bench.plan().changes if change.kind == "DataSync")
    assert change.depends_on == ("StockLocation/b",)
    assert ("stock.locations", {"x": "bb"}) in [(field.path, field.after) for field in change.fields]


def test_the_price_list_is_made_where_there_is_none_and_left_alone_where_there_is(bench: Workbench) -> None:
    def price_list() -> Wire | None:
        found: Wire | None = read(
            bench.emulator.sparklayer_url, lambda site: PriceListKind().read_one(site, "ordercloud-price")
        )
        return found

    bench.write(sync("{pricing: {}, currency: GBP}"))
    bench.apply()
    made = price_list()
    assert made is not None
    assert (made["name"], made["currency_code"], made["source"]) == ("OrderCloud Price", "GBP", "integration")
    body = {"pricing": {"priceList": "ordercloud-price"}, "currency": "EUR"}
    written(bench.emulator.sparklayer_url, lambda site: DataSyncKind().create(site, "ordercloud", body))
    assert price_list() == made


def test_what_a_renamed_integration_leaves_behind_is_said_until_its_end_is_applied(bench: Workbench) -> None:
    bench.write(PLACE, sync("{stock: {default: main}, integration: before}"))
    bench.apply()
    bench.write(PLACE, sync("{stock: {default: main}, integration: after}"))

    def left() -> list[str]:
        return [note.message for note in bench.plan().notes if note.subject == "DataSync/before"]

    for _ in range(2):
        (words,) = left()
        assert "no manifest names it any more" in words
        assert "so does its sync log" in words
        bench.apply()
    bench.write(
        PLACE,
        sync("{stock: {default: main}, integration: after}"),
        sync("{integration: before, onRemove: {logs: keep}}", name="old", state="absent"),
    )
    bench.apply()
    assert left() == []


def test_an_absent_one_says_what_becomes_of_the_sync_logs_and_is_refused_until_it_does(bench: Workbench) -> None:
    bench.write(PLACE, sync(MINIMAL))
    bench.apply()
    path = bench.emulator.sparklayer_url
    times = SyncTimes(started_full_sync=datetime(2026, 11, 1, tzinfo=UTC))
    for integration in ("ordercloud", "another"):
        written(path, partial(record_full, integration=integration, data_type="products", times=times))

    def logs() -> int:
        found = [
            read(path, partial(read_status, integration=name, data_type="products"))
            for name in ("ordercloud", "another")
        ]
        return sum(one is not None for one in found)

    bench.write(PLACE, sync("{}", state="absent"))
    (breach,) = [breach for breach in bench.plan().breaches if breach.rule == "unsupported"]
    assert "onRemove: {logs: clear}" in breach.message
    bench.write(PLACE, sync("{onRemove: {logs: clear}}", state="absent"))
    plan = bench.plan()
    assert [change.action.value for change in plan.changes if change.kind == "DataSync"] == ["delete"]
    assert "the sync logs of every integration and data type of the site are cleared" in remarks(plan)
    assert logs() == 2
    bench.apply()
    assert logs() == 0


def test_a_plan_says_what_own_price_lists_cost_and_where_there_are_too_many() -> None:
    few, many = (amounts(["partyPrices"], Volume({"party-prices": number})) for number in (9_999, 10_000))
    assert "9,999 records" in few
    assert "500 of their rows" in few
    assert "15,000" not in few
    assert "recommends 10,000" in many
    assert "takes 15,000" in many
    state = {
        "interval": "15m",
        "lookInterval": "1h",
        "walkInterval": "24h",
        "freshness": "2h",
        "pricing": {"partyPriceLists": True},
    }
    assert any("own price lists cost, at every light walk (1h)" in words for words in costs(state))
