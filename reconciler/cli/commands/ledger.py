"""`reconciler ledger`: what the ledger believes, and its care."""

from __future__ import annotations

import click

from reconciler.cli.command import Group, command
from reconciler.cli.context import environment_settings
from reconciler.cli.options import Options
from reconciler.cli.output import result_style, write_result
from reconciler.report.escape import json_text

SHOW_EXAMPLES = """
reconciler ledger show -e sandbox
reconciler ledger show -e sandbox --format json
"""
UNLOCK_EXAMPLES = """
reconciler ledger unlock -e sandbox           # removes the lock of a dead run
reconciler ledger unlock -e sandbox --force   # whoever holds it
"""


@click.group("ledger", cls=Group)
def ledger() -> None:
    """Show what the ledger of an environment believes, and take care of it."""


@command("show", formats=("text", "json"), examples=SHOW_EXAMPLES)
@click.pass_obj
def show(options: Options) -> None:
    """Show runs, the apply lock, pauses by hand and snoozes; never a secret or its fingerprint."""
    from reconciler.ledger.memory import read_overview
    from reconciler.report.ledger_text import ledger_to_text

    overview = read_overview(environment_settings(options).ledger)
    if options.format == "json":
        write_result(options, json_text(overview))
    else:
        write_result(options, ledger_to_text(overview, result_style(options)))


@command("unlock", examples=UNLOCK_EXAMPLES)
@click.option("--force", is_flag=True, help="Break the lock although its holder seems to live: first make sure.")
@click.pass_obj
def unlock(options: Options, force: bool) -> None:
    """Remove the apply lock of a run that died. The lock of a living run stays unless forced."""
    from reconciler.ledger.store import Ledger
    from reconciler.report.escape import terminal

    with Ledger.open(environment_settings(options).ledger) as opened:
        broken = opened.unlock(force=force)
    write_result(options, f"Removed the lock of {terminal(broken.holder)}." if broken else "No lock is held.")


ledger.add_command(show)
ledger.add_command(unlock)
