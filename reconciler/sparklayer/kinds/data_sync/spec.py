"""Spec of a DataSync manifest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails

from reconciler.kind.semantics import FieldSemantics, Risk
from reconciler.manifest.explain import BadValue
from reconciler.manifest.texts import Duration
from reconciler.sparklayer.kinds.data_sync.common import RE_SYNCS, SCOPE, SECTION, RecordUrl
from reconciler.sparklayer.kinds.data_sync.mapping import MappingSpec
from reconciler.sparklayer.kinds.data_sync.spec_customers import CustomersSpec
from reconciler.sparklayer.kinds.data_sync.spec_orders import OrdersSpec
from reconciler.sparklayer.kinds.spec import SparkLayerSpec
from reconciler.sparklayer.kinds.store import CurrencyCode
from reconciler.words import parse_duration

PRICE_LIST = "ordercloud-price"
MODE = FieldSemantics(risk=Risk.STOPS_SYNC)
_PLACES = FieldSemantics(references="StockLocation", risk=Risk.RE_SYNCS, risk_gone=Risk.STOPS_SYNC)


def _is_shorter(text: str, interval: str | None) -> bool:
    """Whether a duration is shorter than the interval, where that is one."""
    return interval is not None and parse_duration(text) < parse_duration(interval)


class ProductsSpec(SparkLayerSpec):
    """Which products flow, and how they are mapped."""

    catalogs: (
        Annotated[
            list[Annotated[str, Field(min_length=1)]],
            Field(min_length=1),
            SCOPE,
        ]
        | None
    ) = Field(default=None, description="IDs of OrderCloud catalogs whose products flow. Left out: all products.")
    mapping: MappingSpec | None = Field(
        default=None, description="JMESPath over the source record, per value. Left out: the defaults."
    )
    ship_weight_unit: Annotated[Literal["g", "kg", "lb", "oz"], RE_SYNCS] = Field(
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

    price_list: Annotated[
        str,
        Field(min_length=1),
        FieldSemantics(references="PriceList", unmanaged=True, made_along=True, risk=Risk.RE_SYNCS),
    ] = Field(
        default=PRICE_LIST,
        description="metadata.name of the PriceList for default prices, or the slug of one that no manifest names: "
        "it is created with the DataSync.",
    )
    party_price_lists: Annotated[bool, RE_SYNCS] = Field(
        default=False,
        description="Whether price schedules of buyers and user groups become price lists of the customers' own.",
    )
    party_prices: Annotated[Literal["rules", "rows"], RE_SYNCS] = Field(
        default="rules",
        description="How such a list is complete: by a rule from the default list, with rows for what differs; or all "
        "rows are written.",
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
    heard_walk_interval: Duration | None = Field(
        default=None,
        description="How often everything is read while messages tell what no list shows: the syncs that send them are "
        "applied, enabled and not paused, messages come, and the last walk found nothing untold. Left out: as often as "
        "otherwise.",
    )
    freshness: Duration = Field(
        default="2h",
        validate_default=True,
        description="What lists show is drift where it was compared longer ago than this; the rest: walkInterval more.",
    )
    max_open_problems: Annotated[int, Field(ge=0)] = Field(
        default=500, description="More open problems of one data type than this are drift."
    )
    max_held_back_percent: Annotated[float, Field(ge=0, le=100)] = Field(
        default=10,
        description="Problems that hold back more than this percentage of all records of a data type, and at least 3, "
        "are drift.",
    )
    max_delete_percent: Annotated[float, Field(ge=0, le=100)] = Field(
        default=10,
        description="A run that would discontinue, deactivate or delete more than this percentage of all records of "
        "its data type within 24 hours stops. At least one may be; 0: none.",
    )
    products: Annotated[ProductsSpec, SECTION] | None = Field(
        default=None, description="Products with variants. Left out: they do not flow."
    )
    stock: Annotated[StockSpec, SECTION] | None = Field(default=None, description="Stock. Left out: it does not flow.")
    pricing: Annotated[PricingSpec, SECTION] | None = Field(
        default=None, description="Default prices. Left out: they do not flow."
    )
    customers: Annotated[CustomersSpec, SECTION] | None = Field(
        default=None, description="Buyer users, as customers. Left out: they do not flow."
    )
    orders: Annotated[OrdersSpec, SECTION] | None = Field(
        default=None, description="Orders that were placed through SparkLayer. Left out: they do not flow."
    )
    on_remove: OnRemoveSpec | None = Field(
        default=None, description="What becomes of what it wrote once `state: absent` is applied."
    )
    mode: Annotated[Literal["push", "pull", "both"], MODE] = Field(
        default="push",
        description="Who brings the records to the site. push: our runs. pull: SparkLayer pages through them by "
        "Ignite, and our runs send prices alone, of which it pulls none. both: one beside the other, for a change from "
        "one to the other.",
    )
    currency: Annotated[CurrencyCode, RE_SYNCS] | None = Field(
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

    @field_validator("heard_walk_interval")
    @classmethod
    def _walks_less_often_while_heard(cls, text: str | None, info: ValidationInfo) -> str | None:
        walk = info.data.get("walk_interval")
        if text is not None and _is_shorter(text, walk):
            raise BadValue(
                f"heardWalkInterval ({text}) is shorter than walkInterval ({walk})",
                "Make it as long as walkInterval, or longer, or leave it out.",
            )
        return text

    @field_validator("customers")
    @classmethod
    def _walks_customers_less_often_than_it_runs(
        cls, customers: CustomersSpec | None, info: ValidationInfo
    ) -> CustomersSpec | None:
        text = None if customers is None else customers.walk_interval
        if text is not None and _is_shorter(text, info.data.get("interval")):
            error = BadValue(f"{text} is shorter than interval", "Make it as long as interval, or longer.")
            # Raised so that it is told where it stands: the section itself is right.
            details = InitErrorDetails(type="value_error", loc=("walkInterval",), input=text, ctx={"error": error})
            raise ValidationError.from_exception_data("customers", [details])
        return customers

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
