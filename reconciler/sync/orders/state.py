"""The state that the target should have of an order, as the engine takes it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace

from reconciler.kind.connection import Wire
from reconciler.sparklayer.purchases import canonical_purchase
from reconciler.sync.datatype import Name, TargetState
from reconciler.sync.mapping.digest import digest_of
from reconciler.sync.orders.model import CART, PART, Draft, Held, held_to_json
from reconciler.sync.problem import RecordProblem


class OrderState(TargetState, frozen=True, kw_only=True):
    """State that the target should have of an order.

    Args:
        body: of the purchase; None: it must not be written.
        before: what the target holds.
        after: what it holds once the body is written, or was found to be there.
    """

    body: Wire | None
    before: Held
    after: Held

    @property
    def cart(self) -> str | None:
        """The cart ID under which the target is to hold it, else does; None: under none."""
        return self.after.cart

    @property
    def members(self) -> Collection[str]:
        """The members that are compared."""
        return self.after.members

    def held(self, *, whole: bool) -> Mapping[str, Any]:
        return held_to_json(self.after if whole else self.before)


def resolve(draft: Draft, taken: Mapping[Name, str], held: Held) -> OrderState:
    """Return the state that the target should have of an order.

    An older version than the one that the target holds changes nothing.

    Args:
        draft: of the order.
        taken: names that other orders have, and the keys of those.
        held: what the target holds.
    """
    if is_older(draft, held):
        return _kept(draft, held, held.problems, held_back=False)
    problems = list(draft.problems)
    owner = None if draft.cart is None else taken.get((CART, draft.cart))
    if owner is not None:
        words = (
            f"The order {owner} has the same cart ID, {draft.cart}, and was there first. Take it out of one of them; "
            f"if {owner} was deleted, give it up with `sync drop`."
        )
        problems.append(RecordProblem(draft.key, PART, "duplicate-cart", words))
    if draft.returned is None and held.returned:
        words = "OrderCloud does not show returns any more, and SparkLayer shows some of this order: it stays as it is."
        problems.append(RecordProblem(draft.key, PART, "returns-unreadable", words))
    if draft.body is None or draft.cart is None or len(problems) > len(draft.problems):
        return _kept(draft, held, tuple(problems), held_back=True)
    after = Held(
        cart=draft.cart,
        members=frozenset(draft.body),
        version=draft.version,
        returned=draft.returned or 0,
        problems=draft.problems,
    )
    return OrderState(
        key=draft.key,
        prints={PART: of_purchase(draft.body, draft.body)},
        moved=frozenset({PART}) if held.cart not in (None, draft.cart) else frozenset(),
        problems=draft.problems,
        due=draft.due,
        keeps=[(CART, draft.cart)],
        news=after != held,
        body=draft.body,
        before=held,
        after=after,
    )


def is_older(draft: Draft, held: Held) -> bool:
    """Whether an order is older than what the target holds of it: an index that lags behind still has it so."""
    if draft.body is None or held.gone:
        return False
    if draft.version.updated != held.version.updated:
        return draft.version.updated < held.version.updated
    # Where returns cannot be read, less of them says nothing.
    return draft.version.moved < held.version.moved and not draft.is_sure and draft.returned is not None


def deleted(key: str, taken: Mapping[Name, str], held: Held, *, outside: bool) -> OrderState:
    """Return the state of an order that is gone or left the scope: it stays as it is.

    One that is gone keeps its cart, so that no other order takes its purchase. One that left the scope lets go of it.

    Args:
        key: of the order.
        taken: names that other orders have: the purchase under such a cart is theirs by now.
        held: what the target holds.
        outside: it exists, and left the scope.
    """
    left = outside or held.outside
    if held.cart is not None and (CART, held.cart) in taken:
        lost = Held(gone=True, outside=left)
        moved = frozenset({PART})
        return OrderState(key=key, prints={}, moved=moved, gone=True, keeps=[], body=None, before=lost, after=lost)
    words = "OrderCloud does not have this order any more. SparkLayer keeps it as it was; nothing is cancelled."
    problems = () if left or held.cart is None else (RecordProblem(key, PART, "order-gone", words),)
    after = replace(held, problems=problems, gone=True, outside=left)
    keeps = [] if left or held.cart is None else [(CART, held.cart)]
    return OrderState(
        key=key, prints={}, problems=problems, gone=True, keeps=keeps, body=None, before=after, after=after
    )


def of_purchase(purchase: Wire, members: Collection[str]) -> bytes:
    """Return the fingerprint of a purchase.

    Args:
        purchase: a body, or what a read returns.
        members: those that are compared.
    """
    return digest_of(canonical_purchase(purchase, members))


def _kept(draft: Draft, held: Held, problems: tuple[RecordProblem, ...], *, held_back: bool) -> OrderState:
    return OrderState(
        key=draft.key,
        prints={},
        problems=problems,
        due=draft.due,
        held_back=held_back,
        body=None,
        before=held,
        after=held,
    )
