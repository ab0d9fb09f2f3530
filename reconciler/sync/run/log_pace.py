"""Pace of the PATCHes to sync logs, which data types of one process share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

LEAST_SECONDS = 2.0
"""Between two PATCHes to one log, while runs are on."""


class LogPace:
    """Spaces out what is sent to each sync log, whichever data type sends it.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._free_at: dict[str, float] = {}

    async def turn(self, log: str) -> None:
        """Wait until something may be sent to a log, and take the turn."""
        while (left := self._free_at.get(log, 0.0) - self._clock()) > 0:  # noqa: ASYNC110 - somebody else may be first
            await asyncio.sleep(left)
        self.sent(log)

    def sent(self, log: str) -> None:
        """Take note that something is sent to a log out of turn."""
        self._free_at[log] = self._clock() + LEAST_SECONDS
