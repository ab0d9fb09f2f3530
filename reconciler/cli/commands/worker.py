"""`reconciler worker`: takes jobs from the queue on the ledger, until a signal ends it."""

from __future__ import annotations

from typing import Literal

import click

from reconciler.app.signals import run_for_long
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.serve_options import log_option, traced
from reconciler.errors import MissingExtra

EXAMPLES = """
reconciler worker -e production
reconciler worker -e all --slots 16
reconciler worker -e production --log-format json
"""


@command("worker", examples=EXAMPLES, environments="several", result=False)
@click.option(
    "--slots", type=click.IntRange(min=8), default=8, show_default=True, help="How many jobs are worked on at once."
)
@log_option
@click.pass_obj
def worker(options: Options, slots: int, log_format: Literal["text", "json"]) -> Status:
    """Run data syncs beside other workers, until Ctrl-C or SIGTERM.

    Any number of workers on any machines share the work of a ledger on PostgreSQL: whatever is due is taken by one of
    them, and where one is gone, another goes on. The first signal ends runs in order, and other workers take them over
    (0); a second one ends at once (130). SIGHUP reads the manifests anew.
    """
    try:
        from reconciler.report.log import Log
        from reconciler.workers.run import work
        from reconciler.workers.start import open_environments
    except ModuleNotFoundError as error:
        raise MissingExtra("A worker", "postgres") from error
    project, log = options.project, Log(log_format)
    with traced(log):
        run_for_long(work(open_environments(project), lambda: open_environments(project), slots, log))
    return Status.DONE
