"""`reconciler pause`: pause syncs for a while, or around a command."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from reconciler.app.hold import Held, hold, not_startable
from reconciler.app.owner import owner as owner_of
from reconciler.app.pause import PauseRequest, opened_ledger, take
from reconciler.app.project import Project
from reconciler.app.verify import How, verify
from reconciler.cli.command import Command
from reconciler.cli.exit_status import PAUSE_FAILED, Status
from reconciler.cli.options import Options
from reconciler.cli.pause_options import duration, ephemeral_option, owner_option, verification, verify_options
from reconciler.cli.plan_options import token_cache_option
from reconciler.cli.terminal.faces import HoldTerminal
from reconciler.cli.terminal.failure import report_failure
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import say, show
from reconciler.clock import utc_now
from reconciler.errors import Interrupted, ReconcilerError, UsageError
from reconciler.report.escape import terminal
from reconciler.report.renderers import PAUSE

EXAMPLES = """
reconciler pause ProductSync/products -e sandbox --for 30m --reason "Price load"
reconciler pause EntitySync/stock -e sandbox --for 2h --reason Count -- ./count.sh
reconciler pause ProductSync/products -e sandbox --for 1h --reason "New prices" -- reconciler apply plan.json
"""
COMMAND = "reconciler.pause.command"


class _AroundCommand(Command):
    """Takes the words behind `--` as a command of their own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta[COMMAND], args = tuple(args[at + 1 :]), args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND [ARG]...]"]


@click.command("pause", cls=_AroundCommand, formats=PAUSE.formats, examples=EXAMPLES)
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
    how = verification(verify_with)
    if command is None:
        return _pause(options, request, ephemeral_ledger, lock_wait, not no_token_cache)
    try:
        return _around(
            options, request, command, how, extend=extend, ephemeral=ephemeral_ledger, lock_wait=lock_wait,
            token_cache=not no_token_cache,
        )  # fmt: skip
    except Interrupted:
        raise
    except ReconcilerError as error:
        report_failure(error, options)
        return PAUSE_FAILED


def _pause(options: Options, request: PauseRequest, ephemeral: bool, lock_wait: float, token_cache: bool) -> int:
    session = options.project.session(utc_now())
    face = HoldTerminal(options)

    async def pausing() -> Any:
        with face.stoppable() as stop:
            return await take(
                session, ledger, request, face, Listener(options.verbosity), stop, lock_wait=lock_wait,
                token_cache=token_cache,
            )  # fmt: skip

    with opened_ledger(session, ephemeral=ephemeral) as ledger:
        taken = asyncio.run(pausing())
    show(options, PAUSE, taken)
    if taken.done:
        return Status.DONE
    return Status.INTERRUPTED if face.asked_to_stop else Status.ERROR


def _around(
    options: Options,
    request: PauseRequest,
    command: Sequence[str],
    how: How | None,
    *,
    extend: bool,
    ephemeral: bool,
    lock_wait: float,
    token_cache: bool,
) -> int:
    """Pause around a command; say everything on stderr, since stdout is the command's."""
    project: Project = options.project
    session = project.session(utc_now())
    face = HoldTerminal(options)
    if (status := not_startable(command)) is not None:
        what = "is not executable" if status == 126 else "is not there"
        say(terminal(f"{command[0]} {what}; nothing was paused."))
        return status

    async def holding() -> Held:
        held = await hold(
            session, ledger, request, command, face, Listener(options.verbosity), extend=extend, lock_wait=lock_wait,
            token_cache=token_cache,
        )  # fmt: skip
        if held.lifted is None or held.status is None:
            return held
        return replace(held, lifted=await verify(held.lifted, ledger, how))

    with opened_ledger(session, ephemeral=ephemeral) as ledger:
        held = asyncio.run(holding())
    if options.output is not None:
        show(options, PAUSE, replace(held.taken, lifted=held.lifted), **_details(options, held))
    return _status(options, held, session.name)


def _details(options: Options, held: Held) -> dict[str, Any]:
    return {"exit_status": held.status} if options.format == "json" else {}


def _status(options: Options, held: Held, environment: str) -> int:
    if held.status is None:
        return PAUSE_FAILED
    verification_ = held.lifted.verification if held.lifted is not None else None
    if verification_ is not None:
        say(terminal(verification_.message))
    if held.is_resumed:
        failed = verification_ is not None and verification_.verdict == "not-verified"
        return held.status or (Status.ERROR if failed else Status.DONE)
    keys = " ".join(dict.fromkeys(lease.key for lease in held.taken.leases))
    error = held.problem or ReconcilerError("not every sync could be resumed")
    step = f"Run `reconciler resume {keys} -e {environment}`; the next command that may write tries as well."
    report_failure(ReconcilerError(f"STILL PAUSED: {keys}: {error.message}", next_step=step), options)
    return held.status or Status.ERROR
