"""`reconciler consume`: take messages of brokers into the ledger, and nothing else."""

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
reconciler consume -e production
reconciler consume -e production --listen 127.0.0.1:9100  # health, metrics
"""


@command("consume", examples=EXAMPLES, environments="several", result=False)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:0",
    help="Where /healthz, /readyz and /metrics answer.  [default: any free port of this machine]",
)
@log_option
@click.pass_obj
def consume(options: Options, listen: str, log_format: Literal["text", "json"]) -> Status:
    """Take what spec.service.consumers name into the ledger, until Ctrl-C or SIGTERM.

    What is taken is written by whoever runs the data syncs: `serve`, `sync watch` or `sync run`. Brokers are told of a
    message after the ledger has it. The first signal lets what was fetched be taken (0), a second one ends at once
    (130).
    """
    try:
        from reconciler.report.log import Log
        from reconciler.serve.front import Asked
        from reconciler.serve.run import serve as run
        from reconciler.serve.start import open_environments, open_service
    except ModuleNotFoundError as error:
        raise MissingExtra("A service", "serve") from error
    project, log = options.project, Log(log_format)
    with traced(log):
        service = open_service(project, Asked(listen), log, command="consume", only_intake=True)
        run_for_long(run(service, lambda: open_environments(project, only_intake=True), only_intake=True))
    return Status.DONE
