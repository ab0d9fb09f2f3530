"""Where a data sync stands, and what of it is drift: worked out from what the ledger and the sync log say."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.ledger.config.model import Memory, Snooze
from reconciler.ledger.data.inbox_model import InboxOverview, SyncInbox, TypeCount, UnknownMessage
from reconciler.ledger.data.model import SEEN_BEFORE, CodeCount, DataRun, Distrust, LevelCounts, LogDates, SyncOverview
from reconciler.ledger.data.service_model import RunningNow, Turn
from reconciler.reconcile.plan import Cause, DriftItem
from reconciler.report.text.sync_status import statuses_to_text
from reconciler.sparklayer.sync_log import SyncStatus as Log
from reconciler.sparklayer.sync_log import SyncTimes
from reconciler.sync.datasync import DataSync, Standing
from reconciler.sync.heldback import held_back
from reconciler.sync.mode import Mode
from reconciler.sync.monitor.compared import parts_compared
from reconciler.sync.monitor.health import drift_items
from reconciler.sync.monitor.status import status_of
from reconciler.sync.party_prices.datatype import PartyPrices
from reconciler.sync.party_prices.settings import PartyPriceSettings
from reconciler.sync.products.datatype import Products
from reconciler.sync.products.model import Part
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.run.counts import Requests, requests_in
from support.mapping_strategies import mapping
from support.mapping_strategies import settings as product_settings_of
from support.sync_samples import NOW, ago, data_run, data_sync, overview, under_way


def test_a_sync_that_is_up_to_date() -> None:
    status = status_of(data_sync(), overview(), NOW)
    assert (status.going, status.cut_off, status.full_wanted, status.troubles) == (None, None, None, ())
    assert status.last == status.last_good == status.last_full
    assert status.since_good == timedelta(minutes=10)
    assert status.next is not None
    assert (status.next.at, status.next.mode, status.next.reason) == (ago(minutes=-5), Mode.INCREMENTAL, None)


def test_the_next_run_starts_an_interval_after_the_end_and_never_in_the_past() -> None:
    old = data_run(started_at=ago(hours=1), ended_at=ago(minutes=40))
    following = status_of(data_sync(), overview(old), NOW).next
    assert following is not None
    assert following.at == NOW


@pytest.mark.parametrize(
    ("run", "turn", "known", "expected"),
    [
        ({}, Turn("run-1", ago(minutes=-2), 0), {}, (ago(minutes=-2), None)),
        ({}, Turn("run-1", ago(seconds=3), 0), {}, (NOW, None)),
        ({}, Turn("run-1", ago(minutes=-4), 2), {}, (ago(minutes=-4), "tried again after 2 attempts that failed")),
        ({"state": "interrupted"}, Turn("run-1", ago(minutes=-8), 1), {}, (ago(minutes=-8), "tried again after 1 a")),
        ({"state": "interrupted"}, Turn("run-1", ago(seconds=1), 1), {}, (NOW, "an earlier run was cut off")),
        ({"state": "interrupted"}, Turn("run-1", NOW, 0), {}, (NOW, "an earlier run was cut off")),
        ({"state": "stopped"}, Turn("run-1", None, 0), {}, None),
        ({"state": "cancelled"}, Turn("run-1", None, 0), {}, None),
        ({"state": "stopped"}, Turn("run-1", None, 0), {"wanted": frozenset({"full"})}, (NOW, "there was no full")),
        ({"state": "stopped", "config": "other"}, Turn("run-1", None, 0), {}, (NOW, "there was no full sync yet")),
        (
            {}, Turn("run-1", ago(minutes=-2), 0), {"counts": LevelCounts(records=9, open=4, waiting=1)},
            (NOW, "3 records to be written"),
        ),
    ],
)  # fmt: skip
def test_where_workers_note_when_the_next_run_is_due_status_says_that(
    run: dict[str, Any], turn: Turn, known: dict[str, Any], expected: tuple[datetime, str | None] | None
) -> None:
    status = status_of(data_sync(), overview(data_run(**run), turn=turn, unfinished=_cut_off(run), **known), NOW)
    if expected is None:
        assert status.next is None
        return
    assert status.next is not None
    assert status.next.at == expected[0]
    assert (status.next.reason or "").startswith(expected[1] or "")
    assert expected[1] is not None or status.next.reason is None


def _cut_off(run: dict[str, Any]) -> DataRun | None:
    return data_run(**run) if run.get("state") == "interrupted" else None


def test_the_next_run_reads_everything_when_that_is_due_by_then() -> None:
    last = data_run(mode="incremental", lists=False, walks=False, full=False, started_at=ago(minutes=11))
    # Ten minutes are left of the day when it is judged, and none when it starts.
    walk = data_run(started_at=ago(hours=24) + timedelta(minutes=4), ended_at=ago(hours=23))
    known = overview(newest=last, last_finished=last, last_look=last, last_walk=walk, last_full=walk)
    following = status_of(data_sync(), known, NOW).next
    assert following is not None
    assert following.mode is Mode.WALK


@pytest.mark.parametrize(("done", "left"), [(1, None), (5, None), (6, 2_940.0), (150, 60.0), (300, 0.0)])
def test_the_first_records_say_nothing_about_the_others(done: int, left: float | None) -> None:
    run = replace(under_way().newest, counts={"seen": done, "total": 300}, started_at=ago(hours=9))
    # It goes on with a run of hours ago; this process has been at it for a minute.
    running = RunningNow("me", ago(seconds=60), ago(seconds=1), alive=True)
    going = status_of(data_sync(), under_way(newest=run, running=running), NOW).going
    assert going is not None
    assert going.seconds_left == (None if left is None else pytest.approx(left))


def test_a_sync_that_never_ran_waits_for_a_full_one() -> None:
    status = status_of(data_sync(), SyncOverview(), NOW)
    assert status.full_wanted == "none was ever finished"
    assert status.next is not None
    assert (status.next.at, status.next.mode) == (NOW, Mode.FULL)
    assert (status.last, status.since_good, status.requests_a_day) == (None, None, None)


def test_another_mapping_wants_a_full_sync_at_once() -> None:
    changed = data_sync(data=Products(ProductSettings(currency="EUR")))
    status = status_of(changed, overview(), NOW)
    assert changed.data.digest != data_sync().data.digest
    assert status.full_wanted == "the mapping changed since the last one"
    assert status.next is not None
    assert (status.next.at, status.next.mode) == (NOW, Mode.FULL)


def test_a_run_under_way_shows_its_rate_and_the_time_left() -> None:
    status = status_of(data_sync(), under_way(), NOW)
    assert status.next is None
    assert status.cut_off is None
    going = status.going
    assert going is not None
    assert (going.mode, going.done, going.total, going.doing) == (Mode.FULL, 100, 300, "reading and writing")
    assert (going.per_second, going.seconds_left) == (1.0, 200.0)
    assert going.holder == "root@host pid 2: sync run"


def test_the_rate_of_a_run_that_another_process_goes_on_with_is_that_of_what_it_has_seen() -> None:
    counts = {"seen": 250, SEEN_BEFORE: 220, "total": 300}
    run = replace(under_way().newest, counts=counts, started_at=ago(hours=9))
    running = RunningNow("me", ago(seconds=60), ago(seconds=1), alive=True)
    going = status_of(data_sync(), under_way(newest=run, running=running), NOW).going
    assert going is not None
    assert (going.done, going.per_second, going.seconds_left) == (250, 0.5, 100.0)


def test_a_run_that_just_began_has_no_rate_yet() -> None:
    run = data_run(state="running", started_at=NOW, ended_at=None, counts={})
    going = status_of(data_sync(), under_way(newest=run), NOW).going
    assert going is not None
    assert (going.done, going.total, going.per_second, going.seconds_left) == (0, None, 0.0, None)


def test_a_run_that_was_cut_off_is_gone_on_with() -> None:
    status = status_of(data_sync(), under_way(running=None), NOW)
    assert status.going is None
    assert status.cut_off is not None
    assert status.cut_off.id == "run-2"
    assert status.next is not None
    assert (status.next.at, status.next.mode, status.next.reason) == (NOW, Mode.FULL, "an earlier run was cut off")


def test_a_process_that_is_gone_runs_nothing() -> None:
    gone = RunningNow("root@host pid 2: sync run", ago(hours=1), ago(minutes=9), alive=False)
    status = status_of(data_sync(), under_way(running=gone), NOW)
    assert (status.going, status.waiting) == (None, None)
    assert status.cut_off is not None


def test_what_a_limit_stopped_is_not_gone_on_with() -> None:
    stopped = data_run(id="run-2", state="stopped", ended_at=ago(minutes=5), message="4,000 would go")
    status = status_of(data_sync(), overview(newest=stopped, unfinished=stopped), NOW)
    assert status.cut_off is None
    assert status.last == stopped
    assert "The last run was stopped: 4,000 would go" in status.troubles
    assert status.next is not None
    assert (status.next.at, status.next.mode) == (ago(minutes=-5), Mode.FULL)


def test_between_two_runs_it_says_who_watches() -> None:
    watcher = RunningNow("root@host pid 3: sync watch", ago(hours=1), ago(seconds=3), alive=True)
    status = status_of(data_sync(), overview(running=watcher), NOW)
    assert (status.going, status.waiting) == (None, watcher)


@pytest.mark.parametrize("standing", [Standing.NEVER, Standing.CHANGED])
def test_what_was_not_applied_is_not_due(standing: Standing) -> None:
    assert status_of(data_sync(standing), overview(), NOW).next is None


def test_requests_are_read_from_the_counts_of_a_run() -> None:
    counts = {"seen": 3, "requests:ordercloud": 12, "requests:sparklayer": 7, "writes:sparklayer": 5}
    assert requests_in(counts) == {"ordercloud": Requests(12, 0, 0), "sparklayer": Requests(7, 5, 0)}


def test_requests_a_day_follow_from_the_intervals_and_the_last_walk() -> None:
    often, seldom = data_sync(interval=timedelta(minutes=1)), data_sync(interval=timedelta(hours=6))
    a_day = [status_of(sync, overview(), NOW).requests_a_day or 0 for sync in (often, seldom)]
    assert a_day[0] > 1440 > a_day[1] > 12


def test_a_run_of_few_records_is_not_reckoned_as_one_of_many() -> None:
    few, many = (
        status_of(data_sync(), overview(counts=LevelCounts(records=records)), NOW).requests_a_day or 0
        for records in (3, 30)
    )
    # Five products are looked at by their IDs, however many there are.
    assert many - few == 96 * 2


def test_of_seven_walks_one_reads_all_stock_as_it_did_last() -> None:
    skipped, whole = (data_run(counts={"requests:ordercloud": number}) for number in (3_300, 9_400))
    reads = [
        status_of(data_sync(), overview(last_whole=whole, last_walk=walk, last_spared=spared, **more), NOW)
        for walk, spared, more in (
            (whole, None, {}),
            (whole, skipped, {}),
            (skipped, skipped, {}),
            (whole, skipped, {"distrust": Distrust(ago(hours=1), "hammer")}),
        )
    ]
    first, *others, distrusted = [status.requests_a_day or 0 for status in reads]
    assert first == distrusted
    assert {first - each for each in others} == {9_400 - round((6 * 3_300 + 9_400) / 7)}


def test_light_walks_of_price_lists_are_reckoned_as_walks_until_there_was_one() -> None:
    lists: Any = PartyPrices(PartyPriceSettings("default"))
    counts = {"requests:ordercloud": 500}
    walked = overview(last_walk=data_run(counts=counts), last_look=data_run(counts=counts))
    a_day = status_of(data_sync(data=lists), walked, NOW).requests_a_day or 0
    assert 24 * 500 < a_day < 24 * 500 + 96 * 70


def test_requests_a_day_reckon_light_walks() -> None:
    counts = LevelCounts(records=10_000)
    often, seldom = data_sync(look_interval=timedelta(hours=1)), data_sync(look_interval=timedelta(hours=2))
    a_day = [status_of(sync, overview(counts=counts), NOW).requests_a_day or 0 for sync in (often, seldom)]
    # Half of the light walks are ordinary runs then.
    assert a_day[0] - a_day[1] == 12 * 203


# Drift


def found(sync: DataSync, known: SyncOverview, log: Log | None = None, **memory: Any) -> list[DriftItem]:
    if log is None:
        log = Log(SyncTimes(known.log.started, known.log.last_full, None, known.log.last_partial), 0)
    return list(drift_items(sync, known, log, Memory(**memory), NOW))


def test_what_keeps_its_promises_is_no_drift() -> None:
    assert found(data_sync(), overview()) == []


def test_what_lists_show_is_judged_on_freshness_since_they_were_compared() -> None:
    assert found(data_sync(), overview(data_run(started_at=ago(hours=2)))) == []
    (item,) = found(data_sync(), overview(data_run(started_at=ago(hours=2, minutes=1))))
    assert (item.cause, item.kind, item.name, item.change) == (Cause.DATA_STALE, "DataSync", "shop", None)
    assert item.message == (
        "What lists show of product, stock and prices: last compared 2 h 1 min ago, 2 h are promised; "
        "the next run compares it"
    )
    assert item.next_steps[0] == "reconciler sync run shop -e production"


def test_the_rest_is_judged_on_walk_interval_and_freshness() -> None:
    look = data_run(id="run-2", mode="light", walks=False, full=False)
    walk = data_run(started_at=ago(hours=26), ended_at=ago(hours=25))
    known = overview(walk, newest=look, last_finished=look, last_look=look)
    assert found(data_sync(), known) == []
    (item,) = found(data_sync(walk_interval=timedelta(hours=23)), known)
    assert item.message == (
        "The inside of variants, stock that moves between places or variants and surcharges of variants: "
        "last compared 1 d 2 h ago, 1 d 1 h are promised; the next run compares it"
    )


def test_what_stamps_may_hide_is_judged_on_seven_walks() -> None:
    known, whole = overview(), data_run()
    kept, late = (replace(whole, started_at=ago(days=7, hours=hours)) for hours in (13, 15))
    assert found(data_sync(), replace(known, last_whole=kept)) == []
    (item,) = found(data_sync(), replace(known, last_whole=late))
    assert item.message == (
        "Stock that moved though Inventory.LastUpdated did not: last compared 7 d 15 h ago, 7 d 14 h are promised; "
        "the next run compares it"
    )


def test_status_says_when_stock_was_read_whatever_stamps_say_and_why_none_is_leant_on() -> None:
    known = overview(data_run(), last_whole=replace(data_run(), started_at=ago(days=3)))
    said = text_of(known)
    assert (
        "stock that moved though Inventory.LastUpdated did not: compared 3 d ago, again in 4 d; 7 d 14 h promised"
        in said
    )
    said = text_of(replace(known, distrust=Distrust(ago(hours=2), "hammer\x1b[2J")))
    assert "though Inventory.LastUpdated did not: found of hammer" in said
    assert "2 h ago, so every walk reads all of it" in said
    assert "\x1b" not in said
    assert said.count("though Inventory.LastUpdated did not") == 1


def test_a_mapping_that_looks_at_inventory_records_leans_on_no_stamp() -> None:
    data = Products(product_settings_of(products=mapping(variants_restockDate="InventoryRecords[0].xp.at")))
    assert status_of(data_sync(data=data), overview(), NOW).whole is None


def text_of(known: SyncOverview) -> str:
    """Return what `sync status` prints, on one line."""
    return " ".join(statuses_to_text("production", NOW, [status_of(data_sync(), known, NOW)]).split())


def test_a_run_that_looked_at_nothing_makes_nothing_fresh() -> None:
    old = data_run(started_at=ago(hours=3))
    incremental = data_run(id="run-2", mode="incremental", lists=False, walks=False, full=False)
    (item,) = found(data_sync(), overview(old, newest=incremental, last_finished=incremental))
    assert item.cause is Cause.DATA_STALE


def test_each_part_says_when_it_was_compared_and_will_be() -> None:
    look = data_run(id="run-2", mode="light", walks=False, full=False)
    walk = data_run(started_at=ago(hours=4), ended_at=ago(hours=3))
    status = status_of(data_sync(), overview(walk, newest=look, last_finished=look, last_look=look), NOW)
    assert [part.part for part in status.compared] == ["product", "stock", "prices"]
    for part in status.compared:
        assert (part.shown.last_at, part.shown.next_at) == (ago(minutes=15), ago(minutes=-45))
        assert (part.inside.last_at, part.inside.next_at) == (ago(hours=4), ago(hours=-20))
        assert (part.shown.promised, part.inside.promised) == (timedelta(hours=2), timedelta(hours=26))


def test_what_was_never_compared_is_with_the_next_run() -> None:
    parts = status_of(data_sync(), SyncOverview(), NOW).compared
    assert {(part.shown.last_at, part.shown.next_at, part.inside.last_at) for part in parts} == {(None, NOW, None)}


def test_a_light_walk_is_next_when_it_is_due_by_then() -> None:
    last = data_run(mode="incremental", lists=False, walks=False, full=False)
    walk = data_run(started_at=ago(minutes=56), ended_at=ago(minutes=50))
    following = status_of(data_sync(), overview(walk, newest=last, last_finished=last), NOW).next
    assert following is not None
    assert following.mode is Mode.LIGHT


def test_a_failed_run_does_not_make_old_data_fresh() -> None:
    old, failed = data_run(ended_at=ago(hours=3)), data_run(id="run-2", state="failed", ended_at=ago(minutes=1))
    (item,) = found(data_sync(), overview(old, newest=failed, unfinished=failed))
    assert item.cause is Cause.DATA_STALE


def test_a_first_full_sync_that_never_comes_is_drift_once_the_promise_has_passed() -> None:
    just_applied, applied = data_sync(applied_at=ago(hours=1)), data_sync(applied_at=ago(hours=3))
    assert found(just_applied, SyncOverview()) == []
    (item,) = found(applied, SyncOverview())
    assert item.cause is Cause.DATA_STALE
    assert "No full sync was ever finished" in str(item.message)


def test_what_was_never_applied_promises_nothing() -> None:
    assert found(data_sync(Standing.NEVER, applied_at=ago(days=9)), SyncOverview()) == []


def test_too_many_open_problems_are_drift() -> None:
    at_the_limit = overview(counts=LevelCounts(records=900, problems=500))
    assert found(data_sync(), at_the_limit) == []
    (item,) = found(data_sync(), overview(counts=LevelCounts(records=900, problems=501)))
    assert item.cause is Cause.OPEN_PROBLEMS
    assert item.message == "501 open problems, and 500 are allowed"
    assert item.next_steps[0] == "reconciler sync errors shop -e production"


@pytest.mark.parametrize(
    ("left", "percent", "passed"), [(9, 10.0, True), (1, 10.0, False), (1, 0.0, True), (9, 100.0, False)]
)
def test_what_is_to_be_discontinued_is_advised_with_the_limit_passed_where_it_would_stop(
    left: int, percent: float, passed: bool
) -> None:
    leaving = replace(data_sync(max_delete_percent=percent), leaving=True)
    (item,) = found(leaving, overview(counts=LevelCounts(records=left)))
    assert item.cause is Cause.UNREMOVED
    options = " --override maxDeletePercent --reason …" if passed else ""
    assert item.next_steps[0] == f"reconciler sync run shop -e production{options}"


FOREIGN = {
    "gone": None,
    "another start": Log(SyncTimes(ago(days=2), ago(minutes=10)), 0),
    "another end": Log(SyncTimes(ago(minutes=15), ago(minutes=9)), 0),
    "never ended": Log(SyncTimes(ago(minutes=15), None), 0),
    "a partial sync that is not ours": Log(SyncTimes(ago(minutes=15), ago(minutes=10), None, ago(minutes=1)), 0),
}


@pytest.mark.parametrize("which", FOREIGN)
def test_a_sync_log_that_is_not_ours_is_drift(which: str) -> None:
    (item,) = drift_items(data_sync(), overview(), FOREIGN[which], Memory(), NOW)
    assert item.cause is Cause.FOREIGN_SYNC_LOG
    assert item.next_steps[0] == "reconciler sync run shop -e production --verify"


def test_a_sync_log_is_not_judged_while_a_run_may_be_writing_it() -> None:
    # A ledger that never wrote one has nothing to compare with, either.
    for known in (under_way(), under_way(unfinished=None), under_way(running=None), overview(log=LogDates())):
        assert list(drift_items(data_sync(), known, FOREIGN["another start"], Memory(), NOW)) == []


def test_somebody_who_watches_does_not_hide_a_foreign_log() -> None:
    watcher = RunningNow("root@host pid 3: sync watch", ago(hours=1), ago(seconds=3), alive=True)
    assert len(list(drift_items(data_sync(), overview(running=watcher), None, Memory(), NOW))) == 1


def test_drift_of_data_can_be_snoozed() -> None:
    snooze = Snooze("DataSync", "shop", NOW + timedelta(days=1), "stocktaking", "me")
    over = replace(snooze, until=ago(minutes=1))
    old = overview(data_run(ended_at=ago(hours=3)))
    (item,) = found(data_sync(), old, snoozes=(snooze,))
    assert (item.snoozed_until, item.snooze_reason) == (snooze.until, "stocktaking")
    (item,) = found(data_sync(), old, snoozes=(over,))
    assert item.snoozed_until is None


def test_a_sync_that_ended_in_the_future_is_told_as_a_clock_that_is_wrong() -> None:
    status = status_of(data_sync(), overview(data_run(ended_at=ago(hours=-23))), NOW)
    assert any("ended 23 h in the future: a clock is wrong" in words for words in status.troubles)


NO_SKUS = CodeCount("no-sku", 9, tuple(f"p{n}" for n in range(9)), 9)


@pytest.mark.parametrize(
    ("held", "records", "allowed", "too_much"),
    [(9, 9, 10.0, True), (2, 2, 10.0, False), (3, 29, 10.0, True), (3, 30, 10.0, False), (1, 100, 0.0, True)],
)
def test_too_much_that_is_held_back_is_drift_of_its_own(
    held: int, records: int, allowed: float, too_much: bool
) -> None:
    sync = data_sync(max_held_back_percent=allowed)
    known = replace(overview(), counts=LevelCounts(records=records + 5, gone=5, held_back=held), codes=(NO_SKUS,))
    status = status_of(sync, known, NOW)
    causes = [
        item.cause
        for item in drift_items(sync, known, Log(SyncTimes(known.log.started, known.log.last_full), 0), Memory(), NOW)
    ]
    assert status.held_back.is_too_much is too_much
    assert causes == ([Cause.HELD_BACK] if too_much else [])
    assert any("held back" in words for words in status.troubles) is too_much


@pytest.mark.parametrize(
    ("ids", "expression"),
    [
        ([f"p{n}/red-{n}" for n in range(9)], '"xp.SKU || ID"'),
        ([f"p{n}/red" for n in range(9)], "\"xp.SKU || join('-', [Product.ID, ID])\""),
    ],
)
def test_a_remedy_gives_most_variants_a_sku_of_their_own(ids: list[str], expression: str) -> None:
    held = held_back(data_sync().data, 10, 9, 9, [CodeCount("no-sku", 9, tuple(ids), 9)])
    assert expression in (held.remedy or "")


@pytest.mark.parametrize("code", ["no-sku", "no-name"])
def test_a_data_sync_without_products_is_given_no_mapping_that_would_make_products_flow(code: str) -> None:
    data = Products(product_settings_of(products=None))
    assert Part.PRODUCT not in data.settings.parts
    remedy = held_back(data, 10, 9, 9, [replace(NO_SKUS, code=code)]).remedy
    assert "products.mapping" not in (remedy or "")
    assert ("`xp.SKU` at the source" in (remedy or "")) == (code == "no-sku")


def test_no_remedy_is_offered_for_few_or_for_what_is_mapped_already() -> None:
    mapped = Products(product_settings_of(products=mapping(**{"variants.sku": "ID"})))
    assert held_back(mapped, 10, 9, 9, [NO_SKUS]).remedy is None
    assert held_back(data_sync().data, 10, 20, 20, [NO_SKUS]).remedy is None


def test_what_should_have_been_compared_by_now_will_be_as_soon_as_a_run_can_start() -> None:
    run = data_run(started_at=ago(days=9), ended_at=ago(days=9))
    known = overview(run)
    assert {part.inside.next_at for part in parts_compared(data_sync(), known, NOW)} == {NOW}


def test_deliveries_are_told_with_what_waits_and_since_when() -> None:
    minutes = ((ago(minutes=1), 7),)
    types = (
        TypeCount("product.updated", "placed", 40, ago(minutes=1)),
        TypeCount("cart\x1b[31m", "unknown", 2, ago(minutes=3)),
    )
    unknown = (UnknownMessage("cart\x1b[31m", ("ID",), ago(minutes=3)),)
    inbox = SyncInbox(InboxOverview(types, minutes, 1, ago(minutes=2), unknown), ago(minutes=5))
    status = status_of(data_sync(), replace(overview(), inbox=inbox, counts=LevelCounts(records=9, open=3)), NOW)
    found = status.deliveries
    assert found is not None
    assert (found.taken, found.last_at, found.placed, found.unknown, found.later) == (42, ago(minutes=1), 40, 2, 1)
    assert (found.waiting, found.waiting_since, found.last_minute) == (3, ago(minutes=5), 7)
    text = " ".join(statuses_to_text("test", NOW, [status]).split())
    assert "42 messages taken, the last one 1 min ago, 2 unknown" in text
    assert "3 records waiting, and what depends on 1 message, the oldest for 5 min" in text
    assert "\x1b" not in text
    assert "prices: walked, as no walk has measured it yet" in text


def test_without_a_message_nothing_is_said_of_deliveries() -> None:
    assert status_of(data_sync(), overview(), NOW).deliveries is None
