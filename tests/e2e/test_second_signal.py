"""Two signals, one after the other, to every command that writes: 130, a true report, never an internal error."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reconciler.app import imports
from reconciler.app.signals import ECHO_SECONDS
from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import Interrupted
from reconciler.ledger.schema import VERSION
from reconciler.reconcile.importer import Imported, ImportResult
from support import postgres
from support.checkout import Checkout, entity_sync, http_config, outcomes, wait_until
from support.syncing import Shop

ENDED = {"until": "2020-01-01T00:00:00Z", "reason": "load"}
LIVE = {"Name": "n", "Enabled": True, "DeliveryTargets": {"Http": {"Endpoint": "https://hooks.example.com"}}}
KNOWN = "known"
# Every command that writes and does not stop in order at a first signal.
WRITERS = [
    ("import",),
    ("drift", "snooze", "PriceList/list", "--for", "1d", "--reason", "load"),
    ("sync", "retry", "--all"),
    ("sync", "drop", KNOWN),
    ("sync-log", "clear", "--yes"),
    ("ledger", "migrate"),
    ("ledger", "copy", "sqlite:///ledger.db", "sqlite:///new.db"),
    ("ledger", "backup", "copy.db"),
]
KILLS = int(os.environ.get("RECONCILER_TEST_KILLS", "0"))
WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
SIGNALS = [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)]


def hanging_at(checkout: Checkout, path: str, *words: str, method: str | None = None) -> subprocess.Popen[str]:
    """Start a command and return when a request of it was carried out and its answer does not come."""
    chosen = {} if method is None else {"method": method}
    checkout.emulator.fault("hang", path=path, when="after", **chosen)
    process = checkout.start(*words)
    wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]) or process.poll() is not None)
    return process


def stopped_twice(checkout: Checkout, process: subprocess.Popen[str], *numbers: signal.Signals) -> tuple[str, str]:
    """Send the second signal when the first one was heard; return what the command has written."""
    try:
        assert process.stderr is not None
        process.send_signal(numbers[0])
        heard = ""
        while "Once more" not in heard:
            line = process.stderr.readline()
            assert line, heard
            heard += line
        time.sleep(1.5 * ECHO_SECONDS)  # what comes sooner is taken for the same wish
        process.send_signal(numbers[1])
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
        checkout.emulator.clear_faults()
    assert process.returncode == 130, heard + stderr
    assert "internal" not in (heard + stderr).lower()
    assert "Traceback" not in heard + stderr
    return stdout, heard + stderr


def test_after_an_apply_that_was_killed_whoever_looks_is_told_to_resume_it(checkout: Checkout) -> None:
    checkout.write("all.yaml", checkout.environment(), http_config("hook"), entity_sync("buyers", "hook"))
    process = hanging_at(checkout, "*/deliveryconfig*", "apply", "--yes", method="POST")
    process.kill()
    process.communicate()
    checkout.emulator.clear_faults()
    resume = "reconciler apply --resume -e test -m manifests"
    for words in ("plan", "drift", "ledger show"):
        told = checkout.call(*words.split(), "-m", "manifests").stdout
        assert f"→ {resume}\n" in told, told
    assert f"`{resume}`" in checkout.call("plan", "-m", "manifests", "--format", "markdown").stdout
    assert checkout.call(*resume.split()[1:]).status == 0
    assert "apply --resume" not in checkout.call("ledger", "show").stdout


def test_an_apply_that_is_cut_without_a_report_names_what_carries_on(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(work: Any) -> None:
        work.close()
        raise KeyboardInterrupt

    monkeypatch.setattr("reconciler.cli.commands.apply.run_to_end", cut)
    checkout.write("all.yaml", checkout.environment(), http_config("hook"))
    ended = checkout.call("apply", "--yes", "-m", "manifests", "-e", "test")
    assert ended.status == 130
    assert "`reconciler apply --resume -m manifests -e test`" in ended.stderr


@pytest.mark.parametrize("numbers", SIGNALS)
def test_apply_tells_of_each_change_what_is_known(checkout: Checkout, numbers: tuple[signal.Signals, ...]) -> None:
    checkout.write("all.yaml", checkout.environment(), http_config("hook"), entity_sync("buyers", "hook"))
    process = hanging_at(checkout, "*/deliveryconfig*", "apply", "--yes", "--format", "json", method="POST")
    stdout, _ = stopped_twice(checkout, process, *numbers)
    report = json.loads(stdout)
    assert outcomes(report) == {"DeliveryConfig/hook": "unknown", "EntitySync/buyers": "skipped"}
    assert checkout.call("ledger", "show", "--format", "json").json["commits"] == []
    resumed = checkout.call("apply", "--resume", "--format", "json", "--commit", "2" * 40)
    assert resumed.status == 0, str(resumed)
    assert set(outcomes(resumed.json).values()) <= {"applied", "already"}
    (known,) = checkout.call("ledger", "show", "--format", "json").json["commits"]
    assert (known["environment"], known["commit"], known["whole_commit"]) == ("test", "2" * 40, "2" * 40)


def test_apply_reports_as_text_and_names_the_command_that_goes_on(checkout: Checkout) -> None:
    checkout.write("all.yaml", checkout.environment(), http_config("hook"), entity_sync("buyers", "hook"))
    process = hanging_at(checkout, "*/deliveryconfig*", "apply", "--yes", method="POST")
    stdout, _ = stopped_twice(checkout, process, signal.SIGINT, signal.SIGINT)
    assert "1 unknown" in stdout
    assert "apply --resume -e test" in " ".join(stdout.split())


def test_drift_tells_what_became_of_the_resumed_and_ends(checkout: Checkout) -> None:
    checkout.write("all.yaml", checkout.environment(), http_config("hook"), entity_sync("buyers", "hook", pause=ENDED))
    checkout.applied()
    checkout.change_live(lambda live: live["syncs"]["/integrations/entitysync/buyers"].update(Paused=True))
    process = hanging_at(checkout, "*/entitysync/*", "drift", "--resume-expired", method="PATCH")
    stdout, stderr = stopped_twice(checkout, process, signal.SIGINT, signal.SIGINT)
    assert "1 unknown" in stderr
    assert stdout == ""


def test_a_run_of_a_data_sync_tells_what_it_did(checkout: Checkout) -> None:
    shop = Shop(checkout)
    checkout.emulator.seed(20, 1)
    shop.prepare()
    process = hanging_at(checkout, "*/products*", "sync", "run", "--format", "json", method="GET")
    stdout, stderr = stopped_twice(checkout, process, signal.SIGINT, signal.SIGINT)
    assert stdout, stderr
    assert json.loads(stdout)["state"] == "interrupted"
    assert shop.synced()["state"] == "finished"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_wipe_of_sync_logs_is_said_to_be_unknown(checkout: Checkout, number: signal.Signals) -> None:
    checkout.write("all.yaml", Shop(checkout).environment())
    process = hanging_at(checkout, "*/sync-log", "sync-log", "clear", "--yes", method="DELETE")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    checkout.emulator.clear_faults()
    assert process.returncode == 130, stderr
    assert "not known" in stderr
    assert "sync-log show -e test" in " ".join(stderr.split())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", [("import",), ("plan",), ("drift",), ("apply", "--yes")])
def test_interrupted_while_it_reads_nothing_is_written(
    checkout: Checkout, words: tuple[str, ...], number: signal.Signals
) -> None:
    checkout.write("all.yaml", checkout.environment(), http_config("hook"))
    before = checkout.manifest_bytes()
    checkout.emulator.fault("hang", path="*/deliveryconfig*", when="after", method="GET")
    process = checkout.fork(*words)
    wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]) or process.poll() is not None)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    checkout.emulator.clear_faults()
    assert process.returncode == 130, stderr
    assert "error[interrupted]" in stderr
    assert (checkout.manifest_bytes(), checkout.writes()) == (before, [])


@pytest.fixture(scope="module")
def used(_emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, Any]:
    """Return a checkout in which all was applied, with something left to do for each writer; and what is live."""
    _emulator.reset()
    checkout = Checkout(tmp_path_factory.mktemp("used"), _emulator)
    shop = Shop(checkout)
    _emulator.seed(3, 1)
    shop.portal("PUT", f"products/{KNOWN}", {"ID": KNOWN, "Name": "Known", "Active": True})
    shop.prepare()
    shop.synced()
    checkout.change_live(lambda live: live["deliveryConfigs"].update(new={**LIVE, "ID": "new"}))
    return checkout, _emulator.state(secrets=True)


def hears_signals(process: subprocess.Popen[str]) -> bool:
    """Whether a command has come so far that signals are its own to handle."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only /proc says when signals are heard")
@pytest.mark.parametrize("words", WRITERS if KILLS else WRITERS[::3], ids=lambda words: " ".join(words[:2]))
def test_two_signals_at_any_instant_and_the_command_can_be_run_again(
    used: tuple[Checkout, Any], words: tuple[str, ...], tmp_path: Path
) -> None:
    first, live = used
    dice = random.Random(os.environ.get("RECONCILER_TEST_SEED", "-".join(words)))
    for attempt in range(KILLS or 2):
        first.emulator.load(live)
        folder = tmp_path / str(attempt)
        shutil.copytree(first.folder, folder)
        checkout = replace(first, folder=folder, variables={"RECONCILER_LEDGER": f"sqlite:///{folder}/ledger.db"})
        process = checkout.start(*words)
        wait_until(lambda process=process: process.poll() is not None or hears_signals(process))  # type: ignore[misc]
        time.sleep(dice.uniform(0, 1.5 if KILLS else 0.7))
        process.send_signal(dice.choice([signal.SIGINT, signal.SIGTERM]))
        time.sleep(dice.choice([0, 0.01, 0.1, 0.3]))
        process.send_signal(dice.choice([signal.SIGINT, signal.SIGTERM]))
        stdout, stderr = process.communicate(timeout=60)
        told = f"attempt {attempt}\n{stdout}\n{stderr}"
        assert process.returncode in (0, 130), told
        assert "Traceback" not in stderr, told
        assert "nternal" not in stderr, told
        again = checkout.call(*words)
        assert again.status == 0 or "is there already" in again.stderr, f"{told}\n{again}"
        assert checkout.call("ledger", "show").status == 0


def test_a_watch_tells_of_the_run_that_it_was_in(checkout: Checkout) -> None:
    shop = Shop(checkout)
    checkout.emulator.seed(20, 1)
    shop.prepare()
    process = hanging_at(checkout, "*/products*", "sync", "watch", "--format", "json", method="GET")
    stdout, stderr = stopped_twice(checkout, process, signal.SIGINT, signal.SIGINT)
    assert json.loads(stdout)["state"] == "interrupted", stderr
    assert shop.synced()["state"] == "finished"


@pytest.mark.postgres
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_migration_that_waits_for_others_is_undone(checkout: Checkout, number: signal.Signals) -> None:
    url = postgres.new_ledger()
    try:
        checkout.write("environment.yaml", checkout.environment())
        checkout.variables = {"RECONCILER_LEDGER": url}
        postgres.execute(url, f"UPDATE ledger_meta SET version = {VERSION - 1}")
        # Within a transaction the server shows its activity as it was at first.
        with psycopg.connect(url) as other, psycopg.connect(url, autocommit=True) as looking:
            other.execute("SELECT * FROM ledger_meta FOR UPDATE")
            process = checkout.start("ledger", "migrate")
            wait_until(lambda: looking.execute(WAITING).fetchone() is not None or process.poll() is not None)
            process.send_signal(number)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)
        assert process.returncode == 130, stderr
        assert "error[interrupted]" in stderr
        assert "Traceback" not in stderr
    finally:
        postgres.drop(url)


def test_an_interrupted_import_names_the_files_that_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_one(path: Path, text: str) -> None:
        if list(tmp_path.iterdir()):
            raise KeyboardInterrupt
        path.write_text(text)

    monkeypatch.setattr(imports, "write_file", write_one)
    found: Any = [Imported("Store", "store", "1", {}, (), ()), Imported("StockLocation", "main", "2", {}, (), ())]
    with pytest.raises(Interrupted, match=r"after .*store\.yaml"):
        imports._write(ImportResult(tuple(found), ()), tmp_path, only_in=None)
