"""What holds for all tests."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

import certifi
import pytest
from hypothesis import HealthCheck, settings

# Tests are not timed: a busy machine is no failure. CI tries the same examples every time (--hypothesis-profile=ci);
# who has an hour tries more (--hypothesis-profile=many).
settings.register_profile("default", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.register_profile("many", settings.get_profile("default"), max_examples=500)
settings.load_profile("default")

# The environment is the same on every machine: of its variables only those stay by which programs are found, and those
# that are meant for the tests. What else a test assumes it sets itself.
_KEPT = re.compile("PATH|TMPDIR|LD_LIBRARY_PATH|PYTHONPATH|PYTEST_.*|RECONCILER_TEST_.*|COV_.*|COVERAGE_.*")
for _name in [name for name in os.environ if not _KEPT.fullmatch(name)]:
    del os.environ[_name]
# Files of tests lie in memory where there is plenty: thousands of ledgers would wait for a disk to confirm.
_MEMORY = Path("/dev/shm")
if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 4 * 2**30:
    os.environ["TMPDIR"] = str(_MEMORY)
    tempfile.tempdir = None  # which makes it look again
os.environ["LANG"] = "C.UTF-8"
os.environ["HOME"] = tempfile.mkdtemp(prefix="reconciler-tests-home-")
atexit.register(shutil.rmtree, os.environ["HOME"], ignore_errors=True)
# A client of httpx reads all certificates that there are, which takes 50 ms; on the loopback one of them will do.
_CERTIFICATE = Path(os.environ["HOME"]) / "certificate.pem"
_CERTIFICATE.write_text(certifi.contents().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
certifi.where = lambda: str(_CERTIFICATE)

# Under nohup, or in the background of a shell, signals are ignored, and so they would be in every program that the
# tests start and then interrupt.
for _number, _default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, _default)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Start two processes for each core, as tests also wait: for a program, a server or a moment."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 2 * ours


# Modules whose tests take longest, the longest first, as nobody shall wait for one of them at the end.
_LONG = (
    "workers/test_worker_processes.py",
    "e2e/test_sync_kill.py",
    "e2e/test_kill.py",
    "e2e/test_sync_changes.py",
    "workers/test_by_hand.py",
    "e2e/test_bracket.py",
    "workers/test_database_away.py",
    "cli/test_demo.py",
    "e2e/test_serve_postgres.py",
    "e2e/test_sync_whole_life.py",
    "e2e/test_sync_stateful.py",
    "e2e/test_sync_stateful_parties.py",
    "e2e/test_pause_kill.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each process begin with long tests: it gets an equal part of all, and others take from the part's end."""
    long: dict[str, list[pytest.Item]] = {name: [] for name in _LONG}
    rest = []
    for item in items:
        long.get("/".join(item.path.parts[-2:]), rest).append(item)
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    first: list[list[pytest.Item]] = [[] for _ in range(processes)]
    for number, tests in enumerate(long.values()):
        first[number % processes].extend(tests)
    rest.reverse()
    ordered: list[pytest.Item] = []
    for number, tests in enumerate(first):
        share = (len(items) - len(ordered)) // (processes - number)
        ordered += tests
        ordered += [rest.pop() for _ in range(min(len(rest), share - len(tests)))]
    items[:] = ordered + rest[::-1]


@pytest.fixture(scope="module")
def _emulator():
    from reconciler.emulator.testing import running_emulator

    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(_emulator):
    """Return the emulator of a module's tests, as it was when it started."""
    _emulator.reset()
    return _emulator


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def ledger_url(request, tmp_path):
    """Where a test has its ledger: once in a file, once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    from support import postgres

    url = postgres.new_ledger()
    yield url
    postgres.drop(url)
