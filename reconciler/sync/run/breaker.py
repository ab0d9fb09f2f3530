"""How a run bears with an API: what is tried again, how long it waits, and when it gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from random import SystemRandom
from time import monotonic
from typing import Any, TypeVar

from reconciler.errors import AnswerLost, ApiError, RateLimited, ServerFault, UnexpectedAnswer, Unreachable

_Answer = TypeVar("_Answer")

TRANSIENT = (Unreachable, ServerFault, RateLimited, AnswerLost, UnexpectedAnswer)
_TRIES = 5
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
# So many failures in a row, and the API may be away: then one request at a time finds out whether it is back.
_SUSPICIOUS = 8
_LONGEST_WAIT_WHILE_AWAY = 10.0


class Outage(Exception):
    """Nothing has gone through for longer than the run is willing to wait.

    Args:
        error: the last failure.
    """

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


class Patience:
    """Repeats work that one API failed, and tells one bad record from an API that is away.

    Args:
        seconds: how long nothing may go through before the run gives up.
        probe: a harmless request that tells whether the API is there; None: only other work tells.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        seconds: float,
        probe: Callable[[], Coroutine[Any, Any, object]] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._seconds = seconds
        self._probe = probe
        self._clock = clock
        self._last_success = clock()
        self._failures = 0
        self._one_at_a_time = asyncio.Lock()
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
        tries, alone, last_try, wait = 0, 0, self._clock(), _FIRST_WAIT
        while True:
            try:
                answer = await self._tried(work)
            except passing as error:
                self._failures += 1
                tries += 1
                # Others went through between two tries: the API is there, and this work is what it fails.
                alone += self._last_success > last_try
                last_try = self._clock()
                if alone >= _TRIES or (tries >= _TRIES and await self._is_there()):
                    raise
                if self._clock() - self._last_success > self._seconds:
                    raise Outage(error) from error
                if self._failures < _SUSPICIOUS:
                    await self._sleep(wait)
                    wait = min(wait * 2, _LONGEST_WAIT)
            else:
                self._failures = 0
                self._last_success = self._clock()
                return answer

    async def _tried(self, work: Callable[[], Awaitable[_Answer]]) -> _Answer:
        if self._failures >= _SUSPICIOUS:
            async with self._one_at_a_time:
                if self._failures >= _SUSPICIOUS:
                    doublings = min(self._failures - _SUSPICIOUS, 10)
                    await self._sleep(min(_FIRST_WAIT * 2**doublings, _LONGEST_WAIT_WHILE_AWAY))
                    return await work()
        return await work()

    async def _is_there(self) -> bool:
        """Whether the API answers something else, asked for only where it seems to be away; waits until it does."""
        if self._probe is None:
            return False
        async with self._one_at_a_time:
            left = self._last_success + self._seconds - self._clock()
            if self._failures < _SUSPICIOUS or left <= 0:
                return False
            try:
                await asyncio.wait_for(self._probe(), left)
            except (ApiError, TimeoutError):
                return False
            self._failures = 0
            self._last_success = self._clock()
            return True

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds * (0.5 + self._random.random() / 2))
