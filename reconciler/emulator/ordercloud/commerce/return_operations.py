"""Steps of returns of orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from reconciler.emulator.ordercloud.commerce.endpoints import Endpoints, Route
from reconciler.emulator.ordercloud.commerce.returns import NEW
from reconciler.emulator.ordercloud.errors import refuse
from reconciler.emulator.wire import Answer, Request

# inferred: which step is possible from where.
STEPS: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "submit": ((NEW,), "Open", "DateSubmitted"),
    "approve": (("AwaitingApproval",), "Open", "DateApproved"),
    "decline": (("AwaitingApproval",), "Declined", "DateDeclined"),
    "cancel": ((NEW, "AwaitingApproval", "Open"), "Canceled", "DateCanceled"),
    "complete": (("Open",), "Completed", "DateCompleted"),
}
"""Steps of a return: from which statuses, to which, and the date that they set."""


class ReturnOperations:
    """Operations of returns.

    Args:
        endpoints: reads paths and bodies.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def routes(self) -> Iterable[Route]:
        """Return roles, method, path and handler of every operation."""
        for name in STEPS:
            yield ("OrderAdmin",), "POST", f"/v1/orderreturns/{{orderReturnID}}/{name}", partial(self._take, name)

    def _take(self, name: str, request: Request) -> Answer:
        sources, status, date = STEPS[name]
        market = self._endpoints.market
        resource = market.resources["OrderReturn"]
        row = self._endpoints.one(resource, (), request)
        if row["Status"] not in sources:
            raise refuse(400, "OrderReturn.InvalidStatus", f"The return is {row['Status']}.")
        market.update("OrderReturn", (), row["ID"], {"Status": status, date: market.now()})
        return self._endpoints.answer(resource, (), market.existing("OrderReturn", (), row["ID"]), 201)
