"""Loops of many environments share few threads."""

from __future__ import annotations

import asyncio
import threading

import pytest

from reconciler.serve.threads import Threads


def test_many_loops_take_few_threads_and_none_once_they_have_ended() -> None:
    asyncio.run(_many_loops_take_few_threads())


def test_one_that_fails_takes_no_other_with_it() -> None:
    asyncio.run(_one_that_fails_takes_no_other_with_it())


async def _many_loops_take_few_threads() -> None:
    threads, seen = Threads(most=3), set[int]()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    all_on = threading.Event()

    async def loop() -> None:
        end = asyncio.Event()
        seen.add(threading.get_ident())
        ends.append((asyncio.get_running_loop(), end))
        if len(ends) == 30:
            all_on.set()
        await end.wait()

    tasks = [asyncio.create_task(threads.run(loop)) for _ in range(30)]
    await asyncio.to_thread(all_on.wait, 30)
    assert len(seen) == threads.count == 3
    assert threading.get_ident() not in seen
    for where, end in ends:
        where.call_soon_threadsafe(end.set)
    await asyncio.gather(*tasks)
    assert threads.count == 0


async def _one_that_fails_takes_no_other_with_it() -> None:
    threads = Threads(most=1)
    end: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    begun = asyncio.Event()
    ours = asyncio.get_running_loop()

    async def lasts() -> None:
        event = asyncio.Event()
        end.append((asyncio.get_running_loop(), event))
        ours.call_soon_threadsafe(begun.set)
        await event.wait()

    async def fails() -> None:
        raise ValueError("no")

    lasting = asyncio.create_task(threads.run(lasts))
    await begun.wait()
    with pytest.raises(ValueError, match="no"):
        await threads.run(fails)
    assert not lasting.done()
    end[0][0].call_soon_threadsafe(end[0][1].set)
    await lasting
