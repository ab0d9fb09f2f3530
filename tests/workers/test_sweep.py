"""The sweep makes jobs of what is due in the ledger, whatever one environment is like."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

from reconciler.errors import LedgerError
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.turns import Waits
from reconciler.sync.run.queue import JobKind, QueuedJob
from reconciler.workers.sweep import Sweep
from support.engine import SETTINGS

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def scope(environment):
    return DataScope(environment, "https://site#demo", "test", "things")


class Manned:
    def __init__(self, name, error=None):
        data = SimpleNamespace(digest="digest")
        self.sync = SimpleNamespace(name="shop", type="things", scope=scope(name), settings=SETTINGS, data=data)
        self.error = error

    def known(self, waits):
        if self.error is not None:
            raise self.error
        return (self.sync,)


class Queue:
    def __init__(self):
        self.offered, self.forgets = [], 0

    async def offer(self, jobs):
        self.offered.append(list(jobs))

    async def forget_log(self):
        self.forgets += 1


def sweep(waits, told=lambda _: None, **manned):
    queue = Queue()
    turns = SimpleNamespace(waits=lambda environments: (NOW, waits() if callable(waits) else waits))
    return Sweep(turns, manned, queue, told), queue


DUE = {scope(name): Waits(applied="digest") for name in ("a", "b")}


def test_what_is_due_is_offered_and_the_log_of_jobs_forgotten_now_and_then():
    swept, queue = sweep({**DUE, scope("b"): Waits(applied="digest", locked=True)}, a=Manned("a"), b=Manned("b"))
    assert asyncio.run(swept.once()) is None
    asyncio.run(swept.once())
    assert queue.offered == [[QueuedJob(JobKind.RUN, "a", "shop", "things")]] * 2
    assert queue.forgets == 1


def test_an_environment_that_cannot_be_looked_at_takes_out_itself_alone():
    error = LedgerError("its manifests are gone")
    swept, queue = sweep(DUE, a=Manned("a", error), b=Manned("b"))
    assert asyncio.run(swept.once()) is error
    assert queue.offered == [[QueuedJob(JobKind.RUN, "b", "shop", "things")]]


def test_it_goes_on_whatever_fails():
    fails = [LedgerError("away"), RuntimeError("a fault of ours")]
    told = []

    def waits():
        if fails:
            raise fails.pop(0)
        return DUE

    async def run():
        swept, queue = sweep(waits, told.append, a=Manned("a"))
        sweeping = asyncio.create_task(swept.run())
        while not queue.offered:
            swept.ring()
            await asyncio.sleep(0.02)
        sweeping.cancel()

    asyncio.run(run())
    assert [error and error.code for error in told][:2] == ["ledger", "ledger"]
