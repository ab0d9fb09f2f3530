"""`reconciler ledger copy`: take a ledger to another database."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result
from reconciler.errors import Interrupted, UsageError

EXAMPLES = """
reconciler ledger copy sqlite:///.reconciler/ledger.db env:NEW_LEDGER
reconciler ledger copy --reopen sqlite:///.reconciler/ledger.db   # undo
"""


@command("copy", examples=EXAMPLES, environments="none")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO", required=False)
@click.option("--reopen", is_flag=True, help="Let FROM take writes again that was copied elsewhere; without TO.")
@click.pass_obj
def copy(options: Options, source: str, target: str | None, reopen: bool) -> None:
    """Take the ledger FROM one database TO another, which is empty. FROM takes no more writes afterwards.

    FROM and TO are ledger URLs, or env:NAME for the URL in an environment variable, so that no password stands on a
    command line. Everything goes along: fingerprints, journal, what is in doubt, leases, and what SparkLayer handed
    over by Ignite, encrypted. Nobody may use FROM meanwhile.
    """
    from reconciler.ledger import care
    from reconciler.ledger.process import describe_holder
    from reconciler.report.escape import terminal

    if reopen == (target is not None):
        raise UsageError(
            "`ledger copy` takes FROM and TO, or --reopen and FROM", next_step="See `reconciler ledger copy --help`."
        )
    project = options.project
    here = project.ledger_at(source)
    if target is None:
        moved_to = care.reopen(here)
        place = terminal(here.shown)
        write_result(
            options,
            f"{place} was never taken elsewhere."
            if moved_to is None
            else f"{place} takes writes again. It knows nothing of what {terminal(moved_to)} was told since.",
        )
        return
    there = project.ledger_at(target)
    try:
        rows = care.copy(here, there, describe_holder("ledger copy"))
    except KeyboardInterrupt:
        raise Interrupted(
            f"Interrupted: whether the ledger {terminal(here.shown)} was taken along is not known",
            next_step="`reconciler ledger show` says of FROM where it was taken; if it says nothing, remove what is "
            "at TO, and run the command again.",
        ) from None
    write_result(
        options,
        f"Took the ledger {terminal(here.shown)} to {terminal(there.shown)} ({rows:,} rows). "
        f"Set RECONCILER_LEDGER, or `ledger` in the Environment, to the new place.{care.carried(there)}",
    )
