"""`reconciler resync`: have OrderCloud send a few records again, now."""

from __future__ import annotations

import sys

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status, apply_status
from reconciler.cli.options import Options
from reconciler.cli.plan_options import plan_request, token_cache_option
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import show
from reconciler.errors import UsageError
from reconciler.ordercloud.resync_types import TYPES
from reconciler.report.renderers import RESYNC

EXAMPLES = """
reconciler resync products P-1001 P-1002 -e production
reconciler resync categories retail/shoes -e sandbox   # CatalogID/CategoryID
reconciler resync products - -e production             # IDs from stdin
"""
_MOST_CHARACTERS = 2**20


@command("resync", formats=RESYNC.formats, examples=EXAMPLES)
@click.argument("record_type", metavar="TYPE", type=click.Choice(TYPES))
@click.argument("records", nargs=-1, required=True, metavar="{ID... | -}")
@click.option("--lock-wait", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Wait for an apply.")
@click.option("--ephemeral-ledger", is_flag=True, help="Accept a ledger that is gone after this job.")
@click.option("--override", "overridden", multiple=True, metavar="RULE", help="Override resyncMax; needs --reason.")
@click.option("--reason", metavar="TEXT", help="Why it is overridden; recorded.")
@token_cache_option
@click.pass_obj
def resync(
    options: Options,
    record_type: str,
    records: tuple[str, ...],
    lock_wait: float,
    ephemeral_ledger: bool,
    overridden: tuple[str, ...],
    reason: str | None,
    no_token_cache: bool,
) -> Status:
    """Have OrderCloud send a few records again to the delivery target of their sync.

    TYPE is products, adminUsers, buyers, buyerUsers, buyerUserGroups, catalogs, categories, inventoryRecords,
    suppliers or supplierUsers. ID is the record's; of buyerUsers, buyerUserGroups, categories, inventoryRecords and
    supplierUsers PARENT/CHILD, such as BuyerID/UserID. `-` reads them from stdin, one a line.

    Shows what it sends, then sends one record after the other. Each is noted in the ledger first; what was cut off is
    not sent again by itself. For more than guardrails.resyncMax records, pause the sync instead.
    """
    from reconciler.app.resync import prepare
    from reconciler.app.resync import resync as send_again
    from reconciler.cli.terminal.faces import ResyncTerminal

    overrides = plan_request((), (), overridden, reason).overrides
    chosen = prepare(options.project, record_type, _read(records), overrides)
    face, listener = ResyncTerminal(options), Listener(options.verbosity)
    report = run_to_end(
        send_again(
            chosen,
            face,
            listener,
            ephemeral=ephemeral_ledger,
            lock_wait=lock_wait,
            token_cache=not no_token_cache,
        )
    )
    show(options, RESYNC, report)
    return apply_status(report)


def _read(records: tuple[str, ...]) -> tuple[str, ...]:
    """Return the records that are named; `-` alone stands for the lines of stdin."""
    if records != ("-",):
        return records
    text = sys.stdin.read(_MOST_CHARACTERS + 1)
    if len(text) > _MOST_CHARACTERS:
        raise UsageError("stdin holds more than the IDs of a few records", next_step="Pause the sync instead.")
    return tuple(line.strip() for line in text.splitlines() if line.strip())
