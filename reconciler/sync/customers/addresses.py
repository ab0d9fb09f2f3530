"""Mapping of a user's addresses: those that are assigned to the user, to a group of it, or to its buyer. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from reconciler.kind.connection import Wire
from reconciler.sync.customers.limits import ADDRESSES, MOST_ADDRESSES, too_long
from reconciler.sync.customers.model import PART
from reconciler.sync.mapping.addresses import address_body, missing
from reconciler.sync.mapping.identity import address_external_id, is_usable
from reconciler.sync.mapping.limits import reserved
from reconciler.sync.mapping.values import objects, text_or_none
from reconciler.sync.problem import RecordProblem

_WORDS: Mapping[str, str] = {"address_line1": "first line (Street1)", "city": "city", "country_code": "country"}


class Addresses(Struct, frozen=True):
    """The addresses of a user.

    Args:
        bodies: those that can be written, by ID.
        kept: external IDs of those that cannot: they stay as they are.
        billing: ID of the default one for bills; None: there is none.
        shipping: ID of the default one for parcels; None: there is none.
        problems: what is wrong with them.
        kept_billing: external ID of the address for bills where the one assigned most closely cannot be written.
        kept_shipping: the same for parcels.
        are_too_many: more than the target takes.
    """

    bodies: Mapping[str, Wire]
    kept: frozenset[str]
    billing: str | None
    shipping: str | None
    problems: tuple[RecordProblem, ...]
    kept_billing: str | None = None
    kept_shipping: str | None = None
    are_too_many: bool = False


def addresses_of(key: str, record: Mapping[str, Any]) -> Addresses:
    """Return the addresses of a user.

    Args:
        key: external ID of the customer.
        record: the user, with `Addresses`, each with the `Assignments` that give it to the user.
    """
    listed = sorted(objects(record.get("Addresses")), key=lambda address: str(address.get("ID")))
    bodies: dict[str, Wire] = {}
    kept: set[str] = set()
    problems: list[RecordProblem] = []
    for address in listed:
        own = text_or_none(address.get("ID")) or ""
        external_id = address_external_id(key, own)
        found = _faults(external_id, own, address)
        if not found and own not in bodies:
            bodies[own] = _body(external_id, address)
        kept |= {external_id} if found else set()
        problems += found
    if len(listed) > ADDRESSES:
        problems.append(_many(key, len(listed)))
    usable = [address for address in listed if address.get("ID") in bodies]
    return Addresses(
        bodies,
        frozenset(kept),
        _closest(usable, "IsBilling"),
        _closest(usable, "IsShipping"),
        tuple(problems),
        _kept_default(key, listed, kept, "IsBilling"),
        _kept_default(key, listed, kept, "IsShipping"),
        len(listed) > MOST_ADDRESSES,
    )


def _many(key: str, number: int) -> RecordProblem:
    if number > MOST_ADDRESSES:
        words = f"The customer has {number:,} addresses, and SparkLayer takes {MOST_ADDRESSES:,}. Assign fewer."
        return RecordProblem(key, PART, "too-many-addresses", words)
    words = f"The customer has {number:,} addresses, and SparkLayer recommends {ADDRESSES:,} at most. Assign fewer."
    return RecordProblem(key, PART, "many-addresses", words)


def _faults(external_id: str, own: str, address: Mapping[str, Any]) -> list[RecordProblem]:
    if not is_usable(own):
        return [RecordProblem(external_id, PART, "no-id", "An address of the customer has no usable ID.")]
    body = _body(external_id, address)
    lacks = [_WORDS[member] for member in missing(body)]
    faults = [f"The address has no {', no '.join(lacks)}. Complete it in OrderCloud."] if lacks else []
    problems = [RecordProblem(external_id, PART, "incomplete-address", words) for words in faults]
    for member, value in body.items():
        if (words := too_long(member, value)) is not None:
            problems.append(RecordProblem(external_id, PART, "over-limit", words))
    if (words := reserved("address", external_id, "the buyer")) is not None:
        problems.append(RecordProblem(external_id, PART, "over-limit", words))
    return problems


def _body(external_id: str, address: Mapping[str, Any]) -> Wire:
    nickname = text_or_none(address.get("AddressName"))
    named = {} if nickname is None else {"nickname": nickname}
    return {"external_id": external_id, **address_body(address), **named}


def _closest(addresses: Sequence[Mapping[str, Any]], use: str) -> str | None:
    """Return the ID of the address for a use that is assigned most closely: to the user, to a group, to the buyer."""
    found = [
        (_distance(assignment), str(address["ID"]))
        for address in addresses
        for assignment in objects(address.get("Assignments"))
        if assignment.get(use) is True
    ]
    return min(found)[1] if found else None


def _kept_default(key: str, listed: Sequence[Mapping[str, Any]], kept: Collection[str], use: str) -> str | None:
    """Return the external ID of the address for a use where that is one which stays as it is."""
    own = _closest([address for address in listed if address.get("ID") is not None], use)
    external_id = None if own is None else address_external_id(key, own)
    return external_id if external_id in kept else None


def _distance(assignment: Mapping[str, Any]) -> int:
    if text_or_none(assignment.get("UserID")) is not None:
        return 0
    return 1 if text_or_none(assignment.get("UserGroupID")) is not None else 2
