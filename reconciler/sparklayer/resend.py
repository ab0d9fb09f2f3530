"""Sending again what may be sent twice, where nobody knows whether it was carried out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from reconciler.errors import AnswerLost
from reconciler.http.retry import RetryPolicy

_Answer = TypeVar("_Answer")
# An outage is for the caller to bear: this is for the one answer that got lost.
_POLICY = RetryPolicy(attempts=3)


async def resend(work: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Do work that may be done twice; when its answer is lost, do it again, three times in all.

    Raises:
        AnswerLost: every answer was lost.
        ApiError: as the work raises it.
    """
    for attempt in range(1, _POLICY.attempts):
        try:
            return await work()
        except AnswerLost:
            await asyncio.sleep(_POLICY.wait(attempt, None))
    return await work()
