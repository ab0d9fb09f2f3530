"""`sync run` beside workers: which run is the one that it wanted, and when that is over."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from reconciler.ledger.data.model import FINISHED, INTERRUPTED
from reconciler.sync.mode import Mode
from reconciler.workers import beside
from support.engine import SETTINGS, open_engine, until


@pytest.fixture
def engine(tmp_path):
    with open_engine(tmp_path) as found:
        yield found


class Worker:
    """Another process, as far as the ledger can tell."""

    def __init__(self, engine):
        self.engine = engine
        self.store = engine.hand().store
        self.lock = self.store.lock

    def begins(self, mode=Mode.FULL):
        return self.store.runs.begin(
            mode, "one", "worker", self.engine.tell(), walks=True, full=True, takes=mode.covered
        ).id

    def ends(self, run_id, state=FINISHED):
        self.store.runs.end(run_id, state, self.engine.tell())


@pytest.fixture
def worker(engine):
    return Worker(engine)


@asynccontextmanager
async def waiting(engine, monkeypatch, mode=Mode.FULL):
    """A command that waits for a run that it wanted, and tells at each look how many it has had."""
    looks, runs = [], engine.levels.store.runs

    async def want(*_):
        runs.want("request", mode or Mode.INCREMENTAL)
        return "request"

    async def lend(*_):
        await asyncio.sleep(60)

    async def moment(self):
        looks.append(self)
        await asyncio.sleep(0.001)

    for name, double in (("want", want), ("lend", lend)):
        monkeypatch.setattr(beside, name, double)
    monkeypatch.setattr(beside._Beside, "_moment", moment)
    sync = SimpleNamespace(settings=SETTINGS, data=engine.things, name="things")
    face = SimpleNamespace(progresses=lambda _progress: None)
    chosen, store = SimpleNamespace(sync=sync), engine.levels.store
    task = asyncio.create_task(beside._Beside(chosen, mode, None, face, None, store, asyncio.Event()).run())
    try:
        yield SimpleNamespace(looks=looks, ended=task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def some_looks(command):
    number = len(command.looks)
    await until(lambda: command.ended.done() or len(command.looks) > number + 2)


def test_a_run_that_was_over_before_is_not_the_one_that_somebody_with_the_lock_is_about_to_begin(
    engine, worker, monkeypatch
):
    async def scenario():
        with worker.lock("worker"):
            worker.ends(worker.begins())
        async with waiting(engine, monkeypatch) as command:
            await some_looks(command)
            with worker.lock("worker"):
                await some_looks(command)
                assert not command.ended.done()
                mine = worker.begins()
                await some_looks(command)
                assert not command.ended.done()
                worker.ends(mine)
                report, _ = await command.ended
        assert report.run_id == mine

    asyncio.run(scenario())


@pytest.mark.parametrize("resumed", [False, True])
def test_a_run_that_began_before_it_was_wanted_is_enough_and_none_follows_it(engine, worker, monkeypatch, resumed):
    async def scenario():
        if resumed:
            with worker.lock("worker"):
                mine = worker.begins()
                worker.ends(mine, INTERRUPTED)
        async with waiting(engine, monkeypatch) as command:
            await some_looks(command)
            with worker.lock("worker"):
                if resumed:
                    worker.store.runs.resume(mine, "worker")
                else:
                    mine = worker.store.runs.begin("full", "one", "worker", engine.tell(), walks=True, full=True).id
                await some_looks(command)
                assert worker.store.runs.wanted() == {"full"}
                worker.ends(mine)
                assert not worker.store.runs.wanted()
                report, _ = await command.ended
        assert report.run_id == mine

    asyncio.run(scenario())


def test_a_run_that_begins_anew_as_another_one_is_followed(engine, worker, monkeypatch):
    async def scenario():
        async with waiting(engine, monkeypatch) as command:
            with worker.lock("worker"):
                worker.begins()
                await some_looks(command)
                mine = worker.begins(Mode.VERIFY)
                await some_looks(command)
                assert not command.ended.done()
                worker.ends(mine)
                report, _ = await command.ended
        assert (report.run_id, report.mode) == (mine, Mode.VERIFY)

    asyncio.run(scenario())
