"""How a run bears with an API: what is tried again, how long it waits, and when it gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import SystemRandom
from time import monotonic
from typing import TypeVar

from reconciler.errors import AnswerLost, ApiError, RateLimited, ServerFault, UnexpectedAnswer, Unreachable

_Answer = TypeVar("_Answer")

TRANSIENT = (Unreachable, ServerFault, RateLimited, AnswerLost, UnexpectedAnswer)
_TRIES = 5
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0


class Outage(Exception):
    """Nothing has gone through for longer than the run is willing to wait.

    Args:
        error: the last failure.
    """

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


class Patience:
    """Repeats work that failed for reasons of the API, and tells one bad record from an API that is away.

    Args:
        seconds: how long nothing may go through before the run gives up.
        clock: seconds that only grow.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last_success = clock()
        self._away = asyncio.Event()
        self._random = SystemRandom()

    async def bear(self, work: Callable[[], Awaitable[_Answer]], *also: type[ApiError]) -> _Answer:
        """Do work that may be repeated, until it succeeds.

        Args:
            work: what to do; it may have been done when it fails.
            also: failures that pass, beside the usual ones.

        Raises:
            ApiError: it failed several times while other work went through: it is this record's own failure.
            Outage: nothing went through for too long.
        """
        passing: tuple[type[ApiError], ...] = (*TRANSIENT, *also)
        tries, wait, started = 0, _FIRST_WAIT, self._clock()
        while True:
            try:
                answer = await work()
            except passing as error:
                tries += 1
                # Others went through while this one was tried: the API is there.
                if tries >= _TRIES and self._last_success > started:
                    raise
                if self._clock() - self._last_success > self._seconds:
                    raise Outage(error) from error
                await asyncio.sleep(wait * (0.5 + self._random.random() / 2))
                wait = min(wait * 2, _LONGEST_WAIT)
            else:
                self._last_success = self._clock()
                return answer
