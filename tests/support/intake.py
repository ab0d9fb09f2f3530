"""What tests of consumers share: an inbox in memory, and consumers that run until a block ends."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from reconciler.errors import LedgerError
from reconciler.intake.consumer import Consumer
from reconciler.ordercloud.deliveries.message import PREFIX, Malformed, Message, Missed

SECONDS = 20


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in an event loop."""

    @functools.wraps(test)
    def run(*args: Any, **named: Any) -> None:
        asyncio.run(test(*args, **named))

    return run


async def happens(so: Callable[[], bool], what: str = "") -> None:
    """Wait until something is so."""
    end = time.monotonic() + SECONDS
    while not so():
        assert time.monotonic() < end, f"waited for {what}"
        await asyncio.sleep(0.02)


class Kept:
    """An inbox in memory; while it is broken it takes nothing."""

    def __init__(self) -> None:
        self.messages: list[Message | Malformed | Missed] = []
        self.broken = False
        self.refused = 0
        self.slow = 0.0

    async def take(self, *messages: Message | Malformed | Missed) -> None:
        await asyncio.sleep(self.slow)
        if self.broken:
            self.refused += 1
            raise LedgerError("the disk is full")
        self.messages += messages

    @property
    def ids(self) -> list[str]:
        return [message.payload["ID"] for message in self.messages if isinstance(message, Message)]

    async def until(self, count: int) -> None:
        """Wait for so many different messages."""
        await happens(lambda: len(set(self.ids)) >= count, f"{count} messages; there are {self.ids}")


@contextlib.asynccontextmanager
async def running(*consumers: Consumer) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for each in consumers:
            tasks.create_task(each.run(stop))
        try:
            yield
        finally:
            stop.set()


async def until(consumer: Consumer, what: str | None) -> None:
    """Wait until a consumer waits for something with these words; None: for nothing."""

    def so() -> bool:
        waits = consumer.status.waiting_for
        return waits is None if what is None else what in (waits or "")

    await happens(so, f"{what}; it is {consumer.status}")


def value(key: str, **more: str) -> bytes:
    return json.dumps({"Headers": {"type": f"{PREFIX}product.updated"}, "Payload": {"ID": key, **more}}).encode()


def records(names: Sequence[str]) -> list[tuple[str | None, bytes | None]]:
    return [(name, value(name)) for name in names]
