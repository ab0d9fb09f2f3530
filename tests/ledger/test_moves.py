"""The ledger keeps who wrote to live configuration, once and boundedly, and when live was restored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.ledger.config import moves
from reconciler.ledger.config.model import ConfigMove
from reconciler.ledger.config.moves import MoveStore
from reconciler.ledger.reader import read_memory
from reconciler.ledger.writer import Ledger
from support import postgres

NOW = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)
API = "https://api.example/v1"
JANE = ConfigMove("integrations/productsync", "PATCH", "jane", NOW - timedelta(minutes=5))


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


def test_a_move_is_kept_once_however_often_it_is_told(url: str) -> None:
    with Ledger.open(url, Clock()) as ledger:
        store = MoveStore(ledger.database)
        assert store.add(API, JANE)
        assert not store.add(API, JANE)
        later = replace(JANE, by="rob", moved_at=NOW)
        assert store.add(API, later)
        assert store.add("https://other/v1", JANE)
    memory = read_memory(url, "test", [API])
    assert memory.moves == {API: (later, JANE)}
    assert memory.restored_at is None


def test_a_move_of_tomorrow_is_of_now_and_one_of_long_ago_is_left(url: str) -> None:
    with Ledger.open(url, Clock()) as ledger:
        store = MoveStore(ledger.database)
        assert store.add(API, replace(JANE, moved_at=datetime(9999, 1, 1, tzinfo=UTC)))
        assert not store.add(API, replace(JANE, moved_at=datetime(1, 1, 2, tzinfo=UTC)))
    assert [move.moved_at for move in read_memory(url, "test", [API]).moves[API]] == [NOW]


def test_no_number_of_moves_fills_the_ledger(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moves, "KEPT", 5)
    monkeypatch.setattr(moves, "_SLACK", 3)
    with Ledger.open(url, Clock()) as ledger:
        store = MoveStore(ledger.database)
        for number in range(30):
            store.add(API, replace(JANE, moved_at=JANE.moved_at + timedelta(seconds=number)))
    kept = read_memory(url, "test", [API]).moves[API]
    assert 5 <= len(kept) <= 8
    assert kept[0].moved_at == JANE.moved_at + timedelta(seconds=29)


def test_a_restore_wants_a_check_until_one_saw_live_after_it(url: str) -> None:
    clock = Clock()
    with Ledger.open(url, clock) as ledger:
        store = MoveStore(ledger.database)
        assert store.unchecked([API]) is None
        assert store.restored([API]) == store.unchecked([API]) == NOW
        clock.now = NOW + timedelta(minutes=1)
        store.restored([API])
        # The check that began before the second one saw another live side.
        store.checked([API], NOW)
        assert store.unchecked([API]) == clock.now
        store.checked([API], clock.now)
        assert store.unchecked([API]) is None
        assert read_memory(url, "test", [API]).restored_at == clock.now
