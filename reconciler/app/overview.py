"""Gather what is known of an environment, for a page that shows it at a glance; nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.app.pausable import pausable_kinds
from reconciler.app.pauses import show_pauses
from reconciler.app.status import paused_as_told, statuses_in
from reconciler.clock import utc_now
from reconciler.errors import ReconcilerError
from reconciler.ledger.data.inbox_model import MALFORMED, UNKNOWN, InboxOverview
from reconciler.ledger.data.model import DataScope, Glance
from reconciler.reconcile.pause_report import PausesReport
from reconciler.reconcile.session import Session
from reconciler.sync.monitor.overview import CHART_DAYS, DeadLetters, Deliveries, Facts, by_minute
from reconciler.sync.monitor.problems import Problems

if TYPE_CHECKING:
    from reconciler.http.observe import Observer
    from reconciler.sync.monitor.status import SyncStatus

PATIENCE_SECONDS = 10.0
_LISTED, _ASKED = 20, 20


def facts_of(session: Session, now: datetime, heard: Collection[str] = ()) -> Facts:
    """Return what manifests and ledger tell of an environment; no API is asked.

    Args:
        session: the environment.
        now: the moment that this is about.
        heard: names of the data syncs that messages are taken for.

    Raises:
        LedgerError: there is a ledger, and it cannot be read.
    """
    url = session.settings.ledger
    with session.access.reading() as ledgers:
        statuses = tuple(statuses_in(session, (), ledgers, now))
        scopes = [status.sync.scope for status in statuses]
        glances = ledgers.glances(url, scopes, now - timedelta(days=CHART_DAYS), now, _LISTED)
        inboxes = ledgers.inbox_overviews(url, scopes)
        asked = ledgers.asked(url, session.name, _ASKED)
    return Facts(
        session.name,
        statuses,
        {status.sync.scope: _problems(status, glances[status.sync.scope]) for status in statuses},
        {status.sync.scope: _dead(status, glances[status.sync.scope]) for status in statuses},
        {scope: found.runs for scope, found in glances.items()},
        paused=paused_as_told(session, "no API was asked so far"),
        deliveries=tuple(_deliveries(statuses, glances, inboxes, heard, now)),
        asked=asked,
        limits={api: connection.requests_per_second for api, connection in session.connections.items()},
    )


def brief_facts(session: Session, now: datetime) -> Facts:
    """Return what a list of environments shows of one: how it stands, and why, without charts and records.

    Args:
        session: the environment.
        now: the moment that this is about.

    Raises:
        LedgerError: there is a ledger, and it cannot be read.
    """
    with session.access.reading() as ledgers:
        statuses = tuple(statuses_in(session, (), ledgers, now))
        paused = paused_as_told(session, "no API was asked so far", ledgers)
    return Facts(session.name, statuses, paused=paused)


def facts_of_broken(environment: str, error: ReconcilerError) -> Facts:
    """Return what is known of an environment that cannot be read: why not."""
    return Facts(environment, error=error.message, next_step=error.next_step, code=error.code)


async def pauses_now(session: Session, observer: Observer, *, token_cache: bool = True) -> PausesReport | str:
    """Return what is paused live, or, where live does not answer soon, why not.

    Args:
        session: the environment.
        observer: told of the requests.
        token_cache: whether access tokens may be kept in files.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    if not pausable_kinds(session):
        return PausesReport(session.name, utc_now(), ())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await show_pauses(session, observer, windows=5, token_cache=token_cache)
    except TimeoutError:
        return f"no answer within {PATIENCE_SECONDS:g} s"
    except ReconcilerError as error:
        return error.message


def _deliveries(
    statuses: Sequence[SyncStatus],
    glances: Mapping[DataScope, Glance],
    inboxes: Mapping[DataScope, InboxOverview],
    heard: Collection[str],
    now: datetime,
) -> Iterator[Deliveries]:
    for name in dict.fromkeys(status.sync.name for status in statuses):
        of_sync = [status for status in statuses if status.sync.name == name]
        inbox = inboxes.get(of_sync[0].sync.scope, InboxOverview())
        if not inbox.types and name not in heard:
            continue
        ages = (inbox.later_since, *(glances[status.sync.scope].oldest_at for status in of_sync))
        yield Deliveries(
            name,
            by_minute(inbox.minutes, now),
            inbox.last_at,
            inbox.later,
            sum(status.counts.open for status in of_sync),
            min((age for age in ages if age is not None), default=None),
            inbox.count(UNKNOWN),
            inbox.count(MALFORMED),
        )


def _problems(status: SyncStatus, found: Glance) -> Problems:
    sync, counts = status.sync, status.counts
    return Problems(
        sync.name,
        sync.type,
        sync.data.entries,
        counts.problems,
        counts.logged,
        found.problems,
        found.codes,
        status.held_back,
        more=sum(code.external_ids for code in found.codes) > len(found.problems),
    )


def _dead(status: SyncStatus, found: Glance) -> DeadLetters:
    return DeadLetters(status.counts.dead, found.dead)
