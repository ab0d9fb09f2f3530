"""`reconciler ledger show`: what the ledger believes."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import show as show_result
from reconciler.report.renderers import LEDGER

EXAMPLES = """
reconciler ledger show -e sandbox
reconciler ledger show -e sandbox --format json
"""


@command("show", formats=LEDGER.formats, examples=EXAMPLES)
@click.pass_obj
def show(options: Options) -> None:
    """Show runs, locks, snoozes and the state of data syncs.

    Never a secret or its fingerprint.
    """
    from reconciler.ledger.reader import read_overview

    show_result(options, LEDGER, read_overview(options.project.settings().ledger))
