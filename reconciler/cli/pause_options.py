"""The options of the commands that pause and resume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import click

from reconciler.cli.command import Command
from reconciler.errors import UsageError
from reconciler.words import parse_duration

_Function = TypeVar("_Function", bound=Callable[..., Any])

COMMAND = "reconciler.pause.command"
"""Where a context keeps the words of the command that a pause is around."""


class AroundCommand(Command):
    """Takes the words behind `--` as a command of their own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta[COMMAND], args = tuple(args[at + 1 :]), args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND [ARG]...]"]


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
