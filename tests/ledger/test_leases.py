"""Leases in the ledger: several on one sync, signs of life, extension up to a limit, what we did last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.config.entries import Noted
from reconciler.ledger.config.model import LiveObject, PauseEvent
from reconciler.ledger.overview import memory
from reconciler.ledger.writer import Ledger
from reconciler.pause.lease import SILENCE, Around, Lease, Was, Why

API = "https://api.example/v1"
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
TARGET = LiveObject(API, "ProductSync", "productsync")
HOUR = timedelta(hours=1)


@pytest.fixture
def clock():
    return [START]


@pytest.fixture
def ledger(ledger_url, clock):
    with Ledger.open(ledger_url, clock=lambda: clock[0]) as opened:
        yield opened


def lease(owner, **changes):
    return Lease(TARGET.kind, TARGET.id, owner, START, "load", api_url=API, **changes)


def test_several_leases_hold_one_sync_and_all_know_what_live_was(ledger, clock):
    (ann,) = ledger.take_leases([lease("ann", was=Was.PAUSED)], HOUR)
    clock[0] += HOUR / 2
    (bob,) = ledger.take_leases([lease("bob", was=Was.RUNNING)], HOUR)
    assert (ann.until, bob.until) == (START + HOUR, START + 1.5 * HOUR)
    found, now = ledger.leases([API])
    assert [(each.owner, each.was, each.is_active(now)) for each in found] == [
        ("ann", Was.RUNNING, True),
        ("bob", Was.RUNNING, True),
    ]
    ledger.release_leases([ann.lease_id])
    ledger.remove_leases([bob.lease_id])
    ((left,), now) = ledger.leases([API])
    assert left.end(now).why is Why.GIVEN_BACK


def test_a_sign_of_life_keeps_a_lease_and_extends_it_up_to_a_limit(ledger, clock):
    (ours,) = ledger.take_leases([lease("job", around=Around(START))], HOUR)
    ids = [ours.lease_id]
    clock[0] += HOUR / 2
    assert ledger.leases([API])[0][0].end(clock[0]).why is Why.SILENT
    assert ledger.renew_leases(ids) == HOUR / 2
    assert ledger.leases([API])[0][0].is_active(clock[0] + SILENCE / 2)
    assert ledger.renew_leases(ids, HOUR, 2 * HOUR) == HOUR
    clock[0] += HOUR / 2
    clock[0] += HOUR / 4
    assert ledger.renew_leases(ids, HOUR, 2 * HOUR) == 0.75 * HOUR
    clock[0] += HOUR
    assert ledger.renew_leases(ids, HOUR, 2 * HOUR) is None
    ledger.release_leases(ids)
    assert ledger.renew_leases(ids, HOUR, 2 * HOUR) is None


def test_a_holder_on_this_machine_that_lives_is_not_dead(ledger, clock):
    ledger.take_leases([lease("job", around=Around(START))], HOUR)
    ((found,), now) = ledger.leases([API])
    assert not found.around.is_dead
    assert found.is_active(now)


def test_what_we_did_last_comes_first_with_its_verdict(ledger, clock):
    paused = PauseEvent(TARGET, True, "lease", "me", START)
    ledger.record("run", [Noted("Widget/a", "applied", pause=paused)])
    clock[0] += HOUR
    resumed = PauseEvent(TARGET, False, "overdue", "me", START, START + HOUR / 2)
    ledger.record("run", [Noted("Widget/a", "applied", pause=resumed)])
    ledger.log_verdict(TARGET, "verified", 240)
    events = ledger.database.run(lambda tx: memory(tx, "test", [API]), writes=False).pauses
    assert [(each.paused, each.verdict, each.seconds) for each in events] == [
        (False, "verified", 240),
        (True, None, None),
    ]
    assert events[0].done_at - events[0].due_at == HOUR / 2
