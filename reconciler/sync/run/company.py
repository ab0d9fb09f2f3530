"""Company of a run's records: whether any more comes that batches should wait for, and the places that records take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Wait: TypeAlias = Callable[[], Awaitable[float]]
"""What a sink awaits before a record only waits for company: returns how many seconds it may."""
LINGER = 0.4
"""Seconds that what events raised, or somebody asked for, waits for company."""
PATIENT_LINGER = 5.0
"""Seconds that what a walk reads waits for company: a batch of 500 fills in that time at 100 requests a second."""

# Long enough for whoever goes on at this moment to have added what it has.
_MOMENT = 0.01


class Company:
    """Counts what may still add something to the batches of a sink, and sends them off once nothing does."""

    def __init__(self) -> None:
        self._coming = 0
        self._send_off: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def serve(self, send_off: Callable[[], None]) -> None:
        """Call this once nothing else comes: it sends what waits."""
        self._send_off.append(send_off)

    def come(self) -> None:
        """Count one that may still add something."""
        self._coming += 1

    def go(self) -> None:
        """Count one less: it has added what it had, and waits, or has nothing to add."""
        self._coming -= 1
        self.look()

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Within, something may still be added."""
        self.come()
        try:
            yield
        finally:
            self.go()

    def look(self) -> None:
        """See to it that nothing waits where nothing else comes."""
        if not self._coming and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_MOMENT, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if not self._coming:
            for send_off in self._send_off:
                send_off()


class Place:
    """Place of one record in a run: in hand at first, then among those that only wait for their batches.

    So what waits for company takes no place of those that would be the company, nor of what events raise.

    Args:
        hands: places in hand, of which it has one.
        waiting: places of those that wait.
        linger: how many seconds it may wait for company.
        company: counts it while it is in hand; None: nobody cares.
    """

    def __init__(
        self, hands: asyncio.Semaphore, waiting: asyncio.Semaphore, linger: float, company: Company | None
    ) -> None:
        self._held = hands
        self._waiting = waiting
        self._linger = linger
        self._company = company
        if company is not None:
            company.come()

    async def wait(self) -> float:
        """Go over to those that wait, once there is a place; return how many seconds it may wait for company."""
        if self._held is not self._waiting:
            await self._waiting.acquire()
            self._held.release()
            self._held = self._waiting
            self._go()
        return self._linger

    def leave(self) -> None:
        """Give the place back."""
        self._held.release()
        self._go()

    def _go(self) -> None:
        company, self._company = self._company, None
        if company is not None:
            company.go()


async def a_moment() -> float:
    """Wait as one that somebody asked for."""
    return LINGER
