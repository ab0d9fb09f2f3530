"""What belongs to the users of one buyer: their groups and addresses, read once for all of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from msgspec import Struct

from reconciler.kind.connection import Reader
from reconciler.ordercloud.readers.flaws import ignored
from reconciler.ordercloud.readers.parties import PartyReader
from reconciler.ordercloud.together import together
from reconciler.sync.customers.model import GROUPS

ItemT = TypeVar("ItemT")
_Objects = Sequence[Mapping[str, Any]]


class Company(Struct, frozen=True):
    """Groups and addresses of a buyer, and who of its users has which.

    Args:
        groups: by ID.
        members: IDs of the groups by user.
        addresses: by ID.
        of_address: assignments of addresses, by the user or the group that has them; None: the whole buyer.
    """

    groups: Mapping[str, Mapping[str, Any]]
    members: Mapping[str, Sequence[str]]
    addresses: Mapping[str, Mapping[str, Any]]
    of_address: Mapping[tuple[str, str] | None, _Objects]

    def with_parts(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a user with its groups, and with its addresses, each with the assignments that give it to the user."""
        user = str(record.get("ID"))
        groups = sorted(self.members.get(user, ()))
        given: dict[str, list[Mapping[str, Any]]] = {}
        for party in (("user", user), *(("group", group) for group in groups), None):
            for assignment in self.of_address.get(party, ()):
                given.setdefault(str(assignment.get("AddressID")), []).append(assignment)
        addresses = [
            {**self.addresses[own], "Assignments": given[own]} for own in sorted(given) if own in self.addresses
        ]
        known = [self.groups[group] for group in groups if group in self.groups]
        return {**record, "UserGroups": known, "Addresses": addresses, GROUPS: groups}


async def read_company(reader: Reader, buyer: str) -> Company:
    """Read what belongs to the users of a buyer: four lists.

    Raises:
        NotFound: there is no such buyer.
        ApiError: a list could not be read.
    """
    parties = PartyReader(reader, ignored)
    # One of each list at once; a buyer without any of it costs a page each.
    groups, memberships, addresses, assignments = await together(
        (
            _all(parties.user_groups(buyer)),
            _as_list(parties.memberships(buyer)),
            _all(parties.addresses(buyer)),
            _as_list(parties.address_assignments(buyer)),
        )
    )
    members: dict[str, list[str]] = {}
    for item in memberships:
        members.setdefault(str(item.get("UserID")), []).append(str(item.get("UserGroupID")))
    of_address: dict[tuple[str, str] | None, list[Mapping[str, Any]]] = {}
    for item in assignments:
        of_address.setdefault(_party(item), []).append(item)
    return Company(
        {str(item["ID"]): item for item in groups}, members, {str(item["ID"]): item for item in addresses}, of_address
    )


def _party(assignment: Mapping[str, Any]) -> tuple[str, str] | None:
    for kind, member in (("user", "UserID"), ("group", "UserGroupID")):
        if (own := assignment.get(member)) is not None:
            return kind, str(own)
    return None


async def _all(stream: AsyncGenerator[Any, None]) -> list[Mapping[str, Any]]:
    async with aclosing(stream):
        return [item async for item in stream]


async def _as_list(read: Any) -> list[Mapping[str, Any]]:
    return list(await read)
