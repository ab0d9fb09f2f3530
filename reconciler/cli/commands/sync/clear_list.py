"""`reconciler sync run --clear-list`: remove the prices from a list that a data sync does not write to any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.app.signals import run_to_end
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.terminal.ask import can_ask, confirmed
from reconciler.cli.terminal.listen import run_listener
from reconciler.cli.terminal.output import say, show
from reconciler.errors import Interrupted, UsageError
from reconciler.report.escape import terminal
from reconciler.report.renderers import CLEARING
from reconciler.words import counted

if TYPE_CHECKING:
    from reconciler.app.chosen import Chosen, HowToRun
    from reconciler.sync.clearing import Clearing


def clear(options: Options, chosen: Chosen, slug: str, how: HowToRun, *, yes: bool, only_show: bool) -> Status:
    """Show what would be removed, ask unless told not to, and remove it.

    Raises:
        UsageError: there is nobody to ask, or it is no old list.
        Interrupted: somebody ended it.
        ReconcilerError: see `clear_list`.
    """
    from reconciler.app.clear_list import clear_list
    from reconciler.cli.terminal.faces import SyncTerminal
    from reconciler.cli.terminal.progress import progress_display

    if not (yes or only_show or can_ask()):
        raise UsageError("there is nobody to ask", next_step="Say --yes, if the prices may go; --dry-run shows them.")

    def agreed(clearing: Clearing) -> bool:
        say(_steps(chosen, clearing))
        return not only_show and (yes or confirmed("Remove them?"))

    with progress_display(options.color) as display:
        face = SyncTerminal(display)
        try:
            report = run_to_end(clear_list(chosen, slug, how, face, run_listener(options.verbosity), agreed))
        except KeyboardInterrupt:
            raise Interrupted("Interrupted before it began: nothing was removed") from None
    show(options, CLEARING, report)
    return Status.PARTLY if report.done is not None and report.done.refused else Status.DONE


def _steps(chosen: Chosen, clearing: Clearing) -> str:
    why = "" if clearing.override is None else f" maxDeletePercent is overridden: {clearing.override}."
    return terminal(
        f"This removes from the price list {clearing.price_list} the prices of {counted(clearing.skus, 'SKU')} of "
        f"{counted(clearing.products, 'product')} that {chosen.sync.name} wrote there, whoever changed them since. "
        f"Prices of other SKUs stay.{why}"
    )
