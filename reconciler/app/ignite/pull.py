"""Answer a page or an entity that SparkLayer pulls."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from reconciler.app.chosen import Chosen, HowToRun
from reconciler.app.ignite.site import IgniteSite
from reconciler.app.sync import require_connected, writing_job
from reconciler.http.limit import Precedence, Turn
from reconciler.http.observe import Silent
from reconciler.http.retry import PATIENT
from reconciler.kind.connection import Wire
from reconciler.ledger.reader import Ledgers
from reconciler.ledger.writer import Ledger
from reconciler.sync.datasync import pulled_sync, require_applied
from reconciler.sync.pull.answer import PullPage, noted_page, read_entity, read_page
from reconciler.sync.pull.entities import ENTITIES
from reconciler.sync.pull.token import PageToken, page_token

# Whoever waits for a page has other things to do: it comes back where OrderCloud is away.
_PATIENCE = 20.0
_LOCK_WAIT = 15.0
_POLICY = replace(PATIENT, seconds=_PATIENCE, failures=2)


def _how(pulls: Precedence) -> HowToRun:
    return HowToRun(patience=_PATIENCE, turn=Turn(pulls, goes_first=True))


def pulled(site: IgniteSite, ignite_type: str) -> tuple[Chosen, bool] | None:
    """Return what a data type of Ignite stands for, and whether SparkLayer alone brings it; None: it is not pulled."""
    with Ledgers() as ledgers:
        memory = site.session.memory(ledgers)
    found = pulled_sync(site.session, memory, site.settings.data_sync, ignite_type)
    return None if found is None else (Chosen(site.session, found[0]), found[1])


async def page(
    ledger: Ledger, found: tuple[Chosen, bool], ignite_type: str, text: str, holder: str, pulls: Precedence
) -> PullPage:
    """Answer a page.

    Args:
        ledger: of its environment.
        found: what `pulled` returned for the type.
        ignite_type: what Ignite calls the data type.
        text: the token as SparkLayer sent it back; empty: the first page.
        holder: who we are, for people.
        pulls: what is read for it goes first of what runs read.

    Raises:
        BadToken: there is no such page.
        NotApplied: what flows was not applied as it stands.
        TargetIncomplete: the site was disconnected, or lacks what manifests declare.
        LedgerLocked: another page of the same type is being answered.
        ApiError: something could not be read.
    """
    chosen, notes = found
    require_applied(chosen.sync)
    require_connected(chosen)
    token: PageToken | None = page_token(text) if text else None
    store, how = ledger.store(chosen.sync.scope), _how(pulls)
    if not notes:
        async with writing_job(chosen, store, holder, how, Silent(), _POLICY) as job:
            return await read_page(job, ENTITIES[ignite_type], token)
    with store.lock(holder, wait=_LOCK_WAIT):
        async with writing_job(chosen, store, holder, how, Silent(), _POLICY) as job:
            return await noted_page(job, ENTITIES[ignite_type], token)


async def entity(
    ledger: Ledger, found: tuple[Chosen, bool], ignite_type: str, entity_id: str, holder: str, pulls: Precedence
) -> Sequence[Wire] | None:
    """Answer a single record by its ID; None: there is none. It is read, and nothing is noted; see `page`."""
    chosen, _ = found
    require_applied(chosen.sync)
    require_connected(chosen)
    key = chosen.sync.data.record_of(entity_id)
    if key is None:
        return None
    store = ledger.store(chosen.sync.scope)
    async with writing_job(chosen, store, holder, _how(pulls), Silent(), _POLICY) as job:
        return await read_entity(job, ENTITIES[ignite_type], key)
