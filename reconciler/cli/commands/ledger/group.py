"""`reconciler ledger`: what the ledger believes, and its care."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.app.project import environment_settings
from reconciler.cli.command import Group, command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import result_style, write_result
from reconciler.report.escape import json_text

SHOW_EXAMPLES = """
reconciler ledger show -e sandbox
reconciler ledger show -e sandbox --format json
"""
UNLOCK_EXAMPLES = """
reconciler ledger unlock -e sandbox           # removes the lock of a dead run
reconciler ledger unlock -e sandbox --force   # whoever holds it
reconciler ledger unlock -e test test/ordercloud/products   # a data sync's
"""
BACKUP_EXAMPLES = """
reconciler ledger backup -e production ledger-2026-11-21.db
"""
MIGRATE_EXAMPLES = """
reconciler ledger migrate -e production
"""


@click.group("ledger", cls=Group)
def ledger() -> None:
    """Show what the ledger of an environment believes, and take care of it."""


@command("show", formats=("text", "json"), examples=SHOW_EXAMPLES)
@click.pass_obj
def show(options: Options) -> None:
    """Show runs, locks, snoozes and the state of data syncs; never a secret or its fingerprint."""
    from reconciler.ledger.reader import read_overview
    from reconciler.report.text.ledger import ledger_to_text

    overview = read_overview(environment_settings(options).ledger)
    if options.format == "json":
        write_result(options, json_text(overview))
    else:
        write_result(options, ledger_to_text(overview, result_style(options)))


@command("unlock", examples=UNLOCK_EXAMPLES)
@click.argument("lock", required=False)
@click.option("--force", is_flag=True, help="Break the lock although its holder seems to live: first make sure.")
@click.pass_obj
def unlock(options: Options, lock: str | None, force: bool) -> None:
    """Remove the lock of a run that died. The lock of a living run stays unless forced.

    LOCK is the name of a data sync's lock as `ledger show` has it; left out, it is the apply lock.
    """
    from reconciler.ledger.migrations import APPLY_LOCK
    from reconciler.ledger.writer import Ledger
    from reconciler.report.escape import terminal

    with Ledger.open(environment_settings(options).ledger) as opened:
        broken = opened.unlock(lock or APPLY_LOCK, force=force)
    write_result(options, f"Removed the lock of {terminal(broken.holder)}." if broken else "No lock is held.")


@command("backup", examples=BACKUP_EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def backup(options: Options, file: Path) -> None:
    """Copy the ledger to FILE, also while it is in use. Nothing is overwritten.

    The copy holds what the ledger holds: keep it as safe. To restore it, stop all runs and put it where the ledger is.
    """
    from reconciler.ledger import care
    from reconciler.report.escape import terminal

    size = care.backup(environment_settings(options).ledger, file)
    write_result(options, f"Copied the ledger to {terminal(str(file))} ({size:,} bytes).")


@command("migrate", examples=MIGRATE_EXAMPLES)
@click.pass_obj
def migrate(options: Options) -> None:
    """Bring the ledger of an older version up to date. Commands that write to it do so by themselves."""
    from reconciler.ledger.care import bring_up_to_date

    before, after = bring_up_to_date(environment_settings(options).ledger)
    done = (
        f"Brought from schema version {before} to {after}."
        if before < after
        else f"Schema version {after}: up to date."
    )
    write_result(options, done)


ledger.add_command(show)
ledger.add_command(backup)
ledger.add_command(migrate)
ledger.add_command(unlock)
