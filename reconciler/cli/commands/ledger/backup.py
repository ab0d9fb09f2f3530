"""`reconciler ledger backup`: copy the ledger to a file."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result

EXAMPLES = """
reconciler ledger backup -e production ledger-2026-11-21.db
"""


@command("backup", examples=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def backup(options: Options, file: Path) -> None:
    """Copy the ledger to FILE, also while it is in use. Nothing is overwritten.

    The copy is a SQLite file, also of a ledger on PostgreSQL, and holds what the ledger holds, what SparkLayer handed
    over by Ignite among it, encrypted: keep it as safe. To
    restore it, stop all runs and put it where the ledger is, or take it to PostgreSQL with `ledger copy`.
    """
    from reconciler.ledger import care
    from reconciler.report.escape import terminal

    ledger = options.project.settings().ledger
    size = care.backup(ledger, file)
    write_result(options, f"Copied the ledger to {terminal(str(file))} ({size:,} bytes).{care.carried(ledger)}")
