"""Operations of products, prices and suppliers beside the common ones."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product as combinations

from reconciler.emulator.ordercloud.commerce.endpoints import Endpoints, Route
from reconciler.emulator.ordercloud.commerce.marketplace import MARKETPLACE_ID
from reconciler.emulator.ordercloud.commerce.models import MODELS
from reconciler.emulator.ordercloud.errors import not_found, refuse
from reconciler.emulator.ordercloud.lists import Listing, list_answer
from reconciler.emulator.ordercloud.models import JsonObject, Member, Model, json_body
from reconciler.emulator.wire import NO_CONTENT, Answer, Request

VARIANT_LIMIT = 1_500
_PRODUCT = "/v1/products/{productID}"
_PRICES = "/v1/priceschedules/{priceScheduleID}/PriceBreaks"
_SUPPLIER = "/v1/suppliers/{supplierID}"
_OVERRIDES = Model("VariantOverrides", {"Active": Member(bool)}, closed=True)
_COMPANY = Listing(("ID", "Name"))
_SUPPLIERS = Listing(
    (*MODELS["Supplier"].members, "DefaultPriceScheduleID"), ("Name", "ID"), ("ID", "Name", "DateCreated")
)


class GoodsOperations:
    """Operations: variants from specs, specs and suppliers of a product, price breaks, and who may buy from whom.

    Args:
        endpoints: reads paths and bodies.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._market = endpoints.market

    def routes(self) -> Iterable[Route]:
        """Return roles, method, path and handler of every operation."""
        read, write = ("ProductReader", "ProductAdmin"), ("ProductAdmin",)
        supplier_read, supplier_write = ("SupplierReader", "SupplierAdmin"), ("SupplierAdmin",)
        return (
            (write, "POST", f"{_PRODUCT}/variants/generate", self._generate),
            (read, "GET", f"{_PRODUCT}/specs", self._specs),
            (read, "GET", f"{_PRODUCT}/suppliers", self._suppliers),
            (write, "PUT", f"{_PRODUCT}/suppliers/{{supplierID}}", self._save_supplier),
            (write, "DELETE", f"{_PRODUCT}/suppliers/{{supplierID}}", self._remove_supplier),
            (("PriceScheduleAdmin",), "POST", _PRICES, self._save_price),
            (("PriceScheduleAdmin",), "DELETE", _PRICES, self._delete_price),
            (supplier_read, "GET", f"{_SUPPLIER}/buyers", self._buyers),
            (supplier_write, "PUT", f"{_SUPPLIER}/buyers/{{buyerID}}", self._save_buyer),
            (supplier_write, "DELETE", f"{_SUPPLIER}/buyers/{{buyerID}}", self._remove_buyer),
            (("BuyerReader", "BuyerAdmin"), "GET", "/v1/buyers/{buyerID}/sellers", self._sellers),
        )

    def _product(self, request: Request) -> JsonObject:
        return self._market.existing("Product", (), request.ids["productID"])

    def _assigned_specs(self, product_id: str) -> list[JsonObject]:
        """Return the specs of a product, in list order, with the defaults that its assignments set."""
        store = self._market.store
        table = store.table("SpecProductAssignment")
        found = []
        for key in table.starting_with(f"{product_id}/"):
            assignment = table.load(key)
            row = store.row("Spec", (), assignment["SpecID"])
            if row is not None:
                shown = self._market.show(self._market.resources["Spec"], (), row)
                defaults = {name: assignment.get(name) for name in ("DefaultValue", "DefaultOptionID")}
                found.append({**shown, **{name: value for name, value in defaults.items() if value is not None}})
        return sorted(found, key=lambda spec: (spec["ListOrder"], spec["ID"]))

    def _specs(self, request: Request) -> Answer:
        listing = self._market.resources["Spec"].listing
        return list_answer(self._assigned_specs(self._product(request)["ID"]), listing, request)

    def _generate(self, request: Request) -> Answer:
        """Generate a variant of each combination of options. inferred: the ID, of product and options."""
        product = self._product(request)
        scope = (product["ID"],)
        active = _active(request, product)
        specs = [spec for spec in self._assigned_specs(product["ID"]) if spec["DefinesVariant"] and spec["Options"]]
        count = 1
        for spec in specs:
            count *= len(spec["Options"])
        if not specs or count > VARIANT_LIMIT:
            # documented: the limit; inferred: code and status.
            message = f"The specs make {count if specs else 0} variants; there may be 1 to {VARIANT_LIMIT}."
            raise refuse(400, "Product.CannotGenerateVariants", message)
        market = self._market
        if any(name.lower() == "overwriteexisting" and value.lower() == "true" for name, value in request.params):
            for variant_id in list(market.store.table("Variant", scope)):
                market.remove(market.resources["Variant"], scope, variant_id)
        there = {_combination(variant.get("Specs") or ()) for variant in market.store.rows("Variant", scope)}
        made = []
        for options in combinations(*(spec["Options"] for spec in specs)):
            chosen = [_chosen(spec, option) for spec, option in zip(specs, options, strict=True)]
            if _combination(chosen) not in there:
                name = " ".join((product["Name"], *(option["Value"] for option in options)))[:100]
                variant_id = "-".join((product["ID"], *(option["ID"] for option in options)))[:100]
                made.append(("Variant", scope, {"ID": variant_id, "Name": name, "Active": active, "Specs": chosen}))
        market.load(made)
        return self._endpoints.answer(market.resources["Product"], (), self._product(request), 201)

    def _suppliers(self, request: Request) -> Answer:
        supplier = self._market.resources["Supplier"]
        items = []
        for row in self._market.store.rows("ProductSupplier", (self._product(request)["ID"],)):
            shown = supplier.shape.show(self._market.row("Supplier", (), row["SupplierID"]) or {})
            items.append({"DefaultPriceScheduleID": row.get("DefaultPriceScheduleID"), **shown})
        return list_answer(items, _SUPPLIERS, request)

    def _save_supplier(self, request: Request) -> Answer:
        asked = {name.lower(): value for name, value in request.params}
        schedule_id = asked.get("defaultpricescheduleid")
        row = {"SupplierID": request.ids["supplierID"]}
        if schedule_id:
            row["DefaultPriceScheduleID"] = schedule_id
        return self._tie("ProductSupplier", (self._product(request)["ID"],), row)

    def _remove_supplier(self, request: Request) -> Answer:
        return self._untie("ProductSupplier", (self._product(request)["ID"],), request.ids["supplierID"])

    def _supplier_scope(self, request: Request) -> tuple[str]:
        return (self._market.existing("Supplier", (), request.ids["supplierID"])["ID"],)

    def _buyers(self, request: Request) -> Answer:
        rows = self._market.store.rows("SupplierBuyer", self._supplier_scope(request))
        buyers = (self._market.row("Buyer", (), row["BuyerID"]) or {} for row in rows)
        return list_answer(({"ID": buyer["ID"], "Name": buyer["Name"]} for buyer in buyers), _COMPANY, request)

    def _save_buyer(self, request: Request) -> Answer:
        return self._tie("SupplierBuyer", self._supplier_scope(request), {"BuyerID": request.ids["buyerID"]})

    def _remove_buyer(self, request: Request) -> Answer:
        return self._untie("SupplierBuyer", self._supplier_scope(request), request.ids["buyerID"])

    def _sellers(self, request: Request) -> Answer:
        """Return the sellers that a buyer may order from: the owner, and the suppliers tied to it or open to all."""
        buyer_id = self._market.existing("Buyer", (), request.ids["buyerID"])["ID"]
        store = self._market.store
        suppliers = [
            {"ID": supplier["ID"], "Name": supplier["Name"]}
            for supplier in store.rows("Supplier")
            if supplier.get("AllBuyersCanOrder") or buyer_id in store.table("SupplierBuyer", (supplier["ID"],))
        ]
        return list_answer([{"ID": MARKETPLACE_ID, "Name": "Emulator"}, *suppliers], _COMPANY, request)

    def _tie(self, name: str, scope: tuple[str, ...], row: JsonObject) -> Answer:
        resource = self._market.resources[name]
        self._market.save(resource, scope, row, self._market.row(name, scope, resource.key_of(row)))
        return NO_CONTENT

    def _untie(self, name: str, scope: tuple[str, ...], key: str) -> Answer:
        self._market.existing(name, scope, key)
        self._market.remove(self._market.resources[name], scope, key)
        return NO_CONTENT

    def _schedule(self, request: Request) -> JsonObject:
        return self._market.existing("PriceSchedule", (), request.ids["priceScheduleID"])

    def _save_price(self, request: Request) -> Answer:
        schedule = self._schedule(request)
        wanted: list[tuple[str, str]] = []
        price = self._endpoints.body(MODELS["PriceBreak"], request)
        MODELS["PriceBreak"].missing(price, wanted)
        if wanted:
            raise refuse(400, None, wanted[0][1])
        kept = [held for held in schedule.get("PriceBreaks") or () if held["Quantity"] != price["Quantity"]]
        return self._price(schedule, [*kept, price], 201)

    def _delete_price(self, request: Request) -> Answer:
        schedule = self._schedule(request)
        quantity = next((value for name, value in request.params if name.lower() == "quantity"), "")
        held = schedule.get("PriceBreaks") or []
        kept = [price for price in held if str(price["Quantity"]) != quantity]
        if len(kept) == len(held):
            raise not_found("PriceBreak", quantity)
        self._price(schedule, kept, 200)
        return NO_CONTENT

    def _price(self, schedule: JsonObject, breaks: list[JsonObject], status: int) -> Answer:
        resource = self._market.resources["PriceSchedule"]
        stored = self._market.save(resource, (), {**schedule, "PriceBreaks": breaks}, schedule)
        return self._endpoints.answer(resource, (), stored, status)


def _active(request: Request, product: JsonObject) -> bool:
    sent = _OVERRIDES.read(json_body(request), []) if request.body else {}
    # documented: what is sent overrides what the product says.
    return bool(sent["Active"] if sent.get("Active") is not None else product.get("Active"))


def _combination(specs: Iterable[JsonObject]) -> frozenset[tuple[str, str | None]]:
    return frozenset((spec["SpecID"], spec.get("OptionID")) for spec in specs)


def _chosen(spec: JsonObject, option: JsonObject) -> JsonObject:
    return {
        "SpecID": spec["ID"],
        "Name": spec["Name"],
        "OptionID": option["ID"],
        "Value": option["Value"],
        "PriceMarkupType": option["PriceMarkupType"],
        "PriceMarkup": option["PriceMarkup"],
    }
