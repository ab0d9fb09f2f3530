"""What a run has seen and left as it is costs a row for hundreds of records, and is known to it until it is over."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, func, select

from reconciler.ledger.data.marks import BLOCK
from reconciler.ledger.data.model import SEEN_BEFORE, DataScope, Result
from reconciler.ledger.seen_tables import seen_blocks
from reconciler.ledger.writer import Ledger
from reconciler.sync.run.counts import count_as_before

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEYS = [f"p{number:04d}" for number in range(1200)]
LOOKS = dict.fromkeys(KEYS, b"as before")


@pytest.fixture
def ledger(ledger_url):
    with Ledger.open(ledger_url, lambda: NOW) as opened:
        yield opened


@pytest.fixture
def store(ledger):
    """Records that a walk wrote, and none is under way."""
    found = ledger.store(SCOPE)
    with found.lock("test"):
        first = begin(found)
        written = [Result(key, prints={"product": b"1" * 16}, look=b"as before") for key in KEYS]
        found.records.record(written, first)
        found.runs.end(first, "finished", NOW)
        yield found


def begin(store, config="digest"):
    return store.runs.begin("mode", config, "test", NOW, lists=True, walks=True, full=False).id


def unseen(store, run):
    return [level.key for level in store.records.unseen(run, None, 9999)]


def blocks(store):
    with store.database.transaction(writes=False) as tx:
        return tx.connection.execute(select(func.count()).select_from(seen_blocks)).scalar_one()


@contextmanager
def written():
    """Writes to rows of records."""
    lines = []

    def note(_connection, _cursor, statement, *_):
        if (
            statement.startswith(("UPDATE data_records", "INSERT INTO data_records"))
            and "claim IS NOT" not in statement
        ):
            lines.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield lines
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def walk(store, run):
    store.records.seen(run, dict.fromkeys(KEYS[:-1]))


def look(store, run):
    assert store.records.look(run, {key: LOOKS[key] for key in KEYS[:-1]}, count_as_before)["seen"] == len(KEYS) - 1


@pytest.mark.parametrize("by", [walk, look])
def test_a_run_that_finds_everything_as_it_was_writes_no_row_of_a_record(store, by):
    run = begin(store)
    with written() as lines:
        by(store, run)
    assert lines == []
    assert blocks(store) <= len(KEYS) // BLOCK + 2
    assert unseen(store, run) == KEYS[-1:]
    assert store.problems.close_unconfirmed(run) == 0


def test_it_is_known_to_who_goes_on_with_the_run_and_to_no_other_run(ledger, store):
    run = begin(store)
    store.records.seen(run, dict.fromkeys(KEYS[:700]))
    store.runs.update(run, counts={"seen": 700})
    ledger.unlock(SCOPE.lock_name, force=True)
    after = ledger.store(SCOPE)
    with after.lock("after a kill"):
        for _ in range(2):
            # However often: how fast it is now is told by what was seen since.
            resumed = after.runs.resume(run, "after a kill")
            assert (resumed.counts["seen"], resumed.counts[SEEN_BEFORE]) == (700, 700)
        after.records.seen(run, dict.fromkeys(KEYS[700:-1]))
        assert unseen(after, run) == KEYS[-1:]
        levels = after.records.levels([KEYS[0], KEYS[-1]])
        assert (levels[KEYS[0]].is_seen, levels[KEYS[-1]].is_seen) == (True, False)
        new = begin(after)
        assert unseen(after, new) == KEYS
        assert not any(level.is_seen for level in after.records.levels(KEYS[:2]).values())
        assert blocks(after) == 0


def test_a_record_that_got_another_id_and_one_that_is_made_later_are_not_taken_for_seen(store):
    run = begin(store)
    store.records.seen(run, dict.fromkeys(KEYS))
    store.records.move({KEYS[0]: "moved"})
    store.records.want(["made"])
    assert unseen(store, run) == ["made", "moved"]
    store.records.record([Result("made"), Result("moved")], run)
    assert unseen(store, run) == []


def test_one_that_takes_the_place_of_a_forgotten_one_is_not_taken_for_seen(store):
    store.records.want(["stray"])
    store.records.claim_due(1, NOW, 60, "t")
    store.records.seen(None, {"stray": 1})
    run = begin(store)
    store.records.seen(run, dict.fromkeys(KEYS))
    store.records.forget_strays(["stray"])
    store.records.want(["new"])
    assert unseen(store, run) == ["new"]


def test_what_is_raised_after_it_was_seen_is_open_for_the_run(store):
    run = begin(store)
    store.records.seen(run, dict.fromkeys(KEYS))
    store.records.want([*KEYS[:3], "never seen"])
    assert (store.records.open_count(run), store.records.open_count()) == (3, 4)
    claimed = store.records.claim_due(9, NOW + timedelta(days=1), 60, "t")
    assert {level.key: level.is_seen for level in claimed} == {**dict.fromkeys(KEYS[:3], True), "never seen": False}


def test_with_other_settings_rows_are_written_once_and_sampled_from_then_on(store):
    assert store.records.sample(5, 5, "other") == []
    run = begin(store, "other")
    store.records.look(run, LOOKS, count_as_before)
    assert store.records.sample(5, 5, "other") == [], "of a look at lists nothing is known by these settings"
    run = begin(store, "other")
    store.records.seen(run, dict.fromkeys(KEYS))
    assert store.records.sample(5, 5, "digest") == []
    assert store.records.sample(5, 5, "other") != []
    run = begin(store, "other")
    with written() as lines:
        store.records.seen(run, dict.fromkeys(KEYS))
    assert lines == []


def test_two_hands_that_mark_at_once_lose_nothing(ledger, store):
    run = begin(store)
    hands = [store, ledger.store(SCOPE)]
    store.hands.take(run, takes=True)
    hands[1].hands.join(run, "hand")
    together = threading.Barrier(2)

    def walks(hand, keys):
        for start in range(0, len(keys), 20):
            together.wait(60)
            now = keys[start : start + 20]
            hand.records.seen(run, dict.fromkeys(now), {"seen": 1}, newly=now)

    threads = [threading.Thread(target=walks, args=(hand, KEYS[number::2])) for number, hand in enumerate(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unseen(store, run) == []
    assert store.runs.run(run).counts == {"seen": len(KEYS)}
