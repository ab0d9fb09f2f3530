"""`reconciler ledger migrate`: bring the ledger of an older version up to date."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result

EXAMPLES = """
reconciler ledger migrate -e production
reconciler ledger migrate -e all       # the one ledger of all of them
"""


@command("migrate", examples=EXAMPLES, environments="several")
@click.pass_obj
def migrate(options: Options) -> None:
    """Bring the ledger of an older version up to date.

    Commands that write to a file do so by themselves; on PostgreSQL only this one does, and needs to be allowed to.
    There it makes the tables in an empty database, too. Where older programs that still run could not write any more
    afterwards, it is refused and names them.
    """
    from reconciler.app.one_ledger import require_one_ledger
    from reconciler.ledger.care import bring_up_to_date

    ledgers = {name: settings.ledger for name, settings in options.project.settings_of_each().items()}
    require_one_ledger(ledgers)
    before, after = bring_up_to_date(next(iter(ledgers.values())))
    done = f"Schema version {after}: up to date."
    if before < after:
        done = f"Brought from schema version {before} to {after}." if before else f"Made, with schema version {after}."
    write_result(options, done)
