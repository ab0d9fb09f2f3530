"""`reconciler ledger rebind`: let an environment's name stand for other APIs."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result

EXAMPLES = """
reconciler ledger rebind -e sandbox
"""


@command("rebind", examples=EXAMPLES)
@click.pass_obj
def rebind(options: Options) -> None:
    """Forget which APIs an environment's name stands for in the ledger; the next apply says it anew.

    For an environment whose APIs moved. Two environments with one name would mix what the ledger knows of them: give
    one of them another name, or a ledger of its own.
    """
    from reconciler.ledger.writer import Ledger
    from reconciler.report.escape import terminal

    project = options.project
    name = project.name()
    with Ledger.open(project.settings().ledger) as opened:
        known = opened.rebind(name)
    write_result(
        options,
        f"The next apply says what {terminal(name)} stands for." if known else f"{terminal(name)} is not known yet.",
    )
