"""Read the status of the data syncs of environments from their ledgers, and what is paused from live."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.ledger.reader import Ledgers
from reconciler.reconcile.paused import PausedNow, paused_as_known, paused_live
from reconciler.reconcile.plan import NoteKind
from reconciler.reconcile.session import PlanRequest, Session
from reconciler.sync.datasync import data_syncs, leaving_syncs, named, pulled_syncs
from reconciler.sync.monitor.status import LeftAlone, SharedRate, SyncStatus, status_of, while_shared

if TYPE_CHECKING:
    from reconciler.http.observe import Observer

_PATIENCE_SECONDS = 10.0


def statuses_of_each(
    sessions: Sequence[Session], names: Sequence[str], now: datetime, data_type: str | None = None
) -> dict[str, list[SyncStatus]]:
    """Return where data syncs stand, by environment: one status for each of their data types.

    Args:
        sessions: the environments.
        names: which data syncs; none: all.
        now: the moment that this is about.
        data_type: this one alone; None: all.

    Raises:
        UsageError: there is none of this name, or no such data type flows.
        LedgerError: there is a ledger, and it cannot be read.
    """
    with sessions[0].access.reading() if sessions else Ledgers() as ledgers:
        return {session.name: statuses_in(session, names, ledgers, now, data_type) for session in sessions}


def paused_as_told(session: Session, why: str, ledgers: Ledgers | None = None) -> PausedNow:
    """Return what is paused in an environment, as far as manifests and ledger tell.

    Args:
        session: the environment.
        why: live is not asked.
        ledgers: from which something was read already; None: own ones.

    Raises:
        LedgerError: there is a ledger, and it cannot be read.
    """
    return PausedNow(tuple(paused_as_known(session.desired, session.memory(ledgers), session.opened_at)), why)


async def paused_in_each(
    sessions: Sequence[Session], observer: Observer, *, token_cache: bool = True
) -> dict[str, PausedNow]:
    """Return what is paused live, by environment. Where live does not answer soon, what manifests and ledger tell.

    Args:
        sessions: the environments.
        observer: told of the requests.
        token_cache: whether access tokens may be kept in files.

    Raises:
        LedgerError: there is a ledger, and it cannot be read.
    """
    found = await asyncio.gather(*(_paused_in(session, observer, token_cache=token_cache) for session in sessions))
    return {session.name: paused for session, paused in zip(sessions, found, strict=True)}


async def _paused_in(session: Session, observer: Observer, *, token_cache: bool) -> PausedNow:
    from reconciler.app.connections import readers
    from reconciler.app.pausable import pausable_kinds
    from reconciler.reconcile.leased import held_notes
    from reconciler.reconcile.live import read_live

    memory, kinds = session.memory(), pausable_kinds(session)
    if not kinds:
        return PausedNow()
    try:
        async with (
            asyncio.timeout(_PATIENCE_SECONDS),
            readers(session, kinds, observer, token_cache=token_cache) as opened,
        ):
            live = await read_live(session.kinds, kinds, opened)
    except TimeoutError:
        return paused_as_told(session, f"no answer within {_PATIENCE_SECONDS:g} s")
    except ReconcilerError as error:
        return paused_as_told(session, error.message)
    inputs = session.inputs(live, PlanRequest(), memory, session.opened_at)
    notes = list(paused_live(inputs))
    for desired in inputs.desired:
        held = held_notes(inputs, desired, live.get(desired.kind, {}).get(desired.id))
        notes.extend(note for note in held if note.kind is NoteKind.NOT_PAUSED)
    return PausedNow(tuple(notes))


def statuses_in(
    session: Session, names: Sequence[str], ledgers: Ledgers, now: datetime, data_type: str | None = None
) -> list[SyncStatus]:
    """Return where the data syncs of one environment stand; see `statuses_of_each`."""
    memory = session.memory(ledgers)
    own = sorted((*data_syncs(session, memory), *pulled_syncs(session, memory)), key=lambda sync: sync.name)
    known = (*own, *leaving_syncs(session, memory))
    of_type = [sync.name for sync in known if data_type in (None, sync.type)]
    asked = names or of_type or [sync.name for sync in known]
    chosen = [sync for name in dict.fromkeys(asked) for sync in named(known, session.name, name, data_type)]
    found = ledgers.sync_overview(session.settings.ledger, [sync.scope for sync in chosen], now)
    shared = _shared(session, ledgers, now)
    return [while_shared(status_of(sync, found[sync.scope], now), *shared) for sync in chosen]


def _shared(session: Session, ledgers: Ledgers, now: datetime) -> tuple[tuple[SharedRate, ...], tuple[LeftAlone, ...]]:
    """Return what an environment shares of its APIs with others, where its ledger is one for several machines."""
    keys = {each.rate_key: each for each in session.connections.values() if each.shared is not None}
    if not keys:
        return (), ()
    told = ledgers.shared_rates(session.settings.ledger, keys)
    rates = tuple(
        SharedRate(keys[key].api, rate, name, keys[key].requests_per_second) for key, (name, rate) in told.items()
    )
    away = ledgers.outages(session.settings.ledger, keys)
    return rates, tuple(
        LeftAlone(keys[key].api, each.reason, each.holder, now + each.left) for key, each in away.items()
    )
