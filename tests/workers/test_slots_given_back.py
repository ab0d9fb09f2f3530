"""Slots of a worker that are all taken: a run that only listens makes room, and nobody rests in one."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.report.log import Log
from reconciler.sync.run.listening import Listening
from reconciler.sync.run.queue import Inline, JobKind, QueuedJob
from reconciler.workers import turn
from reconciler.workers.turn import Face, Turns

JOB = QueuedJob(JobKind.RUN, "production", "shop", "products")


@pytest.fixture
def turns(monkeypatch):
    monkeypatch.setattr(turn, "_LOOK_SECONDS", 0.001)
    return Turns({}, None, Inline(), Log(write=lambda _line: None), asyncio.Event(), slots=2)


async def listening(turns):
    found = Listening()
    found.begun.set()
    return found, asyncio.create_task(turns._end_when_quiet(found, Face(turns.stop), 60.0))


def test_a_run_listens_as_long_as_a_slot_is_free(turns, monkeypatch):
    async def scenario():
        turns.taken.append(JOB)
        found, ending = await listening(turns)
        for _ in range(5):
            await asyncio.sleep(0.001)
        assert not found.enough.is_set()
        turns.taken.append(JOB)
        await asyncio.wait_for(ending, 10)
        assert found.enough.is_set()

    asyncio.run(scenario())


def test_a_run_listens_until_it_was_quiet_for_a_while(turns, monkeypatch):
    monkeypatch.setattr(turn, "QUIET_SECONDS", 0.003)

    async def scenario():
        found, ending = await listening(turns)
        await asyncio.wait_for(ending, 10)
        assert found.enough.is_set()

    asyncio.run(scenario())


def test_a_job_takes_a_slot_as_long_as_it_is_worked_on(turns, monkeypatch):
    seen = []

    async def take(self, job):
        seen.append((self.is_full, len(self.taken)))
        await asyncio.sleep(0)

    monkeypatch.setattr(Turns, "_take", take)

    async def scenario():
        await asyncio.gather(*(turns.take(JOB) for _ in range(2)))

    asyncio.run(scenario())
    assert seen == [(False, 1), (True, 2)]
    assert not turns.taken
