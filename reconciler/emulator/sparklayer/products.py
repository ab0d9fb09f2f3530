"""SparkLayer's products and their variants. Known from older documentation only."""

from __future__ import annotations

from pydantic import TypeAdapter

from reconciler.emulator.sparklayer import models
from reconciler.emulator.sparklayer.problems import INVALID, TAKEN, UNKNOWN_ID
from reconciler.emulator.sparklayer.resource import Resource, Routes
from reconciler.emulator.sparklayer.site import JsonObject, Site, Table
from reconciler.emulator.sparklayer.stock import levels_of
from reconciler.emulator.wire import Answer, Request, json_answer

_PRODUCT = TypeAdapter(models.Product)
_PRODUCT_PATCH = TypeAdapter(models.ProductPatch)
_VARIANT = TypeAdapter(models.Variant)
_SET_ELSEWHERE = frozenset({"id", "stock"})
_VARIANT_MEMBERS = tuple(name for name in models.Variant.model_fields if name not in _SET_ELSEWHERE)


class Products(Resource):
    """Products and variants."""

    def routes(self) -> Routes:
        """See `Resource`."""
        return (
            ("POST", "/api/v1/products", self._create),
            ("GET", "/api/v1/products/{id}", self._get),
            ("PATCH", "/api/v1/products/{id}", self._patch),
            ("GET", "/api/v1/variants/{id}", self._get_variant),
            ("PATCH", "/api/v1/variants/{id}", self._patch_variant),
        )

    def _create(self, site: Site, request: Request) -> Answer:
        sent: models.Product = self._problems.body(request, _PRODUCT)
        return self._save(site, sent, None, int(self._state.switches.spark_created_status))

    def _get(self, site: Site, request: Request) -> Answer:
        return json_answer(self._shown(site, self._found(site.products, "Product", request)))

    def _patch(self, site: Site, request: Request) -> Answer:
        product = self._found(site.products, "Product", request)
        sent: models.ProductPatch = self._problems.body(request, _PRODUCT_PATCH)
        return self._save(site, sent, product, 200)

    def _get_variant(self, site: Site, request: Request) -> Answer:
        return json_answer(self._shown_variant(site, self._found(site.variants, "Variant", request)))

    def _patch_variant(self, site: Site, request: Request) -> Answer:
        variant = self._found(site.variants, "Variant", request)
        sent: models.Variant = self._problems.body(request, _VARIANT)
        self._check_variants(site, [sent], {0: variant["id"]})
        return json_answer(self._shown_variant(site, self._store_variant(site, sent, variant, variant["product_id"])))

    def _save(self, site: Site, sent: models.ProductPatch, product: JsonObject | None, status: int) -> Answer:
        """Store products after all of them were checked."""
        plain = {name: value for name, value in sent.sent().items() if name != "variants"}
        self._check_taken(site.products, plain, None if product is None else product["id"])
        variants = sent.variants or []
        known = self._known_variants(site, variants, product)
        self._check_variants(site, variants, {index: item["id"] for index, item in known.items()})
        if product is None:
            product = {"id": site.products.new_id(), "created_at": site.now, "variant_ids": []}
        stored = [
            self._store_variant(site, item, known.get(index), product["id"])["id"]
            for index, item in enumerate(variants)
        ]
        variant_ids = product["variant_ids"]
        if sent.variants is not None:
            variant_ids = self._kept_variants(site, variant_ids, stored)
        record = {**product, **plain, "variant_ids": variant_ids, "updated_at": site.now}
        record = {name: value for name, value in record.items() if value is not None}
        site.products.put(record)
        return json_answer(self._shown(site, record), status)

    def _known_variants(
        self, site: Site, variants: list[models.Variant], product: JsonObject | None
    ) -> dict[int, JsonObject]:
        """Match sent variants with stored ones of this product, by position."""
        own = [site.variants.records[each] for each in (product or {}).get("variant_ids", ())]
        by_id = {item["id"]: item for item in own}
        by_external = {item["external_id"]: item for item in own if "external_id" in item}
        known: dict[int, JsonObject] = {}
        for index, item in enumerate(variants):
            found = by_external.get(item.external_id) if item.id is None else by_id.get(item.id)
            if item.id is not None and found is None:
                raise self._problems.refuse(400, f"There is no variant {item.id}.", UNKNOWN_ID, f"variants.{index}.id")
            if found is not None:
                known[index] = found
        return known

    def _check_variants(self, site: Site, variants: list[models.Variant], own_ids: dict[int, str]) -> None:
        seen: set[str] = set()
        for index, item in enumerate(variants):
            self._check_taken(site.variants, {"external_id": item.external_id}, own_ids.get(index))
            if item.external_id is not None and item.external_id in seen:
                raise self._taken("external_id", item.external_id)
            seen.add(item.external_id or "")
            for member, key in (("rrp", "currency_code"), ("settings", "customer_group")):
                keys = [getattr(each, key) for each in getattr(item, member) or ()]
                if len(keys) != len(set(keys)):
                    raise self._problems.refuse(400, f"{member} has one entry per {key}.", INVALID, member)
            for level in item.stock or ():
                if level.stock_location_id not in site.locations.records:
                    raise self._problems.refuse(400, "There is no such stock location.", UNKNOWN_ID, "stock")

    def _check_taken(self, table: Table, sent: JsonObject, own_id: str | None) -> None:
        external = sent.get("external_id")
        if external is not None and external.startswith(table.prefix):
            raise self._problems.refuse(400, f"external_id must not start with {table.prefix}.", INVALID, "external_id")
        for member in table.taken(sent, own_id):
            raise self._taken(member, sent[member])

    def _taken(self, member: str, value: str) -> Exception:
        # inferred: the status; see the switch.
        status = int(self._state.switches.spark_duplicate_product)
        return self._problems.refuse(status, f"The {member} {value} is taken.", TAKEN, member)

    def _kept_variants(self, site: Site, before: list[str], stored: list[str]) -> list[str]:
        """Return the variants of a product after a write that sent some."""
        # inferred: what becomes of those that were not sent; see the switch.
        if self._state.switches.spark_product_variants == "merged":
            return list(dict.fromkeys([*before, *stored]))
        for gone in set(before) - set(stored):
            site.variants.remove(gone)
        return stored

    def _store_variant(
        self, site: Site, sent: models.Variant, variant: JsonObject | None, product_id: str
    ) -> JsonObject:
        if variant is None:
            # inferred: the status of a variant that is made without one.
            variant = {"id": site.variants.new_id(), "status": "pending", "created_at": site.now}
        plain = {name: value for name, value in sent.sent().items() if name not in _SET_ELSEWHERE}
        record = {**variant, **plain, "product_id": product_id, "updated_at": site.now}
        record = {name: value for name, value in record.items() if value is not None}
        site.variants.put(record)
        if record.get("sku") is not None:
            for level in sent.stock or ():
                kept = level.model_dump(exclude_none=True, exclude={"stock_location_id"})
                site.stock.setdefault(record["sku"], {})[level.stock_location_id] = kept
        return record

    def _found(self, table: Table, what: str, request: Request) -> JsonObject:
        found = table.find(request.ids["id"])
        if found is None:
            raise self._problems.not_found(what, request.ids["id"])
        return found

    def _shown(self, site: Site, product: JsonObject) -> JsonObject:
        variants = [self._shown_variant(site, site.variants.records[each]) for each in product["variant_ids"]]
        plain = {name: value for name, value in product.items() if name != "variant_ids"}
        return self._nulls("external_id") | plain | {"variants": variants}

    def _shown_variant(self, site: Site, variant: JsonObject) -> JsonObject:
        levels = [
            {name: value for name, value in level.items() if name != "stock_location_external_id"}
            for level in levels_of(site, variant.get("sku"))
        ]
        return self._nulls(*_VARIANT_MEMBERS) | variant | {"stock": levels}

    def _nulls(self, *members: str) -> JsonObject:
        # inferred: how a member without a value is shown; see the switch.
        return dict.fromkeys(members) if self._state.switches.spark_unset_members == "null" else {}
