"""Two data syncs of one service: a change of many records in one does not hold up single changes in the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.ledger.data.inbox_model import Arrivals
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ledger.writer import Ledger
from reconciler.serve.threads import Threads
from reconciler.sync.datatype import TargetState
from reconciler.sync.mode import Mode
from reconciler.sync.run import loop
from reconciler.sync.run.listening import Bell
from reconciler.sync.run.slots import Slots
from support.engine import SCOPE, Engine, Things, open_engine, until
from support.levels import levels_of

MANY = [f"k{number:03}" for number in range(100)]


@dataclass
class OneByOne(Things):
    """Things that the site takes one after the other, as at the limit of an API."""

    seconds: float = 0.02
    line: asyncio.Semaphore = field(default_factory=asyncio.Semaphore)

    async def _send(self, state: TargetState) -> None:
        async with self.line:
            await asyncio.sleep(self.seconds)
        await super()._send(state)


@dataclass
class Sync:
    """A data sync of a service, which listens in one of its threads."""

    engine: Engine
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    bell: Bell = field(default_factory=Bell)
    loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def listening(self, threads: Threads, slots: Slots) -> AsyncIterator[None]:
        """Within, it listens."""
        running = asyncio.create_task(threads.run(lambda: self._watch(slots)))
        try:
            await until(lambda: running.done() or self._listens())
            yield
        finally:
            if self.loop is not None:
                self.loop.call_soon_threadsafe(self.stop.set)
            await running

    async def _watch(self, slots: Slots) -> None:
        self.loop = asyncio.get_running_loop()
        await loop.watch([self.engine.job()], stop=self.stop, bell=self.bell, lasting=True, slots=slots)

    def _listens(self) -> bool:
        run = self.engine.levels.last(state="running")
        return run is not None and run.completed_at is not None

    def change(self, **texts: str) -> None:
        """Change things at the source, and let the messages of it come."""
        self.engine.things.there |= texts
        levels = self.engine.levels
        InboxStore(levels.store.database, [levels.scope]).take(Arrivals({}, {"things": dict.fromkeys(texts)}))
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.bell.ring)


@pytest.fixture
def syncs(tmp_path: Path) -> Iterator[tuple[Sync, Sync]]:
    """Two that share the connections of one ledger, as in a service."""
    with open_engine(tmp_path) as many:
        many.things = OneByOne()
        ledger = Ledger(many.levels.store.database)
        single = Engine(levels_of(ledger, replace(SCOPE, integration="single")), Things())
        for each in (many, single):
            each.run(Mode.FULL)
        yield Sync(many), Sync(single)


def test_many_changes_of_one_data_sync_hold_up_no_single_one_of_another(syncs: tuple[Sync, Sync]) -> None:
    # In one thread: there nothing may block, either.
    asyncio.run(_many_changes_hold_up_no_single_one(*syncs, Threads(most=1)))


async def _many_changes_hold_up_no_single_one(many: Sync, single: Sync, threads: Threads) -> None:
    written = many.engine.things.sent
    # Who listens gives its slot back: one is enough for both.
    slots = Slots(1)
    async with many.listening(threads, slots), single.listening(threads, slots):
        many.change(**dict.fromkeys(MANY, "new"))
        await until(lambda: len(written) > 5)
        for text in "abc":
            before = len(written)
            single.change(z=text)
            await until(lambda text=text: single.engine.things.site.get("z") == text)
            # Nor does it go the other way round.
            await until(lambda before=before: len(written) > before)
        assert len(written) < len(MANY)
        assert isinstance(many.engine.things, OneByOne)
        many.engine.things.seconds = 0
        await until(lambda: len(written) == len(MANY))
    assert single.engine.things.sent[-3:] == ["z"] * 3
