"""Pausing on a terminal: for a while, or around a command whose output and exit status are ours."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.hold import NOT_EXECUTABLE, Held, hold, not_startable
from reconciler.app.pause import PauseRequest, opened_ledger, take
from reconciler.app.signals import run_to_end
from reconciler.app.verify import How, verify
from reconciler.cli.exit_status import PAUSE_FAILED, Status
from reconciler.cli.options import Options
from reconciler.cli.terminal.faces import HoldTerminal
from reconciler.cli.terminal.failure import report_failure
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import say, show
from reconciler.clock import utc_now
from reconciler.errors import Interrupted, ReconcilerError
from reconciler.reconcile.leased import NOT_VERIFIED
from reconciler.reconcile.pause_report import Taken
from reconciler.report.escape import terminal
from reconciler.report.renderers import PAUSE


class Manner(Struct, frozen=True):
    """How to pause, beside what.

    Args:
        how: to find out whether what had waited went through; None: nobody asks.
        extend: whether the pause lasts as long as its command.
        ephemeral: whether a ledger that is gone after this job will do.
        lock_wait: seconds to wait for an apply.
        token_cache: whether access tokens may be kept in files.
    """

    how: How | None
    extend: bool
    ephemeral: bool
    lock_wait: float
    token_cache: bool


def pause_for_a_while(options: Options, request: PauseRequest, manner: Manner) -> int:
    """Pause syncs, show what was done, and return the exit status."""
    session, face = options.project.session(utc_now()), HoldTerminal(options)

    async def pausing() -> Taken:
        with face.stoppable() as stop:
            listener, wait = Listener(options.verbosity), manner.lock_wait
            return await take(
                session, ledger, request, face, listener, stop, lock_wait=wait, token_cache=manner.token_cache
            )

    with opened_ledger(session, ephemeral=manner.ephemeral) as ledger:
        taken = run_to_end(pausing())
    show(options, PAUSE, taken)
    if taken.done:
        return Status.DONE
    return Status.INTERRUPTED if face.asked_to_stop else Status.ERROR


def pause_around(options: Options, request: PauseRequest, manner: Manner, command: Sequence[str]) -> int:
    """Pause syncs around a command, and return its exit status, or what stands for ours.

    Everything is said on stderr, since stdout is the command's.
    """
    try:
        return _around(options, request, manner, command)
    except Interrupted:
        raise
    except ReconcilerError as error:
        report_failure(error, options)
        return PAUSE_FAILED


def _around(options: Options, request: PauseRequest, manner: Manner, command: Sequence[str]) -> int:
    session, face = options.project.session(utc_now()), HoldTerminal(options)
    if (status := not_startable(command)) is not None:
        what = "is not executable" if status == NOT_EXECUTABLE else "is not there"
        say(terminal(f"{command[0]} {what}; nothing was paused."))
        return status

    async def holding() -> Held:
        held = await hold(
            session,
            ledger,
            request,
            command,
            face,
            Listener(options.verbosity),
            extend=manner.extend,
            lock_wait=manner.lock_wait,
            token_cache=manner.token_cache,
        )
        if held.lifted is None or held.status is None:
            return held
        return replace(held, lifted=await verify(held.lifted, ledger, manner.how))

    with opened_ledger(session, ephemeral=manner.ephemeral) as ledger:
        held = run_to_end(holding())
    if options.output is not None:
        details = {"exit_status": held.status} if options.format == "json" else {}
        show(options, PAUSE, replace(held.taken, lifted=held.lifted), **details)
    return _status(options, held, session.name)


def _status(options: Options, held: Held, environment: str) -> int:
    if held.status is None:
        return PAUSE_FAILED
    answer = held.lifted.verification if held.lifted is not None else None
    if answer is not None:
        say(terminal(answer.message))
    if held.is_resumed:
        failed = answer is not None and answer.verdict == NOT_VERIFIED
        return held.status or (Status.ERROR if failed else Status.DONE)
    keys = " ".join(dict.fromkeys(lease.key for lease in held.taken.leases))
    error = held.problem or ReconcilerError("not every sync could be resumed")
    step = f"Run `reconciler resume {keys} -e {environment}`; the next command that may write tries as well."
    report_failure(ReconcilerError(f"STILL PAUSED: {keys}: {error.message}", next_step=step), options)
    return held.status or Status.ERROR
