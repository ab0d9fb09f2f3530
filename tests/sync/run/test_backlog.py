"""A run that finds much open, as one does that goes on after a kill: nothing waits for all the rest to be done."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.ledger.data.model import Level
from reconciler.sync.datatype import Reading
from reconciler.sync.mode import Mode
from reconciler.sync.run import feed
from reconciler.sync.run.deletes import Deletes
from reconciler.sync.run.report import State
from support.engine import SETTINGS, Engine, Things

NUMBER = 500


@pytest.fixture
def backlog(engine: Engine) -> Engine:
    """An engine of which every record was written once, has changed, and is open."""
    engine.run(Mode.FULL)
    for text in ("old", "new"):
        engine.run(Mode.INCREMENTAL)
        engine.things.there |= {f"k{number:03}": text for number in range(NUMBER)}
        engine.levels.want(list(engine.things.there))
    return engine


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_COUNTING_SECONDS", 0.0)


@pytest.mark.usefixtures("_at_once")
def test_one_that_has_to_go_is_deleted_before_all_the_rest_is_written(backlog: Engine) -> None:
    last = f"k{NUMBER - 1:03}"
    del backlog.things.there[last]
    report = backlog.run(Mode.INCREMENTAL)
    assert report.state is State.FINISHED
    assert backlog.things.site[last] == ""
    assert backlog.things.sent.index(last) < NUMBER - 50
    assert all(backlog.things.site[key] == text for key, text in backlog.things.there.items())


@pytest.mark.usefixtures("_at_once")
def test_where_too_many_have_to_go_the_others_are_written_and_the_run_says_so(backlog: Engine) -> None:
    backlog.settings = replace(SETTINGS, max_delete_percent=10)
    gone = [f"k{number:03}" for number in range(0, NUMBER, 2)]
    for key in gone:
        del backlog.things.there[key]
    report = backlog.run(Mode.INCREMENTAL)
    assert report.state is State.STOPPED
    assert "maxDeletePercent (10 %) allows 50" in (report.message or "")
    assert sum(backlog.things.site[key] == "" for key in gone) <= 50
    assert all(backlog.things.site[key] == text for key, text in backlog.things.there.items())


def test_what_takes_a_moment_is_counted_together_and_where_it_is_too_much_none_of_it_goes(backlog: Engine) -> None:
    backlog.settings = replace(SETTINGS, max_delete_percent=10)
    gone = [f"k{number:03}" for number in range(51)]
    for key in gone:
        del backlog.things.there[key]
    assert backlog.run(Mode.INCREMENTAL).state is State.STOPPED
    assert all(backlog.things.site[key] == "old" for key in gone)


def test_one_batch_is_read_while_another_is_on_its_way(backlog: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    some, second, calls = Things.some, asyncio.Event(), 0

    async def read(things: Things, keys: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.wait_for(second.wait(), 60)
        second.set()
        return await some(things, keys)

    monkeypatch.setattr(Things, "some", read)
    assert backlog.run(Mode.INCREMENTAL).state is State.FINISHED
    assert calls > 1


def test_what_comes_while_the_others_are_counted_is_not_deleted_with_them() -> None:
    deleted: list[str] = []

    async def make_room(keys: Any, *_: Any, **__: Any) -> Any:
        deletes.add(level("b"), Reading(None), claimed=True)
        return SimpleNamespace(is_there=True)

    async def delete(levels: Any, *_: Any) -> None:
        deleted.extend(each.key for each in levels)

    async def drain() -> None:
        pass

    def level(key: str) -> Level:
        return Level(key, 2, 1, 0, True, None, None, {"body": b"A"}, {}, False, False, False, False, "earlier")

    context: Any = SimpleNamespace(
        data=Things(),
        stopping=False,
        keeps=True,
        job=SimpleNamespace(settings=SETTINGS, now=lambda: datetime.now(UTC), overrides={}),
        ledger=SimpleNamespace(hands=SimpleNamespace(make_room=make_room)),
    )
    pipeline: Any = SimpleNamespace(delete=delete, drain=drain)
    deletes = Deletes(context, pipeline)
    deletes.add(level("a"), Reading(None), claimed=True)
    asyncio.run(deletes.carry_out())
    assert (deleted, deletes.waiting) == (["a"], 1)
