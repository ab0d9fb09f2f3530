"""`reconciler pause`: pause syncs for a while, or around a command."""

from __future__ import annotations

import os
from typing import Any

import click

from reconciler.cli.options import Options
from reconciler.cli.pause_options import (
    COMMAND,
    AroundCommand,
    duration,
    ephemeral_option,
    owner_option,
    verification,
    verify_options,
)
from reconciler.cli.plan_options import token_cache_option
from reconciler.errors import UsageError
from reconciler.report.renderers import PAUSE

EXAMPLES = """
reconciler pause ProductSync/products --for 30m --reason "Price load"
reconciler pause EntitySync/stock --for 2h --reason Count -- ./count.sh
reconciler pause EntitySync/stock --for 1h --reason x -- reconciler apply
"""


@click.command("pause", cls=AroundCommand, formats=PAUSE.formats, examples=EXAMPLES)
@click.argument("keys", nargs=-1, required=True, metavar="KIND/NAME...")
@click.option("--for", "lasts", metavar="DURATION", required=True, help="How long at most, e.g. 30m or 2h.")
@click.option("--reason", metavar="TEXT", required=True, help="Why, for whoever is on call.")
@owner_option
@click.option("--extend", is_flag=True, help="As long as the command runs, at most maxPause.")
@click.option("--override", "overridden", multiple=True, metavar="RULE", help="Override this guardrail, for --reason.")
@click.option("--lock-wait", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Wait for an apply.")
@verify_options
@ephemeral_option
@token_cache_option
@click.pass_context
def pause(
    context: click.Context,
    /,
    keys: tuple[str, ...],
    lasts: str,
    reason: str,
    owner: str | None,
    extend: bool,
    overridden: tuple[str, ...],
    lock_wait: float,
    no_token_cache: bool,
    ephemeral_ledger: bool,
    **verify_with: Any,
) -> int:
    """Pause syncs for a while, with a reason and an end that the ledger keeps.

    What changes meanwhile goes out consolidated when they are resumed; deletes go out at once. One change, deletes
    and what is urgent want no pause. A sync runs again once the last of its leases has ended: by `resume`, at the
    command's end, or by the next command that may write after the time is over.

    With a command, its exit status is ours: 125 where our pause failed or was refused before it, 126 and 127 where it
    cannot be started, 128+n where signal n ended it, 1 where it was 0 and the syncs could not be resumed.
    """
    from reconciler.app.owner import owner as owner_of
    from reconciler.app.pause import PauseRequest
    from reconciler.cli.terminal.pausing import Manner, pause_around, pause_for_a_while

    options, command = context.find_object(Options) or Options(), context.meta.get(COMMAND)
    if not reason.strip():
        raise UsageError("--reason is empty", next_step="Say why, for whoever is on call.")
    if extend and command is None:
        raise UsageError("--extend is for a pause around a command", next_step="Write the command behind --.")
    if command == ():
        raise UsageError("no command stands behind --", next_step="Write one, or leave -- out.")
    request = PauseRequest(
        keys,
        duration("--for", lasts),
        reason.strip(),
        owner_of(os.environ, owner),
        dict.fromkeys(overridden, reason.strip()),
        around=command is not None,
    )
    manner = Manner(verification(verify_with), extend, ephemeral_ledger, lock_wait, not no_token_cache)
    if command is None:
        return pause_for_a_while(options, request, manner)
    return pause_around(options, request, manner, command)
