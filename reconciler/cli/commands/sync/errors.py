"""`reconciler sync errors`: the open problems of a data sync."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.options import Options
from reconciler.cli.sync_options import type_option
from reconciler.cli.terminal.output import result_style, write_result
from reconciler.report.renderers import SYNC_PROBLEMS

SHOWN = 50
EXAMPLES = """
reconciler sync errors -e production
reconciler sync errors shop -e production --code no-sku --limit 0
reconciler sync errors shop -e production --format csv --output problems.csv
"""


@command("errors", formats=SYNC_PROBLEMS.formats, examples=EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_data_syncs)
@type_option
@click.option("--code", metavar="CODE", help="Only these problems; `explain CODE` says what one means.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    metavar="N",
    help=f"At most so many; 0: all.  [default: {SHOWN} as text, else all]",
)
@click.option("--offset", type=click.IntRange(0), default=0, metavar="N", help="Leave out the first N.")
@click.pass_obj
def errors(
    options: Options, name: str | None, data_type: str | None, code: str | None, limit: int | None, offset: int
) -> None:
    """List the open problems of a data sync, one data type after the other.

    The oldest come first. NAME may be left out where there is one data sync. These are all open problems; the sync
    log, which the merchant reads, holds at most 5,000. In CSV no cell is a formula; where several data types flow, the
    first column says which.
    """
    from reconciler.app.chosen import choose
    from reconciler.app.records import open_problems

    chosen = choose(options.project, name, data_type)
    most = limit if limit is not None else SHOWN if options.format == "text" else 0
    found = [(each.session.name, open_problems(each, most, offset, code)) for each in chosen]
    style = result_style(options)
    if options.format == "csv" and len(found) > 1:
        # One table, with one line of headings.
        tables = [
            SYNC_PROBLEMS.render("csv", *one, style=style, typed=True, headed=not number)
            for number, one in enumerate(found)
        ]
        write_result(options, "".join(tables))
    else:
        write_result(options, SYNC_PROBLEMS.render_each(options.format, found, style=style))
