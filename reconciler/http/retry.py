"""Retries of requests: when one may be repeated, and how long to wait first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from random import SystemRandom
from typing import ClassVar

from msgspec import Struct

from reconciler.http.clock import Clock
from reconciler.http.limit import Limit
from reconciler.http.observe import Call, Observer, Waiting
from reconciler.redacted import RedactedStruct

TOO_MANY_REQUESTS = 429
CONFLICT = 409
REQUEST_TIMEOUT = 408
# A day; the policy cuts what is asked for much shorter.
_LONGEST_WAIT = 86_400.0
# `Wednesday, 09-Nov-94 08:49:37 GMT` is the longest form that HTTP knows.
_LONGEST_DATE = 64


class Answer(RedactedStruct, frozen=True):
    """Answer to a request: status, headers in lower case, the body as bytes, and how long it took."""

    redacted: ClassVar[tuple[str, ...]] = ("content",)

    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float = 0.0


class NoAnswer(Exception):
    """No complete answer came. Never leaves this room: the client turns it into an error of the tree.

    Args:
        reason: why, for people.
        sent: whether any of the request may have gone out.
        hopeless: repeating is of no use, e.g. a certificate that is not trusted.
        seconds: how long the attempt took.
        next_step: what the user can do, where that is not what it is for every unreachable API.
        too_large: the answer is larger than it may be.
        refused_here: nothing listens at that port of this machine.
    """

    def __init__(
        self,
        reason: str,
        *,
        sent: bool,
        hopeless: bool = False,
        seconds: float = 0.0,
        next_step: str | None = None,
        too_large: bool = False,
        refused_here: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.hopeless = hopeless
        self.seconds = seconds
        self.next_step = next_step
        self.too_large = too_large
        self.refused_here = refused_here


class RetryPolicy(Struct, frozen=True):
    """Bounds of repeating.

    Args:
        attempts: how often a request is sent at most.
        seconds: no repeat starts once attempts and waits together took this long.
        base: the first wait is at most this long; it doubles from then on.
        longest: no wait of our own is longer.
        longest_retry_after: a longer Retry-After is cut to this.
        clashes: how often a request is sent at most that clashes with others: patience does not end that.
        failures: how often a request is sent at most that got no answer or a server's fault; None: `attempts`.
        gives_back: a wait that is longer is left to the caller, who has better to do meanwhile; None: none is.
        random: returns 0 <= x < 1, for the jitter.
    """

    attempts: int = 5
    seconds: float = 180
    base: float = 0.5
    longest: float = 20
    longest_retry_after: float = 60
    clashes: int = 5
    failures: int | None = None
    gives_back: float | None = None
    random: Callable[[], float] = SystemRandom().random

    def wait(self, attempt: int, retry_after: float | None) -> float:
        """Return the wait after this attempt: full jitter, or Retry-After and a little jitter on top."""
        if retry_after is not None:
            return min(retry_after, self.longest_retry_after) + self.random() * self.base
        doubled = self.base * 2.0 ** min(attempt - 1, 30)
        return self.random() * min(self.longest, doubled)


PATIENT = RetryPolicy(attempts=200, seconds=900)
"""For a run that is to survive an outage of ten minutes: bounded by time. Whoever wants an answer now waits less."""


def retry_after(answer: Answer, now: float) -> float | None:
    """Return what the Retry-After header asks for in seconds: a number or an HTTP date; None for neither."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    moment = http_date(text)
    return None if moment is None else max(0.0, moment - now)


@lru_cache(maxsize=256)  # many answers come within a second
def http_date(text: str) -> float | None:
    """Return an HTTP date in seconds since the epoch, or None for what is none."""
    if len(text) > _LONGEST_DATE:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()
    # Years and offsets that no calendar has; of some garbage the standard library's parser trips.
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


class Repeater(Struct, frozen=True):
    """Retry loop: sends until there is an answer that needs no retry, within the policy's bounds.

    Args:
        policy: the bounds.
        clock: where time comes from.
        observer: is told of every wait.
        rate: held back after a 429, for every request that shares it.
        offline: says of an error answer whether the API refused it unprocessed, to be tried again later.
        clashes: says of a request whether a 409 means that another one was under way.
        limited: says of an error answer, given the time, how many seconds the API wants to be left alone; None where
            it does not say so. It is never cut short: where it is past the policy's bounds, nothing is repeated.
    """

    policy: RetryPolicy
    clock: Clock
    observer: Observer
    rate: Limit | None = None
    offline: Callable[[Answer], bool] = lambda _answer: False
    clashes: Callable[[Call], bool] = lambda _call: False
    limited: Callable[[Answer, float], float | None] = lambda _answer, _now: None

    async def run(self, call: Call, send: Callable[[int], Awaitable[Answer]], *, safe: bool) -> Answer:
        """Send (given the number of the attempt) and repeat while that helps; return the last answer.

        Args:
            call: what it is, for the observer.
            send: makes one attempt.
            safe: whether repeating does no harm. Otherwise only what was certainly not processed is repeated: a
                request that never left, a 429, an answer that says offline.

        Raises:
            NoAnswer: the last attempt got no answer.
        """
        spent = 0.0
        attempt = 1
        while True:
            try:
                answer = await send(attempt)
            except NoAnswer as silence:
                spent += silence.seconds
                wait, reason = self.policy.wait(attempt, None), silence.reason
                worth_it = not silence.hopeless and (safe or not silence.sent) and self._bears(attempt)
                if not worth_it or self._is_over(attempt, spent + wait):
                    raise
            else:
                spent += answer.seconds
                left_alone = self.limited(answer, self.clock.wall()) if answer.status >= 400 else None
                if left_alone is None and not self._worth_repeating(call, answer, attempt, safe=safe):
                    return answer
                asked = retry_after(answer, self.clock.wall()) if left_alone is None else left_alone
                if left_alone is not None:
                    wait = left_alone + self.policy.random() * self.policy.base
                else:
                    wait = self.policy.wait(attempt, asked)
                is_limit = left_alone is not None or answer.status == TOO_MANY_REQUESTS
                reason = "rate limited" if is_limit else f"HTTP {answer.status}"
                if is_limit and self.rate is not None:
                    self.rate.hold(wait)
                if self._is_over(attempt, spent + wait) or self._gives_back(max(wait, asked or 0.0)):
                    return answer
            self.observer.waiting(Waiting(call, attempt, wait, reason))
            await self.clock.sleep(wait)
            spent += wait
            attempt += 1

    def _gives_back(self, seconds: float) -> bool:
        return self.policy.gives_back is not None and seconds > self.policy.gives_back

    def _is_over(self, attempt: int, seconds: float) -> bool:
        return attempt >= self.policy.attempts or seconds >= self.policy.seconds

    def _worth_repeating(self, call: Call, answer: Answer, attempt: int, *, safe: bool) -> bool:
        if answer.status < 400:
            return False
        if answer.status == TOO_MANY_REQUESTS or self.offline(answer):
            return True
        if answer.status == CONFLICT and self.clashes(call):
            return attempt < self.policy.clashes
        return safe and (answer.status == REQUEST_TIMEOUT or answer.status >= 500) and self._bears(attempt)

    def _bears(self, attempt: int) -> bool:
        return self.policy.failures is None or attempt < self.policy.failures
