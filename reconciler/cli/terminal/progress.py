"""Progress of a run on stderr: a bar where a person waits, a plain line now and then where nobody does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

from reconciler.cli.terminal.output import say
from reconciler.report.escape import terminal
from reconciler.report.text.sync_words import progress_line
from reconciler.sync.run.progress import Phase, Progress

_LINE_EVERY_SECONDS = 10.0


class Display(Protocol):
    """Shows progress."""

    def show(self, progress: Progress) -> None:
        """Show where a run stands; called about once a second."""

    def clear(self) -> None:
        """Make room for other output; the next `show` begins anew."""


class PlainLines:
    """Writes a line when the phase changes, and every ten seconds within one.

    Args:
        write: takes a line.
        clock: seconds that only grow.
    """

    def __init__(self, write: Callable[[str], None] = say, clock: Callable[[], float] = monotonic) -> None:
        self._write = write
        self._clock = clock
        self._phase: Phase | None = None
        self._written = 0.0

    def show(self, progress: Progress) -> None:
        now = self._clock()
        if progress.phase is not self._phase or now - self._written >= _LINE_EVERY_SECONDS:
            self._phase, self._written = progress.phase, now
            self._write(terminal(progress_line(progress)))

    def clear(self) -> None:
        self._phase = None


@contextmanager
def progress_display(color: bool) -> Iterator[Display]:
    """Within, show progress the way that suits stderr; on a terminal nothing of it is left behind.

    Args:
        color: whether colour is allowed.
    """
    display: Display = PlainLines()
    if sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from reconciler.cli.terminal.bar import Bar  # rich: only for somebody who looks

        display = Bar(color)
    try:
        yield display
    finally:
        display.clear()
