"""No statement reads a whole table that grows with records, whatever a run, status, a page or the inbox asks."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from sqlalchemy import Engine, event, func, insert, select

from reconciler.ledger.data import records
from reconciler.ledger.data.hand_store import HandStore
from reconciler.ledger.data.inbox_model import Arrivals, Gap, Later, Told
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ledger.data.memo_store import MemoStore
from reconciler.ledger.data.model import DataScope, ProblemRow, Result
from reconciler.ledger.data.store import HearingStore, LogStore, NameStore, ProblemStore, RecordStore, RunStore, Store
from reconciler.ledger.inbox_tables import inbox_told
from reconciler.ledger.memo_tables import memos
from reconciler.ledger.reader import Ledgers
from reconciler.ledger.tables import names
from reconciler.ledger.tables import records as rows
from reconciler.ledger.writer import Ledger
from reconciler.sync.run.counts import count_as_before
from support.statements_read import explained

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
LISTS = DataScope("test", "https://api.example#site", "ordercloud", "party-prices")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RECORDS, PAGE, MOST = 2_500, 400, 900
SOME = [f"p{number:05d}" for number in range(100, 300)]
WRONG = ProblemRow("p00007", "product", "no-sku", "It has none", "https://x/p00007")


def filled(store: Store, run: str) -> None:
    """Records that are closed, with prints, names and what was told; a few are open, due, dead, gone or wrong."""
    scope = store._scoped.id
    empty = dict.fromkeys(column.name for column in rows.columns if column.name != "number")
    zero = {"wanted": 0, "applied": 0, "attempts": 0, "gone": False, "dead": False, "held_back": False}
    keys = [f"p{number:05d}" for number in range(RECORDS)]
    closed = {**empty, **zero, "scope": scope, "prints": {"product": b"1" * 16}, "held": {"v": ["x"]}, "seen_run": run}
    made = [{**closed, "key": key, "written_at": NOW, "draw": place * 800_000} for place, key in enumerate(keys)]
    told = {"scope": scope, "gone": False, "members": {}, "revision": 0, "told_at": NOW}

    def fill(tx):
        tx.connection.execute(insert(rows), made)
        tx.connection.execute(
            insert(names), [{"scope": scope, "kind": "sku", "value": key, "key": key} for key in keys]
        )
        tx.connection.execute(insert(inbox_told), [{**told, "key": key} for key in keys])
        tx.connection.execute(insert(memos), [{"scope": scope, "key": key, "memo": {"at": key}} for key in keys])

    store.database.run(fill)
    store.records.record([Result("p00007", problems=(WRONG,), held_back=True, due_at=NOW)], run)
    store.records.record([Result("p00008", gone=True, gone_at=NOW)], run)
    store.records.failed("p00009", 1, NOW + timedelta(hours=1))
    store.records.failed("p00010", 9, None, dead=True)
    store.records.want(["p00011", "p00012"])
    if store.database.engine.dialect.name != "sqlite":
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")


def run_of(store: Store, **how: bool) -> str:
    return store.runs.begin("mode", "digest", "test", NOW, **{"walks": False, "full": False, **how}).id


def everything_of_a_run(store: Store) -> None:
    """All that a run may ask of the ledger, each at least once."""
    records, runs, problems, log = store.records, store.runs, store.problems, store.log
    with store.lock("test"):
        run = run_of(store, walks=True)
        runs.end(run, "interrupted", NOW)
    with store.lock("test"):
        assert runs.unfinished() is not None
        runs.resume(run, "test")
        runs.update(run, listed=True, counts={"seen": 1})
        (
            runs.beat(run, {"seen": 1}, "reading"),
            runs.run(run),
            runs.last(walks=True),
            runs.wanted(),
            runs.want("r", "full"),
            runs.give("r", run),
        )
        (
            records.clock(),
            records.counts(NOW),
            records.is_anything_waiting(NOW),
            records.sample(15, 15, "digest"),
            records.levels(SOME),
        )
        records.seen(run, dict.fromkeys(SOME), {"seen": 1}, dict.fromkeys(SOME[:9], b"L"), newly=SOME)
        records.seen(run, {"p00011": 0, "new": None})
        records.look(run, dict.fromkeys(SOME, b"L"), count_as_before)
        records.told(SOME), records.settle_told({"p00100": 1})
        records.take_back(records.begin_writes([(key, ["product"]) for key in SOME[:50]]).returnable)
        records.record([Result(key, prints={"product": b"2"}, names=[("sku", key)]) for key in SOME[:50]], run)
        records.record([Result(SOME[50], problems=(WRONG,))], run)
        records.doubt({SOME[51]: ["product"]}), records.failed(SOME[52], 1, NOW)
        records.claim_due(100, NOW, 60, "t", newest=30), records.claim_due(100, NOW, 60, "u", since=NOW)
        records.waits_since(NOW - timedelta(days=1), NOW), records.open_count(), records.open_count(run, NOW)
        assert len(records.unseen(run, None, 100)) == 100
        assert records.unseen(run, "p02499", 100) == []
        assert [level.key for level in records.unseen(run, None, 100, gone=True)] == ["p00008"]
        records.deleted_since(NOW), records.move({"p00020": "p00021"}), records.hold({"p00022": ({}, ())})
        records.mentioned({"oc-own"}), records.forget_prints(["p00023"]), records.forget_strays(["p00024"])
        (
            store.names.claim_many({"p00025": [("sku", "p00026")]}, unclaimed={"p00025"}),
            store.names.owners([("sku", "p00027")]),
        )
        problems.listed(10), problems.by_code(), problems.open_count(), problems.found_since(NOW)
        problems.logged_count(), problems.close(["p00028"])
        logged, resolved = log.to_log(100)
        log.logged([one.external_id for one in logged], resolved)
        log.dates(), log.begin_anew(), log.to_log(100), log.forget()
        store.hearing.note([Gap("stock", "p00030", NOW, "p00030", 0)]), store.hearing.judge(NOW, NOW)
        store.hearing.inbox(), store.memos.keep({key: {"at": "x"} for key in SOME}), store.memos.recall(SOME)
        store.memos.distrust("p00030"), store.memos.distrusted()
        problems.close_unconfirmed(run)
        runs.cancel(), runs.end(run, "finished", NOW)
    with store.lock("test"):
        run = run_of(store, walks=True)
        assert store.hands.divide(run, 3, lambda keys: [{"low": key} for key in keys]).left == 3
        store.hands.take(run, takes=True)
        store.hands.join(run, "another")
        store.hands.beat({"seen": 1}), store.hands.make_room(["p00040"], NOW, NOW, lambda known: known, takes=True)
        store.hands.end_range(run, store.hands.take_range(run, 2).part, 7), store.hands.walked(run)
        store.hands.leave()
    with store.lock("test"):
        runs.resume(run, "test"), store.hands.others(run)
    records.want(["p00030"]), records.drop(["p00010"]), records.retry(), records.retry(["p00031"])


def everything_of_an_inbox(inbox: InboxStore) -> None:
    later = Later("x", {"text": "p"})
    inbox.take(
        Arrivals(
            {("x", "raised"): 1}, {"products": {**dict.fromkeys(SOME, Told(False, {"ID": "x"})), "q": None}},
            {"products": "full"}, [later], {"name": (b"digest", [later])}, [("unheard", ["a"])],
        )
    )  # fmt: skip
    for waiting in inbox.waiting(9):
        keys = inbox.known("products", "p00", None, 200, ending=False)
        inbox.raise_from(waiting, {"products": keys}, keys[-1])
    assert len(inbox.known("products", "7", None, 200, ending=True)) == 200
    assert inbox.known("products", "none of them", None, 300, ending=True) == []
    inbox.overview()


def everything_that_is_shown(url: str) -> None:
    """What `sync status`, `sync errors`, plans, the page and `ledger show` read."""
    with Ledgers(lambda: NOW) as ledgers:
        known = ledgers.sync_overview(url, [SCOPE], NOW)[SCOPE].counts
        assert (known.records, known.gone, known.held_back) == (RECORDS, 1, 1)
        ledgers.problems(url, SCOPE, 10), ledgers.glances(url, [SCOPE], NOW, NOW, 10), ledgers.overview(url)
        ledgers.inbox_overviews(url, [SCOPE])
        volumes = ledgers.memory(url, "test", [SCOPE.target]).volumes
        assert [dict(volume.records) for volume in volumes.values()] == [{"products": RECORDS - 1}]


@pytest.fixture
def store(ledger_url):
    with Ledger.open(ledger_url, lambda: NOW) as ledger, mock.patch.object(records, "PAGE", PAGE):
        found = ledger.store(SCOPE)
        with found.lock("test"):
            run = run_of(found, walks=True, full=True)
            filled(found, run)
            found.runs.end(run, "finished", NOW)
        yield found


def called() -> tuple[set[str], list[mock._patch]]:
    """Note which methods of a store are called."""
    names: set[str] = set()

    def noting(owner, name):
        method = getattr(owner, name)

        def note(self, *words, **named):
            names.add(f"{owner.__name__}.{name}")
            return method(self, *words, **named)

        return mock.patch.object(owner, name, note)

    return names, [noting(owner, name) for owner in STORES for name in public(owner)]


STORES = (RunStore, RecordStore, NameStore, ProblemStore, LogStore, InboxStore, HearingStore, MemoStore, HandStore)
# For all records at once, page by page, because another connection may be to another site.
RARE = {"RecordStore.disbelieve", "LogStore.remember"}


def public(owner: type) -> list[str]:
    return [name for name, value in vars(owner).items() if not name.startswith("_") and callable(value)]


def test_no_statement_reads_a_whole_table(store, ledger_url):
    names, patches = called()
    inbox = InboxStore(store.database, [SCOPE, LISTS])
    with explained(MOST) as read:
        everything_that_is_shown(ledger_url)
    assert read.seen > 20
    assert "\n".join(read.whole) == ""
    with ExitStack() as stack, explained(MOST) as read:
        for patch in patches:
            stack.enter_context(patch)
        everything_of_a_run(store)
        everything_of_an_inbox(inbox)
    assert read.seen > 100
    assert "\n".join(read.whole) == ""
    assert {f"{owner.__name__}.{name}" for owner in STORES for name in public(owner)} - names <= RARE


QUERIES = (
    select(func.count()).where(rows.c.scope == 1, rows.c.gone.is_(False)),
    select(rows.c.key).where(rows.c.scope == 1).order_by(func.random()).limit(3),
    select(rows.c.key).where(rows.c.seen_run != "x"),
)


def test_records_are_counted_sampled_and_seen(store):
    """One ledger for all: to fill it takes longest."""
    for query in QUERIES:
        with explained(MOST) as read:
            store.database.run(lambda tx, query=query: list(tx.connection.execute(query)))
        assert len(read.whole) == 1, f"{query} reads the whole table, and that is not found"
    are_sampled_at_random(store)
    are_not_written_where_nothing_changed(store)
    are_counted_as_they_come_and_go(store)


def are_counted_as_they_come_and_go(store):
    """By the database: so also by older versions that write to it."""

    def truly(tx):
        number = select(func.count()).where(rows.c.scope == store._scoped.id)
        wheres = ((), (rows.c.gone,), (rows.c.held_back,))
        return tuple(tx.connection.execute(number.where(*where)).scalar_one() for where in wheres)

    with store.lock("test"):
        run = run_of(store, walks=True)
        for change in (
            lambda: store.records.record([Result("p00050", gone=True), Result("n1", held_back=True)], run),
            lambda: store.records.record([Result("p00050"), Result("n1", gone=True)], run),
            lambda: store.records.seen(run, {"n1": None, "n2": None, "p00007": None}),
            lambda: store.records.want(["n3", "p00008"]),
            lambda: store.records.drop(["n3"]),
            lambda: store.problems.close_unconfirmed(run),
            lambda: store.records.forget_strays(["n3"]),
            lambda: store.records.move({"p00060": "n4"}),
        ):
            change()
            known = store.records.counts(NOW)
            assert (known.records, known.gone, known.held_back) == store.database.run(truly)


def are_sampled_at_random(store):
    found = set()
    with store.lock("test"):
        sampled = [level.key for level in store.records.sample(3, 15, "digest")]
        assert len(sampled) == len(set(sampled)) >= 15
        # Without those that were written last, which are always the same. Each misses one end more often than not.
        for _ in range(40):
            found.update(level.key for level in store.records.sample(0, 15, "digest"))
    assert min(found) < "p01000"
    assert max(found) > "p01500"
    assert store.records.sample(3, 15, "another") == []


def are_not_written_where_nothing_changed(store):
    looks = dict.fromkeys(SOME, b"L")
    with store.lock("test"):
        store.records.seen(None, dict.fromkeys(SOME), looks=looks)
    with store.lock("test"), written() as lines:
        run = run_of(store, walks=True)
        for _ in range(2):
            store.records.seen(run, dict.fromkeys(SOME))
        store.runs.end(run, "finished", NOW)
        store.records.look(run_of(store, lists=True), looks, count_as_before)
    assert lines == []


@contextmanager
def written():
    """Updates of records."""
    lines = []

    def note(_connection, _cursor, statement, *_):
        if statement.startswith("UPDATE data_records") and "claim IS NOT NULL" not in statement:
            lines.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield lines
    finally:
        event.remove(Engine, "before_cursor_execute", note)
