"""Events taken in by `reconciler serve`, the time from delivery to write, and the memory of the process over time.

The load is a process of its own (`load.py`), and so are the service and the emulator; they share the machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.harness import RECONCILER, REPOSITORY, Row, clean_environment, is_large, seconds_of
from benchmarks.load import product
from benchmarks.shop import SECRETS, document, environment, write
from reconciler.emulator.testing import RunningEmulator, emulator_process
from reconciler.ledger.inbox_tables import inbox_types
from reconciler.ledger.writer import Ledger

_SECRET = "signing-key"
_SECRETS = {**SECRETS, "DELIVERY_SECRET": _SECRET}
_UNLIMITED = 10_000
_LATENCY = 0.05
_CONNECTIONS = 64
_TAKEN_SECONDS = 15
_TARGET = 1_000
_TAKEN_RECORDS = 10_000
_PER_SECOND = 100
_RECORDS = 1_000
_RECORDS_AT_DEFAULTS = 300
_WAIT_SECONDS = 120.0
# RECONCILER_BENCH_LARGE=1 watches the memory for an hour.
_MEMORY_SECONDS = 60
_MEMORY_SECONDS_LARGE = 3_600
_MEMORY_RECORDS = 1_000
_POINTS = 15
# Where the service's event loop could run and stood in line for a core for more of the time, other people's work was
# measured.
_MOST_IN_LINE = 0.2


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows on what is taken in and how soon it is written."""
    yield from _taken_in(folder / "alone", "taken in alone", [])
    yield from _taken_in(folder / "beside", "taken in beside a data sync", ["syncs"])
    yield from _latency(folder / "unlimited")
    yield _at_defaults(folder / "defaults")


def memory_rows(folder: Path) -> Iterator[Row]:
    """Yield the row on memory over time, while messages come and are written."""
    large = is_large()
    seconds = _MEMORY_SECONDS_LARGE if large else _MEMORY_SECONDS
    with emulator_process() as emulator, _Shop(emulator, folder / "memory", _MEMORY_RECORDS).serving() as service:
        load = service.load(_PER_SECOND, seconds, 8, _MEMORY_RECORDS)
        curve: list[float] = []
        while load.poll() is None:
            curve.append(service.rss_mib())
            time.sleep(min(1.0, seconds / 100))
        found = _result(load)
    # What is loaded and cached on the way is there after a third of it.
    parts = _parts(curve, 3)
    growth = median(parts[2]) / median(parts[1])
    shown = " ".join(f"{median(part):.0f}" for part in _parts(curve, _POINTS))
    yield Row(
        f"serve: memory over {seconds / 60:g} min at {_PER_SECOND} messages/s", growth, "x", 1.05,
        f"the last third by the middle one; RSS in MiB from start to end: {shown}; {found.accepted:,} answered by 200, "
        f"{found.accepted / found.seconds:.0f}/s; load: benchmarks/load.py, 8 connections", least=0.5,
    )  # fmt: skip


@dataclass(frozen=True)
class _Found:
    """What the load saw: answers by status, the seconds that it took, and when each record's message was sent."""

    statuses: Mapping[str, int]
    seconds: float
    sent: Mapping[str, float]

    @property
    def accepted(self) -> int:
        return self.statuses.get("200", 0)


def _result(load: subprocess.Popen[str]) -> _Found:
    out, err = load.communicate()
    if load.returncode:
        raise RuntimeError(f"the load failed:\n{err[-2000:]}")
    return _Found(**json.loads(out))


class _Service:
    """A running `reconciler serve`."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, environ: Mapping[str, str]) -> None:
        self._process = process
        self._url = url
        self._environ = environ

    def rss_mib(self) -> float:
        """Return the memory that it has now."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def cpu_seconds(self) -> float:
        """Return the processor time that it took until now."""
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def seconds_in_line(self) -> float:
        """Return how long its main thread, the event loop's, could run and waited for a core until now."""
        return int(Path(f"/proc/{self._process.pid}/schedstat").read_text().split()[1]) / 1e9

    def load(
        self, rate: float, seconds: float, connections: int, records: int, name: str = "Changed"
    ) -> subprocess.Popen[str]:
        """Start the load."""
        words = [f"{self._url}/deliveries/shop", _SECRET, rate, seconds, connections, records, name]
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load", *map(str, words)], cwd=REPOSITORY, env=dict(self._environ),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


class _Shop:
    """A marketplace of plain products, whose first full sync was done: a change of one takes one read and one write."""

    def __init__(
        self,
        emulator: RunningEmulator,
        folder: Path,
        products: int,
        per_second: float | None = _UNLIMITED,
        loops: Sequence[str] = ("syncs",),
    ) -> None:
        self._emulator = emulator
        self._folder = folder
        self._products = products
        self._loops = loops
        self._environ = clean_environment(folder, **_SECRETS)
        self.change("Product")
        self._write(per_second)
        self._run("apply", "--yes")
        # The first full sync is not what is measured.
        self._write(_UNLIMITED)
        self._run("sync", "run", "--full")
        self._write(per_second)

    def change(self, name: str) -> None:
        """Give all products another name, and send no message."""
        price = {"ID": "price", "Name": "Price", "Currency": "GBP", "PriceBreaks": [{"Quantity": 1, "Price": 10.0}]}
        products = [
            {
                "ID": product(number), "Name": f"{name} {number}", "Active": True,
                "xp": {"SKU": product(number)}, "DefaultPriceScheduleID": "price",
            }
            for number in range(self._products)
        ]  # fmt: skip
        self._emulator.seed_with({"Objects": {"Products": products, "PriceSchedules": [price]}})

    def taken(self) -> int:
        """Return how many messages the ledger says were taken in."""
        with Ledger.open(f"sqlite:///{self._folder / 'ledger.db'}") as ledger:
            rows = ledger.database.run(lambda tx: tx.connection.execute(inbox_types.select()).all(), writes=False)
        return sum(row.taken for row in rows)

    @contextmanager
    def serving(self) -> Iterator[_Service]:
        """Within, the service runs and listens."""
        log = self._folder / "serve.log"
        command = [RECONCILER, "serve", "--listen", "127.0.0.1:0", "--log-format", "json"]
        with log.open("wb") as err:
            process = subprocess.Popen(command, cwd=self._folder, env=self._environ, stdout=err, stderr=err)
        try:
            _wait_for(lambda: bool(_serving(log)) or process.poll() is not None)
            if process.poll() is not None:
                raise RuntimeError(f"serve ended:\n{log.read_text()[-2000:]}")
            if self._loops:
                _wait_for(self._listens)
            url = _serving(log)[0]
            yield _Service(process, url, {**self._environ, "PYTHONPATH": str(REPOSITORY)})
        finally:
            process.terminate()
            process.wait()

    def _listens(self) -> bool:
        command = [RECONCILER, "sync", "status", "--format", "json"]
        found = subprocess.run(command, cwd=self._folder, env=self._environ, capture_output=True, text=True, check=True)
        (sync,) = json.loads(found.stdout)["syncs"]
        return sync["running"] is not None and bool(sync["running"]["doing"] == "listening for changes")

    def _run(self, *words: str) -> None:
        seconds_of([RECONCILER, *words], self._folder, self._environ)

    def _write(self, per_second: float | None) -> None:
        service = {
            "loops": list(self._loops),
            "deliveries": [{"dataSync": "shop", "secrets": ["${secret:DELIVERY_SECRET}"]}],
        }
        documents = (
            environment(self._emulator, per_second, service=service),
            document("Store", "store", baseCurrency="GBP"),
            document("DataSync", "shop", currency="GBP", products={}, pricing={}),
        )
        write(self._folder, documents)


def _taken_in(folder: Path, name: str, loops: Sequence[str]) -> Iterator[Row]:
    """As much as goes: every connection delivers its next message once the last one was answered."""
    with emulator_process() as emulator:
        # Few of the products are there, and none is as the messages say: the sync beside has work all the time.
        shop = _Shop(emulator, folder, 100, None, loops)
        with shop.serving() as service:
            before, in_line_before = service.cpu_seconds(), service.seconds_in_line()
            found = _result(service.load(0, _TAKEN_SECONDS, _CONNECTIONS, _TAKEN_RECORDS))
            cpu, in_line = service.cpu_seconds() - before, service.seconds_in_line() - in_line_before
        apart = abs(found.accepted - shop.taken())
    per_second = found.accepted / found.seconds
    yield Row(
        f"messages over HTTP, SQLite, {name}", per_second, "/s", _TARGET,
        f"{found.accepted:,} answered by 200 in {found.seconds:.1f} s, {sum(found.statuses.values()) - found.accepted} "
        f"by another status; {found.accepted / cpu:,.0f} for each second of processor that the service had, which were "
        f"{cpu:.1f}; for {in_line:.1f} s its event loop stood in line for a core; load: benchmarks/load.py, "
        f"{_CONNECTIONS} connections, signed, {_TAKEN_RECORDS:,} records", more_is_better=True,
        is_noise=per_second < _TARGET and in_line / found.seconds > _MOST_IN_LINE,
    )  # fmt: skip
    yield Row("the same: lost", apart, "messages", 0, "answers of 200, and what the ledger counts, apart by")


def _latency(folder: Path) -> Iterator[Row]:
    """One read and one write a record, at a rate, without limits."""
    with emulator_process() as emulator:
        shop = _Shop(emulator, folder, _RECORDS)
        with shop.serving() as service:
            before, began = service.seconds_in_line(), time.monotonic()
            found, written = _changed(emulator, shop, service, _RECORDS)
            in_line = (service.seconds_in_line() - before) / (time.monotonic() - began)
    waits = sorted(written[key] + _LATENCY - sent for key, sent in found.sent.items())
    rate = len(found.sent) / found.seconds
    how = (
        f"{len(waits):,} records at {rate:.0f}/s, limits off, {_LATENCY * 1e3:.0f} ms per response; until SparkLayer "
        f"has the write, from when a message was due; the event loop stood in line for a core for {100 * in_line:.0f} "
        f"% of the time; load: benchmarks/load.py, {_CONNECTIONS} connections"
    )
    cuts = quantiles(waits, n=100)
    busy = in_line > _MOST_IN_LINE
    yield Row("from delivery to write: p50", cuts[49], "s", 1, how, is_noise=busy and cuts[49] > 1)
    longest = f"the same; the longest {waits[-1]:.2f} s"
    yield Row("from delivery to write: p99", cuts[98], "s", 3, longest, is_noise=busy and cuts[98] > 3)


def _at_defaults(folder: Path) -> Row:
    """Delivered faster than the default limits let through: what they sustain."""
    with emulator_process() as emulator:
        shop = _Shop(emulator, folder, _RECORDS_AT_DEFAULTS, None)
        with shop.serving() as service:
            _, written = _changed(emulator, shop, service, _RECORDS_AT_DEFAULTS)
    # One second's worth goes through at once.
    times = sorted(written.values())
    late = times[len(times) // 4 :]
    return Row(
        "from delivery to write at the default limits: sustained", (len(late) - 1) / (late[-1] - late[0]), "records/s",
        18, "the limit is 20 requests/s at SparkLayer and 50 at OrderCloud, a record takes one of each; the last three "
        f"quarters of {len(times)} writes, delivered at {_PER_SECOND}/s", more_is_better=True,
    )  # fmt: skip


def _changed(
    emulator: RunningEmulator, shop: _Shop, service: _Service, records: int
) -> tuple[_Found, Mapping[str, float]]:
    """Change all products, deliver a message for each, and return when SparkLayer got each one's first write."""
    shop.change("Changed")
    emulator.traffic(latency=_LATENCY)
    emulator.clear_requests()
    found = _result(service.load(_PER_SECOND, 0, _CONNECTIONS, records))
    written: dict[str, float] = {}

    def all_written() -> bool:
        for request in emulator.requests():
            key = request["path"].rpartition("/")[2]
            if key in found.sent and _writes_product(request):
                written.setdefault(key, datetime.fromisoformat(request["time"]).timestamp())
        return len(written) == len(found.sent)

    _wait_for(all_written)
    return found, written


def _writes_product(request: Mapping[str, Any]) -> bool:
    return (
        request["method"] in ("PATCH", "PUT")
        and request["path"].startswith("/sparklayer/")
        and "/products/" in request["path"]
        and request["status"] is not None
        and request["status"] < 300
    )


def _wait_for(so: Callable[[], bool]) -> None:
    end = time.monotonic() + _WAIT_SECONDS
    while not so():
        if time.monotonic() > end:
            raise RuntimeError("it did not come to that in two minutes")
        time.sleep(0.5)


def _serving(log: Path) -> list[str]:
    """Return the URL that the service says it has, once it does."""
    lines = log.read_text(errors="replace").split("\n")[:-1]
    return [json.loads(line)["url"] for line in lines if '"event":"serving"' in line]


def _parts(curve: Sequence[float], number: int) -> list[Sequence[float]]:
    bounds = [len(curve) * part // number for part in range(number + 1)]
    return [curve[start:end] or curve[-1:] for start, end in pairwise(bounds)]
