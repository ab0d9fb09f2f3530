"""A shop of a million products, brought by several workers: a first sync, a second one, and a run that finds changes.

`python -m benchmarks.million --products 1000000 --workers 2` measures it, and prints each phase as a line of JSON when
it is over. The emulator, PostgreSQL (fsync on) and the workers share the machine; there is no rate
limit and no latency.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.harness import RECONCILER, REPOSITORY, clean_environment, cpu_seconds_of
from benchmarks.postgres import durable_server
from benchmarks.shared_work import postmaster, processor_of
from benchmarks.shop import PLACES, SECRETS, document, environment, write
from reconciler.emulator.testing import RunningEmulator, emulator_process
from reconciler.ledger.data.model import DataRun
from reconciler.ledger.data.overview import all_scopes
from reconciler.ledger.data.store import Store
from reconciler.ledger.writer import Ledger

_PER_SECOND = 10_000
_CHANGED = 1_000
_LOOK_SECONDS = 5.0
_EARLY_SECONDS = 60.0
_MOST_SECONDS = 4 * 3_600.0


@dataclass
class Workers:
    """Workers on one ledger, and how much memory each has had."""

    pids: list[int]
    server: int

    def memory(self) -> list[float]:
        """Return the MiB that each holds now."""
        return [_status(pid, "VmRSS") for pid in self.pids]

    def peaks(self) -> list[float]:
        """Return the most MiB that each has held."""
        return [_status(pid, "VmHWM") for pid in self.pids]

    def processor(self) -> tuple[float, float]:
        """Return the seconds of processor of the workers, and those of the database, until now."""
        return processor_of(self.pids), processor_of([self.server])


def _status(pid: int, name: str) -> float:
    (line,) = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith(name)]
    return int(line.split()[1]) / 1024


def measure(folder: Path, products: int, number: int, *, whole: bool) -> None:
    """Measure, and print what was found, phase by phase."""
    with ExitStack() as stack:
        server, url = stack.enter_context(durable_server(folder))
        emulator = stack.enter_context(emulator_process())
        began = time.monotonic()
        emulator.seed(products)
        _tell("seeded", seconds=time.monotonic() - began, emulator_mib=_status(emulator.pid or 0, "VmRSS"))
        shop = folder / "shop"
        environ = clean_environment(shop, **SECRETS, RECONCILER_LEDGER=url)
        _apply(emulator, shop, environ, whole=whole)
        command = [RECONCILER, "-C", shop, "worker", "-e", "all", "--log-format", "json"]
        processes: list[subprocess.Popen[bytes]] = []
        for place in range(number):
            log = stack.enter_context((folder / f"worker-{place}.log").open("wb"))
            processes.append(subprocess.Popen(command, cwd=REPOSITORY, env=environ, stdout=log, stderr=log))
            stack.callback(processes[-1].wait)
            stack.callback(processes[-1].terminate)
        workers = Workers([each.pid for each in processes], postmaster(server, url))
        ledger = stack.enter_context(Ledger.open(url))
        scopes = ledger.database.run(lambda tx: all_scopes(tx.connection))
        stores = {scope.data_type: ledger.store(scope) for scope in scopes}
        _phase("first sync", workers, stores, partial(_want, stores, "first"))
        _phase("second sync", workers, stores, partial(_want, stores, "second"))
        emulator.mutate(products=_CHANGED)
        _phase(f"a look, {_CHANGED:,} changed", workers, stores, partial(_want, stores, "third", "light"))


def _apply(emulator: RunningEmulator, folder: Path, environ: dict[str, str], *, whole: bool) -> None:
    stock = {"locations": {place: place for place in PLACES}, "default": "main"}
    more = {"stock": stock, "pricing": {}} if whole else {}
    write(folder, [
        environment(emulator, _PER_SECOND), document("Store", "store", baseCurrency="GBP"),
        *(document("StockLocation", place, externalID=place, name=place) for place in PLACES),
        document("DataSync", "shop", currency="GBP", products={}, **more),
    ])  # fmt: skip
    cpu_seconds_of([RECONCILER, "apply", "--yes"], folder, environ)


def _want(stores: dict[str, Store], request: str, mode: str = "full") -> None:
    for store in stores.values():
        store.runs.want(request, mode)


def _phase(name: str, workers: Workers, stores: dict[str, Store], begin: Callable[[], object]) -> None:
    """Begin runs of all data types, wait for their end, and tell what they took."""
    before = {kind: store.runs.last() for kind, store in stores.items()}
    took, began = workers.processor(), time.monotonic()
    begin()
    early: list[float] = []
    ended: dict[str, tuple[DataRun, float]] = {}
    while len(ended) < len(stores):
        if time.monotonic() - began > _MOST_SECONDS:
            raise RuntimeError(f"{name}: it did not end in {_MOST_SECONDS:g} s")
        time.sleep(_LOOK_SECONDS)
        for kind, store in stores.items():
            newest = store.runs.last()
            if kind not in ended and newest is not None and newest != before[kind]:
                ended[kind] = newest, time.monotonic() - began
        if not early and time.monotonic() - began > _EARLY_SECONDS:
            early = workers.memory()
    seconds = time.monotonic() - began
    spent = [now - then for now, then in zip(workers.processor(), took, strict=True)]
    _tell(
        name, seconds=seconds, workers_processor=spent[0], database_processor=spent[1], mib_after_a_minute=early,
        mib_at_most=workers.peaks(), runs={
            kind: {"mode": run.mode, "state": run.state, "seconds": round(after), "counts": dict(run.counts)}
            for kind, (run, after) in ended.items()
        },
    )  # fmt: skip


def _tell(phase: str, **found: object) -> None:
    def rounded(value: object) -> object:
        if isinstance(value, list):
            return [rounded(each) for each in value]
        return round(value, 1) if isinstance(value, float) else value

    print(json.dumps({"phase": phase, **{name: rounded(value) for name, value in found.items()}}), flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--whole", action="store_true", help="With stock at four places and prices.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="million-") as folder:
        measure(Path(folder), asked.products, asked.workers, whole=asked.whole)


if __name__ == "__main__":
    main()
