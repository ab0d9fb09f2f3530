"""Latency and rate limit of every request."""

from __future__ import annotations

import math
import random
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.emulator.wire import Header


class TrafficSetting(BaseModel):
    """Body of `PUT /_emulator/traffic`; what is left out goes back to its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency: float = Field(default=0, ge=0, description="Seconds that every request waits.")
    jitter: float = Field(default=0, ge=0, description="Up to so many seconds more, at random.")
    requests_per_second: float | None = Field(default=None, gt=0, description="More than this gets 429; per API.")
    burst: int | None = Field(default=None, ge=1, description="Requests at once; default: one second's worth.")
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


class Traffic:
    """Latency and rate limit: the settings, and a token bucket per API."""

    def __init__(self, setting: TrafficSetting) -> None:
        self.setting = setting
        self._buckets: dict[str, tuple[float, float]] = {}

    def set(self, setting: TrafficSetting) -> None:
        """Set other settings, with full buckets."""
        self.setting = setting
        self._buckets.clear()

    def delay(self) -> float:
        """Return the latency of one request, in seconds."""
        setting = self.setting
        if not setting.jitter:
            return setting.latency
        return setting.latency + random.random() * setting.jitter  # noqa: S311 (no secret)

    def over_limit(self, api: str) -> float | None:
        """Take one request from the token bucket of an API; return the seconds until a retry if it is empty."""
        rate = self.setting.requests_per_second
        if rate is None:
            return None
        size = float(self.setting.burst or max(1, int(rate)))
        now = time.monotonic()
        level, since = self._buckets.get(api, (size, now))
        level = min(size, level + (now - since) * rate)
        if level < 1:
            self._buckets[api] = (level, now)
            return (1 - level) / rate
        self._buckets[api] = (level - 1, now)
        return None
