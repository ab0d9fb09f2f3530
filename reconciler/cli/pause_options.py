"""The options of the commands that pause and resume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import click

from reconciler.errors import UsageError
from reconciler.words import parse_duration

_Function = TypeVar("_Function", bound=Callable[..., Any])

owner_option = click.option(
    "--owner", metavar="NAME", help="Whose pause it is.  [default: the pipeline's run and job, else user@host]"
)
ephemeral_option = click.option(
    "--ephemeral-ledger", is_flag=True, help="Accept a ledger that is gone after this job, and forgets the pause."
)


def verify_options(function: _Function) -> _Function:
    """Add `--verify-with`, `--verify-within` and `--verify-every` to a command."""
    options = (
        click.option(
            "--verify-with", metavar="COMMAND", help="Asked after a resume until it ends with 0: did it go through?"
        ),
        click.option("--verify-within", metavar="DURATION", default="15m", show_default=True, help="For how long."),
        click.option("--verify-every", metavar="DURATION", default="5s", show_default=True, help="How often."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def verification(given: Mapping[str, str | None]) -> Any:
    """Return how somebody wants to know whether what had waited went through; None: not at all.

    Raises:
        UsageError: a duration is none.
    """
    from reconciler.app.verify import How

    within, every = (duration(f"--{name}", given[name.replace("-", "_")] or "") for name in _DURATIONS)
    command = given["verify_with"]
    return None if command is None else How(command, within, every)


_DURATIONS = ("verify-within", "verify-every")


def duration(option: str, text: str) -> timedelta:
    """Return the duration that an option says.

    Raises:
        UsageError: it is none.
    """
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from None
