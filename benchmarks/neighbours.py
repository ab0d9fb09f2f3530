"""Many shops, some of them sick, on the same workers: what the sick ones cost the others, from due to write.

A shop's record is due once the ledger says that it is wanted, as a message says; it is written when SparkLayer gets it.
The same shops are measured while all are well, and while four are sick: an API that is gone, one that asks to be left
alone for ten minutes, a mapping that eats its whole budget of every record, and very many changes at once.

`python -m benchmarks.neighbours --shops 20 --seconds 300 --changes 100000` measures it alone, and says what it
measured as JSON. Workers, emulators and PostgreSQL share the machine; the emulators of sick shops give way to all else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

from benchmarks.harness import RECONCILER, REPOSITORY, Row, clean_environment, is_large
from benchmarks.postgres import postgres
from benchmarks.shop import SECRETS, document
from reconciler.app.apply import Approval, apply_session
from reconciler.app.project import Project
from reconciler.app.unattended import Unattended
from reconciler.clock import utc_now
from reconciler.emulator.testing import RunningEmulator, emulator_process
from reconciler.http.observe import Silent
from reconciler.ledger.async_postgres import AsyncPostgres
from reconciler.ledger.data.overview import all_scopes
from reconciler.ledger.data.store import Store
from reconciler.ledger.url import located
from reconciler.ledger.writer import Ledger
from reconciler.reconcile.session import PlanRequest
from reconciler.sync.run.queue import JobKind, QueuedJob
from reconciler.workers.jobs import JobQueue

_MOST = 1.25
WAIT_SECONDS = 600.0
_TAIL_SECONDS = 120.0
_RETRY_AFTER = 600
_HUNGRY = 2_000
# Doubled so often that no budget is enough for it.
_DOUBLED = " | ".join(["xp.Eaten", *["[@, @][]"] * 20])
_MAPPING = {"title": f"(xp.Eaten && ({_DOUBLED}) && Name) || Name", "slug": f"(xp.Eaten && ({_DOUBLED}) && ID) || ID"}
_GIVES_WAY = 19
# Where the workers' event loops could run and stood in line for a core for more of the time, the machine was measured.
_MOST_IN_LINE = 0.2


class Sick(StrEnum):
    """What is wrong with a shop."""

    DEAD = "dead API"
    ASKS = "Retry-After of ten minutes"
    HUNGRY = "mapping that eats its budget"
    MANY = "many changes"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured: shops, of which four are sick; how long, and how often each has a change."""

    shops: int = 20
    seconds: float = 300.0
    every: float = 5.0
    changes: int = 100_000
    workers: int = 2

    @property
    def records(self) -> int:
        """How many records each shop has: each changes once in a phase."""
        return int(self.seconds / self.every) + 1


LARGE = Asked()
SMALL = Asked(shops=8, seconds=60.0, changes=2_000)


@dataclass
class Phase:
    """What was measured in one phase: seconds from due to write, and what never came; jobs of sick shops by event."""

    waits: list[float] = field(default_factory=list)
    lost: int = 0
    in_line: float = 0.0
    jobs: dict[str, int] = field(default_factory=dict)

    @property
    def cuts(self) -> Mapping[int, float]:
        """The waits' quantiles, by percent."""
        found = quantiles(self.waits, n=100, method="inclusive")
        return {percent: found[percent - 1] for percent in (50, 95, 99)}

    def __str__(self) -> str:
        """Say it in words."""
        told = ", ".join(f"p{percent} {seconds:.2f} s" for percent, seconds in self.cuts.items())
        return f"{told} of {len(self.waits):,}, {self.lost} lost, {self.in_line:.0%} of the time in line for a core"


@dataclass(frozen=True)
class Shop:
    """One environment: its emulator, its marketplace and its site there, what will be wrong with it, and its rates."""

    name: str
    emulator: RunningEmulator
    sick: Sick | None = None
    per_second: float | None = None

    def fill(self, word: str, records: int, **more: Any) -> None:
        """Give its marketplace so many products that are called so; nobody is told."""
        price = {"ID": "price", "Name": "Price", "Currency": "GBP", "PriceBreaks": [{"Quantity": 1, "Price": 10.0}]}
        products = [
            {
                "ID": key, "Name": f"{word} {key}", "Active": True, "xp": {"SKU": key, **more},
                "DefaultPriceScheduleID": "price",
            }
            for key in map(self.key, range(records))
        ]  # fmt: skip
        self.emulator.add_marketplace(self.name, {"Objects": {"Products": products, "PriceSchedules": [price]}})
        # It is another one now, with clients of its own.
        self.emulator.add_client(self.name, "emulator", marketplace=self.name)

    def key(self, number: int) -> str:
        """ID of one of its products, which no other shop has."""
        return f"{self.name}-{number:06}"

    def environment(self) -> dict[str, Any]:
        """Its manifest, with the rates that are the default where it names none."""
        rate = {} if self.per_second is None else {"requestsPerSecond": self.per_second}
        patch = {"kind": "DataSync", "name": "shop", "spec": {"products": {"mapping": _MAPPING}}}
        return document(
            "Environment", self.name,
            ordercloud={"apiUrl": self.emulator.ordercloud_url, "authUrl": self.emulator.ordercloud_auth_url,
                        "clientID": self.name, "clientSecret": "${secret:OC_SECRET}", **rate},
            sparklayer={"url": self.emulator.sparklayer_url, "siteID": self.name, "clientID": "emulator",
                        "clientSecret": "${secret:SPARK_SECRET}", **rate},
            patches=[patch] if self.sick is Sick.HUNGRY else [],
        )  # fmt: skip


class Fleet:
    """Shops that were applied, and the workers that have them.

    Args:
        shops: all of them.
        ledger: its URL.
        folder: of the manifests and of the workers' logs.
    """

    def __init__(self, shops: Sequence[Shop], ledger: str, folder: Path) -> None:
        self.shops = shops
        self._ledger = ledger
        self._folder = folder
        self._workers: list[subprocess.Popen[bytes]] = []
        self._logs: list[Path] = []

    def apply(self) -> None:
        """Write the manifests and apply all."""
        documents = [
            document("Store", "store", baseCurrency="GBP"),
            document("DataSync", "shop", currency="GBP", interval="1h", products={}, pricing={}),
            *(shop.environment() for shop in self.shops),
        ]
        manifests = self._folder / "manifests"
        manifests.mkdir(parents=True)
        (manifests / "shops.yaml").write_text("\n---\n".join(json.dumps(each) for each in documents))
        sessions, failures = Project(manifests, ("all",), self._environ).sessions(utc_now())
        for failure in failures:
            raise failure

        async def apply_all() -> None:
            for session in sessions:
                approval = Approval(agreed=True)
                await apply_session(session, PlanRequest(), approval, Unattended(), Silent(), token_cache=False)

        asyncio.run(apply_all())

    @property
    def _environ(self) -> dict[str, str]:
        return clean_environment(self._folder, **SECRETS, RECONCILER_LEDGER=self._ledger)

    @property
    def pids(self) -> list[int]:
        """Process IDs of the workers."""
        return [worker.pid for worker in self._workers]

    @property
    def are_working(self) -> bool:
        """Whether all of them take jobs."""
        return all(b'"working"' in log.read_bytes() for log in self._logs)

    @contextmanager
    def working(self, number: int) -> Iterator[None]:
        """Within, so many workers have all shops."""
        words = ["worker", "-e", "all", "--log-format", "json"]
        try:
            for place in range(number):
                self._logs.append(self._folder / f"worker-{place}.log")
                with self._logs[-1].open("wb") as log:
                    command = [RECONCILER, "-C", self._folder, *words]
                    self._workers.append(
                        subprocess.Popen(command, cwd=REPOSITORY, env=self._environ, stdout=log, stderr=log)
                    )
            yield
        finally:
            for worker in self._workers:
                worker.terminate()
            for worker in self._workers:
                worker.wait()
            self._workers.clear()
            self._logs.clear()

    def in_line(self) -> float:
        """Return for how many seconds the workers' event loops could run and waited for a core until now, at worst."""
        return max(int(Path(f"/proc/{each.pid}/schedstat").read_text().split()[1]) / 1e9 for each in self._workers)

    def jobs(self, since: Sequence[int]) -> dict[str, int]:
        """Return how often each kind of event was logged of each sick shop, since so many bytes of each log."""
        sick = {shop.name: shop.sick.value for shop in self.shops if shop.sick is not None}
        found: Counter[str] = Counter()
        for log, begin in zip(self._logs, since, strict=True):
            for line in log.read_bytes()[begin:].decode().split("\n"):
                if line.startswith("{") and (about := json.loads(line)).get("environment") in sick:
                    found[f"{sick[about['environment']]}: {about['event']}"] += 1
        return dict(sorted(found.items()))

    def logged(self) -> list[int]:
        """Return how long each log is."""
        return [log.stat().st_size for log in self._logs]


async def _raise_all(fleet: Fleet, stores: Mapping[str, Store], ledger: str, asked: Asked) -> dict[str, float]:
    """Let each shop have a change every so often; return when each was due."""
    queue, due = JobQueue(AsyncPostgres(located(ledger))), {}
    begin, random = time.monotonic(), Random(1)

    async def changes(shop: Shop) -> None:
        for number in range(asked.records - 1):
            at = begin + (number + random.random()) * asked.every
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            key = shop.key(number)
            await asyncio.to_thread(stores[shop.name].records.want, [key])
            due[key] = time.time()
            await queue.offer([QueuedJob(JobKind.RUN, shop.name, "shop", "products")])

    await asyncio.gather(*map(changes, fleet.shops))
    return due


def _measured(fleet: Fleet, stores: Mapping[str, Store], ledger: str, asked: Asked) -> Phase:
    well = [shop for shop in fleet.shops if shop.sick is None]
    main = well[0].emulator
    main.clear_requests()
    waited, logged, began = fleet.in_line(), fleet.logged(), time.monotonic()
    due = asyncio.run(_raise_all(fleet, stores, ledger, asked))
    keys = {shop.key(number) for shop in well for number in range(asked.records)} & due.keys()
    written: dict[str, float] = {}

    def all_written() -> bool:
        for request in main.requests():
            key = request["path"].rpartition("/")[2]
            if key in keys and "/products/" in request["path"] and request["method"] in ("PUT", "PATCH"):
                written.setdefault(key, datetime.fromisoformat(request["time"]).timestamp())
        return len(written) == len(keys)

    wait_for(all_written, _TAIL_SECONDS, fails=False)
    seconds = time.monotonic() - began
    waits = sorted(written[key] - due[key] for key in written)
    return Phase(waits, len(keys) - len(written), (fleet.in_line() - waited) / seconds, fleet.jobs(logged))


def _sicken(fleet: Fleet, stores: Mapping[str, Store], asked: Asked) -> None:
    for shop in fleet.shops:
        match shop.sick:
            case Sick.DEAD:
                assert shop.emulator.pid is not None
                os.kill(shop.emulator.pid, signal.SIGKILL)
            case Sick.ASKS:
                shop.emulator.fault("too_many", path="/sparklayer/*", seconds=_RETRY_AFTER, count=None)
            case Sick.HUNGRY:
                shop.fill("Hungry", _HUNGRY, Eaten=list(range(10)))
                stores[shop.name].runs.want("benchmark", "full")
            case Sick.MANY:
                shop.fill("Many", asked.changes)
                stores[shop.name].runs.want("benchmark", "full")


def measure(folder: Path, asked: Asked) -> tuple[Phase, Phase]:
    """Measure the shops that are well while all are, and while four are sick."""
    server = postgres()
    url = server.new_database()
    try:
        Ledger.open(url).close()
        with ExitStack() as stack:
            main = stack.enter_context(emulator_process())
            own = {sick: stack.enter_context(emulator_process()) for sick in Sick if sick is not Sick.HUNGRY}
            for emulator in own.values():
                _give_way(emulator)
            sick = [Shop(each.name.lower(), own.get(each, main), each) for each in Sick]
            shops = [*sick, *(Shop(f"well-{number:02}", main) for number in range(asked.shops - len(sick)))]
            for shop in shops:
                shop.emulator.add_site(shop.name)
                shop.fill("First", asked.records)
            fleet = Fleet(shops, url, folder)
            fleet.apply()
            ledger = stack.enter_context(Ledger.open(url))
            scopes = ledger.database.run(lambda tx: all_scopes(tx.connection))
            stores = {scope.environment: ledger.store(scope) for scope in scopes}
            with fleet.working(asked.workers):
                wait_for(lambda: all(stores[each.name].runs.last(full=True) for each in shops))
                for shop in shops:
                    shop.fill("Well", asked.records)
                before = _measured(fleet, stores, url, asked)
                for shop in shops:
                    if shop.sick in (None, Sick.ASKS):
                        shop.fill("Beside", asked.records)
                _sicken(fleet, stores, asked)
                return before, _measured(fleet, stores, url, asked)
    finally:
        server.drop(url)


def _give_way(emulator: RunningEmulator) -> None:
    """Let an emulator compute where nobody else does: what it stands for runs on other people's machines."""
    assert emulator.pid is not None
    os.setpriority(os.PRIO_PROCESS, emulator.pid, _GIVES_WAY)


def wait_for(so: Callable[[], object], seconds: float = WAIT_SECONDS, *, fails: bool = True) -> None:
    """Wait until something is so.

    Args:
        so: says whether it is.
        seconds: to wait at most.
        fails: whether it is an error that it was not so by then.

    Raises:
        RuntimeError: it was not.
    """
    end = time.monotonic() + seconds
    while not so():
        if time.monotonic() > end:
            if fails:
                raise RuntimeError(f"it did not come to that in {seconds:g} s")
            return
        time.sleep(0.5)


def rows(folder: Path, asked: Asked | None = None) -> Iterator[Row]:
    """Yield what sick shops cost the others: small, unless RECONCILER_BENCH_LARGE=1."""
    asked = asked or (LARGE if is_large() else SMALL)
    before, beside = measure(folder, asked)
    jobs = ", ".join(f"{name} {number}" for name, number in beside.jobs.items())
    how = (
        f"p99 from due to write of {asked.shops - len(Sick)} shops, four sick ones beside them ({asked.changes:,} "
        f"changes) by none; {asked.workers} workers, a change every {asked.every:g} s in each for {asked.seconds:g} s; "
        f"all well: {before}; four sick: {beside}; load average {os.getloadavg()[0]:.1f}; of the sick: {jobs}"
    )
    ratio = beside.cuts[99] / before.cuts[99]
    noise = max(before.in_line, beside.in_line) > _MOST_IN_LINE
    yield Row("sick shops: p99 of the others", ratio, "x", _MOST, how, is_noise=noise and ratio > _MOST)
    yield Row("sick shops: writes of the others lost", beside.lost + before.lost, "records", 0, "within two minutes")


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=LARGE.shops, help="All of them; four are sick.")
    parser.add_argument("--seconds", type=float, default=LARGE.seconds, help="How long each of the two phases takes.")
    parser.add_argument("--every", type=float, default=LARGE.every, help="Seconds between two changes of a shop.")
    parser.add_argument("--changes", type=int, default=LARGE.changes, help="Of the shop that has many.")
    parser.add_argument("--workers", type=int, default=LARGE.workers)
    asked = Asked(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="neighbours-") as folder:
        found = list(rows(Path(folder), asked))
    shown = partial(json.dumps, indent=2, ensure_ascii=False)
    print(shown([{"name": row.name, "value": round(row.value, 3), "ok": row.ok, "how": row.how} for row in found]))


if __name__ == "__main__":
    main()
