"""A run that is asked to stop gives up what it is reading, and finishes what it has read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from reconciler.sync.run.stopping import take_until


class Source:
    """Yields 1, 2, 3; the reading of one of them takes for ever."""

    def __init__(self, endless: int | None = None) -> None:
        self.endless = endless
        self.reading = asyncio.Event()
        self.closed = False

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            for number in (1, 2, 3):
                if number == self.endless:
                    self.reading.set()
                    await asyncio.Event().wait()
                yield number
        finally:
            self.closed = True


def test_without_a_wish_to_stop_everything_is_taken() -> None:
    async def run() -> tuple[list[int], bool]:
        taken: list[int] = []

        async def take(number: int) -> None:
            await asyncio.sleep(0)
            taken.append(number)

        source = Source()
        await take_until(asyncio.Event(), source.items(), take)
        return taken, source.closed

    assert asyncio.run(run()) == ([1, 2, 3], True)


def test_what_is_being_read_is_given_up() -> None:
    async def run() -> tuple[list[int], bool]:
        stop, source, taken = asyncio.Event(), Source(endless=2), list[int]()

        async def take(number: int) -> None:
            taken.append(number)

        reading = asyncio.create_task(take_until(stop, source.items(), take))
        await source.reading.wait()
        stop.set()
        await reading
        return taken, source.closed

    assert asyncio.run(run()) == ([1], True)


def test_what_is_being_taken_is_finished_and_nothing_is_read_after_it() -> None:
    async def run() -> tuple[list[int], bool]:
        stop, go_on, source, taken = asyncio.Event(), asyncio.Event(), Source(), list[int]()

        async def take(number: int) -> None:
            stop.set()
            await go_on.wait()
            taken.append(number)

        reading = asyncio.create_task(take_until(stop, source.items(), take))
        await stop.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        go_on.set()
        await reading
        return taken, source.closed

    assert asyncio.run(run()) == ([1], True)


def test_what_goes_wrong_is_told() -> None:
    async def run() -> None:
        async def take(_number: int) -> None:
            raise ValueError("wrong")

        await take_until(asyncio.Event(), Source().items(), take)

    with pytest.raises(ValueError, match="wrong"):
        asyncio.run(run())


def test_whoever_is_cancelled_closes_what_it_reads() -> None:
    async def run() -> bool:
        source = Source(endless=1)
        reading = asyncio.create_task(take_until(asyncio.Event(), source.items(), lambda _: asyncio.sleep(0)))
        await source.reading.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        return source.closed and reading.cancelled()

    assert asyncio.run(run())


def test_while_one_is_taken_the_next_is_read() -> None:
    """A limit on reads is not left unused while what was read is mapped and noted."""

    async def run() -> None:
        source = Source(endless=2)

        async def take(_number: int) -> None:
            async with asyncio.timeout(10):
                await source.reading.wait()
            stop.set()

        stop = asyncio.Event()
        await take_until(stop, source.items(), take)
        assert source.closed

    asyncio.run(run())
