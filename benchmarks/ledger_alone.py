"""The ledger without any API: its size after walks that find nothing changed, and what several hands write at once."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness import REPOSITORY, Row, clean_environment, is_large
from benchmarks.postgres import durable_server
from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.model import DataScope, Result
from reconciler.ledger.data.store import Store
from reconciler.ledger.writer import Ledger

SCOPE = DataScope("shop", "http://site#demo", "shop", "products")
_MANY = 1_000_000 if is_large() else 20_000
_WRITTEN = 20_000 if is_large() else 4_000
_WALKS = 10
_PAGE = 100
_HANDS = 4
_PARTS = {part: part.encode().ljust(16) for part in ("prices", "product", "stock")}
_NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_SIZE = "SELECT pg_database_size(current_database())"


def rows(folder: Path) -> Iterator[Row]:
    """Yield what a ledger of each database grows by, and what four processes write to one on PostgreSQL in a second."""
    file = folder / "ledger.db"
    yield _grown("SQLite", f"sqlite:///{file}", lambda: _size_of(file))
    with durable_server(folder) as (postgres, url):
        yield _grown("PostgreSQL", url, lambda: int(postgres.execute(url, _SIZE)[0][0]))
        yield _written(url, folder)


def result(key: str, token: str | None = None) -> Result:
    """Return what is recorded of a record that was written whole."""
    return Result(key, prints=_PARTS, held={"skus": {key: ["main"]}}, token=token, counts={"seen": 1, "written": 1})


def _keys() -> list[str]:
    return [f"p{number:08d}" for number in range(_MANY)]


def _size_of(file: Path) -> int:
    """Return the size of a SQLite file, with what waits in its journal."""
    with closing(sqlite3.connect(file)) as connection:
        return math.prod(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))


def _grown(name: str, url: str, size: Callable[[], int]) -> Row:
    """Walk again and again, as a run does whose records stay as they are."""
    keys = _keys()
    sizes: list[int] = []
    seconds: list[float] = []
    with Ledger.open(url) as ledger:
        store = ledger.store(SCOPE)
        with store.lock("bench"):
            for number in range(1 + _WALKS):
                began = time.process_time()
                _walk(store, keys, is_first=not number)
                seconds.append(time.process_time() - began)
                if number in (0, _WALKS):
                    sizes.append(size())
    each = sorted(seconds[1:])[_WALKS // 2] / _MANY * 1e6
    return Row(
        f"ledger of {_MANY:,} records on {name}: size after {_WALKS} walks that find nothing changed",
        sizes[1] / sizes[0], "x", 1.3,
        f"{sizes[1] / 2**20:.1f} MiB by {sizes[0] / 2**20:.1f} MiB after the walk that wrote them; {each:.0f} µs of "
        "processor a record of such a walk, without the server's",
    )  # fmt: skip


def _walk(store: Store, keys: list[str], *, is_first: bool) -> None:
    run = store.runs.begin("full", "digest", "bench", _NOW, walks=True, full=True)
    for page in chunks(keys, _PAGE):
        store.records.levels(page)
        store.names.claim_many({key: [("sku", key)] for key in page})
        if is_first:
            store.records.begin_writes([(key, _PARTS) for key in page])
            store.records.record([result(key) for key in page], run.id)
        else:
            each = {"seen": 1, "unchanged": 1}
            store.records.seen(run.id, dict.fromkeys(page), each, newly=page, token=run.id, unclaimed=page)
    assert not store.records.unseen(run.id, None, _PAGE)
    assert not store.problems.close_unconfirmed(run.id)
    store.runs.end(run.id, "finished", _NOW)


def _written(url: str, folder: Path) -> Row:
    """Have four processes claim, begin and record what is open, and nothing else."""
    with Ledger.open(url) as ledger:
        store = ledger.store(SCOPE)
        with store.lock("bench"):
            run = store.runs.begin("incremental", "digest", "bench", _NOW, walks=False, full=False)
            store.hands.take(run.id, takes=True)
            store.records.want(_keys()[:: _MANY // _WRITTEN])
            command = [sys.executable, "-m", "benchmarks.ledger_hand", url, run.id]
            hands = [
                subprocess.Popen(
                    command,
                    cwd=REPOSITORY,
                    env=clean_environment(folder),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
                for _ in range(_HANDS)
            ]
            for hand in hands:
                assert hand.stdout is not None
                if hand.stdout.readline() != b"ready\n":
                    raise RuntimeError("a hand did not start; its error is above")
            began = time.perf_counter()
            told = [hand.communicate()[0] for hand in _begun(hands)]
            seconds = time.perf_counter() - began
            counts = store.runs.run(run.id)
            assert counts is not None
            assert counts.counts["written"] == _WRITTEN
            store.runs.end(run.id, "finished", _NOW)
    cpu = sum(map(float, told))
    return Row(
        f"ledger of {_MANY:,} records on PostgreSQL: {_HANDS} processes claim, begin and record",
        _WRITTEN / seconds, "records/s", 2_000,
        f"{_WRITTEN:,} records in {seconds:.1f} s, fsync on, the server on the same machine; {cpu:.1f} s of processor "
        "in the processes",
        more_is_better=True, is_noise=_WRITTEN / seconds < 2_000 and cpu / _HANDS < seconds / 4,
    )  # fmt: skip


def _begun(hands: list[subprocess.Popen[bytes]]) -> list[subprocess.Popen[bytes]]:
    """Let all of them go at once."""
    for hand in hands:
        assert hand.stdin is not None
        hand.stdin.write(b"go\n")
        hand.stdin.flush()
    return hands
