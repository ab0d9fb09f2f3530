"""PriceList: a list of prices and the rules it is derived by (`/api/v1/price-lists`). The prices are data, not this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.kind.connection import Reader, Wire, Writer
from reconciler.kind.kind import Kind, Observed, Refusal
from reconciler.kind.semantics import FieldSemantics, PathID, Risk, State, fields_of, from_wire
from reconciler.sparklayer.kinds.spec import SparkLayerSpec, as_wire, get_or_none, id_of, one
from reconciler.sparklayer.kinds.store import CurrencyCode
from reconciler.sparklayer.lists import all_price_lists
from reconciler.sparklayer.price_list_records import is_record

PATH = "api/v1/price-lists"


class PriceListRule(SparkLayerSpec):
    """One rule: prices follow those of another list."""

    source_price_list_slug: Annotated[str, FieldSemantics(references="PriceList", unmanaged=True)] = Field(
        description="metadata.name of the PriceList that prices come from, or the slug of one that no manifest names."
    )
    adjustment_percentage: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="How much to add or take off, as a fraction: 0.1 is ten percent."
    )
    adjustment_direction: Literal["plus", "minus"] = Field(default="minus", description="Add or take off.")
    currency_exchange_rate: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Rate from the source list's currency to this one's."
    )


class PriceListSpec(SparkLayerSpec):
    """A price list."""

    slug: Annotated[PathID, Field(max_length=30), FieldSemantics(identity=True, immutable=True)] | None = Field(
        default=None, description="Slug, unique on the site and fixed. Left out: metadata.name."
    )
    name: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="Name shown to the merchant.")
    currency_code: Annotated[CurrencyCode, FieldSemantics(risk=Risk.LOSES_DATA)] = Field(
        description="ISO 4217. Changing it gives the stored prices another currency without converting them."
    )
    source: Annotated[Literal["custom", "platform", "integration"], FieldSemantics(immutable=True)] = Field(
        default="custom", description="Who keeps it; integrations are meant to use integration. Fixed."
    )
    tax_inclusive_display: bool = Field(default=False, description="Show prices with tax.")
    rules: Annotated[list[PriceListRule], FieldSemantics(unordered=True, risk=Risk.RE_SYNCS)] = Field(
        default=[], description="Derive prices from other lists. Replaced as a whole."
    )


class PriceListKind(Kind[PriceListSpec]):
    """A price list, by slug."""

    name = "PriceList"
    api = "sparklayer"
    spec = PriceListSpec
    summary = "A price list with its rules; the prices in it are data. Deleting it deletes its prices."
    delete_risk = Risk.LOSES_DATA

    def live_id(self, name: str, state: Mapping[str, Any]) -> str:
        return str(state.get("slug") or name)

    async def read(self, reader: Reader) -> Mapping[str, Wire]:
        import asyncio  # validating needs no event loop

        listed = {id_of(wire, PATH, "slug"): wire for wire in await all_price_lists(reader)}
        # inferred: that entries of the list carry their rules as a single list does. Those that do not are read singly.
        bare = [slug for slug, wire in listed.items() if "rules" not in wire and not is_record(slug, wire)]
        for slug, wire in zip(bare, await asyncio.gather(*(self.read_one(reader, slug) for slug in bare)), strict=True):
            if wire is None:
                del listed[slug]  # deleted since it was listed
            else:
                listed[slug] = wire
        return listed

    async def read_one(self, reader: Reader, live_id: str) -> Wire | None:
        return await get_or_none(reader, one(PATH, live_id))

    async def create(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        return as_wire(await writer.post(PATH, {**body, "slug": live_id}))

    async def update(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        return as_wire(await writer.patch(one(PATH, live_id), body))

    async def delete(self, writer: Writer, live_id: str) -> None:
        # inferred: path and method; a third party's connector deletes price lists.
        await writer.delete(one(PATH, live_id))

    def observe(self, live_id: str, wire: Wire) -> Observed:
        observed = super().observe(live_id, wire)
        rules = [_rule(item) for item in wire.get("rules") or () if isinstance(item, dict)]
        return Observed(self.name, live_id, observed.state | {"rules": rules}, wire, is_record(live_id, wire))

    def refusals(
        self,
        desired: State,
        observed: Observed,
        changed: frozenset[str],
        ignored: frozenset[str],
    ) -> Iterable[Refusal]:
        """Refuse another currency: stored prices would keep their numbers."""
        if "currencyCode" in changed:
            yield Refusal(
                "loses-data",
                f"the prices stored in it would keep their numbers and be {desired['currencyCode']} instead of "
                f"{observed.state.get('currencyCode')}; override when it is empty or is filled again at once",
            )


def _rule(wire: Wire) -> State:
    """Return a live rule as a manifest would have it: defaults in, numbers as numbers."""
    rule = {"adjustmentPercentage": 0.0, "adjustmentDirection": "minus"} | from_wire(PriceListRule, wire)
    # inferred: these are numbers; elsewhere the API writes numbers as text, which is read as well.
    for name in ("adjustmentPercentage", "currencyExchangeRate"):
        if name in rule:
            rule[name] = _number(rule[name])
    return {name: rule[name] for name in fields_of(PriceListRule) if name in rule}


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
