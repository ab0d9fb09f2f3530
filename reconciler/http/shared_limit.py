"""A request-rate limit that processes share: what this one was given of it, and who waits for that here."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from reconciler.errors import ReconcilerError
from reconciler.http.clock import Clock
from reconciler.http.limit import SHORTEST_SLEEP, OnHold, RateLimit, Turn
from reconciler.quota import EARLIEST, LATE, ROUND, Ask, Grant, Share

_RESERVE = 1.25
"""What is asked for beyond what was used of late."""

_SHORTEST_PAUSE = 0.02
"""Seconds between two times of asking, at least."""


class SharedClock:
    """Tells what the clock shows that counts for all, by what was read of it; threads may share it.

    Args:
        monotonic: our own clock: seconds that only grow.
    """

    # What two clocks may drift apart, in seconds a second.
    _DRIFT = 1e-4

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ahead: tuple[float, float] | None = None
        """Between how many and how many seconds it is ahead of ours."""
        self._read_at = 0.0

    def observe(self, shown: float, before: float, after: float) -> None:
        """Take what it showed at some moment between two of our own clock."""
        least, most = shown - after, shown - before
        if self._ahead is not None:
            spread = (after - self._read_at) * self._DRIFT
            known = max(self._ahead[0] - spread, least), min(self._ahead[1] + spread, most)
            if known[0] <= known[1]:  # else it was set
                least, most = known
        self._ahead, self._read_at = (least, most), after

    def now(self) -> float:
        """Return what it shows now; our own clock, as long as nothing was read."""
        ahead = self._ahead
        return self._monotonic() + (0.0 if ahead is None else (ahead[0] + ahead[1]) / 2)


class Portion:
    """What this process was given of one rate, and how many wait for it here; threads may share it.

    Args:
        share: how we share it.
        clock: the clock that counts for all.
        wake: tells whoever asks for more to look when the next time is.
        delay: part of a round after which it asks for the next one: each process at a time of its own.
    """

    def __init__(
        self, share: Share, clock: SharedClock, wake: Callable[[], None] = lambda: None, delay: float = 0.0
    ) -> None:
        self.share = share
        self._clock = clock
        self._wake = wake
        self._delay = EARLIEST + delay
        self._lock = threading.Lock()
        self._slots: list[float] = []
        self._taken: set[float] = set()
        self._used: deque[float] = deque()
        self._waiting = {True: 0, False: 0}
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._hold = self._hold_told = self._held_until = 0.0
        self._free = self._told = False
        self._asked_at = float("-inf")
        self._failure: ReconcilerError | None = None
        self.version = 0
        """Grows with whatever may let somebody through who waits."""
        self.alone_at: float | None = None
        """Requests per second to keep to by ourselves, as nobody can be asked; None: it is shared."""

    # Who sends

    def enter(self, *, first: bool) -> None:
        """Count somebody who waits for a slot: one that goes before others, or not."""
        with self._lock:
            if not any(self._waiting.values()):
                self._failure = None
            self._waiting[first] += 1

    def leave(self, *, first: bool) -> None:
        """Count somebody who waits no more."""
        with self._lock:
            self._waiting[first] -= 1
            self._notify()

    def take(self, *, first: bool) -> tuple[float, float] | None:
        """Give somebody who waits the next slot, and return it and the seconds until then; None: there is none now.

        Raises:
            ReconcilerError: there is nobody to ask for one, and has not been for long.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            now = self._clock.now()
            self._forget(now)
            # What goes first has the next ones, and others what it leaves.
            place = 0 if first else self._waiting[True]
            if place >= len(self._slots):
                self._wake()
                return None
            slot = self._slots.pop(place)
            self._taken.add(slot)
            self._used.append(now)
            self._waiting[first] -= 1
            if first:
                self._notify()
            return slot, max(0.0, slot - now)

    def may_use(self, slot: float) -> bool:
        """Whether a slot that was taken may be used now."""
        with self._lock:
            return self._held_until <= slot and self._clock.now() <= slot + LATE

    def put_back(self, slot: float) -> None:
        """Give back a slot that was taken and was not used."""
        with self._lock:
            self._taken.discard(slot)
            if self._used:
                self._used.pop()
            self._slots = sorted([*self._slots, slot])
            self._notify()

    def bear(self, longest: float | None) -> None:
        """Bear with a pause of all who share the rate for so many seconds at most; None: however long it is.

        Raises:
            OnHold: it is longer, as far as is known here.
        """
        with self._lock:
            pause = self._held_until - self._clock.now()
        if longest is not None and pause > longest:
            raise OnHold(pause)

    async def changed(self, version: int) -> None:
        """Wait until the version is another one."""
        waiter = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            if self.version != version:
                return
            self._waiters.append(waiter)
        await waiter[1].wait()

    def hold(self, seconds: float) -> None:
        """Send nothing for so long: here from now on, elsewhere as soon as that is known there."""
        with self._lock:
            self._hold = max(self._hold, self._clock.now() + seconds)
            self._held_until = max(self._held_until, self._hold)
        self._wake()

    # Who asks for more

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it is to be asked for more; None: there is nothing to ask for."""
        with self._lock:
            now = self._clock.now()
            self._forget(now)
            waiting = sum(self._waiting.values())
            if not waiting and not self._used and not self._hold and not self._told:
                return None
            if self._hold or now - self._asked_at >= ROUND:
                return 0.0
            if waiting > len(self._slots) and self._free:
                return max(0.0, self._asked_at + _SHORTEST_PAUSE - now)
            # The first moment since we asked at which a round more is given.
            rounds = self._asked_at // ROUND
            due = (rounds + self._delay) * ROUND
            return max(0.0, (due if due > self._asked_at else due + ROUND) - now)

    def ask(self) -> Ask:
        """Return what is to be asked for now."""
        with self._lock:
            now = self._clock.now()
            self._forget(now)
            used = len(self._used)
            # One request now and then announces no other: what is kept for that is nobody's. What was taken and is not
            # sent yet is still ours.
            expected = int(used * _RESERVE) + 1 if used > 1 else 0
            wanted = sum(self._waiting.values()) + max(expected, sum(slot >= now for slot in self._taken))
            self._told = wanted > 0
            if not wanted:
                self._slots.clear()
            self._hold_told = self._hold
            return Ask(self.share, wanted, max(0.0, self._hold - now))

    def given(self, grant: Grant) -> None:
        """Take what was given."""
        with self._lock:
            self._asked_at = self._clock.now()
            self._taken = {slot for slot in self._taken if slot >= self._asked_at - ROUND}
            self._slots = [slot for slot in grant.slots if slot not in self._taken]
            self._held_until = max(self._hold, grant.held_until)
            if self._hold == self._hold_told:
                self._hold = 0.0
            self._free = grant.free
            self._failure = None
            self._notify()

    def failed(self, error: ReconcilerError) -> None:
        """Take that nobody can be asked, and has not been for long: whoever waits need not wait any longer."""
        with self._lock:
            self._failure = error
            self._notify()

    def keep_alone(self, per_second: float) -> None:
        """Take that nobody can be asked here: from now on we keep to a rate of our own."""
        with self._lock:
            self.alone_at = per_second
            self._notify()

    def _notify(self) -> None:
        self.version += 1
        waiters, self._waiters = self._waiters, []
        for loop, event in waiters:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def _forget(self, now: float) -> None:
        while self._slots and (self._slots[0] < now - LATE or self._slots[0] < self._held_until):
            self._slots.pop(0)
        while self._used and self._used[0] < now - ROUND:
            self._used.popleft()


class SharedLimit:
    """Lets requests of one connection through, as fast as all who share its rate may send together.

    Args:
        portion: what this process was given.
        clock: sleeps.
        turn: whether its requests go first of others of this process.
    """

    def __init__(self, portion: Portion, clock: Clock | None = None, turn: Turn | None = None) -> None:
        self._portion = portion
        self._clock = clock or Clock()
        self._turn = turn
        self._first = turn is not None and turn.goes_first
        self._alone: RateLimit | None = None
        # asyncio locks are first in, first out: that is the fairness.
        self._line = asyncio.Lock()

    async def acquire(self, longest: float | None = None) -> None:
        """Wait until one more request may be sent; see `Limit.acquire`.

        Raises:
            OnHold: all requests pause for longer than that.
            ReconcilerError: nobody can be asked whether it may.
        """
        if self._portion.alone_at is None and await self._shared(longest):
            return
        await self._own().acquire(longest)

    async def _shared(self, longest: float | None) -> bool:
        """Wait for a slot; return whether there are such."""
        portion, slot = self._portion, None
        portion.enter(first=self._first)
        try:
            async with self._line:
                while portion.alone_at is None:
                    version = portion.version
                    portion.bear(longest)
                    taken = portion.take(first=self._first)
                    if taken is None:
                        await portion.changed(version)
                        continue
                    slot, seconds = taken
                    if seconds >= SHORTEST_SLEEP:
                        await self._clock.sleep(seconds)
                    if portion.may_use(slot):
                        return True
                    portion.put_back(slot)
                    portion.enter(first=self._first)
                    slot = None
        except BaseException:
            if slot is None:
                portion.leave(first=self._first)
            else:
                portion.put_back(slot)
            raise
        portion.leave(first=self._first)
        return False

    def _own(self) -> RateLimit:
        if self._alone is None:
            self._alone = RateLimit(self._portion.alone_at or 1.0, clock=self._clock, turn=self._turn)
        return self._alone

    def hold(self, seconds: float) -> None:
        """Pause all requests of all who share the rate for that long: the API has answered 429."""
        if self._portion.alone_at is not None:
            self._own().hold(seconds)
        else:
            self._portion.hold(seconds)
