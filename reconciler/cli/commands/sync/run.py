"""`reconciler sync run`: bring what differs to the target, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.commands.sync import beside
from reconciler.cli.commands.sync.clear_list import clear
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.exit_status import Status, combine, run_status
from reconciler.cli.options import Options
from reconciler.cli.sync_options import (
    asked_mode,
    asked_overrides,
    mode_options,
    override_options,
    run_options,
    type_option,
)
from reconciler.cli.terminal.listen import run_listener
from reconciler.cli.terminal.output import result_style, say, show, write_result
from reconciler.errors import UsageError
from reconciler.report.renderers import SYNC_DRY_RUN, SYNC_EXPLANATION, SYNC_RUN, Subject

if TYPE_CHECKING:
    from reconciler.app.chosen import Chosen
    from reconciler.app.sync_each import Ended, RanEach

_Ended = TypeVar("_Ended", bound="Ended")
EXAMPLES = """
reconciler sync run -e sandbox                   # whatever is due
reconciler sync run shop -e sandbox --full
reconciler sync run shop -e sandbox --type products
reconciler sync run shop -e sandbox --verify     # full, reads the target too
reconciler sync run shop -e sandbox --full --dry-run   # what it would do
reconciler sync run shop -e sandbox --explain P-1001   # writes nothing
reconciler sync run shop -e sandbox --clear-list old-prices   # asks first
"""


@command("run", formats=SYNC_RUN.formats, examples=EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_data_syncs)
@type_option
@mode_options
@click.option("--explain", "record", metavar="ID", help="Show what would become of one record; write nothing.")
@click.option("--dry-run", "rehearse", is_flag=True, help="Show what a run would do; write nothing, here nor there.")
@click.option("--clear-list", "old_list", metavar="SLUG", help="Remove its prices from a list that it wrote to before.")
@click.option("--detach", is_flag=True, help="Leave it to workers, and wait for nothing.")
@click.option("--yes", is_flag=True, help="Do not ask; for --clear-list.")
@click.option("--fail-on-problems", is_flag=True, help="Exit with 5 where records have open problems.")
@override_options
@run_options
@click.pass_obj
def run(
    options: Options,
    name: str | None,
    data_type: str | None,
    full: bool,
    verify: bool,
    rewrite: bool,
    record: str | None,
    rehearse: bool,
    old_list: str | None,
    detach: bool,
    yes: bool,
    fail_on_problems: bool,
    overridden: str | None,
    reason: str | None,
    lock_wait: float,
    patience: float,
    ephemeral_ledger: bool,
    no_token_cache: bool,
) -> Status:
    """Run a data sync once: what is due, or what is asked for.

    NAME may be left out where there is one data sync. Its data types run one after the other, each in a run of its
    own; where workers run them, this command lends a hand, and Ctrl-C ends that alone. An interrupted run is resumed.
    Of a data sync with `state: absent` and `onRemove: {products: discontinue}`, once that is applied, it discontinues
    the products. Exit status: 0 finished, whatever problems records have; 1 an API was unreachable, the next run
    resumes; 3 stopped by a limit of the manifest; 130 interrupted or cancelled.
    """
    from reconciler.app.chosen import HowToRun, choose, only
    from reconciler.cli.terminal.faces import SyncTerminal
    from reconciler.cli.terminal.progress import progress_display

    mode, overrides = asked_mode(full, verify, rewrite), asked_overrides(overridden, reason)
    how = HowToRun(ephemeral_ledger, lock_wait, not no_token_cache, patience, overrides)
    chosen = choose(options.project, name, data_type, leaving=record is None and old_list is None)
    listener, environment = run_listener(options.verbosity), chosen[0].session.name
    if old_list is not None and (record is not None or mode is not None):
        raise UsageError("--clear-list is no run: it stands without --full, --verify, --rewrite and --explain")
    if old_list is not None:
        from reconciler.app.clear_list import of_prices

        return clear(options, of_prices(chosen), old_list, how, yes=yes, only_show=rehearse)
    if record is not None:
        from reconciler.app.records import record_keys
        from reconciler.app.sync import explain

        one = only(chosen, (record,))
        found = run_to_end(explain(one, record_keys(one, (record,))[0], how, listener))
        show(options, SYNC_EXPLANATION, one.sync.name, environment, found)
        return Status.DONE
    if detach:
        return beside.detach(options, chosen, mode, how)
    if overrides:
        only(chosen)  # whoever passes a limit has seen what one data type would do
    with progress_display(options.color) as display:
        face = SyncTerminal(display)
        if rehearse:
            from reconciler.app.dry_run import dry_run
            from reconciler.app.sync_each import run_each

            would = run_to_end(run_each(chosen, lambda each: dry_run(each, mode, how, face, listener)))
            return _told(options, SYNC_DRY_RUN, would, chosen, strict=fail_on_problems)
        ran = run_to_end(beside.run_each_where_it_belongs(chosen, mode, how, face, listener))
    return _told(options, SYNC_RUN, ran, chosen, strict=fail_on_problems)


def _told(
    options: Options, subject: Subject[_Ended, str], ran: RanEach[_Ended], chosen: Sequence[Chosen], *, strict: bool
) -> Status:
    """Show what became of each data type, and return the exit status of all; `strict`: open problems fail them."""
    from reconciler.cli.terminal.failure import report_failure

    if ran.ended:
        values, style = [(ended, chosen[0].session.name) for ended in ran.ended], result_style(options)
        write_result(options, subject.render_each(options.format, values, style=style, several=len(chosen) > 1))
    states = [report_failure(error, options) for error in ran.errors]
    if ran.left:
        say(f"Not begun: {', '.join(each.sync.type for each in ran.left)}")
        states += [Status.INTERRUPTED] if ran.stopped else []
    states += [run_status(ended.report, stopped=ran.stopped, fail_on_problems=strict) for ended in ran.ended]
    return combine(states)
