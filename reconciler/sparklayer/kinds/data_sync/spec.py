"""Spec of a DataSync manifest."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from urllib.parse import parse_qsl

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from reconciler.kind.credentials import shows_credentials
from reconciler.kind.semantics import FieldSemantics, Risk
from reconciler.kind.telling import is_telling
from reconciler.manifest.environment import Duration
from reconciler.manifest.explain import BadValue
from reconciler.sparklayer.kinds.data_sync.mapping import MappingSpec
from reconciler.sparklayer.kinds.spec import SparkLayerSpec
from reconciler.sparklayer.kinds.store import CurrencyCode
from reconciler.words import parse_duration

PRICE_LIST = "ordercloud-price"
# What decides what records become: they are compared anew, and sent where they differ.
_RE_SYNCS = FieldSemantics(risk=Risk.RE_SYNCS)
# What does not flow any more stays in the target as it is, and grows old.
_SECTION = FieldSemantics(risk=Risk.RE_SYNCS, risk_gone=Risk.STOPS_SYNC)
_PLACES = FieldSemantics(references="StockLocation", risk=Risk.RE_SYNCS, risk_gone=Risk.STOPS_SYNC)


def _is_shorter(text: str, interval: str | None) -> bool:
    """Whether a duration is shorter than the interval, where that is one."""
    return interval is not None and parse_duration(text) < parse_duration(interval)


def _without_credentials(link: str) -> str:
    address, _, fragment = link.partition("#")
    pairs = parse_qsl(address.partition("?")[2]) + parse_qsl(fragment.partition("?")[2])
    if shows_credentials(link) or any(is_telling(name) for name, _ in pairs):
        raise ValueError("the sync log shows this link to merchants, so it must hold no credentials")
    return link


RecordUrl = Annotated[
    str,
    StringConstraints(pattern=r"^https?://.*\{ID\}"),
    AfterValidator(_without_credentials),
    FieldSemantics(code=True),
]


class ProductsSpec(SparkLayerSpec):
    """Which products flow, and how they are mapped."""

    catalogs: (
        Annotated[
            list[Annotated[str, Field(min_length=1)]],
            FieldSemantics(unordered=True, selects=True, risk=Risk.RE_SYNCS, risk_gone=Risk.STOPS_SYNC),
        ]
        | None
    ) = Field(default=None, description="IDs of OrderCloud catalogs whose products flow. Left out: all products.")
    mapping: MappingSpec | None = Field(
        default=None, description="JMESPath over the source record, per value. Left out: the defaults."
    )
    ship_weight_unit: Annotated[Literal["g", "kg", "lb", "oz"], _RE_SYNCS] = Field(
        default="kg", description="Unit of OrderCloud's ShipWeight, which has none of its own."
    )
    record_url: RecordUrl | None = Field(
        default=None,
        description="Where people find a product, {ID} for its ID: what the sync log links to. Left out: its API URL.",
    )


class StockSpec(SparkLayerSpec):
    """Where stock goes."""

    locations: Annotated[dict[str, str], _PLACES] = Field(
        default={}, description="OrderCloud AddressID to metadata.name of a StockLocation."
    )
    default: Annotated[str, _PLACES] | None = Field(
        default=None, description="metadata.name of the StockLocation that takes inventory without records."
    )


class PricingSpec(SparkLayerSpec):
    """Where prices go."""

    later: ClassVar[frozenset[str]] = frozenset({"partyPriceLists"})

    price_list: Annotated[
        str,
        Field(min_length=1),
        FieldSemantics(references="PriceList", unmanaged=True, made_along=True, risk=Risk.RE_SYNCS),
    ] = Field(
        default=PRICE_LIST,
        description="metadata.name of the PriceList for default prices, or the slug of one that no manifest names: "
        "it is created with the DataSync.",
    )


class OnRemoveSpec(SparkLayerSpec):
    """What becomes of what it wrote once it is to be absent."""

    products: Literal["keep", "discontinue"] = Field(
        default="keep",
        description="Products, stock and prices stay in the site as they are; or `sync run` discontinues the products "
        "and removes their stock and prices, within maxDeletePercent.",
    )
    logs: Literal["keep", "clear"] | None = Field(
        default=None,
        description="Its sync log stays, or goes with those of every integration of the site: the API clears all or "
        "none. Needed where the DataSync is to be absent.",
    )


class DataSyncSpec(SparkLayerSpec):
    """What flows, how often, and when to worry."""

    later: ClassVar[frozenset[str]] = frozenset({"customers", "orders"})

    # The API calls it free text; it is part of a path, and whatever reads that may take some characters otherwise.
    integration: Annotated[
        str,
        Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"),
        FieldSemantics(identity=True, risk=Risk.RE_SYNCS),
    ] = Field(default="ordercloud", description="Name of the integration in the sync log.")
    interval: Duration = Field(default="15m", description="From the end of a run to the start of the next.")
    look_interval: Duration = Field(
        default="1h",
        validate_default=True,
        description="How often products and price schedules are listed and compared with what lists showed before: a "
        "light walk. It sees all but the inside of variants and stock that moves between places.",
    )
    walk_interval: Duration = Field(
        default="24h",
        validate_default=True,
        description="How often everything is read as a whole, for what no list shows.",
    )
    freshness: Duration = Field(
        default="2h",
        validate_default=True,
        description="What lists show is drift where it was compared longer ago than this; the rest: walkInterval more.",
    )
    max_open_problems: Annotated[int, Field(ge=0)] = Field(
        default=500, description="More open problems than this are drift."
    )
    max_held_back_percent: Annotated[float, Field(ge=0, le=100)] = Field(
        default=10,
        description="Problems that hold back more than this percentage of all records, and at least 3, are drift.",
    )
    max_delete_percent: Annotated[float, Field(ge=0, le=100)] = Field(
        default=10,
        description="A run that would discontinue more than this percentage of all products within 24 hours stops. "
        "At least one may be; 0: none.",
    )
    products: Annotated[ProductsSpec, _SECTION] | None = Field(
        default=None, description="Products with variants. Left out: they do not flow."
    )
    stock: Annotated[StockSpec, _SECTION] | None = Field(default=None, description="Stock. Left out: it does not flow.")
    pricing: Annotated[PricingSpec, _SECTION] | None = Field(
        default=None, description="Default prices. Left out: they do not flow."
    )
    on_remove: OnRemoveSpec | None = Field(
        default=None, description="What becomes of what it wrote once `state: absent` is applied."
    )
    currency: Annotated[CurrencyCode, _RE_SYNCS] | None = Field(
        default=None,
        description="ISO 4217: of prices without a currency while there is no price list, and of a list that is made.",
    )

    @field_validator("look_interval")
    @classmethod
    def _looks_less_often_than_it_runs(cls, text: str, info: ValidationInfo) -> str:
        if _is_shorter(text, info.data.get("interval")):
            raise BadValue(f"lookInterval ({text}) is shorter than interval", "Make it as long as interval, or longer.")
        return text

    @field_validator("walk_interval")
    @classmethod
    def _walks_less_often_than_it_looks(cls, text: str, info: ValidationInfo) -> str:
        look = info.data.get("look_interval")
        if _is_shorter(text, look):
            raise BadValue(
                f"walkInterval ({text}) is shorter than lookInterval ({look})",
                "Make it as long as lookInterval, or longer.",
            )
        return text

    @field_validator("freshness")
    @classmethod
    def _can_be_kept(cls, text: str, info: ValidationInfo) -> str:
        look = info.data.get("look_interval")
        if _is_shorter(text, look):
            raise BadValue(
                f"freshness ({text}) is shorter than lookInterval ({look}), so that data would be drift before it is "
                "compared again",
                "Make it longer: lookInterval, interval and the time that a run may take.",
            )
        return text
