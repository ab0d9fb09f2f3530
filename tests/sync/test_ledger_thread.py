"""Results of many records are committed together, and whoever added one waits for the commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from reconciler.errors import LedgerError
from reconciler.sync.run.batcher import Group
from reconciler.sync.run.ledger_thread import LedgerThread


def committed(count: int, most: int) -> list[list[int]]:
    commits: list[list[int]] = []

    async def run() -> None:
        async with LedgerThread() as thread:
            group: Group[int] = Group(thread, lambda items: commits.append(list(items)), most=most, linger=0.01)
            await asyncio.gather(*(group.add(number) for number in range(count)))

    asyncio.run(run())
    return commits


def test_items_are_committed_together_and_in_order() -> None:
    assert committed(5, most=10) == [[0, 1, 2, 3, 4]]


def test_no_commit_takes_more_than_its_most() -> None:
    assert [len(items) for items in committed(25, most=10)] == [10, 10, 5]


def test_whoever_added_an_item_hears_that_it_was_not_committed() -> None:
    def refuse(items: Sequence[int]) -> None:
        raise LedgerError("the disk is full")

    async def run() -> list[object]:
        async with LedgerThread() as thread:
            group: Group[int] = Group(thread, refuse, linger=0.01)
            return list(await asyncio.gather(group.add(1), group.add(2), return_exceptions=True))

    assert [type(error) for error in asyncio.run(run())] == [LedgerError, LedgerError]


def test_calls_run_one_after_the_other() -> None:
    running: list[int] = []
    most: list[int] = []

    def work(number: int) -> int:
        running.append(number)
        most.append(len(running))
        running.remove(number)
        return number

    async def run() -> list[int]:
        async with LedgerThread() as thread:
            return list(await asyncio.gather(*(thread.call(work, number) for number in range(50))))

    assert asyncio.run(run()) == list(range(50))
    assert max(most) == 1


def test_an_error_comes_back_to_the_caller() -> None:
    def fail() -> None:
        raise LedgerError("no")

    async def run() -> None:
        async with LedgerThread() as thread:
            await thread.call(fail)

    with pytest.raises(LedgerError):
        asyncio.run(run())
