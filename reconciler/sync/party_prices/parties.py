"""Reader of the combinations of parties that users have, and of the price schedules that are assigned to parties.

None of this comes from the search index: what is read is what is there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeAlias

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

_ASSIGNMENTS = "products/assignments"
_ALL_USERS = "buyerusers"
User: TypeAlias = tuple[str, str | None]
"""ID of a user, and the currency of its prices where it has one: there are many of them."""
_PAGE = 100
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Parties:
    """What was read.

    Args:
        assigned: which party has which price schedule.
        names: of the buyers, by ID.
        combinations: that users have, by buyer.
    """

    assigned: PartySchedules = field(default_factory=PartySchedules)
    names: Mapping[str, str] = field(default_factory=dict)
    combinations: Mapping[str, frozenset[Combination]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outline:
    """What was read of all buyers that have prices of their own, but for who is in which of their groups.

    Args:
        assigned: which party has which price schedule.
        names: of the buyers, by ID.
        users: of the buyers with prices.
    """

    assigned: PartySchedules
    names: Mapping[str, str]
    users: Mapping[str, list[User]]

    @property
    def most_lists(self) -> int:
        """How many combinations there can be at most."""
        return sum(map(len, self.users.values()))


async def read_outline(reader: Reader, patterns: Collection[str]) -> Outline:
    """Read the buyers that have prices of their own, and their users.

    Args:
        reader: the connection.
        patterns: of the IDs of the buyers in scope; none: all.

    Raises:
        ApiError: a request failed.
    """
    assigned = PartySchedules.of(await assignments(reader, _ASSIGNMENTS))
    with_prices = {buyer for buyer, _ in assigned.by_party}
    names = await _names(reader, patterns) if with_prices else {}
    return Outline(assigned, names, await _users(reader, sorted(with_prices & names.keys())))


async def read_combinations(
    reader: Reader, outline: Outline
) -> AsyncGenerator[Mapping[str, frozenset[Combination]], None]:
    """Yield the combinations that users have, by buyer, some buyers at a time.

    Raises:
        ApiError: a request failed.
    """
    buyers = sorted(outline.users)
    for start in range(0, len(buyers), _AT_ONCE):
        users = {buyer: outline.users[buyer] for buyer in buyers[start : start + _AT_ONCE]}
        yield await _combinations(reader, outline.assigned, users)


async def read_buyer(reader: Reader, patterns: Collection[str], buyer: str) -> Parties:
    """Read the parties of one buyer; one that does not exist or is out of scope has none.

    Args:
        reader: the connection.
        patterns: of the IDs of the buyers in scope; none: all.
        buyer: its ID.

    Raises:
        ApiError: a request failed.
    """
    found = (await PartyReader(reader, ignored).buyer(buyer)).record if in_scope(buyer, patterns) else None
    if found is None:
        return Parties()
    assigned = PartySchedules.of(rows := await assignments(reader, _ASSIGNMENTS, {"buyerID": buyer}))
    users = {buyer: await _of_buyer(reader, buyer) if rows else []}
    names = {buyer: text_or_none(found.get("Name")) or buyer}
    return Parties(assigned, names, await _combinations(reader, assigned, users))


async def _names(reader: Reader, patterns: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    async with aclosing(PartyReader(reader, ignored).buyers()) as buyers:
        async for buyer in buyers:
            if in_scope(buyer["ID"], patterns):
                found[buyer["ID"]] = text_or_none(buyer.get("Name")) or buyer["ID"]
    return found


async def _users(reader: Reader, buyers: Collection[str]) -> Mapping[str, list[User]]:
    """The users of buyers: from the list of all buyers' users where there is one and that is cheaper."""
    if not buyers:
        return {}
    listing = Listing(reader, _ALL_USERS, {}, in_company, report=ignored)
    try:
        first = await listing.page_within_cap(()) if len(buyers) > 1 else None
    except NotFound:
        first = None
    if first is None or first.total > len(buyers) * _PAGE:
        return dict(zip(buyers, await _each(_of_buyer(reader, buyer) for buyer in buyers), strict=True))
    found: dict[str, list[User]] = {buyer: [] for buyer in buyers}
    async with aclosing(walk(listing, first=first)) as pieces:
        async for piece in pieces:
            for user in piece.items:
                if (buyer := user.get("CompanyID")) in found:
                    found[str(buyer)].append(_needed(user))
    return found


async def _of_buyer(reader: Reader, buyer: str) -> list[User]:
    try:
        async with aclosing(PartyReader(reader, ignored).users(buyer)) as users:
            return [_needed(dict(user)) async for user in users]
    except NotFound:
        return []


def _needed(user: Mapping[str, Any]) -> User:
    return str(user["ID"]), currency_of(user)


async def _combinations(
    reader: Reader, assigned: PartySchedules, users: Mapping[str, list[User]]
) -> Mapping[str, frozenset[Combination]]:
    with_groups = {buyer for buyer, group in assigned.by_party if group is not None}
    asked = [buyer for buyer, found in users.items() if found and buyer in with_groups]
    groups = dict(zip(asked, await _each(_memberships(reader, buyer) for buyer in asked), strict=True))
    found: dict[str, frozenset[Combination]] = {}
    for buyer, of_buyer in users.items():
        member = groups.get(buyer, {})
        each = (assigned.combination(buyer, member.get(user, ()), currency) for user, currency in of_buyer)
        found[buyer] = frozenset(combination for combination in each if combination is not None)
    return found


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
