"""The end of a process that serves: in order within a while, else at once, whatever its threads wait for."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

from reconciler.errors import Interrupted
from reconciler.report.log import Log

END_SECONDS = 35.0
"""How long an end in order may take: a run gives itself 30 seconds."""

TIDY_SECONDS = 2.0
"""How long locks may be given back and ledgers closed, once nothing else is waited for."""


class Ending:
    """Ends the process by a time: Python alone would wait for every thread, and one may wait for a ledger that is away.

    Args:
        task: cancelled where it does not end in order.
        log: takes that threads were not waited for.
    """

    def __init__(self, task: asyncio.Task[Any] | None, log: Log) -> None:
        self._task = task
        self._log = log
        self._late: asyncio.TimerHandle | None = None
        self._last: threading.Timer | None = None
        self._hurried = False

    def begin(self) -> None:
        """Wait for an end in order, but not for ever."""
        self._late = asyncio.get_running_loop().call_later(END_SECONDS, self.hurry)
        self._end_within(END_SECONDS + TIDY_SECONDS, Interrupted.exit_status)

    def hurry(self) -> None:
        """Cancel what is under way, and wait for that a moment only."""
        if not self._hurried:
            self._hurried = True
            self._end_within(TIDY_SECONDS, Interrupted.exit_status)
            if self._task is not None:
                self._task.cancel()

    def in_order(self) -> None:
        """Note that all that was begun has ended; what a probe still asks of a ledger is waited for a moment only."""
        if self._late is not None:
            self._late.cancel()
        self._end_within(TIDY_SECONDS, 0)

    def _end_within(self, seconds: float, status: int) -> None:
        if self._last is not None:
            self._last.cancel()
        self._last = threading.Timer(seconds, self._end, (status,))
        self._last.daemon = True
        self._last.start()

    def _end(self, status: int) -> None:
        if status:
            words = "Ended at once: something still waited, as for a ledger that is away. Nothing acknowledged is lost"
            self._log.say("ended-at-once", words, level="warning")
        os._exit(status)
