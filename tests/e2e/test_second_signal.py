"""Two signals, one after the other, to every command that writes: 130, a true report, never an internal error."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.app import imports
from reconciler.errors import Interrupted
from reconciler.reconcile.importer import Imported, ImportResult
from support.checkout import Checkout, entity_sync, http_config, outcomes, wait_until
from support.syncing import Shop

ENDED = {"until": "2020-01-01T00:00:00Z", "reason": "load"}
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


@pytest.mark.parametrize("numbers", SIGNALS)
def test_apply_tells_of_each_change_what_is_known(checkout: Checkout, numbers: tuple[signal.Signals, ...]) -> None:
    checkout.write("all.yaml", checkout.environment(), http_config("hook"), entity_sync("buyers", "hook"))
    process = hanging_at(checkout, "*/deliveryconfig*", "apply", "--yes", "--format", "json", method="POST")
    stdout, _ = stopped_twice(checkout, process, *numbers)
    report = json.loads(stdout)
    assert outcomes(report) == {"DeliveryConfig/hook": "unknown", "EntitySync/buyers": "skipped"}
    resumed = checkout.call("apply", "--resume", "--format", "json")
    assert resumed.status == 0, str(resumed)
    assert set(outcomes(resumed.json).values()) <= {"applied", "already"}


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
    process = hanging_at(checkout, "*/deliveryconfig*", *words, method="GET")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    checkout.emulator.clear_faults()
    assert process.returncode == 130, stderr
    assert "error[interrupted]" in stderr
    assert (checkout.manifest_bytes(), checkout.writes()) == (before, [])


def test_an_interrupted_import_names_the_files_that_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_one(path: Path, text: str) -> None:
        if list(tmp_path.iterdir()):
            raise KeyboardInterrupt
        path.write_text(text)

    monkeypatch.setattr(imports, "write_file", write_one)
    found: Any = [Imported("Store", "store", "1", {}, (), ()), Imported("StockLocation", "main", "2", {}, (), ())]
    with pytest.raises(Interrupted, match=r"after .*store\.yaml"):
        imports._write(ImportResult(tuple(found), ()), tmp_path, only_in=None)
