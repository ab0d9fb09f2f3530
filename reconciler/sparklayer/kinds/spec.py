"""Base of the SparkLayer kinds: names on the wire, and paths with an ID in them."""

from __future__ import annotations

from reconciler.errors import NotFound, Rejected, UnexpectedAnswer
from reconciler.kind.connection import Json, Reader, Wire
from reconciler.kind.semantics import SpecModel
from reconciler.sparklayer.lists import path_segment


class SparkLayerSpec(SpecModel):
    """Base of every SparkLayer spec: `currencyCode` in a manifest is `currency_code` on the wire."""

    @classmethod
    def wire_name(cls, attribute: str, _alias: str) -> str:
        return attribute


def one(path: str, live_id: str) -> str:
    """Return the path of one object; the ID may hold anything."""
    return f"{path}/{path_segment(live_id)}"


def id_of(wire: Wire, path: str, *members: str) -> str:
    """Return the first of these members that has a value: what a listed object goes by.

    Raises:
        UnexpectedAnswer: it has none of them; what is live cannot be told then.
    """
    for member in members:
        if wire.get(member):
            return str(wire[member])
    raise UnexpectedAnswer(
        f"GET {path}: an object in the answer has no {' or '.join(members)}",
        request=f"GET {path}",
        next_step="Look at it in the Dashboard; where all is well there, report it with this message.",
    )


def as_wire(answer: Json) -> Wire | None:
    """Return an answer that is an object; None for one that says nothing."""
    return answer if isinstance(answer, dict) else None


async def get_or_none(reader: Reader, path: str) -> Wire | None:
    """GET an object, or None where there is none."""
    try:
        return as_wire(await reader.get(path))
    except NotFound:
        return None


def impossible(what: str) -> Rejected:
    """Return the error for what the API has no call for; the plan refuses it before."""
    return Rejected(
        f"the SparkLayer API cannot {what}", next_step="Do it in the Dashboard, or ask SparkLayer's support."
    )
