"""`reconciler show`: a saved plan, drift report or apply report in any format, offline."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import show as show_result
from reconciler.clock import utc_now
from reconciler.report.renderers import APPLY, DRIFT, PLAN

EXAMPLES = """
reconciler show plan.json                    # as `plan` showed it
reconciler show plan.json --format markdown  # the same for a pull request
reconciler show drift.json --format html --output drift.html
"""


@command("show", formats=PLAN.formats, examples=EXAMPLES, manifests=False)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def show(options: Options, file: Path) -> None:
    """Show a saved plan, a saved drift report or the JSON of an apply in any format; nothing is connected to.

    FILE is what `plan --save`, `drift --save` or `apply --format json --output` wrote. A plan that was altered is
    refused; one that has expired is shown, and apply refuses it.
    """
    from reconciler.reconcile.plan import DriftReport, Plan
    from reconciler.report.documents.saved import read_result

    found = read_result(file)
    if isinstance(found, Plan):
        details = {"saved_as": str(file), "now": utc_now()} if options.format == "text" else {}
        show_result(options, PLAN, found, **details)
    elif isinstance(found, DriftReport):
        show_result(options, DRIFT, found)
    else:
        show_result(options, APPLY, found)
