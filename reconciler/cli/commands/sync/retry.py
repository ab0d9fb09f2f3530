"""`reconciler sync retry`: queue records, so that the next run reads and compares them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.options import Options
from reconciler.cli.plan_options import token_cache_option
from reconciler.cli.sync_options import ledger_option, type_option
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import write_result
from reconciler.errors import UsageError
from reconciler.report.escape import terminal
from reconciler.words import counted, some

if TYPE_CHECKING:
    from reconciler.app.chosen import Chosen
    from reconciler.app.records import Records

EXAMPLES = """
reconciler sync retry -e production P-1001 P-1002/red
reconciler sync retry shop -e production --all
"""


@command("retry", examples=EXAMPLES)
@click.argument("words", nargs=-1, metavar="[NAME] [ID]...", shell_complete=complete_data_syncs)
@type_option
@click.option("--all", "everything", is_flag=True, help="Every record that failed or has a problem.")
@ledger_option
@token_cache_option
@click.pass_obj
def retry(
    options: Options,
    words: tuple[str, ...],
    data_type: str | None,
    everything: bool,
    ephemeral_ledger: bool,
    no_token_cache: bool,
) -> None:
    """Queue records, so that the next run retries them.

    They are read and compared again, whatever the ledger says of them. ID is as `sync errors` has it. The first word
    is taken as NAME where there is such a data sync. A record that was never synced is asked for at the source: where
    that does not have it, or the data sync is not about it, nothing is queued.
    """
    from reconciler.app.chosen import HowToRun
    from reconciler.app.records import choose_with_ids, retry_records

    chosen, ids = choose_with_ids(options.project, words, data_type)
    if everything == bool(ids):
        raise UsageError("say which records, by ID, or --all")
    how = HowToRun(ephemeral_ledger, token_cache=not no_token_cache)
    listener = Listener(options.verbosity)
    told = [_told(each, run_to_end(retry_records(each, ids, how, listener)), len(chosen) > 1) for each in chosen]
    write_result(options, "\n".join(terminal(options.given.completed(words)) for words in told))


def _told(chosen: Chosen, queued: Records, several: bool) -> str:
    words = _words(chosen, queued)
    return f"{chosen.sync.type}: {words[0].lower()}{words[1:]}" if several else words


def _words(chosen: Chosen, queued: Records) -> str:
    if not queued.number:
        return "No record failed or has a problem."
    words = f"{counted(queued.number, 'record')} queued"
    if queued.unknown:
        words += f"; not known so far: {some(queued.unknown)}"
    now = f"`reconciler sync run {chosen.sync.command} -e {chosen.session.name}` runs now; a watch, within a minute."
    return f"{words}. {now}"
