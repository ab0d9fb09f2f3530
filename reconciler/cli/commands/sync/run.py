"""`reconciler sync run`: bring what differs to the target, once."""

from __future__ import annotations

import click

from reconciler.app.dry_run import dry_run
from reconciler.app.records import record_key
from reconciler.app.signals import run_to_end
from reconciler.app.sync import HowToRun, choose, explain, run_once
from reconciler.cli.command import command
from reconciler.cli.commands.sync.clear_list import clear
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.exit_status import Status, run_status
from reconciler.cli.options import Options
from reconciler.cli.sync_options import asked_mode, asked_overrides, mode_options, override_options, run_options
from reconciler.cli.terminal.faces import SyncTerminal
from reconciler.cli.terminal.listen import run_listener
from reconciler.cli.terminal.output import show
from reconciler.cli.terminal.progress import progress_display
from reconciler.errors import UsageError
from reconciler.report.renderers import SYNC_DRY_RUN, SYNC_EXPLANATION, SYNC_RUN

EXAMPLES = """
reconciler sync run -e sandbox                   # whatever is due
reconciler sync run shop -e sandbox --full
reconciler sync run shop -e sandbox --verify     # full, reads the target too
reconciler sync run shop -e sandbox --full --dry-run   # what it would do
reconciler sync run shop -e sandbox --explain P-1001   # writes nothing
reconciler sync run shop -e sandbox --clear-list old-prices   # asks first
"""


@command("run", formats=SYNC_RUN.formats, examples=EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_data_syncs)
@mode_options
@click.option("--explain", "record", metavar="ID", help="Show what would become of one record; write nothing.")
@click.option("--dry-run", "rehearse", is_flag=True, help="Show what a run would do; write nothing, here nor there.")
@click.option("--clear-list", "old_list", metavar="SLUG", help="Remove its prices from a list that it wrote to before.")
@click.option("--yes", is_flag=True, help="Do not ask; for --clear-list.")
@click.option("--fail-on-problems", is_flag=True, help="Exit with 5 where records have open problems.")
@override_options
@run_options
@click.pass_obj
def run(
    options: Options,
    name: str | None,
    full: bool,
    verify: bool,
    rewrite: bool,
    record: str | None,
    rehearse: bool,
    old_list: str | None,
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

    NAME may be left out where there is one data sync. An interrupted run is resumed. Records with problems do not
    fail a run. Of a data sync with `state: absent` and `onRemove: {products: discontinue}`, once that is applied, it
    discontinues the products. Exit status: 0 finished; 1 an API was unreachable, the next run resumes; 3 stopped by a
    limit of the manifest; 130 interrupted or cancelled.
    """
    mode, overrides = asked_mode(full, verify, rewrite), asked_overrides(overridden, reason)
    how = HowToRun(ephemeral_ledger, lock_wait, not no_token_cache, patience, overrides)
    chosen, listener = (
        choose(options.project, name, leaving=record is None and old_list is None),
        run_listener(options.verbosity),
    )
    environment = chosen.session.name
    if old_list is not None:
        if record is not None or mode is not None:
            raise UsageError("--clear-list is no run: it stands without --full, --verify, --rewrite and --explain")
        return clear(options, chosen, old_list, how, yes=yes, only_show=rehearse)
    if record is not None:
        found = run_to_end(explain(chosen, record_key(record), how, listener))
        show(options, SYNC_EXPLANATION, chosen.sync.name, environment, found)
        return Status.DONE
    if rehearse:
        with progress_display(options.color) as display:
            would, stopped = run_to_end(dry_run(chosen, mode, how, SyncTerminal(display), listener))
        show(options, SYNC_DRY_RUN, would, environment)
        return run_status(would.report, stopped=stopped, fail_on_problems=fail_on_problems)
    with progress_display(options.color) as display:
        report, stopped = run_to_end(run_once(chosen, mode, how, SyncTerminal(display), listener))
    show(options, SYNC_RUN, report, environment)
    return run_status(report, stopped=stopped, fail_on_problems=fail_on_problems)
