"""The options that the commands which run data syncs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from reconciler.cli.completion import complete_data_types
from reconciler.cli.plan_options import token_cache_option
from reconciler.errors import UsageError
from reconciler.sync.mode import LIMIT, Mode

_Function = TypeVar("_Function", bound=Callable[..., Any])

type_option = click.option(
    "--type",
    "data_type",
    metavar="TYPE",
    shell_complete=complete_data_types,
    help="Only this data type, e.g. products. Left out: all that flow.",
)
ledger_option = click.option("--ephemeral-ledger", is_flag=True, help="Accept a ledger that is gone after this job.")


def run_options(function: _Function) -> _Function:
    """Add `--patience`, `--lock-wait`, `--ephemeral-ledger` and `--no-token-cache` to a command."""
    options = (
        click.option(
            "--lock-wait", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Wait for another run."
        ),
        click.option(
            "--patience",
            type=click.FloatRange(1),
            default=900.0,
            show_default=True,
            metavar="SECONDS",
            help="How long an API may be unreachable before a run is interrupted.",
        ),
        ledger_option,
        token_cache_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


def override_options(function: _Function) -> _Function:
    """Add `--override` and `--reason` to a command."""
    options = (
        click.option(
            "--override", "overridden", type=click.Choice([LIMIT]), help="Pass this limit once; needs --reason."
        ),
        click.option("--reason", metavar="TEXT", help="Why a limit is overridden; recorded."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def asked_overrides(overridden: str | None, reason: str | None) -> dict[str, str]:
    """Return the limits that a run may pass, each with the reason.

    Raises:
        UsageError: an override without a reason, or a reason for nothing.
    """
    if overridden is not None and not (reason and reason.strip()):
        raise UsageError("--override needs --reason TEXT", next_step="Say why; it is recorded in report and ledger.")
    if reason is not None and overridden is None:
        raise UsageError("--reason stands without --override", next_step=f"Name the limit with --override {LIMIT}.")
    return {} if overridden is None or reason is None else {overridden: reason.strip()}


def mode_options(function: _Function) -> _Function:
    """Add `--full`, `--verify` and `--rewrite` to a command."""
    options = (
        click.option("--full", is_flag=True, help="Full sync: read everything, write what differs from what we wrote."),
        click.option("--verify", is_flag=True, help="Full sync; read the target too, and repair it."),
        click.option("--rewrite", is_flag=True, help="Full sync; write everything, whatever is there."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def asked_mode(full: bool, verify: bool, rewrite: bool) -> Mode | None:
    """Return the mode that these options ask for; None: whatever is due.

    Raises:
        UsageError: they contradict each other.
    """
    if verify and rewrite:
        raise UsageError(
            "--verify and --rewrite contradict each other", next_step="Choose one: --rewrite sends everything anyway."
        )
    if rewrite:
        return Mode.REWRITE
    if verify:
        return Mode.VERIFY
    return Mode.FULL if full else None
