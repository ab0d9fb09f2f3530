"""`reconciler sync drop`: give up on records that failed."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.options import Options
from reconciler.cli.sync_options import ledger_option, type_option
from reconciler.cli.terminal.output import write_result
from reconciler.errors import UsageError
from reconciler.report.escape import terminal
from reconciler.words import counted, some

EXAMPLES = """
reconciler sync drop shop -e production P-1001
"""


@command("drop", examples=EXAMPLES)
@click.argument("words", nargs=-1, required=True, metavar="[NAME] ID...", shell_complete=complete_data_syncs)
@type_option
@ledger_option
@click.pass_obj
def drop(options: Options, words: tuple[str, ...], data_type: str | None, ephemeral_ledger: bool) -> None:
    """Drop records that failed: no run retries them.

    Their problems are resolved in the sync log. When they change at the source, or are queued with `sync retry`, they
    are synced like any other.
    """
    from reconciler.app.records import choose_with_ids, drop_records

    chosen, ids = choose_with_ids(options.project, words, data_type)
    if not ids:
        raise UsageError("say which records, by ID")
    dropped = drop_records(chosen[0], ids, ephemeral=ephemeral_ledger)
    number = counted(dropped.number, "record")
    told = f"Gave up on {number}" if dropped.number else "None of them failed or has a problem"
    unknown = f"; not known: {some(dropped.unknown)}" if dropped.unknown else ""
    write_result(options, terminal(f"{told}{unknown}."))
