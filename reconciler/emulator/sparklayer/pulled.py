"""Entities that SparkLayer pulled: stored in the site by its own API, so that a pull can be compared with a push.

inferred: what an entity looks like. Here it is what the API's own write of it takes:

| type | an entity |
|---|---|
| products | the body of POST /api/v1/products; beside it `stock` and `pricing` may hold rows of the batch calls |
| stock | `{"sku", "stock_levels": [row, …]}`, no row for none, or one row of POST /api/v1/batch-update-stock |
| customers | the body of PUT /api/v2/customers/platform/{external_id} |
| purchases | the body of PUT /api/v1/purchases/sparklayer/{purchase_identifiers.sparklayer}, or by `platform` |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from reconciler.emulator.sparklayer.site import JsonObject, Site
from reconciler.emulator.wire import Answer

Write = tuple[str, str, Any]
_BATCHES = {
    "stock": ("POST", "/api/v1/batch-update-stock"),
    "pricing": ("PATCH", "/api/v1/batch-update-pricing"),
}


class Pulled:
    """Entities that were pulled for one site.

    Args:
        site: returns the site.
        send: carries out a request to SparkLayer's own API: method, path, decoded body.
    """

    def __init__(self, site: Callable[[], Site], send: Callable[[str, str, Any], Answer]) -> None:
        self._site = site
        self._send = send

    def has_customer(self, external_id: Any) -> bool:
        """Return whether the site has a customer with this platform ID."""
        return isinstance(external_id, str) and self._site().customers.by("external_id", external_id) is not None

    @staticmethod
    def id_of(data_type: str, entity: Any) -> str:
        """Return the platform ID of an entity, or the SKU of stock; empty where it has none."""
        if not isinstance(entity, dict):
            return ""
        if data_type == "purchases":
            identifiers = entity.get("purchase_identifiers") or {}
            return str(identifiers.get("platform") or identifiers.get("sparklayer") or "")
        return str(entity.get("sku" if data_type == "stock" else "external_id") or "")

    def store(self, data_type: str, entity: Any) -> list[JsonObject]:
        """Store one entity, and return what SparkLayer's API refused of it."""
        name = self.id_of(data_type, entity)
        if not name:
            return [{"type": data_type, "id": "", "status": 0, "answer": "the entity has no ID"}]
        problems: list[JsonObject] = []
        for method, path, body in _WRITES[data_type](self._site(), name, entity):
            answer = self._send(method, path, body)
            if answer.status >= 400:
                problems.append({"type": data_type, "id": name, "status": answer.status, "answer": _text(answer)})
                break
        return problems


def _product(site: Site, name: str, entity: JsonObject) -> list[Write]:
    body = {member: value for member, value in entity.items() if member not in _BATCHES}
    known = site.products.by("external_id", name) is not None
    path = f"/api/v1/products/{quote(name, safe='')}" if known else "/api/v1/products"
    batches = [(*_BATCHES[member], entity[member]) for member in _BATCHES if entity.get(member)]
    return [("PATCH" if known else "POST", path, body), *batches]


def _stock(_site: Site, name: str, entity: JsonObject) -> list[Write]:
    if "stock_levels" not in entity:
        return [("POST", "/api/v1/batch-update-stock", [entity])]
    rows = [{"sku": name, **row} for row in entity["stock_levels"]]
    # What is not told of is gone.
    gone: Write = ("POST", "/api/v1/batch-delete-stock", {"skus": [name]})
    return [gone, ("POST", "/api/v1/batch-update-stock", rows)] if rows else [gone]


def _customer(_site: Site, name: str, entity: JsonObject) -> list[Write]:
    return [("PUT", f"/api/v2/customers/platform/{quote(name, safe='')}", entity)]


def _purchase(_site: Site, name: str, entity: JsonObject) -> list[Write]:
    own = entity["purchase_identifiers"].get("sparklayer")
    lookup, identifier = ("platform", name) if own is None else ("sparklayer", own)
    return [("PUT", f"/api/v1/purchases/{lookup}/{quote(str(identifier), safe='')}", entity)]


_WRITES: Mapping[str, Callable[[Site, str, JsonObject], list[Write]]] = {
    "products": _product,
    "stock": _stock,
    "customers": _customer,
    "purchases": _purchase,
}


def _text(answer: Answer) -> Any:
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return answer.body.decode("utf-8", "replace")
