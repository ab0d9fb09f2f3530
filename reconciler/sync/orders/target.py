"""Reader of what a SparkLayer site holds of orders; it cannot write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from reconciler.kind.connection import Querier
from reconciler.ordercloud.together import together
from reconciler.sparklayer.lists import all_price_lists
from reconciler.sparklayer.purchases import read_purchase
from reconciler.sync.datatype import Held, Observation
from reconciler.sync.orders.model import PART, held_from_json
from reconciler.sync.orders.state import OrderState, of_purchase
from reconciler.sync.problem import RecordProblem

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker


class OrderTarget:
    """Reads what one site holds.

    Args:
        reader: the connection.
        breaker: repeats requests that failed.
    """

    def __init__(self, reader: Querier, breaker: Breaker) -> None:
        self._reader = reader
        self._breaker = breaker

    async def facts(self) -> frozenset[str]:
        """Return the currencies of the site's price lists."""
        return await self._breaker.repeat(lambda: read_facts(self._reader))

    async def foresee(self, state: OrderState) -> Sequence[RecordProblem]:
        """Look at whether the site knows the cart of an order that would be written."""
        cart = state.cart
        if cart is None or state.body is None:
            return ()
        found = await self._breaker.repeat(lambda: read_purchase(self._reader, cart))
        return (unknown_cart(state.key, cart),) if found is None else ()

    async def whole(self, *, sample: bool = False) -> None:
        """Return nothing: purchases are read one by one."""

    async def observe(self, states: Sequence[OrderState], whole: None) -> Observation:  # noqa: ARG002
        """Read what the site holds of the orders that should be in these states."""
        return await self._observe({state.key: (state.cart, state.members) for state in states})

    async def observe_held(self, held: Mapping[str, Held], whole: None) -> Observation:  # noqa: ARG002
        """Read what the site holds of what we noted."""
        noted = {key: held_from_json(body) for key, body in held.items()}
        return await self._observe({key: (one.cart, one.members) for key, one in noted.items()})

    async def _observe(self, asked: Mapping[str, tuple[str | None, Collection[str]]]) -> Observation:
        carts = {key: cart for key, (cart, _) in asked.items() if cart is not None}
        reads = (self._breaker.repeat(partial(read_purchase, self._reader, cart)) for cart in carts.values())
        found = dict(zip(carts, await together(reads), strict=True))
        prints = {
            key: {PART: of_purchase(purchase, asked[key][1])} for key, purchase in found.items() if purchase is not None
        }
        missing = frozenset(key for key in asked if found.get(key) is None)
        return Observation({key: prints.get(key, {}) for key in asked}, missing)


def unknown_cart(key: str, cart: str) -> RecordProblem:
    """Return what a merchant is told of an order whose cart SparkLayer does not know."""
    words = (
        f"SparkLayer knows no cart {cart}: it was never there, or belongs to another site. Correct the order's cart "
        "ID, or take it out if the order was not placed there."
    )
    return RecordProblem(key, PART, "unknown-cart", words)


async def read_facts(reader: Querier) -> frozenset[str]:
    """Read the currencies of the site's price lists.

    Raises:
        ApiError: they could not be read.
    """
    return frozenset(str(each.get("currency_code")).upper() for each in await all_price_lists(reader))
