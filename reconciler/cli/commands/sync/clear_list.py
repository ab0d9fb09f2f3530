"""`reconciler sync run --clear-list`: remove the prices from a list that a data sync does not write to any more."""

from __future__ import annotations

from reconciler.app.clear_list import Cleared, Clearing, clear_list
from reconciler.app.signals import run_to_end
from reconciler.app.sync import Chosen, HowToRun
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.terminal.ask import can_ask, confirmed
from reconciler.cli.terminal.faces import SyncTerminal
from reconciler.cli.terminal.listen import run_listener
from reconciler.cli.terminal.output import say, write_result
from reconciler.cli.terminal.progress import progress_display
from reconciler.errors import Interrupted, UsageError
from reconciler.report.escape import terminal
from reconciler.words import counted

_SHOWN = 5


def clear(options: Options, chosen: Chosen, slug: str, how: HowToRun, *, yes: bool, only_show: bool) -> Status:
    """Show what would be removed, ask unless told not to, and remove it.

    Raises:
        UsageError: there is nobody to ask, or it is no old list.
        Interrupted: somebody ended it.
        ReconcilerError: see `clear_list`.
    """
    if options.format != "text":
        raise UsageError("--clear-list tells its result as text", next_step="Leave --format out.")
    if not (yes or only_show or can_ask()):
        raise UsageError("there is nobody to ask", next_step="Say --yes, if the prices may go; --dry-run shows them.")
    shown: list[Clearing] = []

    def agreed(clearing: Clearing) -> bool:
        shown.append(clearing)
        say(_steps(chosen, clearing))
        return not only_show and (yes or confirmed("Remove them?"))

    with progress_display(options.color) as display:
        face = SyncTerminal(display)
        try:
            done = run_to_end(clear_list(chosen, slug, how, face, run_listener(options.verbosity), agreed))
        except KeyboardInterrupt:
            raise Interrupted("Interrupted before it began: nothing was removed") from None
    if done is not None:
        write_result(options, terminal(_told(done, slug)))
        return Status.PARTLY if done.refused else Status.DONE
    if not shown:
        write_result(options, terminal(f"On the price list {slug} there are no prices that {chosen.sync.name} wrote."))
    return Status.DONE


def _steps(chosen: Chosen, clearing: Clearing) -> str:
    why = "" if clearing.override is None else f" maxDeletePercent is overridden: {clearing.override}."
    return terminal(
        f"This removes from the price list {clearing.price_list} the prices of {counted(clearing.skus, 'SKU')} of "
        f"{counted(clearing.products, 'product')} that {chosen.sync.name} wrote there, whoever changed them since. "
        f"Prices of other SKUs stay.{why}"
    )


def _told(done: Cleared, slug: str) -> str:
    if done.no_list:
        return f"There is no price list {slug} any more, and none of its prices."
    words = f"Removed the prices of {counted(done.skus, 'SKU')} from the price list {slug}."
    if not done.refused:
        return words
    first = [f"{sku}: {said}" for sku, said in sorted(done.refused.items())[:_SHOWN]]
    return f"{words} SparkLayer refused it for {counted(len(done.refused), 'SKU')}: {'; '.join(first)}"
