"""Environment variables of options: RECONCILER_, the command, the option. None for what one run must ask for itself."""

from __future__ import annotations

import click

# Whoever agrees, overrides or takes a risk says so on the command line: a variable would say it for every later run.
WITHOUT = frozenset(
    {
        "--yes",
        "--override",
        "--reason",
        "--push-secrets",
        "--ephemeral-ledger",
        "--adopt",
        "--heal",
        "--force",
        "--resume",
        "--resume-expired",
        "--help",
        "--version",
    }
)


def prefix_of(context: click.Context) -> str:
    """Return what the variables of a command begin with, e.g. `RECONCILER_SYNC_RUN_`."""
    names: list[str] = []
    at: click.Context | None = context
    while at is not None and at.parent is not None:
        names.insert(0, (at.info_name or "").replace("-", "_").upper())
        at = at.parent
    return "".join(f"{name}_" for name in ("RECONCILER", *names))


def variable_of(option: click.Option, prefix: str) -> str | None:
    """Return the variable of an option; None for one that has to stand on the command line."""
    flags = [flag for flag in option.opts if flag.startswith("--")]
    if not flags or flags[0] in WITHOUT:
        return None
    return prefix + flags[0].removeprefix("--").replace("-", "_").upper()
