"""Which run is due: the first full sync, a walk, what changed; and which run that was cut off goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.ledger.data.model import CANCELLED, FINISHED, INTERRUPTED, RUNNING, STOPPED, DataRun
from reconciler.sync.mode import Mode
from reconciler.sync.products.datatype import Products
from reconciler.sync.products.model import Part
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.run.due import Past, choose, may_spare, walks_spare
from reconciler.sync.settings import SyncSettings
from support.engine import Things
from support.sync_samples import PRODUCTS

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SETTINGS = SyncSettings(
    name="shop",
    integration="ordercloud",
    interval=timedelta(minutes=15),
    look_interval=timedelta(hours=1),
    walk_interval=timedelta(hours=24),
    freshness=timedelta(hours=2),
    max_held_back_percent=10,
    max_open_problems=500,
    max_delete_percent=10,
)


def run(mode: Mode, hours_ago: float, state: str = FINISHED, config: str = "same") -> DataRun:
    return DataRun(
        id="run",
        mode=mode.value,
        lists=mode.lists,
        walks=mode.walks,
        full=mode.is_full,
        state=state,
        holder="somebody",
        started_at=NOW - timedelta(hours=hours_ago),
        watermark=NOW - timedelta(hours=hours_ago),
        listed=False,
        log_opened=False,
        completed_at=None,
        ended_at=None,
        config=config,
        counts={},
        message=None,
        cancel_requested=False,
    )


def past(
    full_hours_ago: float, walk_hours_ago: float, unfinished: DataRun | None = None, look_hours_ago: float = 0.1
) -> Past:
    full = run(Mode.FULL, full_hours_ago)
    look, walk = run(Mode.LIGHT, look_hours_ago), run(Mode.WALK, walk_hours_ago)
    return Past(
        newest=unfinished or full, unfinished=unfinished, last=full, last_look=look, last_walk=walk, last_full=full
    )


def test_the_first_run_is_a_full_sync() -> None:
    choice = choose(None, Past(), SETTINGS, "same", NOW)
    assert choice.mode is Mode.FULL
    assert choice.reason == "there was no full sync yet"


def test_after_the_mapping_changed_a_full_sync_is_due() -> None:
    assert choose(None, past(1, 1), SETTINGS, "another", NOW).mode is Mode.FULL


@pytest.mark.parametrize(("hours", "mode"), [(1, Mode.INCREMENTAL), (23.9, Mode.INCREMENTAL), (24, Mode.WALK)])
def test_a_walk_is_due_when_its_interval_has_passed(hours: float, mode: Mode) -> None:
    assert choose(None, past(100, hours), SETTINGS, "same", NOW).mode is mode


@pytest.mark.parametrize(("hours", "mode"), [(0.9, Mode.INCREMENTAL), (1, Mode.LIGHT), (30, Mode.LIGHT)])
def test_a_light_walk_is_due_when_its_interval_has_passed(hours: float, mode: Mode) -> None:
    assert choose(None, past(100, 3, look_hours_ago=hours), SETTINGS, "same", NOW).mode is mode


def test_a_ledger_that_knows_of_no_light_walk_wants_one_and_a_walk_is_as_good() -> None:
    assert choose(None, replace(past(1, 1), last_look=None), SETTINGS, "same", NOW).mode is Mode.LIGHT
    assert choose(None, past(100, 24, look_hours_ago=24), SETTINGS, "same", NOW).mode is Mode.WALK


@pytest.mark.parametrize("state", [STOPPED, CANCELLED, INTERRUPTED])
def test_a_light_walk_that_was_not_finished_is_still_to_be_done_unless_more_is_due(state: str) -> None:
    cut_off = replace(past(1, 1), newest=run(Mode.LIGHT, 0.5, state))
    assert choose(None, cut_off, SETTINGS, "same", NOW).mode is Mode.LIGHT
    assert choose(None, replace(cut_off, last_walk=run(Mode.WALK, 25)), SETTINGS, "same", NOW).mode is Mode.WALK


@pytest.mark.parametrize("state", [STOPPED, CANCELLED, INTERRUPTED])
def test_a_walk_that_was_not_finished_is_still_to_be_done(state: str) -> None:
    before = past(1, 1)
    cut_off = replace(before, newest=run(Mode.VERIFY, 30, state))
    assert choose(None, cut_off, SETTINGS, "same", NOW).mode is Mode.VERIFY


def test_what_is_asked_for_is_done() -> None:
    assert choose(Mode.REWRITE, past(1, 1), SETTINGS, "same", NOW).mode is Mode.REWRITE


@pytest.mark.parametrize("state", [RUNNING, INTERRUPTED])
def test_a_run_that_was_cut_off_goes_on(state: str) -> None:
    cut_off = run(Mode.VERIFY, 1, state)
    choice = choose(None, past(5, 5, cut_off), SETTINGS, "same", NOW)
    assert (choice.mode, choice.resume) == (Mode.VERIFY, cut_off)


def test_it_goes_on_where_no_more_is_asked_for() -> None:
    cut_off = run(Mode.VERIFY, 1, INTERRUPTED)
    assert choose(Mode.FULL, past(5, 5, cut_off), SETTINGS, "same", NOW).resume is cut_off


@pytest.mark.parametrize(
    ("cut_off", "asked", "config"),
    [
        (run(Mode.FULL, 1, INTERRUPTED), Mode.VERIFY, "same"),
        (run(Mode.FULL, 1, INTERRUPTED), None, "another"),
        (run(Mode.FULL, 25, INTERRUPTED), None, "same"),
        (run(Mode.FULL, 1, STOPPED), None, "same"),
    ],
    ids=["more is asked for", "the mapping changed", "it is old", "a limit stopped it"],
)
def test_else_a_new_one_begins(cut_off: DataRun, asked: Mode | None, config: str) -> None:
    assert choose(asked, past(5, 5, cut_off), SETTINGS, config, NOW).resume is None


def test_a_run_that_was_cut_off_before_it_began_anything_does_not_go_on_and_the_next_does_no_less() -> None:
    nothing = replace(run(Mode.VERIFY, 1, INTERRUPTED), watermark=None)
    choice = choose(None, past(1, 1, nothing), SETTINGS, "same", NOW)
    assert (choice.mode, choice.resume) == (Mode.VERIFY, None)


@pytest.mark.parametrize(
    ("mode", "past", "may"),
    [
        (Mode.WALK, Past(last_whole=run(Mode.FULL, 25)), True),
        (Mode.WALK, Past(last_whole=run(Mode.WALK, 6 * 24 + 5)), True),
        (Mode.WALK, Past(last_whole=run(Mode.WALK, 7 * 24)), False),
        (Mode.WALK, Past(), False),
        (Mode.WALK, Past(last_whole=run(Mode.WALK, -2)), False),
        (Mode.WALK, Past(last_whole=run(Mode.FULL, 25), distrusts=True), False),
        *((mode, Past(last_whole=run(Mode.FULL, 25)), False) for mode in (Mode.FULL, Mode.VERIFY, Mode.REWRITE)),
    ],
)
def test_only_walks_skip_and_not_every_seventh_nor_once_a_stamp_proved_nothing(
    mode: Mode, past: Past, may: bool
) -> None:
    assert may_spare(mode, past, timedelta(hours=24), NOW) is may


def test_no_walk_skips_that_measures_messages() -> None:
    measures = replace(SETTINGS, heard_walk_interval=timedelta(days=7))
    assert walks_spare(PRODUCTS, SETTINGS)
    assert not walks_spare(PRODUCTS, measures)
    without_stock = Products(ProductSettings(parts=frozenset({Part.PRODUCT})))
    assert not walks_spare(without_stock, SETTINGS)
    assert not walks_spare(Things({}), SETTINGS)
