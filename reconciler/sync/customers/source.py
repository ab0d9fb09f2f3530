"""Source of customers: reads the users of all buyers that flow, each with its buyer, groups and addresses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.errors import NotFound, SourceIncomplete
from reconciler.kind.connection import ClockedReader, Reader
from reconciler.ordercloud.readers.flaws import has_no_id
from reconciler.ordercloud.readers.parties import PartyReader
from reconciler.ordercloud.readers.prices import party_prices
from reconciler.ordercloud.together import together
from reconciler.sync.customers.company import read_company
from reconciler.sync.customers.limits import CUSTOMERS, many_customers
from reconciler.sync.customers.model import PARENT, SCHEDULES, Parent
from reconciler.sync.customers.record import key_of, parent_of
from reconciler.sync.customers.settings import CustomerSettings
from reconciler.sync.customers.walk import Walk, remarks_on
from reconciler.sync.datatype import Census, Reading
from reconciler.sync.mapping.fields import Unfit
from reconciler.sync.mapping.identity import customer_key
from reconciler.sync.parties.schedules import PartySchedules
from reconciler.sync.parties.scope import in_scope
from reconciler.sync.parties.users import skipped

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

ROLES = ("BuyerReader", "BuyerUserReader", "UserGroupReader", "AddressReader", "ApiClientReader")
"""What the API asks for to read users with groups and addresses, and whom API clients stand for."""
LISTS: Mapping[str, str] = {"BuyerReader": "buyers"}
"""A list for each of the roles that open one which is there in every marketplace."""
# Parents above parents are looked for so far.
_LEVELS = 10
_CLIENTS_UNREAD = (
    "API clients may not be read (ApiClientReader), so the user that one stands for where nobody logs in is taken for "
    "a customer like others"
)


class CustomerSource:
    """Reads what a DataSync needs of the users.

    Args:
        reader: the connection.
        settings: say which users.
        breaker: repeats requests that failed; None: only the transport does.
    """

    def __init__(self, reader: ClockedReader, settings: CustomerSettings, breaker: Breaker | None = None) -> None:
        self._connection = reader
        self._reader: Reader = reader if breaker is None else breaker.reader(reader)
        self._settings = settings
        self._parties = PartyReader(self._reader)
        self._defaults: frozenset[str] | None = None
        self._forbidden = False
        self._party_schedules: PartySchedules | None = None
        self.remarks: Sequence[str] = ()

    @property
    def clock_offset(self) -> timedelta:
        return self._connection.clock_offset or timedelta()

    def time_at(self, moment: float) -> datetime | None:
        return self._connection.api_time(moment)

    async def census(self) -> Census:
        """Count the users; of some buyers alone nobody counts them beforehand."""
        patterns = self._settings.buyers
        if patterns and not await self._parties.count_buyers(patterns):
            raise SourceIncomplete(
                f"OrderCloud has no buyer {', '.join(patterns)}, and the sync is about its users: nothing is done",
                next_step="Correct customers.buyers.",
            )
        total = None
        if not patterns:
            try:
                total = await self._parties.count_users()
            except NotFound:
                # The clock has to be known, and the roles: one small list.
                await self._parties.count_buyers()
        remarks = [] if await self._may_read_clients() else [_CLIENTS_UNREAD]
        if total is not None and total > CUSTOMERS:
            remarks.append(many_customers(total))
        return Census(total, tuple(remarks))

    async def everything(self) -> AsyncGenerator[list[dict[str, Any]], None]:
        schedules = await self._schedules()
        walk = Walk(self._reader, self._settings, await self._default_users())
        async with aclosing(walk.chunks()) as chunks:
            async for chunk in chunks:
                yield [{**record, SCHEDULES: schedules} for record in chunk]
        many = [] if walk.flowing <= CUSTOMERS or not self._settings.buyers else [many_customers(walk.flowing)]
        self.remarks = (*remarks_on(walk.skipped), *many)

    async def listed(self) -> AsyncGenerator[dict[str, bytes], None]:
        """Yield nothing: no list shows all that belongs to a user."""
        return
        yield {}

    async def changed_since(self, moment: datetime) -> AsyncGenerator[list[dict[str, Any]], None]:  # noqa: ARG002
        """Yield nothing: OrderCloud says of no user when it changed."""
        return
        yield []

    async def some(self, keys: Iterable[str]) -> list[dict[str, Any]]:
        by_buyer: dict[str, list[str]] = {}
        for key in keys:
            if (named := customer_key(key)) is not None:
                by_buyer.setdefault(named.buyer, []).append(named.user)
        found = await together(self._of_buyer(buyer, users) for buyer, users in by_buyer.items())
        return [record for records in found for record in records]

    async def one(self, key: str) -> Reading[dict[str, Any]]:
        named = None if has_no_id(key) else customer_key(key)
        if named is None:
            return Reading(None)
        if not in_scope(named.buyer, self._settings.buyers):
            # Whether it is there does not matter: nobody asks for users of this buyer.
            return Reading({"ID": named.user, "CompanyID": named.buyer}, outside=True)
        user = await self._user(named.buyer, named.user)
        if user is None:
            return Reading(None)
        if await self._skips(user):
            return Reading(user, outside=True)
        return Reading(await self._whole(user))

    async def flowing(self, buyer: str, user: str) -> dict[str, Any] | None:
        """Return a user with its buyer, where it flows; None: there is none, or it is not in the scope."""
        if not in_scope(buyer, self._settings.buyers):
            return None
        found = await self._user(buyer, user)
        return None if found is None or await self._skips(found) else found

    async def _of_buyer(self, buyer: str, users: Iterable[str]) -> list[dict[str, Any]]:
        read = await together(self._user(buyer, user) for user in users)
        flowing = [user for user in read if user is not None and not await self._skips(user)]
        if not flowing:
            return []
        company = await read_company(self._reader, buyer)
        return [await self._related(company.with_parts(user)) for user in flowing]

    async def _user(self, buyer_id: str, user_id: str) -> dict[str, Any] | None:
        """Return a user with its buyer; None where the system itself says that there is none."""
        user = (await self._parties.user(buyer_id, user_id)).record
        buyer = None if user is None else (await self._parties.buyer(buyer_id)).record
        return None if user is None or buyer is None else {**user, "CompanyID": buyer_id, "Buyer": buyer}

    async def _whole(self, user: Mapping[str, Any]) -> dict[str, Any]:
        company = await read_company(self._reader, str(user["CompanyID"]))
        return await self._related(company.with_parts(user))

    async def _related(self, record: Mapping[str, Any]) -> dict[str, Any]:
        parent = await self._parent(record) if self._settings.maps_parents else None
        return {**record, SCHEDULES: await self._schedules(), **({} if parent is None else {PARENT: parent})}

    async def _parent(self, record: Mapping[str, Any]) -> Parent | None:
        """Return the customer above a user, and whether it is there and not below it."""
        try:
            name = parent_of(record, self._settings)
        except Unfit:
            return None
        if name is None:
            return None
        own, above = key_of(record), name
        for _ in range(_LEVELS):
            if above == own:
                return Parent(name, in_cycle=True)
            named = customer_key(above)
            user = None if named is None else await self._user(*named)
            if user is None or await self._skips(user):
                return Parent(name, is_there=above != name)
            try:
                found = parent_of(user, self._settings)
            except Unfit:
                found = None
            if found is None:
                break
            above = found
        return Parent(name)

    async def _skips(self, user: Mapping[str, Any]) -> bool:
        return skipped(user, self._settings.scope, await self._default_users()) is not None

    async def _may_read_clients(self) -> bool:
        await self._default_users()
        return self._defaults is not None

    async def _default_users(self) -> frozenset[str]:
        """Return the usernames of the users that API clients stand for; none where nobody may read them."""
        if self._defaults is None and not self._forbidden:
            self._defaults = await self._parties.default_usernames()
            self._forbidden = self._defaults is None
        return self._defaults or frozenset()

    async def _schedules(self) -> PartySchedules | None:
        """Return the price schedules of parties; None where customers have no lists of their own."""
        if self._settings.lists_prefix is None:
            return None
        if self._party_schedules is None:
            found = await party_prices(self._reader)
            self._party_schedules = PartySchedules.of(item for items in found.values() for item in items)
        return self._party_schedules
