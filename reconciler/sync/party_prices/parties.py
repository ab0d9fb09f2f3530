"""Reader of the combinations of parties that users have, and of the price schedules that are assigned to parties.

None of this comes from the search index: what is read is what is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import NotFound
from reconciler.kind.connection import Reader, Wire
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

ASSIGNMENTS = "products/assignments"
ALL_USERS = "buyerusers"
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


async def read_parties(reader: Reader, patterns: Collection[str]) -> Parties:
    """Read all buyers that have prices of their own.

    Args:
        reader: the connection.
        patterns: of the IDs of the buyers in scope; none: all.

    Raises:
        ApiError: a request failed.
    """
    assigned = PartySchedules.of(await assignments(reader, ASSIGNMENTS))
    with_prices = {buyer for buyer, _ in assigned.by_party}
    if not with_prices:
        return Parties(assigned)
    names = await _names(reader, patterns)
    buyers = sorted(with_prices & names.keys())
    users = await _users(reader, buyers)
    return Parties(assigned, names, await _combinations(reader, assigned, users))


async def read_some(reader: Reader, patterns: Collection[str], buyers: Iterable[str]) -> Parties:
    """Read the parties of these buyers; one that does not exist or is out of scope has none.

    Raises:
        ApiError: a request failed.
    """
    found = await together(_one(reader, buyer) for buyer in buyers if in_scope(buyer, patterns))
    rows = [row for _, _, assigned in found for row in assigned]
    assigned = PartySchedules.of(rows)
    users = {buyer: of_buyer for buyer, of_buyer, _ in found if of_buyer is not None}
    names = {buyer: text_or_none(of_buyer[0].get("Name")) or buyer for buyer, of_buyer in users.items()}
    return Parties(assigned, names, await _combinations(reader, assigned, {b: u[1:] for b, u in users.items()}))


def in_scope(buyer: str, patterns: Collection[str]) -> bool:
    """Whether a buyer is in the scope: its ID is as one of the patterns, without regard to case; none: all are."""
    return not patterns or any(_fits(buyer.lower(), pattern.lower()) for pattern in patterns)


def _fits(text: str, pattern: str) -> bool:
    """Whether a text is as a pattern, in which `*` stands for any characters."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True


async def _one(reader: Reader, buyer: str) -> tuple[str, list[Wire] | None, list[Wire]]:
    """A buyer's ID, itself and its users, and its assignments; without users where it does not exist."""
    parties = PartyReader(reader, ignored)
    found = (await parties.buyer(buyer)).record
    if found is None:
        return buyer, None, []
    assigned = await assignments(reader, ASSIGNMENTS, {"buyerID": buyer})
    users = await _of_buyer(reader, buyer) if assigned else []
    return buyer, [dict(found), *users], assigned


async def _names(reader: Reader, patterns: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    async with aclosing(PartyReader(reader, ignored).buyers()) as buyers:
        async for buyer in buyers:
            if in_scope(buyer["ID"], patterns):
                found[buyer["ID"]] = text_or_none(buyer.get("Name")) or buyer["ID"]
    return found


async def _users(reader: Reader, buyers: Collection[str]) -> Mapping[str, list[Wire]]:
    """The users of buyers: from the list of all buyers' users where there is one and that is cheaper."""
    listing = Listing(reader, ALL_USERS, {}, in_company, report=ignored)
    try:
        first = await listing.page_within_cap(()) if len(buyers) > 1 else None
    except NotFound:
        first = None
    if first is None or first.total > len(buyers) * _PAGE:
        return dict(zip(buyers, await _each(_of_buyer(reader, buyer) for buyer in buyers), strict=True))
    found: dict[str, list[Wire]] = {buyer: [] for buyer in buyers}
    async with aclosing(walk(listing, first=first)) as pieces:
        async for piece in pieces:
            for user in piece.items:
                if (buyer := user.get("CompanyID")) in found:
                    found[str(buyer)].append(_needed(user))
    return found


async def _of_buyer(reader: Reader, buyer: str) -> list[Wire]:
    try:
        async with aclosing(PartyReader(reader, ignored).users(buyer)) as users:
            return [_needed(dict(user)) async for user in users]
    except NotFound:
        return []


def _needed(user: Mapping[str, Any]) -> Wire:
    return {name: user.get(name) for name in ("ID", "Locale")}


async def _combinations(
    reader: Reader, assigned: PartySchedules, users: Mapping[str, list[Wire]]
) -> Mapping[str, frozenset[Combination]]:
    with_groups = {buyer for buyer, group in assigned.by_party if group is not None}
    asked = [buyer for buyer, found in users.items() if found and buyer in with_groups]
    groups = dict(zip(asked, await _each(_memberships(reader, buyer) for buyer in asked), strict=True))
    found: dict[str, frozenset[Combination]] = {}
    for buyer, of_buyer in users.items():
        member = groups.get(buyer, {})
        each = (assigned.combination(buyer, member.get(str(user["ID"]), ()), currency_of(user)) for user in of_buyer)
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
