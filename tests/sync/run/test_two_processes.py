"""Keeper and hand are processes of their own, on PostgreSQL."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from reconciler.ledger.writer import Ledger
from reconciler.sync.mode import Mode
from reconciler.sync.run import crew, runner
from reconciler.sync.run.report import State
from support import hand_process, postgres
from support.engine import SCOPE, Engine, Things
from support.levels import levels_of

TESTS = Path(__file__).parents[2]

pytestmark = pytest.mark.postgres


@pytest.fixture
def url():
    made = postgres.new_ledger()
    yield made
    postgres.drop(made)


@pytest.fixture
def engine(url, monkeypatch):
    monkeypatch.setattr(crew, "_EVERY_SECONDS", 0.1)
    with Ledger.open(url) as ledger:
        opened = Engine(levels_of(ledger, SCOPE), Things(there={"a": "old", "b!": "B"}))
        opened.run(Mode.FULL)
        opened.things.sent.clear()
        yield opened


@asynccontextmanager
async def another(url, run_id, lease, **there):
    words = [f"{key}={text}" for key, text in there.items()]
    command = [sys.executable, hand_process.__file__, url, run_id, str(lease), *words]
    process = await asyncio.create_subprocess_exec(*command, stdout=-1, env={"PYTHONPATH": f"{TESTS}:{TESTS.parent}"})
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def taking(engine):
    while True:
        with engine.levels.store.database.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT id FROM data_runs WHERE takes_hands").scalar()
        if found is not None:
            return found
        await asyncio.sleep(0.02)


def kept(engine, beside):
    """Keep a walk that stands still, once it has its list, until `beside` is over."""

    async def run():
        engine.things.held = asyncio.Event()
        with engine.levels.lock("keeper"):
            keeper = asyncio.create_task(runner.run_sync(engine.job(), Mode.WALK, stop=asyncio.Event()))
            try:
                answer = await beside(await taking(engine))
            finally:
                engine.things.held.set()
            return await keeper, answer

    return asyncio.run(run())


def test_what_another_process_read_last_is_what_stays_written(engine, url):
    engine.things.there["a"] = "older"  # what the walk has in its list
    engine.levels.want(["a"])

    async def beside(run_id):
        async with another(url, run_id, 30, a="new") as process:
            said = (await process.communicate())[0].decode().split()
        engine.things.there["a"] = engine.things.site["a"] = "new"
        return said

    report, said = kept(engine, beside)
    assert said == ["a", "DONE"]
    assert (report.state, report.counts["written"], report.counts["seen"]) == (State.FINISHED, 1, 2)
    assert engine.things.sent == [], "the keeper wrote nothing over it"
    assert engine.level("a").prints == {"body": b"new"}
    assert dict(report.parts) == {"body": 1}


def test_what_a_process_that_is_killed_had_in_hand_is_written_by_the_keeper(engine, url):
    engine.things.there["b!"] = "B2"
    engine.levels.want(["b!"])

    async def beside(run_id):
        async with another(url, run_id, 1, **{"b!": "B2"}) as process:
            assert process.stdout is not None
            assert (await process.stdout.readline()).decode().strip() == "b!"
            process.kill()
        return

    report, _ = kept(engine, beside)
    assert report.state is State.FINISHED
    assert engine.things.sent == ["b!"]
    assert engine.things.site["b!"] == "B2"
    assert engine.level("b!").is_open, "until what the other sent can no longer arrive"
