"""Leases: when one is over and why, what live was before it, and what becomes of a sync when the last has ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.pause.declared import DeclaredPause
from reconciler.pause.holding import Fate, Last, fate, was_before
from reconciler.pause.lease import SILENCE, Around, End, Lease, Was, Why

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACTIVE = DeclaredPause(True, NOW + HOUR, "load")
ENDED = DeclaredPause(True, NOW - HOUR, "load")


def lease(**changes):
    settings = {"kind": "ProductSync", "id": "products", "owner": "ann", "until": NOW + HOUR, "reason": "load"}
    return Lease(**(settings | {"taken_at": NOW - HOUR} | changes))


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({}, None),
        ({"until": NOW}, End(NOW, Why.ENDED)),
        ({"until": NOW + timedelta(seconds=1)}, None),
        ({"released_at": NOW - HOUR}, End(NOW - HOUR, Why.GIVEN_BACK)),
        ({"around": Around(NOW - SILENCE + timedelta(seconds=1))}, None),
        ({"around": Around(NOW - SILENCE)}, End(NOW, Why.SILENT)),
        (
            {"around": Around(NOW - timedelta(seconds=9), is_dead=True)},
            End(NOW - timedelta(seconds=9), Why.HOLDER_DEAD),
        ),
        ({"around": Around(NOW), "until": NOW - HOUR}, End(NOW - HOUR, Why.ENDED)),
        # Without a command nobody has to be there for it.
        ({"around": None, "taken_at": NOW - 99 * HOUR}, None),
    ],
)
def test_a_lease_is_over_at_its_end_when_given_back_and_with_its_holder(changes, end):
    assert lease(**changes).end(NOW) == end
    assert lease(**changes).is_active(NOW) == (end is None)


@pytest.mark.parametrize(
    ("paused", "others", "declared", "last", "was"),
    [
        (False, [], None, None, Was.RUNNING),
        (True, [], None, None, Was.PAUSED),
        (True, [], ACTIVE, None, Was.DECLARED),
        (True, [], ENDED, None, Was.DECLARED),
        # We resumed it after its end: what pauses it now is somebody else.
        (True, [], ENDED, Last(False, NOW - HOUR / 2), Was.PAUSED),
        (True, [], ENDED, Last(True, NOW - 2 * HOUR), Was.DECLARED),
        (True, [], DeclaredPause(False), None, Was.PAUSED),
        # What another lease has paused was before it what that found.
        (True, [lease(was=Was.RUNNING)], None, None, Was.RUNNING),
        (True, [lease(was=Was.PAUSED)], ACTIVE, None, Was.PAUSED),
        # Somebody resumed it meanwhile: that is what it was before the new one.
        (False, [lease(was=Was.PAUSED)], None, None, Was.RUNNING),
    ],
)
def test_what_live_was_before_a_lease(paused, others, declared, last, was):
    assert was_before(paused, others, declared, NOW, last) is was


OVER = {"released_at": NOW}


@pytest.mark.parametrize(
    ("paused", "leases", "declared", "expected"),
    [
        (True, [lease(**OVER)], None, Fate.RESUME),
        (True, [lease(**OVER), lease()], None, Fate.HELD),
        (False, [lease(**OVER)], None, Fate.RUNS),
        (True, [lease(**OVER)], ACTIVE, Fate.DECLARED),
        (True, [lease(**OVER)], ENDED, Fate.RESUME),
        (True, [lease(**OVER)], DeclaredPause(True), Fate.DECLARED),
        (True, [lease(**OVER, was=Was.PAUSED)], None, Fate.LEFT),
        (True, [lease(**OVER, was=Was.DECLARED)], None, Fate.RESUME),
    ],
)
def test_a_sync_runs_again_when_nothing_holds_it_any_more(paused, leases, declared, expected):
    assert fate(paused, leases, declared, NOW) is expected
