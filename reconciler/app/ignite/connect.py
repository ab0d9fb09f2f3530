"""Connect and disconnect a site, as SparkLayer asks for it. Neither makes any configuration."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from enum import StrEnum
from secrets import token_hex
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.ignite.keys import Keyring
from reconciler.app.ignite.site import IgniteSite, is_applied
from reconciler.errors import ApiError, LedgerError, LoginRefused, MissingRole, SecretUnset
from reconciler.http.observe import Silent
from reconciler.http.retry import RetryPolicy
from reconciler.registry import open_reader, open_writer
from reconciler.secret import Secret
from reconciler.sparklayer.sync_log import clear_every_log
from reconciler.sync.mode import Mode

if TYPE_CHECKING:
    from reconciler.ledger.writer import Ledger
    from reconciler.manifest.connection import Connection

_POLICY = RetryPolicy(attempts=3, seconds=20)
_PROBE = "api/v1/customer-groups"
_STOP_SECONDS = 40.0
_LOOK_SECONDS = 0.5
_MEMBERS = ("store_id", "spark_api_client_id", "spark_api_client_secret")
LONGEST = 1_000


class Offer(Struct, frozen=True):
    """What SparkLayer hands over with a connection.

    Args:
        store_id: what it calls the shop.
        client_id: of the API key that it made for us.
        client_secret: of the same.
    """

    store_id: str
    client_id: str
    client_secret: Secret


class Connected(StrEnum):
    """What became of an attempt to connect."""

    ACTIVE = "active"
    PENDING = "pending"
    """It is connected, and what is to flow has still to be applied."""
    REFUSED = "refused"
    """Its credentials log nobody in."""
    TAKEN = "taken"
    """Somebody is connected with other credentials, and no operator said that they may be replaced."""


def offer_of(body: object) -> Offer | tuple[str, ...]:
    """Return what the body of a connect says, or the members of it that are not there or can be none."""
    said = body if isinstance(body, dict) else {}
    unfit = tuple(name for name in _MEMBERS if not _is_fit(said.get(name)))
    if unfit:
        return unfit
    store_id, client_id, client_secret = (said[name] for name in _MEMBERS)
    return Offer(store_id, client_id, Secret("the client secret that was handed over", lambda: client_secret))


def _is_fit(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()


async def connect(
    site: IgniteSite, ledger: Ledger, offer: Offer, environ: Mapping[str, str] | None = None
) -> Connected:
    """Connect a site. It may be done again and again; the credentials that the Environment names count before others.

    Args:
        site: which.
        ledger: of its environment.
        offer: what SparkLayer handed over.
        environ: has the keys; left out: that of this process.

    Raises:
        ApiError: whether the credentials are good is not known.
        SecretUnset: there is no key to keep them with.
        LedgerError: the ledger cannot be used, or what it keeps cannot be read for want of the key.
    """
    name, target = site.session.name, site.target.live_side
    before = await asyncio.to_thread(ledger.ignite.connection, name, target)
    sealed: tuple[str, str] | None = None
    may_replace = True
    if site.target.is_handed_over:
        keys = Keyring(os.environ if environ is None else environ)
        kept = await asyncio.to_thread(ledger.ignite.credentials, name, target)
        secret = offer.client_secret.reveal()
        if kept is None or kept.client_id != offer.client_id or not _is_same(keys, name, target, kept.sealed, secret):
            # A wrong guess tells nothing, and is not kept.
            if not await _logs_in(replace(site.target, client_id=offer.client_id, client_secret=offer.client_secret)):
                return Connected.REFUSED
            may_replace = kept is None
        sealed = (offer.client_id, keys.seal(name, target, secret))
    is_taken = not await asyncio.to_thread(
        ledger.ignite.connect, name, target, offer.store_id, sealed, may_replace=may_replace
    )
    if is_taken:
        return Connected.TAKEN
    if before is None or not before.connected or not may_replace:
        await asyncio.to_thread(_begin, site, ledger, forgets=before is not None)
    return Connected.ACTIVE if is_applied((*site.syncs(), *site.pulled())) else Connected.PENDING


def _is_same(keys: Keyring, environment: str, target: str, sealed: str, secret: str) -> bool:
    """Whether what is kept is what was handed over. Where the key is lost, nobody knows, and it counts as other."""
    try:
        return keys.open(environment, target, sealed) == secret
    except LedgerError:
        return False


def _begin(site: IgniteSite, ledger: Ledger, *, forgets: bool) -> None:
    """Record that a full sync of every type is wanted; what an earlier connection wrote is not believed any more."""
    request = f"ignite connect {token_hex(8)}"
    for each in site.syncs():
        store = ledger.store(each.sync.scope)
        if forgets:
            store.records.disbelieve()
        store.runs.want(request, Mode.FULL.value)


async def _logs_in(connection: Connection) -> bool:
    """Whether the credentials of a connection log in; no token of theirs is kept on disk."""
    try:
        async with open_reader(
            replace(connection, supply=None), (), token_cache=False, observer=Silent(), policy=_POLICY
        ) as reader:
            await reader.get(_PROBE)
    except (LoginRefused, MissingRole):
        return False
    except ApiError as error:
        if error.status in (401, 403):
            return False
        raise
    return True


async def disconnect(site: IgniteSite, ledger: Ledger) -> None:
    """Disconnect a site: its runs are stopped, its logs deleted, and what was handed over is forgotten.

    The API deletes the logs of every integration of the site, or none. It may be done again and again, and where
    SparkLayer lets us in no more there is nothing left to delete.

    Raises:
        ApiError: the logs could not be deleted: try again. The site is disconnected all the same.
        LedgerError: the ledger cannot be used.
    """
    name, target = site.session.name, site.target.live_side
    await asyncio.to_thread(ledger.ignite.disconnect, name, target)
    await _stop_runs(site, ledger)
    try:
        async with open_writer(site.target, (), token_cache=False, observer=Silent(), policy=_POLICY) as writer:
            await clear_every_log(writer)
    except (LoginRefused, MissingRole, SecretUnset):
        pass
    except ApiError as error:
        if error.status not in (401, 403):
            raise
    await asyncio.to_thread(_forget, site, ledger)


async def _stop_runs(site: IgniteSite, ledger: Ledger) -> None:
    """Ask the runs of a site to stop, and wait until they have; a new one does not begin, see `require_connected`."""
    scopes = [each.sync.scope for each in (*site.syncs(), *site.pulled())]

    def running() -> bool:
        stores = [ledger.store(scope) for scope in scopes]
        locked = [store for store in stores if store.is_locked()]
        for store in locked:
            store.runs.cancel()
        return bool(locked)

    for _ in range(int(_STOP_SECONDS / _LOOK_SECONDS)):
        if not await asyncio.to_thread(running):
            break
        await asyncio.sleep(_LOOK_SECONDS)


def _forget(site: IgniteSite, ledger: Ledger) -> None:
    ledger.ignite.forget(site.session.name, site.target.live_side)
    for each in (*site.syncs(), *site.pulled()):
        # The log is gone: what we wrote into it is not there to be told from what others write.
        ledger.store(each.sync.scope).log.forget()
