"""The clock as an input, so that waiting can be tested without waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the HTTP room sees it.

    Args:
        monotonic: seconds that never go back; for rates and durations.
        wall: seconds since the epoch; for token expiry and HTTP dates.
        sleep: waits that many seconds.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
