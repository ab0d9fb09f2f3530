"""What a sweep asks the ledger: what waits in every scope, and when the next attempt at a run is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.data.inbox_model import Later
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.obeyed import AppliedSettings
from reconciler.ledger.data.overview import sync_overview
from reconciler.ledger.data.runs import Cancelled
from reconciler.ledger.data.service_model import Turn
from reconciler.ledger.data.turns import NewestRun, TurnStore, Waits
from reconciler.ledger.inbox_tables import inbox_messages, inboxes
from reconciler.ledger.writer import Ledger

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
OTHER = DataScope("other", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def ledger(ledger_url):
    with Ledger.open(ledger_url, lambda: NOW) as found:
        yield found


def waits(ledger, scope=SCOPE):
    now, found = TurnStore(ledger.database).waits([scope.environment])
    assert now == NOW
    return found.get(scope)


def run(ledger, state="finished"):
    store = ledger.store(SCOPE)
    with store.lock("me"):
        made = store.runs.begin("full", "digest", "me", NOW, walks=True, full=True).id
        store.runs.end(made, state, NOW)
    return made


def test_nothing_waits_where_nothing_was_applied(ledger):
    assert waits(ledger) is None
    ledger.store(SCOPE)
    assert waits(ledger) == Waits()


def test_what_was_applied_and_what_became_of_the_newest_run_is_told(ledger):
    AppliedSettings(ledger.database).remember("test", {SCOPE: "digest"}, [], None)
    run(ledger, "stopped")
    newest = run(ledger)
    assert waits(ledger) == Waits(applied="digest", newest=NewestRun(newest, "finished", "digest", NOW))
    assert waits(ledger, OTHER) is None


def test_who_runs_it_now_is_seen(ledger):
    with ledger.store(SCOPE).lock("me"):
        assert waits(ledger).locked
    assert not waits(ledger).locked


def test_a_run_is_wanted_until_one_begins(ledger):
    ledger.store(SCOPE).runs.want("request", "full")
    assert waits(ledger).wanted
    store = ledger.store(SCOPE)
    with store.lock("me"):
        store.runs.begin("full", "digest", "me", NOW, walks=True, full=True, takes=["full"])
    assert not waits(ledger).wanted


def test_a_run_that_is_cancelled_is_followed_by_one_that_it_does_not_do(ledger):
    store = ledger.store(SCOPE)
    assert store.runs.cancel() is None
    store.runs.want("before", "full")
    with store.lock("me"):
        store.runs.begin("full", "digest", "me", NOW, walks=True, full=True, takes=["full"])
        assert store.runs.cancel() == Cancelled(follows=False)
        store.runs.want("meanwhile", "full")
        assert store.runs.cancel() == Cancelled(follows=True)


@pytest.mark.parametrize(("state", "is_still_wanted"), [("cancelled", False), ("interrupted", True)])
def test_what_a_cancelled_run_was_to_do_is_wanted_no_more(ledger, state, is_still_wanted):
    store = ledger.store(SCOPE)
    store.runs.want("request", "full")
    with store.lock("me"):
        made = store.runs.begin("full", "digest", "me", NOW, walks=True, full=True, takes=["full"]).id
        store.runs.end(made, state, NOW)
    assert bool(store.runs.wanted()) is is_still_wanted


def test_a_record_is_ready_once_it_is_its_time(ledger):
    store = ledger.store(SCOPE)
    store.records.want(["a"])
    assert waits(ledger).ready
    with store.lock("me"):
        store.records.failed("a", 1, NOW + timedelta(hours=1))
    assert not waits(ledger).ready
    with store.lock("me"):
        store.records.failed("a", 2, NOW - timedelta(hours=1))
    assert waits(ledger).ready


def test_a_message_from_which_more_is_to_be_raised_is_to_be_worked_off(ledger):
    ledger.store(SCOPE)
    later = Later("ScheduleChanged", {"data_type": "products"}, taken_at=NOW)

    def take(tx):
        tx.connection.execute(
            inboxes.insert().values(id=1, environment="test", target=SCOPE.target, integration=SCOPE.integration)
        )
        tx.connection.execute(
            inbox_messages.insert().values(inbox=1, type=later.type, names=dict(later.names), taken_at=NOW)
        )

    ledger.database.run(take)
    assert waits(ledger).ready


def test_a_turn_is_noted_by_the_ledgers_clock_and_replaces_the_one_before(ledger):
    turns = TurnStore(ledger.database)
    turns.note(SCOPE, "one", timedelta(minutes=15), 0)
    assert waits(ledger).turn == Turn("one", NOW + timedelta(minutes=15), 0)
    turns.note(SCOPE, "two", None, 3)
    assert waits(ledger).turn == Turn("two", None, 3)


def test_status_has_the_turn_that_is_about_the_newest_run_and_no_older_one(ledger):
    def known():
        return ledger.database.run(lambda tx: sync_overview(tx.connection, [SCOPE], NOW, NOW))[SCOPE].turn

    turns, newest = TurnStore(ledger.database), run(ledger)
    turns.note(SCOPE, newest, timedelta(minutes=2), 1)
    assert known() == Turn(newest, NOW + timedelta(minutes=2), 1)
    run(ledger)
    assert known() is None


def test_who_notes_an_older_run_late_puts_off_nothing_of_the_newer_one(ledger):
    turns, older = TurnStore(ledger.database), run(ledger)
    turns.note(SCOPE, older, timedelta(), 1)
    run(ledger, "interrupted")
    turns.note(SCOPE, older, timedelta(minutes=15), 0)
    assert waits(ledger).turn == Turn(older, NOW, 1)
