"""One look at a ledger tells all environments of a process whether they have to look closer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.clock import utc_now
from reconciler.ledger.access import Access, SharedAccess
from reconciler.ledger.config.model import LiveObject
from reconciler.ledger.config.moves import MoveStore
from reconciler.ledger.pulse import Pulse
from reconciler.ledger.url import parse
from reconciler.ledger.writer import Ledger
from reconciler.pause.lease import Lease

ONE, OTHER = "https://api#one", "https://api#other"


def target(api_url: str, kind: str = "Widget") -> LiveObject:
    return LiveObject(api_url, kind, "shop")


def test_it_tells_what_was_applied_leased_restored_or_disconnected_and_where(ledger_url: str) -> None:
    place, access = parse(ledger_url), Access()
    assert access.pulse(place, "Widget") == Pulse()
    with Ledger.open(ledger_url) as ledger:
        ledger.remember_settled([(target(ONE), {"size": 1}), (target(ONE, "Other"), {})])
        first = access.pulse(place, "Widget")
        assert set(first.applied) == {ONE}
        assert first.mark("test", OTHER) == (frozenset(), None)
        ledger.remember_settled([(target(ONE), {"size": 2})])
        second = access.pulse(place, "Widget")
        assert second.mark("test", ONE) != first.mark("test", ONE)
        assert second.mark("test", OTHER) == first.mark("test", OTHER)
        ledger.take_leases([Lease("Widget", "shop", "me", utc_now(), "load", api_url=OTHER)], timedelta(hours=1))
        moves = MoveStore(ledger.database)
        restored_at = moves.restored([ONE])
        third = access.pulse(place, "Widget")
        assert (third.leased, third.restored) == ({OTHER}, {ONE})
        moves.checked([ONE], restored_at)
        assert access.pulse(place, "Widget").restored == frozenset()


def test_all_of_a_process_share_one_look(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, access = parse(ledger_url), SharedAccess()
    looks: list[Pulse] = []
    monkeypatch.setattr(Access, "pulse", lambda *_: looks.append(Pulse()) or looks[-1])
    try:
        assert {id(access.pulse(place, "Widget")) for _ in range(200)} == {id(looks[0])}
        assert len(looks) == 1
    finally:
        access.close()
