"""Asking somebody at a terminal."""

from __future__ import annotations

import sys

import click

from reconciler.app.signals import interrupted_at_once
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
        with interrupted_at_once():
            agreed = click.confirm(question, err=True)
    except (click.Abort, KeyboardInterrupt):
        raise Interrupted(
            "Interrupted at the question: nothing of what it asks for was done", next_step="Run the command again."
        ) from None
    if not agreed:
        say("Nothing was changed.")
    return agreed
