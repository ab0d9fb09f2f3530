"""`reconciler sync`: bring what differs to the target, once or again and again. The other commands stand beside it."""

from __future__ import annotations

import asyncio
from datetime import datetime

import click

from reconciler.app.records import record_key
from reconciler.app.sync import HowToRun, choose, explain, explanation_to, run_once, run_status, run_to, watch_on
from reconciler.cli.command import Group, command
from reconciler.cli.commands.sync.records import drop, errors, retry
from reconciler.cli.commands.sync.state import cancel, status
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.sync_options import asked_mode, mode_options, run_options
from reconciler.cli.terminal.output import result_style, say, write_result
from reconciler.report.escape import json_line, terminal
from reconciler.report.words import moment
from reconciler.sync.run.report import RunReport

RUN_EXAMPLES = """
reconciler sync run -e sandbox                   # whatever is due
reconciler sync run shop -e sandbox --full
reconciler sync run shop -e sandbox --verify     # full, reads the target too
reconciler sync run shop -e sandbox --explain P-1001   # writes nothing
"""
WATCH_EXAMPLES = """
reconciler sync watch -e production
reconciler sync watch shop -e production --format json   # a line per run
"""


@click.group("sync", cls=Group)
def sync() -> None:
    """Run data syncs, and see how they are doing."""


@command("run", formats=("text", "json"), examples=RUN_EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_data_syncs)
@mode_options
@click.option("--explain", "record", metavar="ID", help="Show what would become of one record; write nothing.")
@click.option("--fail-on-problems", is_flag=True, help="Exit with 5 where records have open problems.")
@run_options
@click.pass_obj
def run(
    options: Options,
    name: str | None,
    full: bool,
    verify: bool,
    rewrite: bool,
    record: str | None,
    fail_on_problems: bool,
    lock_wait: float,
    patience: float,
    ephemeral_ledger: bool,
    no_token_cache: bool,
) -> Status:
    """Run a data sync once: what is due, or what is asked for. NAME may be left out where there is one.

    A run that was cut off is gone on with. Records with problems do not fail a run. Exit status: 0 finished; 1 an API
    stayed away, the next run goes on; 3 stopped by a limit of the manifest; 130 interrupted or cancelled.
    """
    mode, how = asked_mode(full, verify, rewrite), HowToRun(ephemeral_ledger, lock_wait, not no_token_cache, patience)
    chosen = choose(options, name)
    if record is not None:
        found = asyncio.run(explain(chosen, record_key(record), options, how))
        write_result(options, explanation_to(options.format, found, chosen, result_style(options)))
        return Status.DONE
    report, stopped = asyncio.run(run_once(chosen, mode, options, how))
    write_result(options, run_to(options.format, report, chosen.session.name, result_style(options)))
    return run_status(report, stopped=stopped, fail_on_problems=fail_on_problems)


@command("watch", formats=("text", "json"), examples=WATCH_EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_data_syncs)
@run_options
@click.pass_obj
def watch(
    options: Options,
    name: str | None,
    lock_wait: float,
    patience: float,
    ephemeral_ledger: bool,
    no_token_cache: bool,
) -> Status:
    """Run a data sync again and again: `interval` after the end of a run, the next one starts.

    It ends with Ctrl-C or SIGTERM (0 between runs, 130 within one), with `sync cancel`, when another manifest was
    applied, or at a limit of the manifest (3). An API that stays away does not end it.
    """
    chosen = choose(options, name)

    def told(report: RunReport, following: datetime) -> None:
        text = run_to(options.format, report, chosen.session.name, result_style(options), one_line=json_line)
        write_result(options, text)
        say(terminal(f"Next run of {report.sync}: {moment(following)}"))

    how = HowToRun(ephemeral_ledger, lock_wait, not no_token_cache, patience)
    report, stopped = asyncio.run(watch_on(chosen, options, how, told))
    return run_status(report, stopped=stopped)


for each in (run, watch, status, errors, retry, drop, cancel):
    sync.add_command(each)
