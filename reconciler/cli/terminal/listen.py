"""What a command says while it talks to an API: waits always, every request with -v. Never a body or a header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.terminal.output import say
from reconciler.report.escape import terminal

if TYPE_CHECKING:
    from reconciler.http.observe import Exchanged, Observer, Waiting

_WORTH_SAYING_SECONDS = 1.0


class Listener:
    """An observer of the transport that writes lines for people to stderr."""

    def __init__(self, verbosity: int) -> None:
        self._verbosity = verbosity

    def exchanged(self, event: Exchanged) -> None:
        """Say which request was made and how it ended, with -v."""
        if self._verbosity:
            outcome = event.status if event.status is not None else f"no answer: {event.trouble}"
            say(terminal(f"{event.call} → {outcome} ({event.milliseconds:.0f} ms, attempt {event.attempt})"))

    def waiting(self, event: Waiting) -> None:
        """Say that a request will be repeated, where the wait is one that people notice."""
        if self._verbosity or event.seconds >= _WORTH_SAYING_SECONDS:
            say(terminal(f"{event.call}: {event.reason}; trying again in {event.seconds:.1f} s"))


def run_listener(verbosity: int) -> Observer:
    """Return the observer of a data sync, where hundreds of requests may wait at once.

    Progress and report say so in one line, and each of them only with -v.
    """
    from reconciler.http.observe import Silent

    return Listener(verbosity) if verbosity else Silent()
