"""Sink of orders: writes them to a SparkLayer site as purchases, and reads what the site holds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from reconciler.errors import ApiError, NotFound
from reconciler.kind.connection import Wire, Writer
from reconciler.sparklayer.purchases import completed_purchase, read_purchase, write_purchase
from reconciler.sparklayer.reasons import why_failed, why_refused
from reconciler.sync.datatype import NotBegun, Written
from reconciler.sync.orders.model import PART
from reconciler.sync.orders.state import OrderState
from reconciler.sync.orders.target import OrderTarget, unknown_cart
from reconciler.sync.problem import RecordProblem
from reconciler.sync.run.attempts import RECORD_TRIES

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

# More than the connection has under way; what waits here is not begun when the run is to stop.
_AT_ONCE = 24


class OrderSink(OrderTarget):
    """Writes orders to one site.

    Args:
        writer: the connection.
        breaker: repeats requests that failed.
        stopping: whether nothing new is to be begun.
    """

    def __init__(self, writer: Writer, breaker: Breaker, stopping: Callable[[], bool]) -> None:
        super().__init__(writer, breaker)
        self._writer = writer
        self._stopping = stopping
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self.counts: Counter[str] = Counter({PART: 0})

    async def write(self, state: OrderState, parts: Collection[str]) -> Written:
        """Write an order as a whole, with what the site has of the purchase beside it."""
        if state.body is None or state.cart is None or PART not in parts:
            return Written(frozenset(parts), sent=False)
        async with self._slots:
            if self._stopping():
                raise NotBegun
            try:
                known = await self._write(state, state.cart, state.body)
            except NotFound:
                known = False
            except ApiError as error:
                if not error.is_about_record:
                    raise
                words = f"SparkLayer refused the order: {why_refused(error)}"
                return Written(frozenset(), (RecordProblem(state.key, PART, "refused", words),))
        if not known:
            return Written(frozenset(), (unknown_cart(state.key, state.cart),))
        self.counts[PART] += 1
        return Written(frozenset({PART}))

    def why_failed(self, error: ApiError) -> str:
        """Return for a merchant why a write failed."""
        return why_failed(error)

    async def _write(self, state: OrderState, cart: str, body: Wire) -> bool:
        """Write it and return True, or False where the site does not know the cart."""
        there = await self._breaker.repeat(lambda: read_purchase(self._writer, cart), tries=RECORD_TRIES)
        if there is None:
            return False
        ours_before = state.before.members if state.before.cart == cart else ()
        whole = completed_purchase(body, there, ours_before)
        await self._breaker.repeat(lambda: write_purchase(self._writer, cart, whole), tries=RECORD_TRIES)
        return True
