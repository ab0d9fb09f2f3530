"""On PostgreSQL the ledger needs no session, so that a transaction pooler may stand in between; and no collation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger import care
from reconciler.ledger.config.entries import Done, Sent
from reconciler.ledger.config.model import JournalEntry, LiveObject
from reconciler.ledger.data.model import DataScope, Result
from reconciler.ledger.reader import read_memory
from reconciler.ledger.writer import Ledger
from support import postgres
from support.ledger_content import content
from support.pooler import pooler

pytestmark = pytest.mark.postgres
SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
API = "https://api.example/v1"
KEYS = [f"p{number:02}" for number in range(40)]


@pytest.fixture
def url():
    found = postgres.new_database()
    yield found
    postgres.drop(found)


def test_the_pooler_of_these_tests_keeps_no_session(url):
    import psycopg

    def server():
        return connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()

    with pooler(url) as pooled, psycopg.connect(pooled, autocommit=True) as connection:
        assert server() != server()
        with connection.transaction():
            assert server() == server()
        with pytest.raises(psycopg.errors.InvalidSqlStatementName):
            connection.execute("SELECT 1", prepare=True)


def apply(url):
    """What an apply does with the ledger: lock, journal, and what it sent."""
    target = LiveObject(API, "DeliveryConfig", "search")
    with Ledger.open(url) as ledger, ledger.lock("me", "test", {"ordercloud": API}) as lock:
        for _ in range(5):
            entries = [JournalEntry("digest", "DeliveryConfig/search", "pending")]
            run = ledger.begin_run("test", "me", {"changes": []}, entries, {})
            ledger.record(run, [Sent("DeliveryConfig/search", (target,), ["target.key"])], lock)
            lock.check()
            ledger.record(run, [Done("DeliveryConfig/search", "applied", "done", target, {})])
            ledger.finish_run(run)


def work(url, run):
    """What a hand does: claim, put in doubt, record, until nothing is left."""
    with Ledger.open(url) as ledger:
        store = ledger.store(SCOPE)
        store.hands.join(run, "hand")
        while due := store.records.claim_due(3, NOW, 600, "t"):
            store.records.begin_writes([(level.key, ["product"]) for level in due])
            store.names.claim_many({level.key: [("sku", level.key)] for level in due})
            done = [Result(level.key, level.wanted, prints={"product": b"1" * 16}, token="t") for level in due]
            store.records.record([*done], run, {"written": len(done)})


def test_everything_works_through_a_transaction_pooler(url, tmp_path):
    with pooler(url) as pooled, ThreadPoolExecutor(4) as pool:
        assert care.bring_up_to_date(pooled)[0] == 0
        with Ledger.open(pooled) as ledger, (store := ledger.store(SCOPE)).lock("me", lease=timedelta(seconds=6)):
            run = store.runs.begin("full", "digest", "me", NOW, walks=True, full=True).id
            store.hands.take(run, takes=True)
            store.records.want(KEYS)
            others = [pool.submit(work, pooled, run) for _ in range(3)] + [pool.submit(apply, pooled)]
            for other in others:
                other.result()
            store.runs.end(run, "finished", NOW)
            assert store.runs.run(run).counts == {"written": len(KEYS)}
            assert {level.applied for level in store.records.levels(KEYS).values()} == {1}
        memory = read_memory(pooled, "test", [API])
        assert (memory.unfinished, len(memory.snapshots)) == (None, 1)
        care.backup(pooled, tmp_path / "copy.db")
    assert content(url) == content(f"sqlite:///{tmp_path}/copy.db")


def test_pages_by_key_go_by_bytes_whatever_the_collation_of_the_database(url):
    """A server of one's own has ICU, or locales of the machine; the wheel's has neither, so its columns are asked."""
    icu = postgres.new_database(locale="en-US")
    try:
        keys = ["B", "Z-1", "_b", "a", "z 1", "z1", "é", "ß", "Ω", "𝄞"]
        with Ledger.open(icu) as ledger, (store := ledger.store(SCOPE)).lock("me"):
            run = store.runs.begin("full", "digest", "me", NOW, walks=True, full=True).id
            store.records.want(keys)
            found, after = [], None
            while page := store.records.unseen(run, after, 3):
                found += [level.key for level in page]
                after = found[-1]
        assert found == sorted(keys, key=str.encode)
        # pgqueuer's tables stand as it makes them; nothing is read from them by pages.
        found = postgres.columns_by_another_collation(icu)
        assert [column for index, column in found if not str(index).startswith("pgqueuer_")] == []
    finally:
        postgres.drop(icu)
