"""Operations that are not emulated: not yet, or superseded. Each answers with a 501 that says so."""

from __future__ import annotations

from functools import partial

from reconciler.emulator.sparklayer.resource import Resource, Routes
from reconciler.emulator.sparklayer.site import Site
from reconciler.emulator.wire import Answer, Request

_CUSTOMER = "/api/v2/customers/{lookupBy}/{identifier}"
# By method and path: what there is instead.
NOT_YET = {
    # Superseded: no page ever showed these two paths.
    ("PUT", "/api/v1/customers"): f"Version 2 has it: PUT {_CUSTOMER}.",
    ("DELETE", "/api/v1/customers/{id}"): f"Version 2 has it: DELETE {_CUSTOMER}.",
    ("PATCH", _CUSTOMER): f"PUT {_CUSTOMER} replaces the whole customer.",
    ("POST", "/api/v1/carts/{id}/complete"): "PUT /api/v1/purchases/sparklayer/{identifier} makes a cart an order.",
}


class Later(Resource):
    """Operations that answer 501."""

    def routes(self) -> Routes:
        """See `Resource`."""
        return [(method, path, partial(self._refuse, hint)) for (method, path), hint in NOT_YET.items()]

    def _refuse(self, hint: str, _site: Site, _request: Request) -> Answer:
        return self._problems.answer(501, f"The emulator does not have this. {hint}")
