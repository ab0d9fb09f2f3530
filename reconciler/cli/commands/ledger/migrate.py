"""`reconciler ledger migrate`: bring the ledger of an older version up to date."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result

EXAMPLES = """
reconciler ledger migrate -e production
"""


@command("migrate", examples=EXAMPLES)
@click.pass_obj
def migrate(options: Options) -> None:
    """Bring the ledger of an older version up to date.

    Commands that write to a file do so by themselves; on PostgreSQL only this one does, and needs to be allowed to.
    There it makes the tables in an empty database, too.
    """
    from reconciler.ledger.care import bring_up_to_date

    before, after = bring_up_to_date(options.project.settings().ledger)
    done = f"Schema version {after}: up to date."
    if before < after:
        done = f"Brought from schema version {before} to {after}." if before else f"Made, with schema version {after}."
    write_result(options, done)
