"""Calls of the ledger run in a thread of their own, one after the other."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from reconciler.errors import LedgerError
from reconciler.sync.run.ledger_thread import LedgerThread


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


def test_an_error_of_a_call_whose_caller_is_gone_is_told_to_nobody() -> None:
    told: list[object] = []
    begun, goes_on = threading.Event(), threading.Event()

    def fail() -> None:
        begun.set()
        goes_on.wait()
        raise LedgerError("no")

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        async with LedgerThread() as thread:
            caller = asyncio.create_task(thread.call(fail))
            await asyncio.to_thread(begun.wait)
            caller.cancel()
            await asyncio.wait({caller})
            goes_on.set()
        await asyncio.sleep(0)
        gc.collect()

    asyncio.run(run())
    assert told == []
