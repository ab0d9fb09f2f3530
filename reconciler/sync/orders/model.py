"""Target state of an order, wanted and held, also as the ledger keeps it. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from reconciler.errors import LedgerError
from reconciler.kind.connection import Wire
from reconciler.sync.mapping.values import Misfit, moment
from reconciler.sync.problem import RecordProblem

PART = "order"
"""The one part of an order: its purchase."""
CART = "cart"
"""Kind of a name: the cart ID, which one order of a site may have."""
FLAW = "(flaw)"
"""Member of a record that came and cannot be used; it holds a `BadRecord`, which no JSON can."""
BY_ID = "(by ID)"
"""Member of a record that the system itself returned by its ID, and no index of it."""
NO_ID = "(no ID)"
"""Key of an order without a usable ID."""


class Version(Struct, frozen=True, order=True):
    """How new a read of an order is.

    Args:
        updated: when the order changed last, by its source.
        moved: how many of its pieces were shipped or came back: whether that changes the order is not published.
    """

    updated: datetime
    moved: int = 0


NEVER = Version(datetime.min.replace(tzinfo=UTC))


class Held(Struct, frozen=True):
    """What the target holds of an order as far as we wrote it.

    Args:
        cart: the cart ID that it was written under; None: it never was.
        members: those that the body had.
        version: of the order that was written or found to be there.
        returned: how many pieces of it are shown as returned.
        problems: what was wrong with that version, though it went through.
        gone: the order was deleted at the source or left the scope.
        outside: it left the scope.
    """

    cart: str | None = None
    members: frozenset[str] = frozenset()
    version: Version = NEVER
    returned: int = 0
    problems: tuple[RecordProblem, ...] = ()
    gone: bool = False
    outside: bool = False


class Draft(Struct, frozen=True):
    """What the target should hold of an order, as far as the order itself tells.

    Args:
        key: ID of the order.
        cart: its cart ID; None: it has none that can be used.
        body: of the purchase; None: it cannot go through.
        version: how new the order is.
        is_sure: the system itself returned it, so that it is newer than all that was seen before.
        returned: how many pieces came back; None: returns cannot be read.
        problems: what is wrong with it.
        due: when it is to be looked at again; None: once it changes.
    """

    key: str
    cart: str | None
    body: Wire | None
    version: Version = NEVER
    is_sure: bool = False
    returned: int | None = 0
    problems: tuple[RecordProblem, ...] = ()
    due: datetime | None = None


def held_to_json(held: Held) -> dict[str, Any]:
    """Return it as JSON data; what is empty is left out."""
    body = {
        "cart": held.cart,
        "members": sorted(held.members),
        "updated": None if held.version == NEVER else held.version.updated.isoformat(),
        "moved": held.version.moved,
        "returned": held.returned,
        "problems": [[one.external_id, one.code, one.message] for one in held.problems],
        "gone": held.gone,
        "outside": held.outside,
    }
    return {name: value for name, value in body.items() if value}


def held_from_json(body: Mapping[str, Any]) -> Held:
    """Return what `held_to_json` made of it.

    Raises:
        LedgerError: it did not make that.
    """
    try:
        return Held(
            cart=_text(body.get("cart")),
            members=frozenset(str(name) for name in body.get("members", ())),
            version=Version(moment(body.get("updated")) or NEVER.updated, int(body.get("moved", 0))),
            returned=int(body.get("returned", 0)),
            problems=tuple(RecordProblem(str(name), PART, str(code), str(words)) for name, code, words in _rows(body)),
            gone=bool(body.get("gone")),
            outside=bool(body.get("outside")),
        )
    except (Misfit, TypeError, ValueError) as error:
        raise LedgerError(
            "The ledger is damaged: what the target holds of an order is not as reconciler writes it",
            next_step="Restore it from a backup, and see who else writes to it.",
        ) from error


def _rows(body: Mapping[str, Any]) -> list[Any]:
    rows = body.get("problems", [])
    if not isinstance(rows, list):
        raise TypeError
    return rows


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value
