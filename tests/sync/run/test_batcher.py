"""Stock and prices of many records go out in one request, and each record hears what became of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from reconciler.errors import ServerFault
from reconciler.sync.run.batcher import Batcher


def collected(most: int, *records: tuple[int, ...]) -> tuple[list[list[int]], list[Mapping[int, str]]]:
    sent: list[list[int]] = []

    async def send(items: Sequence[int]) -> Mapping[int, str]:
        sent.append(list(items))
        return {item: f"no {item}" for item in items if item < 0}

    async def run() -> list[Mapping[int, str]]:
        batcher: Batcher[int, str] = Batcher(send, most=most, linger=0.01)
        return list(await asyncio.gather(*(batcher.add(items) for items in records)))

    return sent, asyncio.run(run())


def test_items_of_several_records_share_a_request() -> None:
    assert collected(10, (1, 2), (3,), (4, 5))[0] == [[1, 2, 3, 4, 5]]


def test_a_request_takes_no_more_than_its_most_and_records_stay_whole() -> None:
    assert collected(3, (1, 2), (3, 4), (5,))[0] == [[1, 2], [3, 4, 5]]


def test_each_record_hears_of_its_own_refusals() -> None:
    assert collected(10, (1, -2), (3,), (-4,))[1] == [{-2: "no -2"}, {}, {-4: "no -4"}]


def test_a_record_without_items_costs_no_request() -> None:
    assert collected(10, ()) == ([], [{}])


def test_a_request_that_fails_fails_all_of_its_records() -> None:
    async def send(items: Sequence[int]) -> Mapping[int, str]:
        raise ServerFault("HTTP 500")

    async def run() -> list[object]:
        batcher: Batcher[int, str] = Batcher(send, linger=0.01)
        return list(await asyncio.gather(batcher.add([1]), batcher.add([2]), return_exceptions=True))

    first, second = asyncio.run(run())
    assert isinstance(first, ServerFault)
    assert isinstance(second, ServerFault)


def test_who_waits_may_leave(recwarn: pytest.WarningsRecorder) -> None:
    sent: list[list[int]] = []

    async def send(items: Sequence[int]) -> Mapping[int, str]:
        sent.append(list(items))
        return {}

    async def run() -> None:
        batcher: Batcher[int, str] = Batcher(send, linger=0.01)
        leaving = asyncio.create_task(batcher.add([1]))
        staying = asyncio.create_task(batcher.add([2]))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == {}

    asyncio.run(run())
    assert sent == [[1, 2]]


def test_nobody_waits_for_company_that_does_not_come() -> None:
    sent: list[list[int]] = []

    async def send(items: Sequence[int]) -> Mapping[int, str]:
        sent.append(list(items))
        return {}

    async def run() -> None:
        batcher: Batcher[int, str] = Batcher(send, linger=60, quiet=0.01)
        arrives = asyncio.Event()

        async def record(item: int | None, when: asyncio.Event | None = None) -> None:
            with batcher.coming():
                if when is not None:
                    await when.wait()
                await batcher.add([] if item is None else [item])

        waiting = [asyncio.create_task(record(1)), asyncio.create_task(record(2, arrives))]
        waiting.append(asyncio.create_task(record(None, arrives)))
        await asyncio.sleep(0.05)
        assert sent == []  # two may still add something
        arrives.set()
        async with asyncio.timeout(10):
            await asyncio.gather(*waiting)

    asyncio.run(run())
    assert sent == [[1, 2]]


def test_many_who_wait_do_not_wait_for_more() -> None:
    sent: list[list[int]] = []

    async def send(items: Sequence[int]) -> Mapping[int, str]:
        sent.append(list(items))
        return {}

    async def run() -> None:
        batcher: Batcher[int, str] = Batcher(send, linger=0.05, waiting=2)
        await asyncio.gather(*(batcher.add([item]) for item in range(5)))

    asyncio.run(run())
    assert sent == [[0, 1], [2, 3], [4]]
