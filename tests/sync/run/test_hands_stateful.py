"""Keeper and hands at once, while records change, come and go, and hands are killed: at rest the site is the source.

And on the way: nothing older is written over something newer, and nothing twice unless somebody was killed.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.sync.mode import Mode
from reconciler.sync.run import crew, feed, hand, ranges, runner
from reconciler.sync.run.hand import lend_hand
from reconciler.sync.run.report import State
from support.engine import SETTINGS, Engine, Killed, Things, open_engine, until
from support.examples import examples

KEYS = "abcdefgh"
EXAMPLES = examples(2)


@dataclass
class Paced(Things):
    """Things that take their time, so that others come in between; each content is there once."""

    written: list[tuple[str, int]] = field(default_factory=list)
    dies_at: int | None = None
    """The write of this sink at which its process is killed, once it was sent."""
    scoped: object = None

    async def everything(self):
        listed = list(self.there.items())
        for record in listed:
            await asyncio.sleep(0.002)
            yield [record]

    async def _send(self, state):
        if not state.gone:
            self.written.append((state.key, int(state.prints["body"])))
        await asyncio.sleep(0.001)
        await super()._send(state)
        if self.dies_at is not None:
            self.dies_at -= 1
            if self.dies_at < 0:
                # From now on nothing of it reaches the ledger, not even that it leaves.
                self.scoped.database = None
                raise Killed


changes = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(KEYS), st.sampled_from(["change", "change", "delete"])), max_size=12
)
modes = st.sampled_from(["walk", "walk", "incremental"])
deaths = st.lists(st.none() | st.none() | st.integers(0, 2), min_size=1, max_size=3)


async def change_on(engine: Engine, script, version) -> None:
    for wait, key, what in script:
        await asyncio.sleep(wait / 1_000)
        if what == "delete":
            engine.things.there.pop(key, None)
        else:
            version[0] += 1
            engine.things.there[key] = str(version[0])
        await asyncio.to_thread(engine.levels.want, [key])


async def a_hand(engine: Engine, run_id: str, dies_at: int | None) -> None:
    job = engine.hand()
    job.data.dies_at, job.data.scoped = dies_at, job.store._scoped
    with suppress(Killed, BaseExceptionGroup, AttributeError):
        await lend_hand(job, run_id, stop=asyncio.Event())
    if job.store._scoped.database is None:
        # Its lease ends, and with it that of everybody who does not beat in time.
        engine.levels.store.database._clock = lambda: datetime.now(UTC) + timedelta(minutes=1)


def is_taking(engine: Engine) -> bool:
    with engine.levels.store.database.engine.connect() as connection:
        return bool(connection.exec_driver_sql("SELECT max(takes_hands) FROM data_runs").scalar())


async def one_run(engine: Engine, mode: Mode, script, dies, version):
    with engine.levels.lock("keeper"):
        keeper = asyncio.create_task(runner.run_sync(engine.job(), mode, stop=asyncio.Event()))
        changing = asyncio.create_task(change_on(engine, script, version))
        await until(lambda: is_taking(engine) or keeper.done())
        run = engine.levels.last(state=None)
        await asyncio.gather(*(a_hand(engine, run.id, each) for each in dies))
        await changing
        return await keeper


@pytest.mark.parametrize("size", [100, 2], ids=["one lister", "in ranges"])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    before=st.sets(st.sampled_from(KEYS)), script=changes, dies=deaths, mode=st.sampled_from(["walk", "incremental"])
)
def test_at_rest_the_site_is_the_source(size, before, script, dies, mode):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "_RECORDS", size)
        for module in (hand, runner):
            patch.setattr(module, "_BEAT_SECONDS", 0.03)
        patch.setattr(crew, "_EVERY_SECONDS", 0.03)
        for name in ("_IDLE_SECONDS", "_POLL_SECONDS"):
            patch.setattr(feed, name, 0.01)
        with open_engine(Path(folder)) as engine:
            engine.settings = replace(SETTINGS, max_delete_percent=100)
            engine.things = Paced(there={key: str(number) for number, key in enumerate(KEYS)})
            engine.run(Mode.FULL)
            engine.things.written.clear()
            version = [len(KEYS)]
            for key in sorted(before):
                version[0] += 1
                engine.things.there[key] = str(version[0])
            engine.levels.want(before)
            report = asyncio.run(one_run(engine, Mode(mode), script, dies, version))
            assert report.state in (State.FINISHED, State.INTERRUPTED)
            written = engine.things.written
            for key in KEYS:
                of_key = [content for one, content in written if one == key]
                assert of_key == sorted(of_key), "something older was written over something newer"
                assert any(each is not None for each in dies) or len(of_key) == len(set(of_key)), "written twice"
            for minutes in (12, 24):
                # Longer than the write of a process that is gone may take.
                engine.levels.store.database._clock = lambda minutes=minutes: (
                    datetime.now(UTC) + timedelta(minutes=minutes)
                )
                engine.later(minutes=12)
                engine.run(Mode.WALK)
            assert {key: text for key, text in engine.things.site.items() if text} == engine.things.there
            levels = engine.levels.levels(KEYS).values()
            assert not any(level.is_open or level.doubtful for level in levels)
