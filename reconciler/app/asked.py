"""What somebody asks for by a page or an API: recorded in the ledger, done as the commands do it, its end recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app import resync as resyncs
from reconciler.app.chosen import Chosen, HowToRun, only
from reconciler.app.pausable import pausable_kinds
from reconciler.app.pause import give_back, opened_ledger
from reconciler.app.records import record_keys, retry_records
from reconciler.app.unattended import Unattended
from reconciler.clock import utc_now
from reconciler.errors import ReconcilerError, UsageError
from reconciler.ledger.config.model import AskedRequest, RequestStep, StepState
from reconciler.pause.holding import Fate
from reconciler.pause.lease import Lease
from reconciler.reconcile.pause_report import Lifted
from reconciler.reconcile.plan import Outcome
from reconciler.reconcile.session import Session
from reconciler.sync.datasync import TARGET, data_syncs, named, require_applied
from reconciler.words import counted, some

if TYPE_CHECKING:
    from reconciler.http.observe import Observer
    from reconciler.ledger.writer import Ledger

_PATIENCE_SECONDS = 30.0
_LOCK_WAIT_SECONDS = 30.0
_KNOWN = 200
_FATES = {
    Fate.HELD: "is still paused: another pause taken by hand holds it",
    Fate.RUNS: "runs already",
    Fate.DECLARED: "stays paused: its manifest or a window says so",
    Fate.LEFT: "stays paused, as somebody else had left it",
    Fate.RESUME: "runs again",
}


class Retry(Struct, frozen=True):
    """Queue records, as `sync retry` does; no IDs: every record that failed or has a problem."""

    sync: str | None = None
    data_type: str | None = None
    ids: tuple[str, ...] = ()


class Run(Struct, frozen=True):
    """Note that a data sync is to run in a mode next, as a SyncRun does; no data type: all of them."""

    sync: str | None = None
    data_type: str | None = None
    mode: str = "full"


class Resume(Struct, frozen=True):
    """End the pauses of syncs that were taken by hand, as `resume` does."""

    keys: tuple[str, ...]


class Resync(Struct, frozen=True):
    """Have OrderCloud send records again, as `resync` does."""

    record_type: str
    ids: tuple[str, ...]


Wish: TypeAlias = Retry | Run | Resume | Resync


class Prepared(Struct, frozen=True):
    """A wish that may be carried out.

    Args:
        session: the environment.
        asked: what the ledger notes of it.
        work: takes its steps, and records what became of each.
    """

    session: Session
    asked: AskedRequest
    work: Callable[[Ledger], None]


def prepare(session: Session, wish: Wish, by: str, observer: Observer) -> Prepared:
    """Check what is asked for; nothing is sent or written.

    Args:
        session: the environment.
        wish: what is asked for.
        by: who asks, for people.
        observer: told of the requests.

    Raises:
        UsageError: it means nothing here.
        GuardrailBreach: it is more than the manifest allows.
        NotApplied: the data sync is not as it was applied.
        LedgerError: the ledger cannot be read.
    """
    match wish:
        case Retry():
            return _retry(session, wish, by, observer)
        case Run():
            return _run(session, wish, by)
        case Resume():
            return _resume(session, wish, by, observer)
        case Resync():
            return _resync(session, wish, by, observer)


def begin(prepared: Prepared) -> None:
    """Record what is asked for, before anything is done.

    Raises:
        LedgerError: the ledger cannot be written, or would forget it.
    """
    with opened_ledger(prepared.session, ephemeral=False) as ledger:
        ledger.requests.begin(prepared.asked)


def carry_out(prepared: Prepared) -> AskedRequest:
    """Do what was recorded, record what became of it, and return that. Blocks; no event loop may run in this thread.

    Raises:
        LedgerError: the ledger cannot be written.
    """
    with opened_ledger(prepared.session, ephemeral=False) as ledger:
        prepared.work(ledger)
    return find(prepared.session, prepared.asked.id) or prepared.asked


def find(session: Session, identity: str) -> AskedRequest | None:
    """Return something that was asked for in an environment; None where the ledger knows of no such thing.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    with session.access.reading() as ledgers:
        known = ledgers.asked(session.settings.ledger, session.name, _KNOWN)
    return next((asked for asked in known if asked.id == identity), None)


def _noted(ledger: Ledger, asked: AskedRequest, number: int, act: Callable[[], tuple[StepState, str]]) -> None:
    """Take a step, do it, and record how it ended and what it says: what raises certainly did nothing."""
    if not ledger.requests.take(asked, number):
        return
    try:
        state, message = act()
    except ReconcilerError as error:
        ledger.requests.end(asked, number, StepState.REFUSED, _told(error))
    else:
        ledger.requests.end(asked, number, state, message)


def _told(error: ReconcilerError) -> str:
    return ". ".join(filter(None, (error.message, error.next_step)))


def _asked(session: Session, api: str, action: str, name: str, does: Sequence[str], by: str) -> AskedRequest:
    return AskedRequest(
        session.connections[api].live_side,
        token_hex(8),
        session.name,
        action,
        name,
        "; ".join(does),
        by,
        utc_now(),
        tuple(RequestStep(each) for each in does),
    )


def _chosen(session: Session, sync: str | None, data_type: str | None) -> tuple[Chosen, ...]:
    memory = session.memory()
    found = tuple(Chosen(session, each) for each in named(data_syncs(session, memory), session.name, sync, data_type))
    for each in found:
        require_applied(each.sync)
    return found


def _retry(session: Session, wish: Retry, by: str, observer: Observer) -> Prepared:
    chosen = _chosen(session, wish.sync, wish.data_type)
    if wish.ids:
        chosen = (only(chosen, wish.ids),)
        record_keys(chosen[0], wish.ids)
    what = f"the records {some(wish.ids)}" if wish.ids else "every record that failed or has a problem"
    does = [f"retry {what} of {each.sync.name}, {each.sync.type}" for each in chosen]
    asked, how = _asked(session, TARGET, "retry", chosen[0].sync.name, does, by), HowToRun(patience=_PATIENCE_SECONDS)

    def retry(each: Chosen) -> tuple[StepState, str]:
        found = asyncio.run(retry_records(each, wish.ids, how, observer))
        words = f"{counted(found.number, 'record')} queued" if found.number else "no record failed or has a problem"
        return StepState.DONE, words

    def work(ledger: Ledger) -> None:
        for number, each in enumerate(chosen):
            _noted(ledger, asked, number, partial(retry, each))

    return Prepared(session, asked, work)


def _run(session: Session, wish: Run, by: str) -> Prepared:
    chosen = _chosen(session, wish.sync, wish.data_type)
    does = [f"note that {each.sync.name}, {each.sync.type}, is to run in mode {wish.mode} next" for each in chosen]
    asked = _asked(session, TARGET, "run", chosen[0].sync.name, does, by)

    def work(ledger: Ledger) -> None:
        for number, each in enumerate(chosen):
            ledger.requests.want(asked, number, (each.sync.scope,), wish.mode, ())

    return Prepared(session, asked, work)


def _resume(session: Session, wish: Resume, by: str, observer: Observer) -> Prepared:
    kinds = pausable_kinds(session)
    for key in wish.keys:
        kind, slash, name = key.partition("/")
        if not slash or not name or kind not in kinds:
            raise UsageError(f"{key[:100]} is no sync that can be paused", next_step=f"There are {', '.join(kinds)}.")
    does = f"end the pauses of {some(wish.keys)} that were taken by hand"
    api = session.kinds[wish.keys[0].partition("/")[0]].api

    def which(lease: Lease) -> bool:
        return lease.key in wish.keys or f"{lease.kind}/{lease.id}" in wish.keys

    asked = _asked(session, api, "resume", some(wish.keys), [does], by)

    def resume(ledger: Ledger) -> tuple[StepState, str]:
        return _lifted(asyncio.run(give_back(session, ledger, which, Unattended(), observer)), wish)

    return Prepared(session, asked, lambda ledger: _noted(ledger, asked, 0, lambda: resume(ledger)))


def _lifted(lifted: Lifted, wish: Resume) -> tuple[StepState, str]:
    """Return what became of a resume: sent where nobody knows of one whether it arrived, refused where one did not."""
    told, state = [], StepState.DONE
    for sync in lifted.syncs:
        if sync.is_done:
            told.append(f"{sync.key} {_FATES[sync.fate]}")
            continue
        outcome, why = (None, None) if sync.result is None else (sync.result.outcome, sync.result.message)
        if state is not StepState.SENT:
            state = StepState.SENT if outcome is Outcome.UNKNOWN else StepState.REFUSED
        told.append(f"{sync.key} could not be resumed: {why or 'the ledger could not be written'}")
    known = {sync.key for sync in lifted.syncs} | {f"{sync.kind}/{sync.id}" for sync in lifted.syncs}
    told.extend(f"no pause taken by hand was on {key}" for key in wish.keys if key not in known)
    return state, "; ".join(told)


class _Nobody(Unattended):
    """Hears of what is sent, and says nothing."""

    def will(self, operation: object, remarks: Sequence[str]) -> None: ...


def _resync(session: Session, wish: Resync, by: str, observer: Observer) -> Prepared:
    chosen = resyncs.prepare_in(lambda: session, wish.record_type, wish.ids, {})
    asked = replace(chosen.task.asked(by, utc_now()), kind="resync")

    def refuse(ledger: Ledger, message: str) -> None:
        """Record that what was not sent is not going to be."""
        for number in range(len(asked.steps)):
            if ledger.requests.take(asked, number):
                ledger.requests.end(asked, number, StepState.REFUSED, message)

    def work(ledger: Ledger) -> None:
        again = resyncs.resync(chosen, _Nobody(), observer, lock_wait=_LOCK_WAIT_SECONDS, by=by)
        try:
            (result,) = asyncio.run(again).operations
        except ReconcilerError as error:
            refuse(ledger, _told(error))
        else:
            if result.outcome in (Outcome.STALE, Outcome.SKIPPED):
                refuse(ledger, result.message or "it was not begun")

    return Prepared(session, asked, work)
