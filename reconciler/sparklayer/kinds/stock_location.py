"""StockLocation: a place that holds stock (`/api/v1/stock-locations`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from reconciler.kind.connection import Reader, Wire, Writer
from reconciler.kind.kind import Kind, Observed
from reconciler.kind.semantics import FieldSemantics, PathID, Risk
from reconciler.sparklayer.kinds.spec import SparkLayerSpec, as_wire, get_or_none, id_of, one
from reconciler.sparklayer.lists import whole_list

PATH = "api/v1/stock-locations"


class StockLocationSpec(SparkLayerSpec):
    """A stock location."""

    external_id: Annotated[PathID, FieldSemantics(identity=True)] | None = Field(
        default=None,
        alias="externalID",
        description="The source system's ID of this place, unique on the site. Left out: metadata.name.",
    )
    name: Annotated[str, Field(min_length=1)] = Field(description="Name shown to the merchant.")


class StockLocationKind(Kind[StockLocationSpec]):
    """A stock location, by external ID; one that was made without, by SparkLayer's own ID."""

    name = "StockLocation"
    api = "sparklayer"
    spec = StockLocationSpec
    summary = "A place that holds stock. Deleting it deletes the stock it holds."
    delete_risk = Risk.LOSES_DATA

    def live_id(self, name: str, state: Mapping[str, Any]) -> str:
        return str(state.get("externalID") or name)

    async def read(self, reader: Reader) -> Mapping[str, Wire]:
        return {id_of(wire, PATH, "external_id", "id"): wire for wire in await whole_list(reader, PATH)}

    async def read_one(self, reader: Reader, live_id: str) -> Wire | None:
        return await get_or_none(reader, one(PATH, live_id))

    async def create(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        return as_wire(await writer.post(PATH, {**body, "external_id": live_id}))

    async def update(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        return as_wire(await writer.patch(one(PATH, live_id), body))

    async def delete(self, writer: Writer, live_id: str) -> None:
        await writer.delete(one(PATH, live_id))

    def observe(self, live_id: str, wire: Wire) -> Observed:
        observed = super().observe(live_id, wire)
        # Without one of its own (null, or an empty text) it goes by SparkLayer's.
        return Observed(self.name, live_id, observed.state | {"externalID": live_id}, wire)
