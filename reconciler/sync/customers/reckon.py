"""Reckoning of customers: which of them a full sync might find at the site without being shown what they hold."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from reconciler.errors import NotFound
from reconciler.kind.connection import ClockedReader, Querier
from reconciler.ordercloud.readers.flaws import ignored
from reconciler.ordercloud.readers.parties import PartyReader
from reconciler.sparklayer.customers import Lookup, Unreadable, read_customer
from reconciler.sync.customers.limits import CUSTOMERS, many_customers
from reconciler.sync.customers.settings import CustomerSettings
from reconciler.sync.mapping.identity import CustomerKey
from reconciler.sync.reckoning import Reckoning
from reconciler.words import counted

# Users whose customers are asked for, to see whether the site shows any.
_ASKED = 5


async def reckon_customers(
    settings: CustomerSettings, source: ClockedReader, target: Querier, written: int
) -> Reckoning:
    """Look at whether the site shows customers, and count those that nobody could read where it does not.

    A 404 that does not say what is missing may mean that there is no such customer, or that the site shows none; so of
    users that are customers already one is enough, and of others none may tell.

    Args:
        settings: of the DataSync.
        source: connection to OrderCloud.
        target: connection to SparkLayer.
        written: how many customers the ledger knows that no problem holds back.

    Raises:
        ApiError: something could not be read.
    """
    total = await _count(settings, source)
    many = () if total <= CUSTOMERS else (many_customers(total),)
    asked = 0
    async with aclosing(_some_users(settings, source)) as keys:
        async for key in keys:
            asked += 1
            try:
                await read_customer(target, Lookup("platform", key))
            except Unreadable:
                continue
            return Reckoning(many, "the site shows customers at the moment: none would be replaced unread")
    if not asked:
        return Reckoning()
    strangers = max(total - written, 0)
    shown = f"the site showed none of {counted(asked, 'customer')} that {'was' if asked == 1 else 'were'} asked for"
    ours = (
        f"; of {written:,} that this data sync wrote, what others changed there is replaced unseen" if written else ""
    )
    whose = f"up to {counted(strangers, 'customer')} that it may have and this data sync has not written"
    if settings.overwrites_unread:
        words = f"{shown}: if it shows none, {whose} would be replaced by what is mapped, and lose the rest{ours}"
        return Reckoning((*many, words), f"up to {counted(strangers, 'customer')} would lose data")
    words = f"{shown}: if it shows none, {whose} would be left alone (`unread`){ours}"
    return Reckoning((*many, words))


async def _some_users(settings: CustomerSettings, source: ClockedReader) -> AsyncGenerator[str, None]:
    """Yield the external IDs of a few users, the first that come."""
    parties, left = PartyReader(source, ignored), _ASKED
    async with aclosing(parties.buyers(settings.buyers)) as buyers:
        async for buyer in buyers:
            async with aclosing(parties.users(buyer["ID"])) as users:
                async for user in users:
                    yield CustomerKey(buyer["ID"], user["ID"]).external_id
                    left -= 1
                    if not left:
                        return


async def _count(settings: CustomerSettings, source: ClockedReader) -> int:
    """Count the users of the buyers in scope."""
    parties = PartyReader(source, ignored)
    if not settings.buyers:
        try:
            if (total := await parties.count_users()) is not None:
                return total
        except NotFound:
            # This marketplace has no list of the users of all buyers.
            pass
    found = 0
    async with aclosing(parties.buyers(settings.buyers)) as buyers:
        async for buyer in buyers:
            found += await parties.count_users(buyer["ID"]) or 0
    return found
