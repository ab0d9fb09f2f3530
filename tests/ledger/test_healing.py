"""The ledger remembers since when drift is seen, what was healed within a day, and the commits applied last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.ledger.reader import Ledgers
from reconciler.ledger.writer import Ledger
from support import postgres

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAUSE, WINDOW = ("EntitySync/buyers", "undeclared-pause"), ("ProductSync/products", "window")


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    made = postgres.new_ledger()
    yield made
    postgres.drop(made)


def test_drift_is_seen_since_it_was_seen_first_without_a_break(url: str) -> None:
    clock = Clock()
    with Ledger.open(url, clock) as ledger:

        def see(*drifts: tuple[str, str], all_seen: bool = True) -> dict[tuple[str, str], datetime]:
            clock.now += timedelta(minutes=1)
            return dict(ledger.see_drift("test", drifts, all_seen=all_seen, leave_out=()).seen)

        assert see(PAUSE) == {PAUSE: NOW + timedelta(minutes=1)}
        assert see(PAUSE, WINDOW) == {PAUSE: NOW + timedelta(minutes=1), WINDOW: NOW + timedelta(minutes=2)}
        assert see(WINDOW, all_seen=False)[PAUSE] == NOW + timedelta(minutes=1)  # nobody looked at it
        assert see(WINDOW) == {WINDOW: NOW + timedelta(minutes=2)}
        assert see(PAUSE)[PAUSE] == NOW + timedelta(minutes=5)
        assert ledger.see_drift("other", (), all_seen=True, leave_out=()).seen == {}
        assert see(PAUSE)[PAUSE] == NOW + timedelta(minutes=5)


def test_healing_counts_for_a_day_and_by_its_cause(url: str) -> None:
    clock = Clock()
    with Ledger.open(url, clock) as ledger:
        for hours in (0, 1, 20):
            clock.now = NOW + timedelta(hours=hours)
            ledger.begin_healing("test", [PAUSE, WINDOW])
        ledger.begin_healing("other", [PAUSE])

        def healed(hours: float, *leave_out: str) -> dict[str, int]:
            clock.now = NOW + timedelta(hours=hours)
            return dict(ledger.see_drift("test", (), all_seen=True, leave_out=leave_out).healed)

        assert healed(21, "window") == {PAUSE[0]: 3}
        assert healed(21) == {PAUSE[0]: 3, WINDOW[0]: 3}
        assert healed(24.5, "window") == {PAUSE[0]: 2}
        assert healed(44.1) == {}


def test_the_last_commit_is_kept_by_environment(url: str) -> None:
    with Ledger.open(url) as ledger, Ledgers() as ledgers:
        assert ledgers.applied_commit(url, "test") is None
        assert ledger.whole_commit("test") is None
        for commit in ("a" * 40, "b" * 40):
            ledger.remember_applied_commit("test", commit, whole=True)
        ledger.remember_applied_commit("test", "d" * 40)
        ledger.remember_applied_commit("other", "c" * 40)
        assert (ledgers.applied_commit(url, "test"), ledger.whole_commit("test")) == ("d" * 40, "b" * 40)
        assert (ledgers.applied_commit(url, "other"), ledger.whole_commit("other")) == ("c" * 40, None)


def test_a_reader_makes_no_ledger_to_find_a_commit_in(tmp_path: Path) -> None:
    with Ledgers() as ledgers:
        assert ledgers.applied_commit(f"sqlite:///{tmp_path}/none.db", "test") is None
    assert not (tmp_path / "none.db").exists()
