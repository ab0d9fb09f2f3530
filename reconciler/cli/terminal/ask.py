"""Asking somebody at a terminal."""

from __future__ import annotations

import sys

import click


def can_ask() -> bool:
    """Return whether there is somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty()


def confirmed(question: str) -> bool:
    """Ask on stderr for a yes; whoever does not give it is told that nothing was changed."""
    from reconciler.cli.terminal.output import say

    if click.confirm(question, err=True):
        return True
    say("Nothing was changed.")
    return False
