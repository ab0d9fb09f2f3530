"""SparkLayer's prices by list, by SKU and in batches, as JSON or CSV; a write replaces all prices of its SKUs."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from reconciler.emulator.sparklayer import models
from reconciler.emulator.sparklayer.price_lists import ONE, PriceLists
from reconciler.emulator.sparklayer.problems import Problems
from reconciler.emulator.sparklayer.resource import Resource, Routes
from reconciler.emulator.sparklayer.site import JsonObject, Site
from reconciler.emulator.sparklayer.stock import BATCH_MAXIMUM
from reconciler.emulator.state import State
from reconciler.emulator.wire import NO_CONTENT, Answer, Refusal, Request, json_answer

OF_LIST = f"{ONE}/pricing"
OF_SKU = "/api/v1/pricing/{sku}"
_SKU_PRICES = TypeAdapter(list[models.SkuPricing])
_BATCH = TypeAdapter(list[models.SkuListPricing])
_LIST_PRICES = TypeAdapter(list[models.ListPricing])
_FETCH = TypeAdapter(models.FetchPricing)


class Pricing(Resource):
    """Prices of SKUs on price lists.

    Args:
        state: for the switches.
        problems: makes the errors.
        lists: the price lists.
    """

    def __init__(self, state: State, problems: Problems, lists: PriceLists) -> None:
        super().__init__(state, problems)
        self._lists = lists

    def routes(self) -> Routes:
        """See `Resource`."""
        return (
            ("GET", OF_LIST, self._get),
            ("PATCH", OF_LIST, self._patch),
            ("DELETE", OF_LIST, self._delete),
            ("PATCH", "/api/v1/batch-update-pricing", self._batch),
            ("GET", OF_SKU, self._get_sku),
            ("PATCH", OF_SKU, self._patch_sku),
            ("POST", "/api/v1/fetch-customer-pricing", self._fetch),
        )

    def _get(self, site: Site, request: Request) -> Answer:
        slug = self._lists.found(site, request.ids["slug"])["slug"]
        return json_answer(
            [
                {"sku": sku, **{name: tier.get(name) for name in ("quantity", "price", "unit_of_measure")}}
                for sku, entry in site.prices.get(slug, {}).items()
                for tier in entry["pricing"]
            ]
        )

    def _patch(self, site: Site, request: Request) -> Answer:
        slug = self._lists.found(site, request.ids["slug"])["slug"]
        for item in self._rows(request, _SKU_PRICES):
            _replace(site, slug, item.sku, item.pricing, item.display_tax_rate)
        return NO_CONTENT

    def _delete(self, site: Site, request: Request) -> Answer:
        site.prices.pop(self._lists.found(site, request.ids["slug"])["slug"], None)
        return NO_CONTENT

    def _batch(self, site: Site, request: Request) -> Answer:
        items: list[models.SkuListPricing] = self._rows(request, _BATCH)
        for line, item in enumerate(items, 1):
            if item.price_list_slug not in site.price_lists:
                # inferred: the status of an unknown list in a batch; see the switch.
                if self._state.switches.spark_batch_unknown_list == "404":
                    raise self._problems.not_found("Price list", item.price_list_slug)
                message = f"There is no price list {item.price_list_slug}."
                raise Refusal(self._refused([{"line": line, "field": "price_list_slug", "message": message}]))
        for item in items:
            _replace(site, item.price_list_slug, item.sku, item.pricing)
        return NO_CONTENT

    def _get_sku(self, site: Site, request: Request) -> Answer:
        return json_answer(_of_sku(site, request.ids["sku"]))

    def _patch_sku(self, site: Site, request: Request) -> Answer:
        items: list[models.ListPricing] = self._problems.body(request, _LIST_PRICES)
        for item in items:
            self._lists.found(site, item.price_list_slug)
        for item in items:
            _replace(site, item.price_list_slug, request.ids["sku"], item.pricing)
        return json_answer(_of_sku(site, request.ids["sku"]))

    def _fetch(self, site: Site, request: Request) -> Answer:
        asked: models.FetchPricing = self._problems.body(request, _FETCH)
        customer = site.customer(asked.customer_lookup_by, asked.customer_id or "")
        if customer is None:
            raise self._problems.not_found("Customer", asked.customer_id or "")
        # inferred: the shape of the answer; the lowest price of the customer's lists at that quantity.
        lines = []
        for line in asked.line_items or ():
            prices = [
                (tier["price"], slug)
                for slug in customer.get("price_lists", ())
                for tier in site.prices.get(slug, {}).get(line.sku, {"pricing": ()})["pricing"]
                if tier["quantity"] <= line.quantity
            ]
            price, slug = min(prices, default=(None, None))
            lines.append({"sku": line.sku, "quantity": line.quantity, "price": price, "price_list_slug": slug})
        return json_answer({"line_items": lines})

    def _rows(self, request: Request, adapter: TypeAdapter[Any]) -> Any:
        """Read the items of a price write, in either form; documented: a 400 is a list of lines."""
        is_csv = request.header(b"content-type").lower().startswith("text/csv")
        try:
            decoded = _from_csv(request.body) if is_csv else orjson.loads(request.body)
            items: list[Any] = adapter.validate_python(decoded)
        except ValidationError as error:
            raise Refusal(self._refused([_line(item["loc"], item["msg"]) for item in error.errors()])) from error
        except (ValueError, csv.Error) as error:
            raise Refusal(self._refused([{"line": 1, "field": "", "message": "The body cannot be read."}])) from error
        if self._state.switches.spark_batch_maximum == "1000" and len(items) > BATCH_MAXIMUM:
            message = f"At most {BATCH_MAXIMUM} items are taken."
            raise Refusal(self._refused([{"line": BATCH_MAXIMUM + 1, "field": "", "message": message}]))
        return items

    def _refused(self, rows: list[JsonObject]) -> Answer:
        return Answer(400) if self._state.switches.spark_error_bodies == "empty" else json_answer(rows, 400)


def _line(location: tuple[int | str, ...], message: str) -> JsonObject:
    index = location[0] if location and isinstance(location[0], int) else 0
    return {"line": index + 1, "field": ".".join(map(str, location[1:])), "message": message}


def _from_csv(body: bytes) -> list[JsonObject]:
    """Convert CSV rows to JSON items, one for each SKU and list. inferred: the columns are the JSON's members."""
    items: dict[tuple[str, str], JsonObject] = {}
    for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig"))):
        sku, price_list = row.get("sku") or "", row.get("price_list_slug") or ""
        item = items.setdefault((sku, price_list), {"sku": sku, "price_list_slug": price_list, "pricing": []})
        if row.get("display_tax_rate"):
            item["display_tax_rate"] = float(row["display_tax_rate"])
        if row.get("price"):
            tier: JsonObject = {"quantity": int(row.get("quantity") or 1), "price": float(row["price"])}
            if row.get("unit_of_measure"):
                tier["unit_of_measure"] = row["unit_of_measure"]
            item["pricing"].append(tier)
    return list(items.values())


def _replace(site: Site, slug: str, sku: str, tiers: list[models.Tier], tax_rate: float | None = None) -> None:
    """Replace the prices of a SKU on a list; none at all remove it."""
    kept = [tier.model_dump(exclude_none=True) for tier in tiers if tier.price is not None]
    prices = site.prices.setdefault(slug, {})
    if not kept:
        prices.pop(sku, None)
        return
    prices[sku] = {"pricing": kept} if tax_rate is None else {"pricing": kept, "display_tax_rate": tax_rate}


def _of_sku(site: Site, sku: str) -> list[JsonObject]:
    return [
        {"price_list_slug": slug, "pricing": prices[sku]["pricing"]}
        for slug, prices in site.prices.items()
        if sku in prices
    ]
