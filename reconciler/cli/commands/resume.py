"""`reconciler resume`: end pauses that were taken by hand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.pause_options import ephemeral_option, owner_option, verification, verify_options
from reconciler.cli.plan_options import token_cache_option
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import say, show
from reconciler.clock import utc_now
from reconciler.errors import UsageError
from reconciler.report.escape import terminal
from reconciler.report.renderers import RESUME

if TYPE_CHECKING:
    from reconciler.pause.lease import Lease
    from reconciler.reconcile.pause_report import Lifted

EXAMPLES = """
reconciler resume ProductSync/products -e sandbox   # whoever holds it
reconciler resume -e sandbox --mine                 # what is ours
reconciler resume --mine -e sandbox --verify-with ./count-is-right.sh
"""


@command("resume", formats=RESUME.formats, examples=EXAMPLES)
@click.argument("keys", nargs=-1, metavar="[KIND/NAME]...")
@click.option("--mine", is_flag=True, help="Only the leases whose owner is ours.")
@owner_option
@verify_options
@ephemeral_option
@token_cache_option
@click.pass_obj
def resume(
    options: Options,
    /,
    keys: tuple[str, ...],
    mine: bool,
    owner: str | None,
    ephemeral_ledger: bool,
    no_token_cache: bool,
    **verify_with: Any,
) -> Status:
    """End pauses that were taken by hand: of the syncs that are named, or those that are ours.

    A sync runs again once no lease, declared pause or window holds it. What somebody else had paused before stays
    paused. Leases that are over are lifted besides.
    """
    from reconciler.app.owner import owner as owner_of
    from reconciler.app.pause import give_back, opened_ledger
    from reconciler.app.verify import verify
    from reconciler.cli.terminal.faces import HoldTerminal
    from reconciler.reconcile.leased import NOT_VERIFIED

    if not keys and not mine:
        raise UsageError("say which: KIND/NAME, or --mine", next_step="`reconciler pauses` shows what is paused.")
    if owner is not None and not mine:
        raise UsageError("--owner stands without --mine", next_step="Say --mine to resume what is this owner's.")
    how, whose = verification(verify_with), owner_of(os.environ, owner)

    def which(lease: Lease) -> bool:
        named = not keys or lease.key in keys or f"{lease.kind}/{lease.id}" in keys
        return named and (not mine or lease.owner == whose)

    session = options.project.session(utc_now())
    face = HoldTerminal(options)

    async def resuming() -> Lifted:
        lifted = await give_back(
            session, ledger, which, face, Listener(options.verbosity), token_cache=not no_token_cache
        )
        return await verify(lifted, ledger, how) if lifted.is_done else lifted

    with opened_ledger(session, ephemeral=ephemeral_ledger) as ledger:
        lifted = run_to_end(resuming())
    unknown = [key for key in keys if key not in {found.key for found in lifted.syncs}]
    for key in unknown:
        say(terminal(f"No lease is on {key}. `reconciler pauses -e {session.name}` shows what is paused, and by whom."))
    show(options, RESUME, lifted)
    if lifted.interrupted:
        return Status.INTERRUPTED
    not_verified = lifted.verification is not None and lifted.verification.verdict == NOT_VERIFIED
    return Status.DONE if lifted.is_done and not not_verified else Status.ERROR
