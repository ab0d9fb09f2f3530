"""A ledger of very many records: what a run that finds nothing to do, `sync status` and the end of a walk ask of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import insert, select

from benchmarks.harness import Row, is_large
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.store import Store
from reconciler.ledger.database import Transaction
from reconciler.ledger.reader import Ledgers
from reconciler.ledger.tables import records, scopes
from reconciler.ledger.writer import Ledger

_FEW, _MANY = 10_000, 1_000_000 if is_large() else 100_000
_SCOPE = DataScope("shop", "http://site#demo", "shop", "products")
_NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_KEY = "p%08d"
_ROUNDS = 5


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows of this group. Processor time of this process: nobody else's work counts."""
    found = {number: _measured(folder / f"ledger-{number}.db", number) for number in (_FEW, _MANY)}
    for name in found[_MANY]:
        few, many = found[_FEW][name], found[_MANY][name]
        yield Row(
            f"ledger of {_MANY:,} records: {name}, against one of {_FEW:,}", many / few, "x",
            2 if name != "the end of a walk" else _MANY / _FEW,
            f"{many * 1e3:.1f} ms of processor by {few * 1e3:.1f} ms",
        )  # fmt: skip


def _measured(path: Path, number: int) -> dict[str, float]:
    url = f"sqlite:///{path}"
    with Ledger.open(url, lambda: _NOW) as ledger, Ledgers(lambda: _NOW) as ledgers:
        store = ledger.store(_SCOPE)
        with store.lock("me"):
            run = store.runs.begin("full", "digest", "me", _NOW, walks=True, full=True)
            _fill(store, run.id, number)
            store.runs.update(run.id, listed=True, completed_at=_NOW)
            ended = _seconds(lambda: _walk_ends(store, run.id))
            store.runs.end(run.id, "finished", _NOW)
        return {
            "a run of nothing": _seconds(lambda: _idle(store)),
            "`sync status`": _seconds(lambda: ledgers.sync_overview(url, [_SCOPE], _NOW)),
            "the end of a walk": ended,
        }


def _fill(store: Store, run: str, number: int) -> None:
    """Records of a shop that was synced: closed, three parts each."""
    empty = dict.fromkeys(column.name for column in records.columns if column.name != "number")
    zero = {"wanted": 0, "applied": 0, "attempts": 0, "gone": False, "dead": False, "held_back": False}
    held = {
        "variants": ["V1", "V2"],
        "skus": {"S1": ["main"], "S2": ["main"]},
        "priced": ["S1", "S2"],
        "slug": "a-slug",
    }
    prints = {part: part.encode().ljust(16) for part in ("prices", "product", "stock")}
    one = {**empty, **zero, "key": _key(0), "seen_run": run, "prints": prints, "held": held, "written_at": _NOW}
    # Each of the others is a copy of the first.
    others = {name: f'"{name}"' for name in empty} | {
        "key": f"printf('{_KEY}', n)",
        "draw": "abs(random()) % 2147483648",
    }
    values = ", ".join(others[name] for name in empty)
    numbers = f"WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number - 1})"
    copies = f"{numbers} SELECT {values} FROM data_records, numbers WHERE \"key\" = '{_key(0)}'"
    names = ", ".join(f'"{name}"' for name in empty)

    def work(tx: Transaction) -> None:
        scope = tx.connection.execute(select(scopes.c.id)).scalar_one()
        tx.connection.execute(insert(records).values(one | {"scope": scope}))
        tx.connection.exec_driver_sql(f"INSERT INTO data_records ({names}) {copies}")

    store.database.run(work)


def _key(number: int) -> str:
    return _KEY % number


def _idle(store: Store) -> None:
    """Everything that a run asks which finds nothing to do, in its order."""
    with store.lock("me"):
        store.runs.unfinished()
        run = store.runs.begin("incremental", "digest", "me", _NOW, walks=False, full=False)
        store.records.counts(_NOW)
        store.records.sample(15, 15, "digest")
        store.records.claim_due(100, _NOW, 60, "token")
        store.records.open_count(run.id)
        store.records.deleted_since(_NOW - timedelta(days=1))
        store.log.to_log(500)
        store.runs.end(run.id, "finished", _NOW)
        store.records.counts(_NOW)
        store.problems.found_since(_NOW)


def _walk_ends(store: Store, run: str) -> None:
    assert not store.records.unseen(run, None, 100)
    store.records.claim_due(100, _NOW, 60, "token")
    store.records.deleted_since(_NOW - timedelta(days=1))
    assert not store.problems.close_unconfirmed(run)


def _seconds(work: Callable[[], object]) -> float:
    def once() -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    once()
    return median(once() for _ in range(_ROUNDS))
