"""`reconciler sync-log show`: the sync log of an integration, as merchants see it."""

from __future__ import annotations

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import show as show_result
from reconciler.report.renderers import SYNC_LOG
from reconciler.sparklayer.sync_log_types import DATA_TYPES

EXAMPLES = """
reconciler sync-log show -e sandbox
reconciler sync-log show -e sandbox --type products --errors
reconciler sync-log show -e sandbox --integration shopify --format json
"""


@command("show", formats=SYNC_LOG.formats, examples=EXAMPLES)
@click.option("--integration", metavar="NAME", default="ordercloud", show_default=True, help="Whose log.")
@click.option("--type", "types", multiple=True, type=click.Choice(DATA_TYPES), help="Data types.  [default: all]")
@click.option("--errors", is_flag=True, help="Show the problems too, not just their number.")
@click.pass_obj
def show(options: Options, integration: str, types: tuple[str, ...], errors: bool) -> None:
    """Show when syncs of an integration began and ended, and the open problems of each data type."""
    from reconciler.app.sync_log import API, read_logs

    connection, listener = options.project.connection(API), Listener(options.verbosity)
    logs = run_to_end(read_logs(connection, integration, types or DATA_TYPES, listener, with_errors=errors))
    show_result(options, SYNC_LOG, str(connection.site_id), integration, logs)
