"""Customers of one site: made without touching another, replaced whole, read where the API shows them, deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from reconciler.errors import NotFound
from reconciler.kind.connection import Json, Reader, Wire, Writer
from reconciler.sparklayer.lists import one_object, path_segment
from reconciler.sparklayer.reasons import UNKNOWN_ID

PATH = "api/v2/customers"
# inferred: that version 1 reads customers, by the lookups that its documented delete takes.
READ_PATH = "api/v1/customers"


class Lookup(Struct, frozen=True):
    """How a customer is named in a path.

    Args:
        by: `platform` (its external ID), `email`, or `sparklayer` (a UUID, or a `cu_` ID).
        name: the value.
    """

    by: str
    name: str

    @property
    def path(self) -> str:
        """The path of version 2."""
        return f"{PATH}/{self.by}/{path_segment(self.name)}"


class Unreadable(Exception):
    """The site answers as if there were no such customer, and does not say so in a way that could be believed."""


async def read_customer(reader: Reader, lookup: Lookup, *, readable: bool = False) -> Wire | None:
    """Return a customer, or None where the site says that there is none.

    Args:
        reader: the connection.
        lookup: which.
        readable: the site is known to show customers, so that any 404 means that there is none.

    Raises:
        Unreadable: a 404 that does not say what is missing: perhaps there is no such path.
        ApiError: the read failed.
    """
    own = path_segment(lookup.name)
    path = f"{READ_PATH}/{own}" if lookup.by == "platform" else f"{READ_PATH}/{lookup.by}/{own}"
    try:
        found = await one_object(_Strict(reader), path, lenient=True)
    except _Missing as error:
        if readable or error.is_said:
            return None
        raise Unreadable from None
    return found


async def create_customer(writer: Writer, own_id: UUID, body: Wire) -> Json:
    """Create a customer under an ID of our choosing: nothing that is there is touched. Return the answer.

    documented: an unknown UUID creates the customer with that ID, and an email or an external ID that another customer
    has is a 409. Under an ID that an earlier try of ours made, the customer is replaced by the same body.

    Raises:
        Conflict: a customer with this external ID or email is there, or an address with one of its external IDs.
        Rejected: the API does not take the body.
        ApiError: it failed for another reason.
    """
    return await writer.put(Lookup("sparklayer", str(own_id)).path, {**body, "id": str(own_id)})


async def replace_customer(writer: Writer, lookup: Lookup, body: Wire) -> Json:
    """Replace a customer as a whole and return the answer; what the body leaves out is cleared.

    Raises:
        Conflict: another customer has the email or the external ID.
        Rejected: the API does not take the body.
        ApiError: it failed for another reason.
    """
    if lookup.by == "sparklayer":
        # documented: a UUID stands for the body's `id`, a `cu_` ID for its `legacy_id`.
        body = {**body, ("id" if is_uuid(lookup.name) else "legacy_id"): lookup.name}
    return await writer.put(lookup.path, body)


async def delete_customer(writer: Writer, lookup: Lookup) -> bool:
    """Delete a customer for good, with its addresses; return whether it was there.

    documented: the primary customer of a company is archived instead.

    Raises:
        ApiError: it failed.
    """
    try:
        await writer.delete(lookup.path)
    except NotFound:
        return False
    return True


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID, and no `cu_` ID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def own_id_of(answer: Json) -> str | None:
    """Return SparkLayer's own ID from a customer that a read or a write answered; None where it shows none."""
    found = answer.get("id") if isinstance(answer, dict) else None
    return found if isinstance(found, str) and found else None


class _Missing(Exception):
    """A 404, and whether it says what is missing."""

    def __init__(self, *, is_said: bool) -> None:
        super().__init__()
        self.is_said = is_said


class _Strict:
    """Reader that tells a 404 by what it says: documented is the code of a record that is not there."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def get(self, path: str, params: Any = None) -> Json:
        try:
            return await self._reader.get(path, params)
        except NotFound as error:
            raise _Missing(is_said=error.vendor_code == UNKNOWN_ID) from None
