"""What a pipeline leaves to others while it works."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.errors import AnswerLost
from reconciler.sync.datatype import TargetState, Written
from reconciler.sync.mode import Mode
from reconciler.sync.run.drafts import Drafts
from reconciler.sync.run.pipeline import Pipeline
from support.engine import Engine


class _Enough(Exception):
    pass


def test_between_any_two_mappings_others_have_their_turn() -> None:
    """Signals are heard by the loop: a chunk of a hundred records with costly mappings must not keep it busy."""
    mapped: list[str] = []
    heard: set[int] = set()

    async def call(*_words: Any) -> None:
        raise _Enough

    def map_(record: str, _now: Any, _facts: Any) -> Any:
        mapped.append(record)
        return SimpleNamespace(key=record)

    async def listen() -> None:
        while True:
            heard.add(len(mapped))
            await asyncio.sleep(0)

    async def scenario() -> None:
        data: Any = SimpleNamespace(map=map_, look=lambda _record: None)
        context: Any = SimpleNamespace(
            data=data,
            drafts=Drafts(data),
            meter=SimpleNamespace(tally=None),
            run=SimpleNamespace(id="run"),
            source_now=None,
            facts=None,
            stopping=False,
            ledger=SimpleNamespace(records=SimpleNamespace(levels=call)),
        )
        listener = asyncio.create_task(listen())
        async with asyncio.TaskGroup() as hands:
            try:
                await Pipeline(context, hands).take([str(number) for number in range(20)])
            except _Enough:
                listener.cancel()

    asyncio.run(scenario())
    assert set(range(1, 20)) <= heard


def test_of_what_was_read_nothing_is_begun_once_an_end_is_asked_for() -> None:
    mapped: list[str] = []
    data: Any = SimpleNamespace(map=lambda record, *_: map_(record), look=lambda _record: None)
    context: Any = SimpleNamespace(
        data=data,
        drafts=Drafts(data),
        meter=SimpleNamespace(tally=None),
        run=SimpleNamespace(id="run"),
        source_now=None,
        facts=None,
        stopping=False,
        ledger=None,  # which is not asked
    )

    def map_(record: str) -> Any:
        mapped.append(record)
        context.stopping = len(mapped) == 3
        return SimpleNamespace(key=record)

    async def scenario() -> None:
        async with asyncio.TaskGroup() as hands:
            await Pipeline(context, hands).take([str(number) for number in range(20)])

    asyncio.run(scenario())
    assert mapped == ["0", "1", "2"]


def test_what_is_wanted_while_it_is_listed_is_read_again_by_itself(engine: Engine) -> None:
    """It may be wanted for a change that came after the read."""
    engine.run()

    def want_it() -> None:
        engine.levels.want(["b"])

    engine.things.fails["list b"] = want_it
    engine.things.reads.clear()
    engine.run(Mode.FULL)
    assert engine.things.reads["b"] >= 1
    assert engine.levels.open_count() == 0


class _Noted(TargetState, frozen=True, kw_only=True):
    """What the ledger notes of it is whether all of it was written."""

    def held(self, *, whole: bool) -> Mapping[str, Any]:
        return {"whole": whole}


@pytest.mark.parametrize(
    ("done", "noted"), [({"body", "tail"}, {"whole": True}), ({"body"}, {"whole": False}), (set(), {"whole": False})]
)
def test_what_the_target_may_hold_after_some_of_it_was_written_is_noted(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, done: set[str], noted: Mapping[str, bool]
) -> None:
    async def write(_state: Any, _parts: Any) -> Written:
        return Written(frozenset(done))

    monkeypatch.setattr(
        engine.things, "resolve", lambda draft, *_: _Noted(key=draft.key, prints={"body": b"1", "tail": b"2"})
    )
    monkeypatch.setattr(engine.things, "write", write)
    engine.run()
    assert engine.level("a").held == noted


def test_what_the_target_may_hold_of_a_record_that_was_given_up_is_noted(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.things, "resolve", lambda draft, *_: _Noted(key=draft.key, prints={"body": b"1"}))
    engine.patience = 60.0
    engine.tick = timedelta(seconds=1)
    engine.things.fails["b"] = lambda: AnswerLost("no answer")
    engine.run()
    assert engine.level("b").dead
    assert engine.level("b").held == {"whole": False}


def test_the_mapping_gets_what_the_sink_read_of_the_target(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def facts() -> str:
        return "facts"

    seen: list[Any] = []
    mapped = engine.things.map

    def map_(record: Any, now: Any, known: Any) -> Any:
        seen.append(known)
        return mapped(record, now, known)

    monkeypatch.setattr(engine.things, "facts", facts)
    monkeypatch.setattr(engine.things, "map", map_)
    engine.run()
    assert set(seen) == {"facts"}


def test_a_run_knows_that_it_began_the_sync_log(engine: Engine) -> None:
    engine.run(Mode.FULL)
    run = engine.levels.last()
    assert run is not None
    assert run.log_opened
