"""Reader of the combinations of parties that users have, and of the price schedules that are assigned to parties.

None of this comes from the search index: what is read is what is there.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import aclosing
from typing import Any

from msgspec import Struct, field

from reconciler.errors import NotFound
from reconciler.kind.connection import Reader
from reconciler.ordercloud.lists import path_segment
from reconciler.ordercloud.readers.assignments import assignments
from reconciler.ordercloud.readers.flaws import ignored
from reconciler.ordercloud.readers.pages import Listing, in_company
from reconciler.ordercloud.readers.parties import PartyReader
from reconciler.ordercloud.readers.walk import walk
from reconciler.ordercloud.together import together
from reconciler.sync.mapping.values import text_or_none
from reconciler.sync.parties.combination import Combination
from reconciler.sync.parties.schedules import PartySchedules, currency_of
from reconciler.sync.parties.scope import in_scope
from reconciler.sync.parties.users import UserScope, skipped

_ASSIGNMENTS = "products/assignments"
_ALL_USERS = "buyerusers"
_PAGE = 100
_AT_ONCE = 64
# So many groups can be combined in more ways than there are users.
_MANY = 40


class Parties(Struct, frozen=True):
    """What was read.

    Args:
        assigned: which party has which price schedule.
        names: of the buyers, by ID.
        combinations: that users have, by buyer.
    """

    assigned: PartySchedules = field(default_factory=PartySchedules)
    names: Mapping[str, str] = {}
    combinations: Mapping[str, frozenset[Combination]] = {}


class Users:
    """Users of one buyer by the currency of their prices, eight bytes each: there are many of them."""

    def __init__(self) -> None:
        self._by_currency: dict[str | None, array[int]] = {}

    def add(self, user: Mapping[str, Any]) -> None:
        """Take in a user as the API shows it."""
        self._by_currency.setdefault(currency_of(user), array("q")).append(hash(str(user["ID"])))

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(map(len, self._by_currency.values()))

    @property
    def currencies(self) -> Collection[str | None]:
        """Of their prices; None: that of the default list."""
        return self._by_currency.keys()

    def combinations(
        self, assigned: PartySchedules, buyer: str, groups: Mapping[str, Collection[str]]
    ) -> frozenset[Combination]:
        """Return the combinations that they have.

        Args:
            assigned: which party has which price schedule.
            buyer: ID of their buyer.
            groups: IDs of the groups by ID of the user.
        """
        by_mark = {hash(user): found for user, found in groups.items()}
        found = {
            assigned.combination(buyer, by_mark.get(mark, ()), currency)
            for currency, marks in self._by_currency.items()
            for mark in marks
        }
        return frozenset(combination for combination in found if combination is not None)


class Flow(Struct, frozen=True):
    """Which users flow: those that have no customer get no price list.

    Args:
        scope: what the manifest says.
        default_users: usernames of the users that API clients stand for, in lower case.
    """

    scope: UserScope
    default_users: frozenset[str] = frozenset()

    def has(self, user: Mapping[str, Any], buyer: Mapping[str, Any]) -> bool:
        """Whether a user of a buyer flows."""
        record = {**user, "CompanyID": buyer["ID"], "Buyer": buyer}
        return skipped(record, self.scope, self.default_users) is None


class Outline(Struct, frozen=True):
    """What was read of all buyers that have prices of their own, but for who is in which of their groups.

    Args:
        assigned: which party has which price schedule.
        names: of the buyers, by ID.
        users: of the buyers with prices, those that flow.
    """

    assigned: PartySchedules
    names: Mapping[str, str]
    users: Mapping[str, Users]

    @property
    def most_lists(self) -> int:
        """How many combinations there can be at most."""
        groups = Counter(buyer for buyer, group in self.assigned.by_party if group is not None)
        return sum(
            min(len(users), len(users.currencies) << min(groups[buyer], _MANY)) for buyer, users in self.users.items()
        )

    @property
    def in_other_currencies(self) -> bool:
        """Whether any user has prices in a currency of its own."""
        return any(currency is not None for users in self.users.values() for currency in users.currencies)


async def read_flow(reader: Reader, scope: UserScope) -> Flow:
    """Read which users flow, as far as it does not stand in the manifest; where nobody may read that, none is left out.

    Raises:
        ApiError: a request failed.
    """
    return Flow(scope, await PartyReader(reader, ignored).default_usernames() or frozenset())


async def read_outline(reader: Reader, flow: Flow) -> Outline:
    """Read the buyers that have prices of their own, and those of their users that flow.

    Args:
        reader: the connection.
        flow: which users flow.

    Raises:
        ApiError: a request failed.
    """
    assigned = PartySchedules.of(await assignments(reader, _ASSIGNMENTS))
    with_prices = {buyer for buyer, _ in assigned.by_party}
    buyers = await _buyers(reader, flow, with_prices) if with_prices else {}
    names = {buyer: _name(each) for buyer, each in buyers.items()}
    return Outline(assigned, names, await _users(reader, flow, buyers))


async def read_combinations(
    reader: Reader, outline: Outline, buyers: Iterable[str]
) -> Mapping[str, frozenset[Combination]]:
    """Return the combinations that users of some buyers have, by buyer.

    Raises:
        ApiError: a request failed.
    """
    return await _combinations(reader, outline.assigned, {buyer: outline.users[buyer] for buyer in buyers})


async def read_buyer(reader: Reader, flow: Flow, buyer: str) -> Parties:
    """Read the parties of one buyer; one that does not exist or is out of scope has none.

    Args:
        reader: the connection.
        flow: which users flow.
        buyer: its ID.

    Raises:
        ApiError: a request failed.
    """
    patterns = flow.scope.buyers
    found = (await PartyReader(reader, ignored).buyer(buyer)).record if in_scope(buyer, patterns) else None
    if found is None:
        return Parties()
    assigned = PartySchedules.of(rows := await assignments(reader, _ASSIGNMENTS, {"buyerID": buyer}))
    users = {buyer: await _of_buyer(reader, flow, {**found, "ID": buyer}) if rows else Users()}
    return Parties(assigned, {buyer: _name(found)}, await _combinations(reader, assigned, users))


async def _buyers(reader: Reader, flow: Flow, with_prices: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The buyers in scope that have prices of their own, by ID."""
    async with aclosing(PartyReader(reader, ignored).buyers()) as buyers:
        return {
            buyer["ID"]: dict(buyer)
            async for buyer in buyers
            if buyer["ID"] in with_prices and in_scope(buyer["ID"], flow.scope.buyers)
        }


def _name(buyer: Mapping[str, Any]) -> str:
    return text_or_none(buyer.get("Name")) or str(buyer["ID"])


async def _users(reader: Reader, flow: Flow, by_id: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Users]:
    """The users of buyers: from the list of all buyers' users where there is one and that is cheaper."""
    if not by_id:
        return {}
    buyers = sorted(by_id)
    listing = Listing(reader, _ALL_USERS, {}, in_company, report=ignored)
    try:
        first = await listing.page_within_cap(()) if len(buyers) > 1 else None
    except NotFound:
        first = None
    if first is None or first.total > len(buyers) * _PAGE:
        return dict(zip(buyers, await _each(_of_buyer(reader, flow, by_id[buyer]) for buyer in buyers), strict=True))
    found: dict[str, Users] = {buyer: Users() for buyer in buyers}
    async with aclosing(walk(listing, first=first)) as pieces:
        async for piece in pieces:
            for user in piece.items:
                buyer = by_id.get(str(user.get("CompanyID")))
                if buyer is not None and flow.has(user, buyer):
                    found[buyer["ID"]].add(user)
    return found


async def _of_buyer(reader: Reader, flow: Flow, buyer: Mapping[str, Any]) -> Users:
    found = Users()
    try:
        async with aclosing(PartyReader(reader, ignored).users(buyer["ID"])) as users:
            async for user in users:
                if flow.has(user, buyer):
                    found.add(user)
    except NotFound:
        return Users()
    return found


async def _combinations(
    reader: Reader, assigned: PartySchedules, users: Mapping[str, Users]
) -> Mapping[str, frozenset[Combination]]:
    with_groups = {buyer for buyer, group in assigned.by_party if group is not None}
    asked = [buyer for buyer, found in users.items() if found and buyer in with_groups]
    groups = dict(zip(asked, await _each(_memberships(reader, buyer) for buyer in asked), strict=True))
    return {buyer: of_buyer.combinations(assigned, buyer, groups.get(buyer, {})) for buyer, of_buyer in users.items()}


async def _memberships(reader: Reader, buyer: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        rows = await assignments(reader, f"buyers/{path_segment(buyer)}/usergroups/assignments")
    except NotFound:
        return found
    for row in rows:
        user, group = text_or_none(row.get("UserID")), text_or_none(row.get("UserGroupID"))
        if user is not None and group is not None:
            found.setdefault(user, []).append(group)
    return found


async def _each(reads: Iterable[Any]) -> list[Any]:
    """Do many reads, some at once."""
    found: list[Any] = []
    waiting = list(reads)
    try:
        while waiting:
            batch, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            found += await together(batch)
    finally:
        for read in waiting:
            read.close()
    return found
