"""Processor time of a record that several workers bring together: theirs, and the database's for them.

`python -m benchmarks.shared_work --records 4000` measures it alone. The emulator's share does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import ModuleType

from sqlalchemy import func, select

from benchmarks.harness import Row, is_large
from benchmarks.neighbours import Fleet, Shop, wait_for
from benchmarks.postgres import postgres
from reconciler.clock import utc_now
from reconciler.emulator.testing import emulator_process
from reconciler.ledger.async_postgres import AsyncPostgres
from reconciler.ledger.data.overview import all_scopes
from reconciler.ledger.data.store import Store
from reconciler.ledger.tables import hands
from reconciler.ledger.url import located
from reconciler.ledger.writer import Ledger
from reconciler.sync.run.queue import JobKind, QueuedJob
from reconciler.workers.jobs import JobQueue

_NUMBERS = (1, 2, 4)
_MOST = 1.15
_ROUNDS = 3
_RECORDS = 10_000 if is_large() else 2_000
_RATE = 5_000
_TICKS = os.sysconf("SC_CLK_TCK")
_HANDS = select(func.count()).select_from(hands)


@dataclass(frozen=True, slots=True)
class Cost:
    """What it took to bring all records.

    Args:
        workers: seconds of processor of all workers.
        database: seconds of processor of the server.
        seconds: from when they were wanted until the last one was there.
        hands: how many workers had a part in it, at most.
    """

    workers: float
    database: float
    seconds: float
    hands: int


def measure(folder: Path, records: int) -> dict[int, list[Cost]]:
    """Return what it took to bring so many records, by how many workers shared that, round by round."""
    server, found = postgres(), {number: list[Cost]() for number in _NUMBERS}
    url = server.new_database()
    try:
        Ledger.open(url).close()
        with ExitStack() as stack:
            shop = Shop("one", stack.enter_context(emulator_process()), per_second=_RATE)
            shop.emulator.add_site(shop.name)
            shop.fill("First", records)
            fleet = Fleet([shop], url, folder)
            fleet.apply()
            ledger = stack.enter_context(Ledger.open(url))
            (scope,) = ledger.database.run(lambda tx: all_scopes(tx.connection))
            store = ledger.store(scope)
            server_pid = postmaster(server, url)
            # The first round brings the pages of everything into memory.
            for turn in range(_ROUNDS + 1):
                for number in _NUMBERS:
                    with fleet.working(number):
                        wait_for(lambda: fleet.are_working)
                        if not turn and number == _NUMBERS[0]:
                            store.runs.want("first", "full")
                            wait_for(lambda: store.runs.last(full=True))
                        shop.fill(f"Round {turn} {number}", records)
                        cost = _brought(fleet, ledger, store, url, server_pid, records)
                    if turn:
                        found[number].append(cost)
        return found
    finally:
        server.drop(url)


def _brought(fleet: Fleet, ledger: Ledger, store: Store, url: str, server: int, records: int) -> Cost:
    """Have all records wanted, as messages have it, and return what it took to bring them."""
    before = store.runs.last()
    took = processor_of(fleet.pids), processor_of([server])
    began, most = time.monotonic(), 0
    (shop,) = fleet.shops
    store.records.want([shop.key(number) for number in range(records)])
    asyncio.run(JobQueue(AsyncPostgres(located(url))).offer([QueuedJob(JobKind.RUN, shop.name, "shop", "products")]))

    def is_over() -> bool:
        nonlocal most
        number = ledger.database.run(lambda tx: tx.connection.execute(_HANDS).scalar_one())
        most = max(most, number)
        newest = store.runs.last()
        return number == 0 and newest != before and not store.records.is_anything_waiting(utc_now())

    wait_for(is_over)
    seconds = time.monotonic() - began
    return Cost(processor_of(fleet.pids) - took[0], processor_of([server]) - took[1], seconds, most)


def postmaster(server: ModuleType, url: str) -> int:
    """Return the ID of the process that all of a server's processes come from."""
    ((checkpointer,),) = server.execute(url, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
    return _stat(checkpointer)[0]


def processor_of(pids: Iterable[int]) -> float:
    """Return the processor time that processes have had, with what came from them and has ended or goes on."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*"):
        pid = int(place.name)
        try:
            parent, ticks[pid] = _stat(pid)
        except OSError:
            continue
        children.setdefault(parent, []).append(pid)

    def total(pid: int) -> int:
        return ticks.get(pid, 0) + sum(map(total, children.get(pid, ())))

    return sum(map(total, pids)) / _TICKS


def _stat(pid: int) -> tuple[int, int]:
    """Return the parent of a process, and the ticks that it and its ended children have had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15]))


def rows(folder: Path, records: int = _RECORDS) -> Iterator[Row]:
    """Yield what a record costs with several workers, by what it costs with one."""
    found = measure(folder, records)
    one = median(cost.workers for cost in found[1])
    for number in _NUMBERS[1:]:
        each = {count: found[count] for count in (1, number)}
        told = "; ".join(f"with {count}: {_told(costs, records)}" for count, costs in each.items())
        value = median(cost.workers for cost in found[number]) / one
        how = f"{records:,} changed products that messages told of, all written, without limits; {told}"
        yield Row(f"processor of a record with {number} workers, by that with one", value, "×", _MOST, how)


def _told(costs: list[Cost], records: int) -> str:
    workers, database = (
        1_000 * median(getattr(cost, name) for cost in costs) / records for name in ("workers", "database")
    )
    hands_at_most = max(cost.hands for cost in costs)
    seconds = median(cost.seconds for cost in costs)
    return f"{workers:.2f} ms and {database:.2f} ms of the database, {seconds:.1f} s, {hands_at_most} hands"


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=_RECORDS)
    with tempfile.TemporaryDirectory(prefix="shared-work-") as folder:
        for row in rows(Path(folder), parser.parse_args().records):
            print(f"{row.name}: {row.value:.2f} {row.unit} (at most {row.target}). {row.how}")


if __name__ == "__main__":
    main()
