"""CustomerGroup: a tree of groups (`/api/v1/customer-groups`). The API lists and creates them, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from reconciler.kind.connection import Reader, Wire, Writer
from reconciler.kind.kind import Kind
from reconciler.kind.semantics import FieldSemantics, PathID
from reconciler.sparklayer.kinds.spec import SparkLayerSpec, id_of, impossible
from reconciler.sparklayer.lists import whole_list

PATH = "api/v1/customer-groups"
BASE = "base"


class CustomerGroupSpec(SparkLayerSpec):
    """A customer group."""

    slug: Annotated[PathID, FieldSemantics(identity=True, immutable=True)] | None = Field(
        default=None, description="Slug, unique on the site and fixed. Left out: metadata.name."
    )
    name: Annotated[str, Field(min_length=1), FieldSemantics(immutable=True)] = Field(
        description="Name shown to the merchant. The API cannot change it afterwards."
    )
    parent: Annotated[
        str, FieldSemantics(references="CustomerGroup", unmanaged=True, immutable=True, wire="parent_slug")
    ] = Field(
        default=BASE,
        description="metadata.name of the CustomerGroup above it, or the slug of one that no manifest names. "
        "The API cannot change it afterwards.",
    )


class CustomerGroupKind(Kind[CustomerGroupSpec]):
    """A customer group, by slug. `base`, the root, is there from the start."""

    name = "CustomerGroup"
    api = "sparklayer"
    spec = CustomerGroupSpec
    summary = "A group of customers below another one. The API can create it, and neither change nor delete it."
    deletable = False
    built_in = frozenset({BASE})

    def live_id(self, name: str, state: Mapping[str, Any]) -> str:
        return str(state.get("slug") or name)

    async def read(self, reader: Reader) -> Mapping[str, Wire]:
        return {id_of(wire, PATH, "slug"): wire for wire in await whole_list(reader, PATH)}

    async def read_one(self, reader: Reader, live_id: str) -> Wire | None:
        return (await self.read(reader)).get(live_id)

    async def create(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        answer = await writer.post(PATH, {**body, "slug": live_id})
        # documented: it answers the complete list.
        groups = answer if isinstance(answer, list) else []
        return next((group for group in groups if isinstance(group, dict) and group.get("slug") == live_id), None)

    async def update(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        raise impossible("change a customer group")

    async def delete(self, writer: Writer, live_id: str) -> None:
        raise impossible("delete a customer group")
