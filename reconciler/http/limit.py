"""A request-rate limit: a token bucket that is first come, first served, and gives way when the API says so."""

from __future__ import annotations

import asyncio
import threading
from typing import Protocol

from msgspec import Struct

from reconciler.http.clock import Clock

# Rounding must not cost a second sleep for a token that is there but for its last bit, nor a sleep too short to move
# the clock.
_WHOLE = 1 - 1e-9
SHORTEST_SLEEP = 0.001


class OnHold(Exception):
    """All requests pause for longer than whoever wants to send waits. The client turns it into an error of the tree.

    Args:
        seconds: for how long.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Limit(Protocol):
    """Says when a request may be sent."""

    async def acquire(self, longest: float | None = None) -> None:
        """Wait until one more request may be sent.

        Args:
            longest: seconds that a pause of all requests is waited for; None: whatever it takes.

        Raises:
            OnHold: they pause for longer.
        """

    def hold(self, seconds: float) -> None:
        """Pause all requests for that long: the API has answered 429."""


class Precedence:
    """Requests to an API that go first: what they take of its rate, the others go without. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.taken = 0
        """How many there were."""

    def take(self) -> None:
        """Count one more."""
        with self._lock:
            self.taken += 1


class Turn(Struct, frozen=True):
    """Whether the requests of a connection go first, and of which others."""

    precedence: Precedence
    goes_first: bool


class RateLimit:
    """Lets `per_second` requests through on average, and `burst` at once after a rest.

    Args:
        per_second: sustained rate.
        burst: bucket size; half a second's worth, and never less than one, unless told. An API that counts by the
            second then keeps something in reserve for requests that arrive together though they were sent one by one.
        clock: where time comes from.
        turn: whether requests go first, or give way; None: neither.
    """

    def __init__(
        self,
        per_second: float,
        *,
        burst: float | None = None,
        clock: Clock | None = None,
        turn: Turn | None = None,
    ) -> None:
        self._per_second = per_second
        self._burst = max(1.0, per_second / 2 if burst is None else burst)
        self._clock = clock or Clock()
        self._tokens = self._burst
        self._updated = self._held_until = self._clock.monotonic()
        # asyncio locks are first in, first out: that is the fairness.
        self._in_line = asyncio.Lock()
        self._first = turn.precedence if turn is not None and turn.goes_first else None
        self._before = turn.precedence if turn is not None and not turn.goes_first else None
        self._given = 0 if turn is None else turn.precedence.taken

    async def acquire(self, longest: float | None = None) -> None:
        """Wait until one more request may be sent; see `Limit.acquire`."""
        async with self._in_line:
            while (seconds := self._take()) > 0:
                if longest is not None and (pause := self._held_until - self._clock.monotonic()) > longest:
                    raise OnHold(pause)
                await self._clock.sleep(seconds)
            if self._first is not None:
                self._first.take()

    def hold(self, seconds: float) -> None:
        """Pause all requests for that long, and allow no burst afterwards: the API has answered 429."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)
        self._updated = self._held_until
        self._tokens = 0.0

    def _take(self) -> float:
        """Take a token and return 0, or return how long to wait before trying again."""
        now = self._clock.monotonic()
        if now < self._held_until:
            return self._held_until - now
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._per_second)
        self._updated = now
        if self._before is not None:
            # Not below what a second brings: several that go first at once must not be paid for afterwards.
            taken = self._before.taken
            self._tokens = max(self._tokens - (taken - self._given), -self._per_second)
            self._given = taken
        if self._tokens < _WHOLE:
            return max(SHORTEST_SLEEP, (1 - self._tokens) / self._per_second)
        self._tokens -= 1
        return 0.0
