"""`reconciler sync cancel`: stop the run of a data sync for good."""

from __future__ import annotations

import click

from reconciler.app.records import cancel_run
from reconciler.app.sync import choose
from reconciler.cli.command import command
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result
from reconciler.report.escape import terminal

EXAMPLES = """
reconciler sync cancel shop -e production
"""


@command("cancel", examples=EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_data_syncs)
@click.pass_obj
def cancel(options: Options, name: str | None) -> None:
    """Cancel the run of a data sync; the next one begins anew.

    What is under way is finished. A run in another process hears of it within seconds. One that was interrupted is
    not resumed.
    """
    chosen = choose(options.project, name)
    sync = chosen.sync.name
    asked = f"Asked the run of {sync} to stop; the next one begins anew."
    write_result(options, terminal(asked if cancel_run(chosen) else f"No run of {sync} is on."))
