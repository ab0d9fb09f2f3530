"""One rate for eight processes: how much of it they use together, and how much the API refuses, by each of its rules.

Workers, emulator and PostgreSQL are processes of their own and share the machine; what was sent and refused is counted
by the emulator.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.harness import REPOSITORY, Row, clean_environment
from benchmarks.postgres import postgres
from reconciler.emulator.testing import RunningEmulator, emulator_process
from reconciler.ledger.writer import Ledger

_WORKERS = 8
_RATES = (20, 200)
_RULES = ("bucket", "sliding_second", "fixed_second")
_LATENCY = 0.05
_WARM_SECONDS = 4.0
_SECONDS = {20: 20.0, 200: 10.0}
_REFUSED = 429
# Where the emulator could run and stood in line for a core for more of the time, other people's work was measured.
_MOST_IN_LINE = 0.05


def rows(folder: Path) -> Iterator[Row]:
    """Yield what is used and refused, of each rate, by each rule, with all workers busy and with one."""
    server = postgres()
    for rate in _RATES:
        for busy in (_WORKERS, 1):
            url = server.new_database()
            try:
                Ledger.open(url).close()
                with emulator_process() as emulator, _workers(url, emulator, rate, busy, folder):
                    for rule in _RULES:
                        yield from _counted(emulator, rate, rule, busy)
            finally:
                server.drop(url)


def _counted(emulator: RunningEmulator, rate: int, rule: str, busy: int) -> Iterator[Row]:
    emulator.traffic(latency=_LATENCY, requests_per_second=rate, rule=rule)
    time.sleep(_WARM_SECONDS)
    emulator.clear_requests()
    waited, begun = _in_line(emulator), time.monotonic()
    time.sleep(_SECONDS[rate])
    seconds = time.monotonic() - begun
    statuses = Counter(each["status"] for each in emulator.requests() if "/oauth/" not in each["path"])
    in_line = (_in_line(emulator) - waited) / seconds
    sent, refused = sum(statuses.values()), statuses[_REFUSED]
    name = f"{_WORKERS} workers, {busy} busy, one rate of {rate}/s, {rule.replace('_', ' ')}"
    how = f"{sent} requests in {seconds:.1f} s, {refused} refused; the emulator waited {in_line:.1%} of them for a core"
    noise = in_line > _MOST_IN_LINE
    used = (sent - refused) / (rate * seconds) * 100
    yield Row(f"{name}: used", used, "%", 95, how, more_is_better=True, is_noise=noise and used < 95)
    yield Row(f"{name}: refused", refused / max(sent, 1) * 100, "%", 1, how, is_noise=noise and refused > sent / 100)


@contextmanager
def _workers(ledger: str, emulator: RunningEmulator, rate: int, busy: int, folder: Path) -> Iterator[None]:
    url = emulator.ordercloud_url.removesuffix("/ordercloud/v1")
    processes: list[subprocess.Popen[bytes]] = []
    with ExitStack() as stack:
        for number in range(_WORKERS):
            words = [ledger, url, str(rate), "busy" if number < busy else "idle"]
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.limit_worker", *words],
                cwd=REPOSITORY,
                env=clean_environment(folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            stack.callback(process.communicate)
            processes.append(process)
        for process in processes:
            if process.stdout is None or process.stdout.readline() != b"ready\n":
                raise RuntimeError("a worker did not start; its error is above")
        yield


def _in_line(emulator: RunningEmulator) -> float:
    """Return how many seconds the emulator could run and waited for a core until now."""
    return int(Path(f"/proc/{emulator.pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
