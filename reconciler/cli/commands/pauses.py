"""`reconciler pauses`: what is paused, by whom, why and until when."""

from __future__ import annotations

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.plan_options import token_cache_option
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import show
from reconciler.clock import utc_now
from reconciler.report.renderers import PAUSES

EXAMPLES = """
reconciler pauses -e sandbox
reconciler pauses -e sandbox --next 10   # and the next ten windows
"""


@command("pauses", formats=PAUSES.formats, examples=EXAMPLES)
@click.option(
    "--next", "windows", type=click.IntRange(0, 1000), default=0, metavar="N", help="Show the next N windows."
)
@token_cache_option
@click.pass_obj
def pauses(options: Options, windows: int, no_token_cache: bool) -> None:
    """Show what is paused: declared, by hand, overdue, or by nobody who said so. Nothing is written.

    A lease that is over is lifted by the next command that may write: apply, pause, resume, drift --resume-expired.
    """
    from reconciler.app.pauses import show_pauses

    session = options.project.session(utc_now())
    listener = Listener(options.verbosity)
    report = run_to_end(show_pauses(session, listener, windows=windows, token_cache=not no_token_cache))
    show(options, PAUSES, report)
