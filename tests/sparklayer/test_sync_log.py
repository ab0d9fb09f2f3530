"""The sync log through the client, and its two commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from reconciler.emulator.switches import SPARKLAYER, flipped_switches
from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import NotFound, Rejected
from reconciler.kind.connection import Json
from reconciler.sparklayer.sync_log import (
    LoggedError,
    SyncStatus,
    SyncTimes,
    clear_every_log,
    read_status,
    record_full,
    record_partial,
)
from support.sparklayer_workbench import Workbench, read, written

START = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)
END = datetime(2026, 11, 1, 13, 0, 0, 123000, tzinfo=timezone(timedelta(hours=2)))
PROBLEM = LoggedError("variant:1", "has no SKU", "https://portal/1", "Shirt")
OF = ("ordercloud", "products")


def status(emulator: RunningEmulator, integration: str = "ordercloud", **options: bool) -> SyncStatus | None:
    return read(emulator.sparklayer_url, lambda reader: read_status(reader, integration, "products", **options))


def full(emulator: RunningEmulator, times: SyncTimes, errors: tuple[LoggedError, ...] = (), integration="ordercloud"):
    written(emulator.sparklayer_url, lambda writer: record_full(writer, integration, "products", times, errors))


def partial(emulator: RunningEmulator, times: SyncTimes, errors=(), resolved=()) -> None:
    written(emulator.sparklayer_url, lambda writer: record_partial(writer, *OF, times, errors, resolved))


@pytest.mark.parametrize("switches", [*flipped_switches(SPARKLAYER)], ids=str)
def test_a_full_sync_as_it_goes(emulator: RunningEmulator, switches: dict[str, str]) -> None:
    emulator.switch(**switches)
    assert status(emulator) is None
    full(emulator, SyncTimes(started_full_sync=START))
    partial(emulator, SyncTimes(), [PROBLEM, LoggedError("b")])
    partial(emulator, SyncTimes(), [], ["b"])
    before = status(emulator, with_errors=True)
    assert before == SyncStatus(SyncTimes(started_full_sync=START), 1, (PROBLEM,))
    partial(emulator, SyncTimes(last_full_sync=END, last_full_sync_succeeded=True, last_partial_sync=END))
    assert status(emulator) == SyncStatus(SyncTimes(START, END, True, END), 1, None)
    full(emulator, SyncTimes(started_full_sync=END))
    assert status(emulator, with_errors=True) == SyncStatus(SyncTimes(END, None, None, END), 0, ())


def test_integrations_may_have_any_name(emulator: RunningEmulator) -> None:
    for name in ("a b", "a/b", "a%2Fb", "ü?#"):
        full(emulator, SyncTimes(started_full_sync=START), integration=name)
        assert status(emulator, name) == SyncStatus(SyncTimes(started_full_sync=START), 0)
    assert status(emulator, "a") is None


def test_what_the_log_refuses_reaches_the_caller(emulator: RunningEmulator) -> None:
    with pytest.raises(Rejected, match="is there twice"):
        full(emulator, SyncTimes(), (PROBLEM, PROBLEM))
    emulator.switch(spark_partial_before_full="not_found")
    with pytest.raises(NotFound):
        partial(emulator, SyncTimes())


def test_clearing_takes_the_logs_of_others_too(emulator: RunningEmulator) -> None:
    full(emulator, SyncTimes(), integration="other")
    full(emulator, SyncTimes())
    written(emulator.sparklayer_url, clear_every_log)
    assert (status(emulator), status(emulator, "other")) == (None, None)


def run(bench: Workbench, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reconciler", *words, "-m", str(bench.folder / "manifests")]
    env = {**os.environ, "RECONCILER_CACHE_DIR": str(bench.folder / "cache"), "CI": "1"}
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=env, timeout=60)


@pytest.fixture
def bench(tmp_path: Path, emulator: RunningEmulator) -> Workbench:
    bench = Workbench(tmp_path, emulator)
    bench.write()
    return bench


def test_show_says_what_a_merchant_sees(bench: Workbench) -> None:
    full(bench.emulator, SyncTimes(START, END, False), (PROBLEM, LoggedError("evil\x1b[31m", "bad")))
    shown = run(bench, "sync-log", "show", "--errors")
    assert shown.returncode == 0, shown.stderr
    assert "Sync log of ordercloud on site demo" in shown.stdout
    assert "products: 2 open problems" in shown.stdout
    assert "Shirt: has no SKU https://portal/1" in shown.stdout
    assert "(failed)" in shown.stdout
    assert "customers: no full sync was ever recorded" in shown.stdout
    assert "\x1b" not in shown.stdout
    found: Json = json.loads(run(bench, "sync-log", "show", "--type", "products", "--format", "json").stdout)
    assert (found["site"], found["integration"]) == ("demo", "ordercloud")
    assert found["logs"]["products"]["error_count"] == 2
    assert found["logs"]["products"]["last_full_sync"] == "2026-11-01T11:00:00.123000+00:00"


def test_clear_asks_somebody_or_wants_to_be_told(bench: Workbench) -> None:
    full(bench.emulator, SyncTimes(), integration="other")
    refused = run(bench, "sync-log", "clear")
    assert refused.returncode == 64
    assert "--yes" in refused.stderr
    assert status(bench.emulator, "other") is not None
    cleared = run(bench, "sync-log", "clear", "--yes")
    assert cleared.returncode == 0, cleared.stderr
    assert "every integration and data type of the site demo" in cleared.stdout
    assert status(bench.emulator, "other") is None


def test_help_says_whose_logs_go(bench: Workbench) -> None:
    words = " ".join(run(bench, "sync-log", "clear", "--help").stdout.split())
    assert "EVERY integration and data type of the site" in words
    assert "those of other integrations too" in words
