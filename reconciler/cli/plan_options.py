"""The options of every command that plans: what it is limited to, what it overrides, which secrets it sends."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli.completion import complete_objects
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.reconcile.session import PlanRequest

_Function = TypeVar("_Function", bound=Callable[..., Any])

target_option = click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="KIND[/NAME]",
    shell_complete=complete_objects,
    help="Limit to this kind or manifest; may be repeated.",
)
exclude_option = click.option(
    "--exclude",
    "excluded",
    multiple=True,
    metavar="KIND[/NAME]",
    shell_complete=complete_objects,
    help="Leave out this kind or manifest; may be repeated.",
)
token_cache_option = click.option(
    "--no-token-cache", is_flag=True, help="Keep access tokens in memory only. (On CI that is so anyway.)"
)


def save_option(help_text: str) -> Callable[[_Function], _Function]:
    """Return the option `--save`: a file that is written beside the result."""
    return click.option(
        "--save", type=click.Path(path_type=Path, dir_okay=False), callback=_in_a_folder, help=help_text
    )


def commit_option(help_text: str) -> Callable[[_Function], _Function]:
    """Return the option `--commit`: a full commit ID."""
    return click.option("--commit", metavar="SHA", callback=full_commit, help=help_text)


def full_commit(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse a commit that is shortened or named: what it means may be another one tomorrow."""
    if value is not None and not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", value):
        raise UsageError(
            f"{parameter.opts[0]} takes a full commit ID", next_step="Give what `git rev-parse HEAD` says."
        )
    return value


def _in_a_folder(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    """Refuse a file that cannot be written before any work is done for it."""
    if value is not None and not value.parent.is_dir():
        raise UsageError(f"the folder {value.parent} does not exist", next_step="Name another file with --save.")
    return value


def plan_options(function: _Function) -> _Function:
    """Add `--target`, `--exclude`, `--override`, `--reason`, `--push-secrets` and `--no-token-cache` to a command."""
    options = (
        target_option,
        exclude_option,
        click.option(
            "--override", "overridden", multiple=True, metavar="RULE", help="Override this guardrail; needs --reason."
        ),
        click.option("--reason", metavar="TEXT", help="Why a guardrail is overridden; recorded."),
        click.option("--push-secrets", is_flag=True, help="Send every secret, whatever the ledger remembers."),
        token_cache_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


def plan_request(
    targets: tuple[str, ...],
    excluded: tuple[str, ...],
    overridden: tuple[str, ...] = (),
    reason: str | None = None,
    push_secrets: bool = False,
) -> PlanRequest:
    """Return what these options ask for.

    Raises:
        UsageError: an override without a reason, or a reason for nothing.
    """
    from reconciler.reconcile.session import PlanRequest

    if overridden and not (reason or "").strip():
        raise UsageError("--override needs --reason TEXT", next_step="Say why; it is recorded in plan and ledger.")
    if reason and not overridden:
        raise UsageError("--reason stands without --override", next_step="Name the guardrail with --override RULE.")
    return PlanRequest(frozenset(targets), dict.fromkeys(overridden, reason or ""), push_secrets, frozenset(excluded))
