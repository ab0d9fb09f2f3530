"""A signal while somebody is asked, or while a pause is given back: 130 at once, with words that are true."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from support.checkout import Checkout, entity_sync, http_config, wait_until
from support.terminals import rest

SYNC = "/integrations/entitysync/buyers"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_the_question_ends_at_once(checkout: Checkout, number: signal.Signals) -> None:
    checkout.write("all.yaml", checkout.environment(), http_config("hook"))
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply"],
        cwd=checkout.folder,
        env=checkout.environ,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    try:
        told = b""
        while b"[y/N]" not in told:
            told += os.read(terminal, 4096)
        # It is seen to be asked a moment before its key is waited for.
        time.sleep(0.5)
        process.send_signal(number)
        told += rest(terminal)
        assert process.wait(30) == 130
        assert b"nothing of what it asks for was done" in b" ".join(told.split())
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert checkout.writes() == []


def test_a_pause_that_is_cut_off_while_it_is_given_back_says_so(checkout: Checkout) -> None:
    checkout.write("all.yaml", checkout.environment(), http_config("hook"), entity_sync("buyers", "hook"))
    checkout.applied()
    checkout.emulator.fault("latency", path="*/entitysync/*", method="PATCH", seconds=2)
    process = checkout.start("pause", "EntitySync/buyers", "--for", "30m", "--reason", "Load")
    try:
        wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]) or process.poll() is not None)
        checkout.emulator.fault("hang", path="*/entitysync/*", method="GET", when="after")
        process.send_signal(signal.SIGINT)
        wait_until(lambda: any(fault["effect"] == "hang" and fault["fired"] for fault in checkout.emulator.faults()))
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
        checkout.emulator.clear_faults()
    assert process.returncode == 130, stdout + stderr
    assert "the pause of EntitySync/buyers is given back" in " ".join(stderr.split())
    resumed = checkout.call("resume", "EntitySync/buyers", "--format", "json")
    assert resumed.status == 0, str(resumed)
    assert not checkout.live()["syncs"][SYNC]["Paused"]
    assert json.loads(checkout.call("pauses", "--format", "json").stdout)["paused"] == []
