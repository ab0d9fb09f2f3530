"""Stock and prices of many records go out in one request, and each record hears what became of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from reconciler.errors import ApiError, RateLimited, ServerFault
from reconciler.sync.run.batcher import Batcher
from reconciler.sync.run.breaker import ComesBackAt
from reconciler.sync.run.company import Company, Place


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


@pytest.mark.parametrize("first", [ServerFault("HTTP 500"), None])
def test_what_went_with_more_before_may_have_been_carried_out_where_the_rest_is_refused(first: ApiError | None) -> None:
    """A batch whose outcome is not known goes again half by half: that a half is refused says nothing of before."""
    errors = [first] if first is not None else []

    async def send(items: Sequence[int]) -> Mapping[int, str]:
        if errors:
            raise errors.pop()
        raise ComesBackAt(RateLimited("HTTP 429"), "target", 600, unsent=True)

    async def run() -> list[object]:
        batcher: Batcher[int, str] = Batcher(send, linger=0.01, apart=True)
        return list(await asyncio.gather(batcher.add([1]), batcher.add([2]), return_exceptions=True))

    for each in asyncio.run(run()):
        assert isinstance(each, ComesBackAt)
        assert each.unsent is (first is None)


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
        company = Company()
        batcher: Batcher[int, str] = Batcher(send, linger=60, company=company)
        arrives = asyncio.Event()

        async def record(item: int | None, when: asyncio.Event | None = None) -> None:
            with company.coming():
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


def test_what_waits_for_another_batch_first_still_leaves_once_nothing_else_comes() -> None:
    """A level is written after those of its SKU that are gone were deleted: two batches, one after the other."""
    sent: list[list[int]] = []

    async def send(items: Sequence[int]) -> Mapping[int, str]:
        sent.append(list(items))
        return {}

    async def run() -> None:
        company = Company()
        first: Batcher[int, str] = Batcher(send, linger=60, company=company)
        second: Batcher[int, str] = Batcher(send, linger=60, company=company)
        async with asyncio.timeout(10):
            await first.add([1])
            await second.add([2])

    asyncio.run(run())
    assert sent == [[1], [2]]


def test_who_waits_less_takes_those_along_that_would_wait_longer() -> None:
    """What events raise beside a walk does not wait as the walk does."""
    sent: list[list[int]] = []

    async def send(items: Sequence[int]) -> Mapping[int, str]:
        sent.append(list(items))
        return {}

    async def run() -> None:
        batcher: Batcher[int, str] = Batcher(send, linger=60)
        async with asyncio.timeout(10):
            await asyncio.gather(batcher.add([1]), batcher.add([2], linger=0.01), batcher.add([3], linger=50))

    asyncio.run(run())
    assert sent == [[1, 2, 3]]


def test_of_a_batch_that_the_api_fails_all_go_through_but_the_one_that_it_fails() -> None:
    sent: list[int] = []

    async def send(items: Sequence[int]) -> Mapping[int, str]:
        if 13 in items:
            raise ServerFault("HTTP 500")
        sent.extend(items)
        return {}

    async def run() -> list[object]:
        batcher: Batcher[int, str] = Batcher(send, linger=0.01, apart=True)
        return list(await asyncio.gather(*(batcher.add([item]) for item in range(40)), return_exceptions=True))

    answers = asyncio.run(run())
    assert [item for item, answer in enumerate(answers) if answer != {}] == [13]
    assert isinstance(answers[13], ServerFault)
    assert sorted(sent) == [item for item in range(40) if item != 13]


def test_a_place_of_what_only_waits_is_free_for_others() -> None:
    async def run() -> None:
        company, hands, waiting = Company(), asyncio.Semaphore(1), asyncio.Semaphore(1)
        left: list[str] = []
        company.serve(lambda: left.append("batches"))
        await hands.acquire()
        first = Place(hands, waiting, 1.5, company)
        assert await first.wait() == 1.5
        assert not hands.locked()
        await hands.acquire()
        second = Place(hands, waiting, 1.5, company)
        waits = asyncio.create_task(second.wait())
        await asyncio.sleep(0.05)
        assert (hands.locked(), waits.done(), left) == (True, False, [])  # no more than one waits
        first.leave()
        await waits
        await asyncio.sleep(0.05)
        assert left == ["batches"]
        second.leave()
        assert not hands.locked()
        assert not waiting.locked()

    asyncio.run(run())
