"""DataSync: what flows from OrderCloud to a site. It has no live object but its sync log; the ledger remembers it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from reconciler.errors import Conflict, Problem, Rejected
from reconciler.kind.connection import Reader, Wire, Writer
from reconciler.kind.kind import Kind, ManifestView, Observed
from reconciler.kind.semantics import FieldSemantics, Risk, State
from reconciler.manifest.environment import Duration
from reconciler.manifest.explain import BadValue
from reconciler.sparklayer.kinds.data_sync.cost import RUN, cost_of
from reconciler.sparklayer.kinds.data_sync.expressions import Expression
from reconciler.sparklayer.kinds.price_list import PriceListKind
from reconciler.sparklayer.kinds.spec import SparkLayerSpec
from reconciler.sparklayer.kinds.store import CurrencyCode
from reconciler.words import parse_duration

PRICE_LIST = "ordercloud-price"
_PRICE_LIST_NAME = "OrderCloud Price"
_PER_WALK = 1_000


def _compiled(text: str) -> str:
    Expression(text)
    return text


Jmespath = Annotated[str, AfterValidator(_compiled)]


def _member(key: str, description: str) -> Any:
    return Field(default=None, alias=key, description=description)


def _is_shorter(text: str, interval: str | None) -> bool:
    """Whether a duration is shorter than the interval, where that is one."""
    return interval is not None and parse_duration(text) < parse_duration(interval)


class MappingSpec(SparkLayerSpec):
    """JMESPath expressions that replace defaults; docs/sync.md says what each gives and what it sees."""

    title: Jmespath | None = _member("title", "Title of a product, seen from the product. Default: Name.")
    slug: Jmespath | None = _member("slug", "Its slug, made of letters, digits and hyphens. Default: from the ID.")
    sku: Jmespath | None = _member("variants.sku", "SKU, seen from the variant. Default: xp.SKU, else xp.sku.")
    weight: Jmespath | None = _member("variants.weightInGrams", "Weight. Default: xp.weight, else ShipWeight.")
    position: Jmespath | None = _member("variants.position", "Place among the variants. Default: as OrderCloud has it.")
    image: Jmespath | None = _member("variants.cartImageUrl", "URL of a picture. Default: of xp.Images[0].")
    options: Jmespath | None = _member("variants.options", "List of group and value. Default: from Specs.")
    status: Jmespath | None = _member(
        "variants.status", "live, suspended, pending or discontinued. Default: by Active."
    )
    rrp: Jmespath | None = _member("variants.rrp", "Recommended retail price. Default: xp.rrp.")
    settings: Jmespath | None = _member(
        "variants.settings",
        "Object with pack_size and the like. Default: from QuantityMultiplier and the price schedule.",
    )
    restock_date: Jmespath | None = _member("variants.restockDate", "When more is expected. Default: xp.restockDate.")


class ProductsSpec(SparkLayerSpec):
    """Which products flow, and how they are mapped."""

    catalogs: Annotated[list[Annotated[str, Field(min_length=1)]], FieldSemantics(unordered=True)] | None = Field(
        default=None, description="IDs of OrderCloud catalogs whose products flow. Left out: all products."
    )
    mapping: MappingSpec | None = Field(
        default=None, description="JMESPath over the source record, per value. Left out: the defaults of docs/sync.md."
    )
    ship_weight_unit: Literal["g", "kg", "lb", "oz"] = Field(
        default="kg", description="Unit of OrderCloud's ShipWeight, which has none of its own."
    )
    record_url: Annotated[str, StringConstraints(pattern=r"^https?://.*\{ID\}")] | None = Field(
        default=None,
        description="Where people find a product, {ID} for its ID: what the sync log links to. Left out: its API URL.",
    )


class StockSpec(SparkLayerSpec):
    """Where stock goes."""

    locations: Annotated[dict[str, str], FieldSemantics(references="StockLocation")] = Field(
        default={}, description="OrderCloud AddressID to metadata.name of a StockLocation."
    )
    default: Annotated[str, FieldSemantics(references="StockLocation")] | None = Field(
        default=None, description="metadata.name of the StockLocation that takes inventory without records."
    )


class PricingSpec(SparkLayerSpec):
    """Where prices go."""

    later: ClassVar[frozenset[str]] = frozenset({"partyPriceLists"})

    price_list: Annotated[
        str, Field(min_length=1), FieldSemantics(references="PriceList", unmanaged=True, made_along=True)
    ] = Field(
        default=PRICE_LIST,
        description="metadata.name of the PriceList for default prices, or the slug of one that no manifest names: "
        "it is created with the DataSync.",
    )


class DataSyncSpec(SparkLayerSpec):
    """What flows, how often, and when to worry."""

    later: ClassVar[frozenset[str]] = frozenset({"customers", "orders"})

    # The API calls it free text; it is part of a path, and whatever reads that may take some characters otherwise.
    integration: Annotated[
        str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"), FieldSemantics(identity=True)
    ] = Field(default="ordercloud", description="Name of the integration in the sync log.")
    interval: Duration = Field(default="15m", description="From the end of a run to the start of the next.")
    walk_interval: Duration = Field(
        default="24h",
        validate_default=True,
        description="How often everything is read, for what OrderCloud does not say when it changed.",
    )
    freshness: Duration = Field(
        default="2h", validate_default=True, description="A last good run that is older than this is drift."
    )
    max_open_problems: Annotated[int, Field(ge=0)] = Field(
        default=500, description="More open problems than this are drift."
    )
    max_delete_percent: Annotated[float, Field(ge=0, le=100)] = Field(
        default=10, description="A run that would discontinue more than this percentage of all products stops."
    )
    products: ProductsSpec | None = Field(
        default=None, description="Products with variants. Left out: they do not flow."
    )
    stock: StockSpec | None = Field(default=None, description="Stock. Left out: it does not flow.")
    pricing: PricingSpec | None = Field(default=None, description="Default prices. Left out: they do not flow.")
    currency: CurrencyCode | None = Field(
        default=None,
        description="ISO 4217: of prices without a currency while there is no price list, and of a list that is made.",
    )

    @field_validator("walk_interval")
    @classmethod
    def _walks_less_often_than_it_runs(cls, text: str, info: ValidationInfo) -> str:
        if _is_shorter(text, info.data.get("interval")):
            raise BadValue("walkInterval is shorter than interval", "Make it as long as interval, or longer.")
        return text

    @field_validator("freshness")
    @classmethod
    def _can_be_kept(cls, text: str, info: ValidationInfo) -> str:
        if _is_shorter(text, info.data.get("interval")):
            raise BadValue(
                "freshness is shorter than interval, so that data would be drift between any two runs",
                "Make it longer: interval and the time that a run may take.",
            )
        return text


class DataSyncKind(Kind[DataSyncSpec]):
    """A data sync, by the name of its integration. What it needs at the site is the price list."""

    name = "DataSync"
    api = "sparklayer"
    spec = DataSyncSpec
    summary = "What flows from OrderCloud to SparkLayer, how often, and how it is mapped. `sync` commands carry it out."
    delete_risk = Risk.STOPS_SYNC
    delete_limits = "what it wrote stays as it is, and so does its sync log; `reconciler sync-log clear` wipes that"
    readable = False

    def live_id(self, name: str, state: Mapping[str, Any]) -> str:
        return str(state.get("integration") or DataSyncSpec.model_fields["integration"].default)

    async def read(self, reader: Reader) -> Mapping[str, Wire]:
        return {}

    async def read_one(self, reader: Reader, live_id: str) -> Wire | None:
        return None

    async def create(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        await _ensure_price_list(writer, body)
        return None

    async def update(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        await _ensure_price_list(writer, body)
        return None

    async def delete(self, writer: Writer, live_id: str) -> None:
        """Do nothing: there is no such object at the API."""

    def create_body(self, state: State) -> Wire:
        return {name: state[name] for name in ("pricing", "currency") if name in state}

    def update_body(self, desired: State, observed: Observed, changed: frozenset[str]) -> Wire:
        return self.create_body(desired)

    def remarks(self, desired: State, observed: Observed | None, changed: frozenset[str]) -> Iterable[str]:
        interval, walk_interval = (parse_duration(desired[name]) for name in ("interval", "walkInterval"))
        cost = cost_of(interval, walk_interval, _PER_WALK, 0)
        yield (
            f"where nothing changes it costs about {round(cost.runs * RUN):,} requests a day, and {cost.per_walk} per "
            f"1,000 products at every walk ({desired['walkInterval']}), more where products have variants or stock by "
            "place: one for each of those"
        )
        if observed is None or any(path.partition(".")[0] in _DECIDING for path in changed):
            yield "a full sync is due once it is applied: `reconciler sync run` does it"

    def check(self, manifests: Sequence[ManifestView]) -> Iterable[Problem]:
        present = [manifest for manifest in manifests if not manifest.absent]
        lists = {name for each in present if each.kind == "PriceList" for name in (each.name, each.spec.slug)}
        for manifest in present:
            if manifest.kind == self.name:
                yield from _check(manifest, lists)


def _check(manifest: ManifestView, lists: Collection[str | None]) -> Iterator[Problem]:
    spec: DataSyncSpec = manifest.spec
    if spec.products is None and spec.stock is None and spec.pricing is None:
        message = f"DataSync {manifest.name}: nothing flows, as it has neither products, stock nor pricing"
        yield Problem("missing-field", message, manifest.place(), hint="Add at least one of them; {} will do.")
    if spec.stock is not None and not spec.stock.locations and spec.stock.default is None:
        message = f"DataSync {manifest.name}: spec.stock has neither locations nor default, so stock has nowhere to go"
        yield Problem("missing-field", message, manifest.place("stock"), hint="Add one of them, or both.")
    if spec.pricing is not None and spec.currency is None and spec.pricing.price_list not in lists:
        name = spec.pricing.price_list[:60]
        yield Problem(
            "no-list-currency",
            f"DataSync {manifest.name}: no manifest names the price list {name}, and without currency it cannot be "
            "created",
            manifest.place("pricing"),
            name,
            "Add currency, or a PriceList manifest of that name.",
        )


_DECIDING = frozenset({"products", "stock", "pricing", "currency"})


async def _ensure_price_list(writer: Writer, body: Wire) -> None:
    """Create the price list that prices go to where there is none.

    Raises:
        Rejected: it cannot be created, or the API refuses it.
    """
    if "pricing" not in body:
        return
    slug = str(body["pricing"]["priceList"])
    kind = PriceListKind()
    if await kind.read_one(writer, slug) is not None:
        return
    if "currency" not in body:
        raise Rejected(
            f"there is no price list {slug}, and the DataSync has no currency to create it in",
            next_step="Add currency to the DataSync, or a PriceList manifest.",
        )
    wanted = {"name": _PRICE_LIST_NAME, "currency_code": body["currency"], "source": "integration"}
    try:
        await kind.create(writer, slug, wanted)
    except (Conflict, Rejected):
        # Somebody else may have made it meanwhile.
        if await kind.read_one(writer, slug) is None:
            raise
