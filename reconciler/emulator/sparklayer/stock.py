"""SparkLayer's stock locations, and stock levels in batches."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from reconciler.emulator.sparklayer import models
from reconciler.emulator.sparklayer.problems import INVALID, TAKEN, UNKNOWN_ID
from reconciler.emulator.sparklayer.resource import Resource, Routes
from reconciler.emulator.sparklayer.site import JsonObject, Site
from reconciler.emulator.wire import NO_CONTENT, Answer, Refusal, Request, json_answer

LOCATIONS = "/api/v1/stock-locations"
ONE = f"{LOCATIONS}/{{StockLocationID}}"
_SKUS = TypeAdapter(models.Skus)
_ROWS = TypeAdapter(Annotated[list[models.StockRow], Field(min_length=1)])
_LOCATION = TypeAdapter(models.Location)
_LOCATION_PATCH = TypeAdapter(models.LocationPatch)
BATCH_MAXIMUM = 1000


class Stock(Resource):
    """Stock locations and stock levels."""

    def routes(self) -> Routes:
        """See `Resource`."""
        return (
            ("GET", LOCATIONS, self._list),
            ("POST", LOCATIONS, self._create),
            ("GET", ONE, self._get),
            ("PATCH", ONE, self._patch),
            ("DELETE", ONE, self._delete),
            ("POST", "/api/v1/batch-fetch-stock", self._fetch),
            ("POST", "/api/v1/batch-update-stock", self._update),
            ("POST", "/api/v1/batch-delete-stock", self._delete_stock),
        )

    def _list(self, site: Site, _request: Request) -> Answer:
        return json_answer(sorted(site.locations.records.values(), key=lambda location: str(location["id"])))

    def _create(self, site: Site, request: Request) -> Answer:
        sent = self._problems.body(request, _LOCATION).sent()
        self._check_taken(site, sent, None)
        location = {"id": site.locations.new_id(), **sent}
        site.locations.put(location)
        return json_answer(location, int(self._state.switches.spark_created_status))

    def _get(self, site: Site, request: Request) -> Answer:
        return json_answer(self._location(site, request))

    def _patch(self, site: Site, request: Request) -> Answer:
        location = self._location(site, request)
        sent = {name: value for name, value in self._problems.body(request, _LOCATION_PATCH).sent().items() if value}
        self._check_taken(site, sent, location["id"])
        site.locations.put(location | sent)
        return json_answer(location | sent)

    def _delete(self, site: Site, request: Request) -> Answer:
        location = site.locations.find(request.ids["StockLocationID"])
        if location is not None:
            site.locations.remove(location["id"])
            for levels in site.stock.values():
                levels.pop(location["id"], None)
        # documented: 204 even when nothing matched.
        return NO_CONTENT

    def _location(self, site: Site, request: Request) -> JsonObject:
        found = site.locations.find(request.ids["StockLocationID"])
        if found is None:
            raise self._problems.not_found("Stock location", request.ids["StockLocationID"])
        return found

    def _check_taken(self, site: Site, sent: JsonObject, own_id: str | None) -> None:
        for member in site.locations.taken(sent, own_id):
            raise self._problems.refuse(409, f"The {member} {sent[member]} is taken.", TAKEN, member)

    def _fetch(self, site: Site, request: Request) -> Answer:
        skus = self._problems.body(request, _SKUS).skus
        return json_answer([{"sku": sku, "stock_levels": levels_of(site, sku)} for sku in dict.fromkeys(skus)])

    def _update(self, site: Site, request: Request) -> Answer:
        rows: list[models.StockRow] = self._problems.body(request, _ROWS)
        # inferred: whether there is a maximum; see the switch.
        if self._state.switches.spark_batch_maximum == "1000" and len(rows) > BATCH_MAXIMUM:
            raise self._problems.refuse(400, f"At most {BATCH_MAXIMUM} items are taken.", INVALID)
        seen: set[tuple[str, str]] = set()
        good: list[tuple[models.StockRow, str]] = []
        errors: list[JsonObject] = []
        for index, row in enumerate(rows):
            location = self._location_of(site, row, index)
            if location is None:
                name = row.stock_location_external_id or row.stock_location_id
                message = f"There is no stock location {name}."
                errors.append({"code": UNKNOWN_ID, "message": message, "property": f"{index}"})
                continue
            if (row.sku, location) in seen:
                raise self._problems.refuse(400, f"{row.sku} is there twice for one location.", INVALID, f"{index}.sku")
            seen.add((row.sku, location))
            good.append((row, location))
        # inferred: whether one unknown location refuses the whole batch; see the switch.
        if not errors or self._state.switches.spark_unknown_stock_location == "row":
            for row, location in good:
                level = {"stock_level": row.stock_level, "restock_date": row.restock_date}
                level["min_stock_level"] = row.min_stock_level
                kept = {name: value for name, value in level.items() if value is not None}
                site.stock.setdefault(row.sku, {})[location] = kept
        if errors:
            raise Refusal(self._problems.answer(400, str(errors[0]["message"]), errors))
        return NO_CONTENT

    def _location_of(self, site: Site, row: models.StockRow, index: int) -> str | None:
        """Return the location's own ID, or None where there is no such location."""
        if (row.stock_location_id is None) == (row.stock_location_external_id is None):
            raise self._problems.refuse(
                400, "Exactly one of stock_location_id and stock_location_external_id is needed.", INVALID, f"{index}"
            )
        if row.stock_location_id is not None:
            return row.stock_location_id if row.stock_location_id in site.locations.records else None
        found = site.locations.by("external_id", row.stock_location_external_id)
        return None if found is None else str(found["id"])

    def _delete_stock(self, site: Site, request: Request) -> Answer:
        for sku in self._problems.body(request, _SKUS).skus:
            site.stock.pop(sku, None)
        return NO_CONTENT


def levels_of(site: Site, sku: str | None) -> list[JsonObject]:
    """Return the stock levels of a SKU at every location."""
    levels: list[JsonObject] = []
    for location, level in site.stock.get(sku or "", {}).items():
        external = site.locations.records[location].get("external_id")
        named = {"stock_location_external_id": external} if external is not None else {}
        levels.append({"stock_location_id": location, **named, **level})
    return levels
