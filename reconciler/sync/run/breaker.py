"""Circuit breaker of one API: repeats what failed, tells one bad record from an outage, and gives up in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from random import SystemRandom
from time import monotonic
from typing import Any, TypeVar

from msgspec import Struct

from reconciler.errors import ApiError, Conflict, RateLimited
from reconciler.kind.connection import ClockedReader, Json, Params
from reconciler.sync.run.attempts import RUN_TRIES

_Answer = TypeVar("_Answer")

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
# So many failures in a row, and the API may be away: then one request at a time finds out whether it is back.
_SUSPICIOUS = 8
_LONGEST_WAIT_WHILE_AWAY = 10.0
# Past the run's patience one probe may still tell a record that hangs from an outage.
_LAST_LOOK = 5.0
# The last try comes so much after the run's patience, and not ever closer to its end.
_PAST_PATIENCE = 1.0


class Outage(Exception):
    """Nothing has gone through for longer than the run is willing to wait.

    Args:
        error: the last failure.
        provider: whose API stays away; None: not known.
    """

    def __init__(self, error: ApiError, provider: str | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.provider = provider


class ComesBackAt(Outage):
    """An API wants to be left alone for longer than the run waits: it comes back then, and its slot is free meanwhile.

    Args:
        error: what said so.
        provider: whose API it is; None: not known.
        seconds: for how long.
        unsent: whether the API has carried out nothing of the work that nobody heard of.
    """

    def __init__(self, error: ApiError, provider: str | None, seconds: float, *, unsent: bool) -> None:
        super().__init__(error, provider)
        self.seconds = seconds
        self.unsent = unsent


class GivesBack(Struct):
    """What a run does where an API asks it to wait: it waits, or ends in order and comes back.

    Args:
        longest: seconds that it waits; None: as long as it is asked to.
        stop: set where it ends: nothing new is begun.
        asked: by what it was asked first to come back later; None: by nothing.
    """

    longest: float | None
    stop: asyncio.Event
    asked: ComesBackAt | None = None

    def take(self, asked: ComesBackAt) -> None:
        """End the run for this."""
        self.asked = self.asked or asked
        self.stop.set()


class Breaker:
    """Repeats requests that one API failed, one at a time while it seems to be away.

    Args:
        seconds: how long nothing may go through before the run gives up.
        probe: a harmless request that tells whether the API is there; None: only other work tells.
        clock: seconds that only grow.
        on_wait: told why and for how many seconds it waits.
        provider: whose API it is.
        back: what becomes of the run where the API asks it to wait; None: it waits.
    """

    def __init__(
        self,
        seconds: float,
        probe: Callable[[], Coroutine[Any, Any, object]] | None = None,
        clock: Callable[[], float] = monotonic,
        on_wait: Callable[[str, float], None] = lambda _reason, _seconds: None,
        provider: str | None = None,
        back: GivesBack | None = None,
    ) -> None:
        self._seconds = seconds
        self._probe = probe
        self._clock = clock
        self._on_wait = on_wait
        self._provider = provider
        self._back = back
        self._last_success = clock()
        self._failures = 0
        # When the first of these failures came.
        self._silent_since = 0.0
        self._looked_last = False
        self._one_at_a_time = asyncio.Lock()
        self._random = SystemRandom()
        self._reason = ""

    async def repeat(
        self, work: Callable[[], Awaitable[_Answer]], *, tries: int = RUN_TRIES, clashes_pass: bool = False
    ) -> _Answer:
        """Do work that may be repeated, until it succeeds.

        Args:
            work: what to do; it may have been done when it fails.
            tries: how often it may fail while other work goes through.
            clashes_pass: a conflict is one with others who write at the same time, and passes.

        Raises:
            ApiError: it failed too often while other work went through: it is this work's own failure.
            Outage: nothing went through for too long.
            ComesBackAt: the API asks for a longer wait than the run bears; the run ends in order then.
        """
        unsent = True
        tried, alone, last_try, wait = 0, 0, self._clock(), _FIRST_WAIT
        is_last = False
        while True:
            try:
                answer = await self._tried(work)
            except ApiError as error:
                self._come_back(error, unsent=unsent)
                if not (error.is_transient or (clashes_pass and isinstance(error, Conflict))):
                    raise
                unsent = unsent and not error.is_unsure
                self._failed(error)
                tried += 1
                # Others went through between two tries: the API is there, and this work is what it fails.
                alone += self._last_success > last_try
                last_try = self._clock()
                if alone >= tries or is_last:
                    raise
                # An API that answers may have come back this very moment: the work is blamed where it fails now, too.
                if tried >= tries - 1 and await self._is_there():
                    is_last, wait = True, _FIRST_WAIT
                if (left := self._left()) < 0:
                    raise Outage(error, self._provider) from error
                if self._failures < _SUSPICIOUS:
                    await self._sleep(min(wait, left + _PAST_PATIENCE))
                    wait = min(wait * 2, _LONGEST_WAIT)
            else:
                self._succeeded()
                return answer

    def reader(self, reader: ClockedReader) -> PatientReader:
        """Return a reader whose requests are repeated."""
        return PatientReader(reader, self)

    async def _tried(self, work: Callable[[], Awaitable[_Answer]]) -> _Answer:
        if self._failures >= _SUSPICIOUS:
            async with self._one_at_a_time:
                if self._failures >= _SUSPICIOUS:
                    # Past the run's patience each tries once more and does not wait: many may stand in this line.
                    if (left := self._left()) >= 0:
                        doublings = min(self._failures - _SUSPICIOUS, 10)
                        longest = min(_LONGEST_WAIT_WHILE_AWAY, left + _PAST_PATIENCE)
                        await self._sleep(min(_FIRST_WAIT * 2**doublings, longest))
                    return await work()
        return await work()

    async def _is_there(self) -> bool:
        """Whether the API answers something else: what failed is this work, then, and no outage."""
        if self._probe is None:
            return False
        async with self._one_at_a_time:
            if not self._failures or ((left := self._left()) <= 0 and self._looked_last):
                return False
            if left <= 0:
                # Requests that hang use the patience up: one look more, and not one for each that waits.
                left, self._looked_last = _LAST_LOOK, True
            try:
                await asyncio.wait_for(self._probe(), left)
            except (ApiError, TimeoutError):
                return False
            self._succeeded()
            return True

    def _come_back(self, error: ApiError, *, unsent: bool) -> None:
        """End the run where an API asks for a longer wait than it bears."""
        back, seconds = self._back, error.retry_after if isinstance(error, RateLimited) else None
        if back is None or back.longest is None or seconds is None or seconds <= back.longest:
            return
        asked = ComesBackAt(error, self._provider, seconds, unsent=unsent)
        back.take(asked)
        raise asked from error

    def _failed(self, error: ApiError) -> None:
        if not self._failures:
            self._silent_since, self._looked_last = self._clock(), False
        self._failures += 1
        self._reason = error.message

    def _left(self) -> float:
        """Return how many seconds more nothing may go through before the run gives up."""
        return self._silent_since + self._seconds - self._clock() if self._failures else self._seconds

    def _succeeded(self) -> None:
        self._failures = 0
        self._last_success = self._clock()

    async def _sleep(self, seconds: float) -> None:
        jittered = seconds * (0.5 + self._random.random() / 2)
        self._on_wait(self._reason, jittered)
        await asyncio.sleep(jittered)


class PatientReader:
    """Reader whose requests go through a breaker."""

    def __init__(self, reader: ClockedReader, breaker: Breaker) -> None:
        self._reader = reader
        self._breaker = breaker

    @property
    def clock_offset(self) -> timedelta | None:
        """How far the API's clock is before ours, by most of its answers."""
        return self._reader.clock_offset

    def api_time(self, moment: float) -> datetime | None:
        """Return what the API's clock showed at a moment of `time.monotonic()`; None where that is not known."""
        return self._reader.api_time(moment)

    async def get(self, path: str, params: Params | None = None) -> Json:
        """GET a path, as often as it takes; raises Outage beside what the reader raises."""
        return await self._breaker.repeat(lambda: self._reader.get(path, params))
