"""A progress bar on the terminal, in rich's words."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text

from reconciler.cli.terminal.output import carries_symbols
from reconciler.report.escape import terminal
from reconciler.report.text.sync_words import UNCOUNTED, share, time_left
from reconciler.sync.run.progress import Progress as RunProgress


class Bar:
    """Shows progress as one line that stays at the bottom; what else is written to stderr goes above it.

    Args:
        color: whether colour is allowed.
    """

    def __init__(self, color: bool) -> None:
        self._console = Console(stderr=True, no_color=not color, highlight=False)
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def show(self, progress: RunProgress) -> None:
        total = progress.total or None
        done = min(progress.done, total) if total else progress.done
        phase, facts = terminal(progress.doing), terminal(_facts(progress))
        if self._bar is None:
            self._bar = self._made()
            self._task = self._bar.add_task("", completed=done, total=total, phase=phase, facts=facts)
            self._bar.start()
        else:
            self._bar.update(self._task, completed=done, total=total, phase=phase, facts=facts)

    def clear(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _made(self) -> Progress:
        return Progress(
            SpinnerColumn("dots" if carries_symbols(sys.stderr) else "line"),
            TextColumn("{task.fields[phase]}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[facts]}", markup=False),
            console=self._console,
            transient=True,
            refresh_per_second=4,
            expand=True,
            redirect_stdout=False,
        )


def _facts(progress: RunProgress) -> str:
    if progress.waiting is not None:
        return progress.waiting
    if progress.phase in UNCOUNTED:
        return ""
    words = [
        f"{progress.done:,} of {progress.total:,} {share(progress):>3} %" if progress.total else f"{progress.done:,}"
    ]
    if progress.per_second:
        words.append(f"{progress.per_second:,.0f}/s")
    if (left := time_left(progress)) is not None:
        words.append(f"{left} left")
    if progress.problems:
        words.append(f"{progress.problems:,} with problems")
    return "  ".join(words)


@contextmanager
def live_view(color: bool) -> Iterator[Callable[[str], None]]:
    """Within, stdout shows the text that was given last, our own colours in it, and says how much of it does not fit.

    The terminal is as it was afterwards, with the last text below what stood there: nothing that was seen is lost.
    """
    console = Console(no_color=not color, highlight=False)
    last: list[str] = []

    def refresh(text: str) -> None:
        last[:] = [text]
        view.update(Text.from_ansi(_fitting(text, console.height)), refresh=True)

    try:
        with Live(
            console=console, auto_refresh=False, screen=True, vertical_overflow="crop", redirect_stdout=False
        ) as view:
            yield refresh
    finally:
        for text in last:
            console.print(Text.from_ansi(text), end="")


def _fitting(text: str, height: int) -> str:
    """Return as many lines as a terminal has, the last of them saying how many more there are."""
    lines = text.rstrip("\n").split("\n")
    if len(lines) <= height:
        return text
    kept = max(height - 1, 1)
    return "\n".join([*lines[:kept], f"({len(lines) - kept} more lines: a taller window shows them)"])
