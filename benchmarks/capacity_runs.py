"""Real runs behind `capacity`: a first sync, a walk, a look and incremental runs, on PostgreSQL and the emulator.

What is counted does not depend on how busy the machine is: requests by the emulator's log, transactions, WAL and size
by the server. The processor time of the process that runs does, by as much as others keep its caches from it. Nobody
else may use the server meanwhile: WAL is the whole server's.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from benchmarks.capacity import Coefficients, Cost, Load, differences
from benchmarks.harness import RECONCILER, clean_environment, cpu_seconds_of
from benchmarks.shop import PLACES, SECRETS, document, environment, write
from reconciler.emulator.testing import RunningEmulator, emulator_process
from reconciler.ledger.tables import data_runs
from reconciler.ledger.writer import Ledger

_SMALL, _LARGE = 400, 1_600
_FEW, _MANY = 40, 400
_CHECKED, _CHANGED = 1_000, 100
_WORKER_CONNECTIONS, _SERVE_CONNECTIONS = 4, 15
_A_DAY, _TWO_HOURS = timedelta(days=1, hours=1), timedelta(hours=2)
_SLACK_SECONDS = 1.0
_PARTS = tuple(each.name for each in fields(Load))


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took, by the names of `Load`, and how large the ledger was at its end."""

    source: float
    target: float
    transactions: float
    wal: float
    processor: float
    size: float


class Site:
    """A shop of so many products at an emulator of its own, with an empty ledger, and what its runs take.

    Args:
        emulator: of its own.
        folder: for its manifests.
        ledger: URL of the database, which is emptied.
    """

    def __init__(self, emulator: RunningEmulator, folder: Path, ledger: str, products: int) -> None:
        self._emulator, self._folder, self._ledger = emulator, folder, ledger
        folder.mkdir()
        emulator.seed(products)
        self._environ = clean_environment(folder, **SECRETS, RECONCILER_LEDGER=ledger)
        self._ask("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        stock = {"locations": {place: place for place in PLACES}, "default": "main"}
        write(folder, [
            environment(emulator, 5_000), document("Store", "store", baseCurrency="GBP"),
            *(document("StockLocation", place, externalID=place, name=place) for place in PLACES),
            document("DataSync", "shop", currency="GBP", products={}, stock=stock, pricing={}),
        ])  # fmt: skip
        cpu_seconds_of([RECONCILER, "apply", "--yes"], folder, self._environ)
        # Workers start once and not for each run: what the start of a process takes is taken off.
        status = [RECONCILER, "sync", "status"]
        self._start = min(cpu_seconds_of(status, folder, self._environ) for _ in range(3))

    def passes(self, by: timedelta) -> None:
        """Let the runs be so much longer ago, so that a look or a walk is due."""
        with Ledger.open(self._ledger) as ledger, ledger.database.transaction() as tx:
            moments = select(data_runs.c.id, data_runs.c.started_at, data_runs.c.ended_at)
            for run in tx.connection.execute(moments).all():
                past = {"started_at": run.started_at - by, "ended_at": run.ended_at - by}
                tx.connection.execute(update(data_runs).where(data_runs.c.id == run.id).values(past))

    def runs(self, *words: str) -> Taken:
        """Run the data sync once, and return what that took."""
        # Runs are minutes apart, so a checkpoint lies between them, after which each page is written whole once.
        self._ask("CHECKPOINT")
        before = self._counters()
        self._emulator.clear_requests()
        processor = cpu_seconds_of([RECONCILER, "sync", "run", *words], self._folder, self._environ)
        requests = [each["path"] for each in self._emulator.requests()]
        source = sum(path.startswith("/ordercloud") for path in requests)
        # Statistics of a backend are there a moment after its end.
        time.sleep(_SLACK_SECONDS)
        transactions, wal = (now - then for now, then in zip(self._counters(), before, strict=True))
        own = max(processor - self._start, 0.0)
        return Taken(source, len(requests) - source, transactions, wal, own, self._size())

    def change(self, products: int) -> None:
        """Have so many products changed at the source."""
        self._emulator.mutate(products=products)

    def _counters(self) -> tuple[float, float]:
        row = self._ask(
            "SELECT xact_commit, pg_current_wal_insert_lsn() - '0/0' FROM pg_stat_database "
            "WHERE datname = current_database()"
        )
        return float(row[0]), float(row[1])

    def _size(self) -> float:
        self._ask("VACUUM")
        tables = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'"
        return float(self._ask(f"{tables} AND relnamespace = 'public'::regnamespace")[0])

    def _ask(self, statement: str) -> Any:
        import psycopg

        with psycopg.connect(self._ledger, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone() if cursor.description else None


@contextmanager
def site_of(ledger: str, products: int) -> Iterator[Site]:
    """Within, there is a shop of so many products."""
    with tempfile.TemporaryDirectory(prefix="capacity-") as folder, emulator_process() as emulator:
        yield Site(emulator, Path(folder) / "shop", ledger, products)


def measured(ledger: str) -> Coefficients:
    """Measure the coefficients: each by runs of two sizes, so that what a run takes for itself is told apart."""
    with site_of(ledger, _SMALL) as site:
        small = _of_all(site)
    with site_of(ledger, _LARGE) as site:
        large = _of_all(site)
        few, many = _changed(site, _FEW), _changed(site, _MANY)
        idle = site.runs()
    row = _line(small[0].size, large[0].size, _SMALL, _LARGE)
    first, walk, look = (_load(one, other, _SMALL, _LARGE) for one, other in zip(small, large, strict=True))
    return Coefficients(
        first,
        walk,
        look,
        _load(idle, idle, 0, 1),
        _added(few, many, look),
        row.record,
        row.run,
        _WORKER_CONNECTIONS,
        _SERVE_CONNECTIONS,
        f"`python -m benchmarks.capacity --measure`, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.0f}; products with stock at {len(PLACES)} places and prices: {_SMALL:,} and {_LARGE:,}, "
        f"of which {_FEW} and {_MANY} changed",
    )


def _of_all(site: Site) -> tuple[Taken, Taken, Taken]:
    """Run a first sync, a walk and a look."""
    first = site.runs("--full")
    site.passes(_A_DAY)
    walk = site.runs()
    site.passes(_TWO_HOURS)
    return first, walk, site.runs()


def _changed(site: Site, products: int) -> Taken:
    site.change(products)
    site.passes(_TWO_HOURS)
    return site.runs()


def checked(ledger: str, known: Coefficients) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield real runs of another size: by resource, what was reckoned by what it was."""
    with site_of(ledger, _CHECKED) as site:
        first, walk, look = _of_all(site)
        yield f"first sync of {_CHECKED:,}", _shares(first, known.first, _CHECKED)
        size = differences({"size": known.empty + known.row * _CHECKED}, {"size": first.size})
        yield "the ledger after it", size
        yield "a walk of them", _shares(walk, known.walk, _CHECKED)
        yield "a look at them", _shares(look, known.look, _CHECKED)
        changed = _changed(site, _CHANGED)
        yield f"a look that finds {_CHANGED} changed", _shares(changed, known.look, _CHECKED, known.changed, _CHANGED)


def _shares(taken: Taken, load: Load, records: int, more: Load | None = None, beside: int = 0) -> dict[str, float]:
    real = {part: getattr(taken, part) for part in _PARTS}
    added = {part: 0.0 if more is None else getattr(more, part).of(beside) for part in real}
    return differences({part: getattr(load, part).of(records) + added[part] for part in real}, real)


def _load(small: Taken, large: Taken, few: int, many: int) -> Load:
    """Return what a run takes by its records."""
    return Load(**{part: _line(getattr(small, part), getattr(large, part), few, many) for part in _PARTS})


def _added(few: Taken, many: Taken, look: Load) -> Load:
    """Return what two looks took beside themselves, which found some records changed."""
    found = {}
    for part in _PARTS:
        line, itself = _line(getattr(few, part), getattr(many, part), _FEW, _MANY), getattr(look, part).of(_LARGE)
        found[part] = Cost(max(line.run - itself, 0.0), line.record)
    return Load(**found)


def _line(small: float, large: float, few: int, many: int) -> Cost:
    record = max((large - small) / (many - few), 0.0)
    return Cost(max(small - record * few, 0.0), record)
