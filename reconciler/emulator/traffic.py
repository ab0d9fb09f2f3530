"""Latency and rate limit of every request."""

from __future__ import annotations

import math
import random
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from reconciler.emulator.wire import Header


class TrafficSetting(BaseModel):
    """Body of `PUT /_emulator/traffic`; what is left out goes back to its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency: float = Field(default=0, ge=0, description="Seconds that every request waits.")
    jitter: float = Field(default=0, ge=0, description="Up to so many seconds more, at random.")
    requests_per_second: float | None = Field(default=None, gt=0, description="More than this gets 429; per API.")
    # inferred: nobody publishes how requests are counted, so each usual way is offered.
    rule: Literal["bucket", "sliding_second", "fixed_second"] = Field(
        default="bucket",
        description="How requests are counted: by a token bucket; those of the last second; those of each second of the"
        " clock. What is refused counts for none of them.",
    )
    burst: int | None = Field(
        default=None, ge=1, description="Requests at once by the bucket; default: one second's worth."
    )
    # inferred: "Throttling: no published request limit, no documented Retry-After", so each form is offered.
    retry_after: Literal["seconds", "date", "none"] = Field(
        default="seconds", description="Form of Retry-After on 429."
    )


def retry_after_header(form: Literal["seconds", "date", "none"], seconds: float) -> tuple[Header, ...]:
    """Return a Retry-After header in one of its forms, or none. Both forms know whole seconds only, rounded up."""
    if form == "none":
        return ()
    if form == "seconds":
        return ((b"retry-after", str(math.ceil(seconds)).encode()),)
    moment = datetime.now(UTC) + timedelta(seconds=math.ceil(seconds))
    return ((b"retry-after", format_datetime(moment, usegmt=True).encode()),)


class Rule(Protocol):
    """Counts the requests to an API."""

    def wait(self, now: float) -> float | None:
        """Count one more request; or return the seconds until one may come again, where that is too many."""


class Bucket:
    """Holds so many tokens at most, and gets them back at a rate; each request takes one."""

    def __init__(self, rate: float, size: int | None = None) -> None:
        self._rate = rate
        self._size = float(size or _each_second(rate))
        self._level, self._since = self._size, 0.0

    def wait(self, now: float) -> float | None:
        """See `Rule`."""
        self._level = min(self._size, self._level + (now - self._since) * self._rate)
        self._since = now
        if self._level < 1:
            return (1 - self._level) / self._rate
        self._level -= 1
        return None


class SlidingSecond:
    """Lets as many through in any second as the rate says."""

    def __init__(self, rate: float) -> None:
        self._most = _each_second(rate)
        self._length = max(1.0, 1 / rate)
        self._moments: deque[float] = deque()

    def wait(self, now: float) -> float | None:
        """See `Rule`."""
        while self._moments and self._moments[0] <= now - self._length:
            self._moments.popleft()
        if len(self._moments) >= self._most:
            return self._moments[0] + self._length - now
        self._moments.append(now)
        return None


class FixedSecond:
    """Lets as many through in each second of the clock as the rate says."""

    def __init__(self, rate: float) -> None:
        self._most = _each_second(rate)
        self._length = max(1.0, 1 / rate)
        self._second, self._seen = -1, 0

    def wait(self, now: float) -> float | None:
        """See `Rule`."""
        second = int(now // self._length)
        if second != self._second:
            self._second, self._seen = second, 0
        if self._seen >= self._most:
            return (second + 1) * self._length - now
        self._seen += 1
        return None


def _each_second(rate: float) -> int:
    return max(1, int(rate))


def _rule(setting: TrafficSetting, rate: float) -> Rule:
    if setting.rule == "bucket":
        return Bucket(rate, setting.burst)
    return SlidingSecond(rate) if setting.rule == "sliding_second" else FixedSecond(rate)


class Traffic:
    """Latency and rate limit: the settings, and what counts the requests to each API.

    Args:
        setting: to begin with.
        clock: seconds that only grow.
    """

    def __init__(self, setting: TrafficSetting, clock: Callable[[], float] = time.monotonic) -> None:
        self.setting = setting
        self._clock = clock
        self._rules: dict[str, Rule] = {}

    def set(self, setting: TrafficSetting) -> None:
        """Set other settings; nothing is counted yet."""
        self.setting = setting
        self._rules.clear()

    def delay(self) -> float:
        """Return the latency of one request, in seconds."""
        setting = self.setting
        if not setting.jitter:
            return setting.latency
        return setting.latency + random.random() * setting.jitter  # noqa: S311 (no secret)

    def over_limit(self, api: str) -> float | None:
        """Count one request to an API; return the seconds until a retry if that is one too many."""
        rate = self.setting.requests_per_second
        if rate is None:
            return None
        if api not in self._rules:
            self._rules[api] = _rule(self.setting, rate)
        return self._rules[api].wait(self._clock())
