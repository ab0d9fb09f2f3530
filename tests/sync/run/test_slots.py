"""So many runs at once in a process, in whichever thread; who waits comes in turn, or goes without a slot."""

from __future__ import annotations

import asyncio
import threading

import pytest

from reconciler.sync.run.slots import Slots


def test_no_more_than_so_many_work_at_once_in_all_threads() -> None:
    slots, at_once, most, done = Slots(3), [0], [0], list[int]()
    counting = threading.Lock()

    async def work(number: int) -> None:
        async with slots.one():
            with counting:
                at_once[0] += 1
                most[0] = max(most[0], at_once[0])
            for _ in range(5):
                await asyncio.sleep(0)
            with counting:
                at_once[0] -= 1
            done.append(number)

    async def several(first: int) -> None:
        await asyncio.gather(*(work(first + number) for number in range(20)))

    threads = [threading.Thread(target=lambda first=first: asyncio.run(several(first))) for first in (0, 20, 40, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(80))
    assert most[0] == 3


def test_who_is_cancelled_while_it_waits_or_just_as_its_turn_comes_takes_no_slot_along() -> None:
    asyncio.run(_cancelled())


async def _cancelled() -> None:
    slots, going = Slots(1), asyncio.Event()

    async def holds() -> None:
        async with slots.one():
            await going.wait()

    async def waits() -> None:
        async with slots.one():
            pass

    holding = asyncio.create_task(holds())
    await asyncio.sleep(0)
    gone, just_then, last = (asyncio.create_task(waits()) for _ in range(3))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    going.set()
    await holding
    just_then.cancel()  # its turn has come, and it has not begun
    with pytest.raises(asyncio.CancelledError):
        await just_then
    await last
    async with asyncio.timeout(5), slots.one():
        pass
