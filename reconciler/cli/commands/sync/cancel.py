"""`reconciler sync cancel`: stop the run of a data sync for good."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.options import Options
from reconciler.cli.sync_options import type_option
from reconciler.cli.terminal.output import write_result
from reconciler.report.escape import terminal

EXAMPLES = """
reconciler sync cancel shop -e production
"""


@command("cancel", examples=EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_data_syncs)
@type_option
@click.pass_obj
def cancel(options: Options, name: str | None, data_type: str | None) -> None:
    """Cancel the run of a data sync; the next one begins anew.

    Nothing new is begun, and what was sent may be answered. Within five seconds the run has ended, whichever processes
    work on it; a write that has no answer by then is made again later. A run that was interrupted is not resumed. One
    that somebody else asked for meanwhile begins all the same.
    """
    from reconciler.app.chosen import choose
    from reconciler.app.records import cancel_run

    chosen = choose(options.project, name, data_type)
    name = chosen[0].sync.name
    asked = {each.sync.type: cancelled for each in chosen if (cancelled := cancel_run(each)) is not None}
    types = f" ({', '.join(asked)})" if len(chosen) > 1 else ""
    after = "the next one begins anew"
    if following := [data_type for data_type, cancelled in asked.items() if cancelled.follows]:
        types_after = f" of {', '.join(following)}" if len(chosen) > 1 else ""
        after = f"another{types_after} was asked for and begins after it"
    words = f"Asked the run of {name}{types} to stop; {after}." if asked else f"No run of {name} is on."
    write_result(options, terminal(words))
