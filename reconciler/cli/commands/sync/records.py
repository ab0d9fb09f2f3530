"""`reconciler sync errors|retry|drop`: the records that did not go through."""

from __future__ import annotations

import click

from reconciler.app.records import choose_with_ids, drop_records, open_problems, retry_records
from reconciler.app.sync import choose
from reconciler.cli.command import command
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.options import Options
from reconciler.cli.sync_options import ledger_option
from reconciler.cli.terminal.output import result_style, write_result
from reconciler.errors import UsageError
from reconciler.report.escape import json_text, terminal

SHOWN = 50
ERRORS_EXAMPLES = """
reconciler sync errors -e production
reconciler sync errors shop -e production --code no-sku --limit 0
reconciler sync errors shop -e production --format csv --output problems.csv
"""
RETRY_EXAMPLES = """
reconciler sync retry -e production P-1001 P-1002/red
reconciler sync retry shop -e production --all
"""
DROP_EXAMPLES = """
reconciler sync drop shop -e production P-1001
"""


@command("errors", formats=("text", "json", "csv"), examples=ERRORS_EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_data_syncs)
@click.option("--code", metavar="CODE", help="Only these problems; docs/sync.md lists the codes.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    metavar="N",
    help=f"At most so many; 0: all.  [default: {SHOWN} as text, else all]",
)
@click.option("--offset", type=click.IntRange(0), default=0, metavar="N", help="Leave out the first N.")
@click.pass_obj
def errors(options: Options, name: str | None, code: str | None, limit: int | None, offset: int) -> None:
    """List the open problems of a data sync, the oldest first. NAME may be left out where there is one.

    These are all of them; the sync log, which the merchant reads, holds at most 5,000. In CSV no cell is a formula.
    """
    from reconciler.report.documents.sync import problems_to_json
    from reconciler.report.text.sync_problems import problems_to_csv, problems_to_text

    chosen = choose(options, name)
    most = limit if limit is not None else SHOWN if options.format == "text" else 0
    found = open_problems(chosen, most, offset, code)
    environment = chosen.session.name
    if options.format == "json":
        write_result(options, json_text(problems_to_json(environment, found)))
    elif options.format == "csv":
        write_result(options, problems_to_csv(found))
    else:
        write_result(options, problems_to_text(environment, found, result_style(options)))


@command("retry", examples=RETRY_EXAMPLES)
@click.argument("words", nargs=-1, metavar="[NAME] [ID]...", shell_complete=complete_data_syncs)
@click.option("--all", "everything", is_flag=True, help="Every record that failed or has a problem.")
@ledger_option
@click.pass_obj
def retry(options: Options, words: tuple[str, ...], everything: bool, ephemeral_ledger: bool) -> None:
    """Queue records, so that the next run reads and compares them again, whatever is known of them.

    ID is that of a product, or of a variant as the sync log has it. The first word is taken as NAME where there is
    such a data sync.
    """
    chosen, ids = choose_with_ids(options, words)
    if everything == bool(ids):
        raise UsageError("say which records, by ID, or --all")
    write_result(options, terminal(retry_records(chosen, ids, ephemeral=ephemeral_ledger)))


@command("drop", examples=DROP_EXAMPLES)
@click.argument("words", nargs=-1, required=True, metavar="[NAME] ID...", shell_complete=complete_data_syncs)
@ledger_option
@click.pass_obj
def drop(options: Options, words: tuple[str, ...], ephemeral_ledger: bool) -> None:
    """Give up on records that failed: their problems are resolved in the sync log, and nobody tries them again.

    Until they change at the source, or are queued with `sync retry`: then they are looked at like any other.
    """
    chosen, ids = choose_with_ids(options, words)
    if not ids:
        raise UsageError("say which records, by ID")
    write_result(options, terminal(drop_records(chosen, ids, ephemeral=ephemeral_ledger)))
