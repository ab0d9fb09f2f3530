"""`reconciler sync-log clear`: wipe the sync logs of a whole site."""

from __future__ import annotations

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.ask import can_ask, confirmed
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import say, write_result
from reconciler.errors import Interrupted, UsageError
from reconciler.report.escape import terminal

EXAMPLES = """
reconciler sync-log clear -e sandbox          # asks first
reconciler sync-log clear -e sandbox --yes
"""


@command("clear", examples=EXAMPLES)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def clear(options: Options, yes: bool) -> None:
    """Wipe the sync logs of a whole site.

    SparkLayer has no narrower call: the logs and open problems of EVERY integration and data type of the site go,
    those of other integrations too.
    """
    from reconciler.app.sync_log import API, clear_logs

    project = options.project
    connection = project.connection(API)
    site = terminal(str(connection.site_id))
    if not yes:
        if not can_ask():
            raise UsageError("there is nobody to ask", next_step="Say --yes, if the logs of the whole site may go.")
        say(f"This wipes the sync logs of every integration and data type of the site {site} at {connection.api_url},")
        say("those of other integrations too. SparkLayer has no narrower call, and nothing brings them back.")
        if not confirmed("Wipe them all?"):
            return
    try:
        run_to_end(clear_logs(connection, Listener(options.verbosity)))
    except KeyboardInterrupt:
        raise Interrupted(
            "Interrupted: whether the sync logs were wiped is not known",
            next_step=f"`reconciler sync-log show -e {project.name()}` shows what is there.",
        ) from None
    write_result(options, f"Wiped the sync logs of every integration and data type of the site {site}.")
