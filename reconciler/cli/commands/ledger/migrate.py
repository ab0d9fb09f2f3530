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
    """
    from reconciler.ledger.care import bring_up_to_date

    before, after = bring_up_to_date(options.project.settings().ledger)
    done = (
        f"Brought from schema version {before} to {after}."
        if before < after
        else f"Schema version {after}: up to date."
    )
    write_result(options, done)
