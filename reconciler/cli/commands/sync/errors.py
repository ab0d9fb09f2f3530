"""`reconciler sync errors`: the open problems of a data sync."""

from __future__ import annotations

import click

from reconciler.app.records import open_problems
from reconciler.app.sync import choose
from reconciler.cli.command import command
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import show
from reconciler.report.renderers import SYNC_PROBLEMS

SHOWN = 50
EXAMPLES = """
reconciler sync errors -e production
reconciler sync errors shop -e production --code no-sku --limit 0
reconciler sync errors shop -e production --format csv --output problems.csv
"""


@command("errors", formats=SYNC_PROBLEMS.formats, examples=EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_data_syncs)
@click.option("--code", metavar="CODE", help="Only these problems; `explain CODE` says what one means.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    metavar="N",
    help=f"At most so many; 0: all.  [default: {SHOWN} as text, else all]",
)
@click.option("--offset", type=click.IntRange(0), default=0, metavar="N", help="Leave out the first N.")
@click.pass_obj
def errors(options: Options, name: str | None, code: str | None, limit: int | None, offset: int) -> None:
    """List the open problems of a data sync.

    The oldest come first. NAME may be left out where there is one data sync. These are all open problems; the sync
    log, which the merchant reads, holds at most 5,000. In CSV no cell is a formula.
    """
    chosen = choose(options.project, name)
    most = limit if limit is not None else SHOWN if options.format == "text" else 0
    show(options, SYNC_PROBLEMS, chosen.session.name, open_problems(chosen, most, offset, code))
