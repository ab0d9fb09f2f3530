"""Verify whose an OrderCloud token is, for SparkLayer: a mistake here is a login to somebody else's prices."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.http.observe import Silent
from reconciler.ordercloud.identity import Claims, Me, claims_of, read_me
from reconciler.registry import open_reader
from reconciler.sync.customers.source import ROLES, CustomerSource
from reconciler.sync.mapping.identity import CustomerKey, is_usable

if TYPE_CHECKING:
    from reconciler.manifest.connection import Connection
    from reconciler.sync.customers.settings import CustomerSettings


async def verified_customer(
    connection: Connection, settings: CustomerSettings, client_ids: Collection[str], token: str, now: datetime
) -> str | None:
    """Return the key of the customer that holds a token; None: nobody may log in with it, and why is told to nobody.

    Three have to agree: the token itself, OrderCloud's `/me` on that token, and OrderCloud on that user when our own
    credentials ask for it. So a token of another marketplace of the same host opens nothing: its client is not ours.

    Args:
        connection: to OrderCloud, with our credentials.
        settings: say which users flow.
        client_ids: API clients of the storefront.
        token: as SparkLayer delegates it.
        now: our clock.

    Raises:
        ApiError: OrderCloud could not say.
    """
    claims = claims_of(token)
    if claims is None or not _may_log_in(claims, client_ids, now):
        return None
    me = await read_me(connection, token)
    if me is None or not me.is_active or not _same(claims.username, me.username):
        return None
    if not (is_usable(me.buyer) and is_usable(me.user)):
        return None
    user = await _our_user(connection, settings, me)
    return CustomerKey(me.buyer, me.user).external_id if user is not None and _agrees(user, me) else None


def _may_log_in(claims: Claims, client_ids: Collection[str], now: datetime) -> bool:
    # Every client is compared, so that the time that it takes tells nothing of the list.
    is_ours = sum(hmac.compare_digest(_bytes(claims.client), _bytes(client)) for client in client_ids) > 0
    is_known = not claims.is_anonymous and not claims.is_impersonated
    return is_ours and claims.is_buyer and is_known and claims.expires > now.timestamp()


async def _our_user(connection: Connection, settings: CustomerSettings, me: Me) -> dict[str, Any] | None:
    async with open_reader(connection, ROLES, token_cache=True, observer=Silent()) as reader:
        return await CustomerSource(reader, settings).flowing(me.buyer, me.user)


def _agrees(user: dict[str, Any], me: Me) -> bool:
    """Whether what our own credentials read is the same user, and active with its buyer."""
    buyer = user["Buyer"]
    is_same = user.get("ID") == me.user and buyer.get("ID") == me.buyer and _same(user.get("Username"), me.username)
    return is_same and user.get("Active") is True and buyer.get("Active") is not False


def _same(one: object, other: str) -> bool:
    """Whether two usernames are the same one: they are unique without regard to case."""
    return isinstance(one, str) and one.casefold() == other.casefold()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
