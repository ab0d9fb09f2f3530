"""`reconciler worker` as processes of their own, on a ledger on PostgreSQL."""

from __future__ import annotations

import json
import signal
from typing import Any

from support.checkout import Checkout, wait_until


class WorkerProcess:
    """One worker, once it takes jobs.

    Args:
        checkout: where it runs.
        words: of the command line, after `worker`.
        awaited: whether to return only once it takes jobs.
    """

    def __init__(self, checkout: Checkout, *words: str, awaited: bool = True) -> None:
        self.forked = checkout.fork("worker", "--log-format", "json", *words)
        if awaited:
            self.takes_jobs()

    def takes_jobs(self) -> None:
        """Wait until it takes jobs."""
        wait_until(lambda: self.forked.poll() is not None or bool(self.logged("working")), seconds=120)
        assert self.forked.poll() is None, self.text

    @property
    def text(self) -> str:
        """What it wrote to stderr."""
        self.forked._err.seek(0)
        return self.forked._err.read().decode()

    def logged(self, event: str) -> list[Any]:
        """Return the whole lines of its log that are about one event."""
        lines = [line for line in self.text.split("\n")[:-1] if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit status."""
        self.forked.send_signal(number)
        self.forked.communicate(90)
        return self.forked.returncode if self.forked.returncode is not None else -1
