"""The apply lock between real processes: one writes, others wait or are told who does, the dead block nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import LedgerLocked, LockLost
from reconciler.ledger.config.model import LockHolder
from reconciler.ledger.lock import locked_by
from reconciler.ledger.process import ProcessId, describe_holder, this_process
from reconciler.ledger.reader import read_overview
from reconciler.ledger.writer import Ledger

HOLD = """
import sys
from reconciler.ledger.process import describe_holder
from reconciler.ledger.writer import Ledger
with Ledger.open(sys.argv[1]) as ledger, ledger.lock(describe_holder("apply")):
    print("held", flush=True)
    sys.stdin.readline()
"""

INCREMENT = """
import pathlib, sys
from reconciler.ledger.writer import Ledger
counter = pathlib.Path(sys.argv[2])
with Ledger.open(sys.argv[1]) as ledger:
    for _ in range(5):
        with ledger.lock("x", wait=60) as lock:
            value = int(counter.read_text())
            lock.check()
            counter.write_text(str(value + 1))
"""


@pytest.fixture
def url(ledger_url):
    return ledger_url


@contextmanager
def another_holder(url):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_the_second_is_told_who_holds_it_and_what_to_do(url):
    with another_holder(url) as process, Ledger.open(url) as ledger:
        with pytest.raises(LedgerLocked) as caught, ledger.lock("me"):
            pass
        assert f"pid {process.pid}: apply" in caught.value.message
        assert "ledger unlock --force" in (caught.value.next_step or "")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("apply:test", "reconciler ledger unlock --force -e test"),
        ("apply", "reconciler ledger unlock --force"),
        ("pause:test", "reconciler ledger unlock --force -e test 'pause:test'"),
        ("test/ordercloud/products", "reconciler ledger unlock --force -e test 'test/ordercloud/products'"),
    ],
)
def test_the_command_that_breaks_a_lock_names_its_environment(name, command):
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    holder = LockHolder("me", now, now, now)
    assert f"`{command}`" in (locked_by(holder, name).next_step or "")


def test_the_second_waits_until_the_first_lets_go(url):
    told = []
    with another_holder(url) as process, Ledger.open(url) as ledger:

        def let_go(holder):
            told.append(holder.holder)
            process.stdin.write("\n")
            process.stdin.flush()

        with ledger.lock("me", wait=30, on_wait=let_go) as lock:
            lock.check()
    assert len(told) == 1
    assert "apply" in told[0]


def test_a_holder_killed_on_this_machine_does_not_block(url):
    with another_holder(url) as process, Ledger.open(url) as ledger:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        with ledger.lock("me") as lock:
            lock.check()


def test_a_holder_elsewhere_that_gives_no_sign_of_life_is_taken_over_when_its_lease_ends(url, monkeypatch):
    now = [datetime(2026, 11, 21, 12, 0, tzinfo=UTC)]
    with Ledger.open(url, clock=lambda: now[0]) as ledger, ledger.lock("first") as first:
        monkeypatch.setattr(ProcessId, "is_dead", lambda self: False)
        now[0] += timedelta(seconds=29)
        with pytest.raises(LedgerLocked), ledger.lock("second"):
            pass
        now[0] += timedelta(seconds=2)
        with ledger.lock("second") as second:
            second.check()
            with pytest.raises(LockLost):
                first.check()
        with pytest.raises(LockLost):
            first.check()


def test_the_lease_is_renewed_in_the_background(url):
    beats = threading.Event()
    start = datetime.now(UTC)
    calls = []

    def clock():
        calls.append(1)
        if len(calls) > 3:
            beats.set()
        return start + timedelta(seconds=len(calls))

    with Ledger.open(url, clock=clock) as ledger, ledger.lock("me", lease=timedelta(seconds=0.3)):
        assert beats.wait(timeout=20)
        shown = read_overview(url)
        assert shown is not None
        assert shown["lock"]["heartbeat_at"] > shown["lock"]["taken_at"]


def test_unlock_breaks_a_living_lock_only_by_force_and_its_holder_notices(url):
    with Ledger.open(url) as ledger, ledger.lock("me") as lock:
        with pytest.raises(LedgerLocked):
            ledger.unlock()
        broken = ledger.unlock(force=True)
        assert broken is not None
        assert broken.holder == "me"
        with pytest.raises(LockLost) as caught:
            lock.check()
        assert caught.value.next_step
        assert ledger.unlock(force=True) is None


def test_letting_go_does_not_take_the_lock_from_the_next_holder(url):
    with Ledger.open(url) as ledger:
        with ledger.lock("first"):
            ledger.unlock(force=True)
            second = ledger.lock("second")
            lock = second.__enter__()
        lock.check()
        second.__exit__(None, None, None)


def test_many_processes_never_write_at_once(url, tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    crowd = [subprocess.Popen([sys.executable, "-c", INCREMENT, url, str(counter)]) for _ in range(3)]
    assert [process.wait(timeout=60) for process in crowd] == [0] * 3
    assert counter.read_text() == "15"


def test_a_number_that_was_given_to_another_process_is_not_taken_for_the_holder():
    ours = this_process()
    assert not ours.is_dead()
    if ours.started:
        assert ProcessId(ours.machine, ours.pid, "1").is_dead()
    assert not ProcessId("another machine", 1, "1").is_dead()


def test_a_holder_is_named_so_that_people_find_it():
    assert describe_holder("apply").endswith(f" pid {this_process().pid}: apply")


def test_a_process_that_ended_and_that_nobody_asked_for_is_dead():
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    process.stdout.read()
    ours = this_process()
    ended = ProcessId(ours.machine, process.pid, "")
    try:
        assert not ProcessId(ours.machine, ours.pid, "").is_dead()
        assert os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT) is not None
        assert ended.is_dead()
    finally:
        process.communicate()
    assert ended.is_dead()
