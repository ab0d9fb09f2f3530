"""What a pipeline leaves to others while it works."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from reconciler.sync.run.pipeline import Pipeline


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
        context: Any = SimpleNamespace(
            data=SimpleNamespace(map=map_, look=lambda _record: None),
            meter=SimpleNamespace(tally=None),
            source_now=None,
            facts=None,
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
