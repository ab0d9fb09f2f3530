"""Asking somebody at a terminal."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from reconciler.errors import Interrupted


def can_ask() -> bool:
    """Return whether there is somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty()


def confirmed(question: str) -> bool:
    """Ask on stderr for a yes; whoever does not give it is told that nothing was changed.

    Raises:
        Interrupted: a signal or the end of the input came in place of an answer.
    """
    from reconciler.cli.terminal.output import say

    try:
        with _interruptible():
            agreed = click.confirm(question, err=True)
    except (click.Abort, KeyboardInterrupt):
        raise Interrupted(
            "Interrupted at the question: nothing of what it asks for was done", next_step="Run the command again."
        ) from None
    if not agreed:
        say("Nothing was changed.")
    return agreed


@contextmanager
def _interruptible() -> Iterator[None]:
    """Within, a signal interrupts what waits for a key: asyncio would note it, and wait for the answer."""
    before = signal.getsignal(signal.SIGINT)
    if before in (signal.SIG_IGN, None):
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
