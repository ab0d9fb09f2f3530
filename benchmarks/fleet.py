"""One `reconciler serve` for many marketplaces: its start, its memory and threads, and what it costs while it is idle.

`python -m benchmarks.fleet --shops 200 [--ledger postgresql://…]` measures it alone, and says what it measured as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.harness import RECONCILER, REPOSITORY, clean_environment
from benchmarks.shop import SECRETS, document
from reconciler.app.apply import Approval, apply_session
from reconciler.app.project import Project
from reconciler.app.unattended import Unattended
from reconciler.clock import utc_now
from reconciler.emulator.testing import RunningEmulator, emulator_process
from reconciler.http.observe import Silent
from reconciler.reconcile.session import PlanRequest

SHOPS = 200
_PRODUCTS = 3
_IDLE_SECONDS = 60.0
_WAIT_SECONDS = 600.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Measured:
    """What was measured of one service."""

    shops: int
    start_seconds: float = 0.0
    settled_seconds: float = 0.0
    threads: int = 0
    most_threads: int = 0
    rss_mib: float = 0.0
    idle_processor: float = 0.0
    connections: int | None = None
    page_seconds: list[float] = field(default_factory=list)
    page_bytes: int = 0
    end_seconds: float = 0.0


def measure(folder: Path, shops: int, ledger: str = "sqlite:///ledger.db") -> Measured:
    """Apply so many marketplaces on one emulator, serve them all, and measure that process."""
    found = Measured(shops)
    with emulator_process() as emulator:
        environ = _prepare(emulator, folder, shops, ledger)
        began = time.monotonic()
        with _serving(folder, environ) as (process, log):
            _wait(log, "serving", 1)
            found.start_seconds = time.monotonic() - began
            url = next(line["url"] for line in _lines(log) if line["event"] == "serving")
            while len(_ended(log)) < shops:
                found.most_threads = max(found.most_threads, _status(process.pid, "Threads"))
                time.sleep(0.2)
                if time.monotonic() - began > _WAIT_SECONDS:
                    raise RuntimeError(f"{len(_ended(log))} of {shops} ran: {log.read_text()[-2000:]}")
            found.settled_seconds = time.monotonic() - began
            time.sleep(20)
            before, since = _cpu(process.pid), time.monotonic()
            time.sleep(_IDLE_SECONDS)
            found.idle_processor = (_cpu(process.pid) - before) / (time.monotonic() - since)
            found.threads = _status(process.pid, "Threads")
            found.most_threads = max(found.most_threads, found.threads)
            found.connections = _connections(ledger)
            for _ in range(3):
                asked = time.monotonic()
                with urllib.request.urlopen(f"{url}/") as answer:
                    found.page_bytes = len(answer.read())
                found.page_seconds.append(round(time.monotonic() - asked, 3))
            found.rss_mib = _status(process.pid, "VmRSS") / 1024
            ending = time.monotonic()
        found.end_seconds = time.monotonic() - ending
    return found


def _prepare(emulator: RunningEmulator, folder: Path, shops: int, ledger: str) -> Mapping[str, str]:
    """Write the manifests of shops with a site each, and apply them."""
    emulator.seed(_PRODUCTS)
    documents: list[dict[str, Any]] = [
        document("Store", "store", baseCurrency="GBP"),
        document("DataSync", "shop", currency="GBP", interval="1h", products={}, pricing={}),
    ]
    for number in range(shops):
        name = f"shop-{number:03}"
        emulator.add_site(name)
        api = {"clientID": "emulator", "requestsPerSecond": 500}
        made = document(
            "Environment", name,
            ordercloud={"apiUrl": emulator.ordercloud_url, "authUrl": emulator.ordercloud_auth_url, **api,
                        "clientSecret": "${secret:OC_SECRET}"},
            sparklayer={"url": emulator.sparklayer_url, "siteID": name, **api,
                        "clientSecret": "${secret:SPARK_SECRET}"},
            service={"loops": ["syncs", "drift"]},
        )  # fmt: skip
        documents.append(made)
    manifests = folder / "manifests"
    manifests.mkdir(parents=True)
    for start in range(0, len(documents), 20):
        part = documents[start : start + 20]
        (manifests / f"part-{start:04}.yaml").write_text("\n---\n".join(json.dumps(each) for each in part))
    place = f"sqlite:///{folder / 'ledger.db'}" if ledger.startswith("sqlite") else ledger
    environ = clean_environment(folder, **SECRETS, RECONCILER_LEDGER=place)
    project = Project(manifests, ("all",), environ)
    sessions, failures = project.sessions(utc_now())
    for failure in failures:
        raise failure

    async def apply_all() -> None:
        for session in sessions:
            face, approval = Unattended(), Approval(agreed=True)
            await apply_session(session, PlanRequest(), approval, face, Silent(), token_cache=False)

    asyncio.run(apply_all())
    return environ


@contextmanager
def _serving(folder: Path, environ: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    log = folder / "serve.log"
    with log.open("wb") as stream:
        words = ["serve", "-e", "all", "--listen", "127.0.0.1:0", "--log-format", "json"]
        process = subprocess.Popen(
            [RECONCILER, "-C", folder, *words], cwd=REPOSITORY, env=dict(environ), stderr=stream, stdout=stream
        )
    try:
        yield process, log
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        process.wait()


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().split("\n")[:-1] if line.startswith("{")]


def _ended(log: Path) -> set[str]:
    return {line["environment"] for line in _lines(log) if line["event"] == "run-ended"}


def _wait(log: Path, event: str, number: int) -> None:
    until = time.monotonic() + _WAIT_SECONDS
    while sum(line["event"] == event for line in _lines(log)) < number:
        if time.monotonic() > until:
            raise RuntimeError(log.read_text()[-2000:])
        time.sleep(0.1)


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _cpu(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICKS


def _connections(ledger: str) -> int | None:
    """Return how many connections the ledger's database has, ours beside them left out; None of a file."""
    if not ledger.startswith("postgresql"):
        return None
    import psycopg

    with psycopg.connect(ledger) as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        row = connection.execute(asked).fetchone()
    return None if row is None else int(row[0])


def main() -> None:
    """Measure one service, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=SHOPS)
    parser.add_argument("--ledger", default="sqlite:///ledger.db", help="A PostgreSQL URL; left out: a SQLite file.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        found = measure(Path(folder), asked.shops, asked.ledger)
    print(json.dumps(found.__dict__ | {"load": os.getloadavg()}, indent=2))


if __name__ == "__main__":
    main()
