"""Reckon what a plan will come to beside its changes, by a look at both sides: records, requests, risks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.survey import surveyed
from reconciler.errors import ApiError, SecretUnset, SourceIncomplete
from reconciler.ledger.config.model import Memory
from reconciler.ledger.reader import Ledgers
from reconciler.reconcile.plan import Note, NoteKind
from reconciler.reconcile.session import PlanRequest, Session
from reconciler.registry import open_reader
from reconciler.sync.datasync import KIND, SOURCE, TARGET, DataSync, changed_syncs
from reconciler.sync.reckoning import Reckonable, Reckoning

if TYPE_CHECKING:  # it brings the HTTP client
    from reconciler.http.connections import Connections
    from reconciler.http.observe import Observer


class Reckoned(Struct, frozen=True):
    """What was reckoned of all data syncs of an environment.

    Args:
        notes: for the plan.
        at_risk: what would lose data, by `KIND/NAME`.
    """

    notes: tuple[Note, ...] = ()
    at_risk: Mapping[str, str] = {}


async def with_findings(
    session: Session,
    request: PlanRequest,
    memory: Memory,
    observer: Observer,
    connections: Connections,
    *,
    token_cache: bool = True,
) -> PlanRequest:
    """Return a request with what people should know before they agree, beside how live differs.

    Args:
        session: the environment.
        request: what the plan is limited to.
        memory: tells what was applied, and how many records there are.
        observer: told of the requests.
        connections: shared by the environments of one run.
        token_cache: whether access tokens may be kept in files.
    """
    said = await surveyed(session, request.targets, observer, connections, token_cache=token_cache)
    found = await reckoned_syncs(session, request, memory, observer, connections, token_cache=token_cache)
    return replace(request, remarks=(*request.remarks, *said, *found.notes), at_risk=found.at_risk)


async def reckoned_syncs(
    session: Session,
    request: PlanRequest,
    memory: Memory,
    observer: Observer,
    connections: Connections,
    *,
    token_cache: bool = True,
) -> Reckoned:
    """Reckon the data types of which a full sync is due once the plan is applied; what cannot be read is said.

    Args:
        session: the environment.
        request: what the plan is limited to.
        memory: tells what was applied, and how many records there are.
        observer: told of the requests.
        connections: shared by the environments of one run.
        token_cache: whether access tokens may be kept in files.
    """
    is_compared = session.lasting or request.push_secrets
    if not is_compared or not {SOURCE, TARGET} <= session.connections.keys():
        return Reckoned()
    notes: list[Note] = []
    at_risk: dict[str, str] = {}
    places = {desired.key: desired.place for desired in session.desired}
    for sync in changed_syncs(session, memory):
        names = {KIND, sync.key}
        if (request.targets and not names & request.targets) or names & request.excluded:
            continue
        if not isinstance(sync.data, Reckonable):
            continue
        found = await _reckoned(session, sync, sync.data, observer, connections, token_cache=token_cache)
        notes += [Note(NoteKind.REMARK, sync.key, words, places.get(sync.key)) for words in found.notes]
        if found.at_risk is not None:
            at_risk[sync.key] = found.at_risk
    return Reckoned(tuple(notes), at_risk)


async def _reckoned(
    session: Session,
    sync: DataSync,
    data: Reckonable,
    observer: Observer,
    connections: Connections,
    *,
    token_cache: bool,
) -> Reckoning:
    with Ledgers() as ledgers:
        counts = ledgers.sync_overview(session.settings.ledger, [sync.scope], session.opened_at)[sync.scope].counts
    try:
        async with (
            open_reader(
                session.connections[SOURCE],
                sync.data.roles,
                token_cache=token_cache,
                observer=observer,
                connections=connections,
            ) as source,
            open_reader(
                session.connections[TARGET], (), token_cache=token_cache, observer=observer, connections=connections
            ) as site,
        ):
            return await data.reckon(source, site, counts.in_scope - counts.held_back)
    except SecretUnset:  # a plan that needs the login as well says so itself
        return Reckoning()
    except (ApiError, SourceIncomplete) as error:
        return Reckoning((f"{sync.type}: what a full sync will come to could not be counted: {error.message}",))
