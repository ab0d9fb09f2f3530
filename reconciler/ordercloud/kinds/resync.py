"""Resync: send a few records of one type again, once (`…/sync`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from reconciler.kind.request import Call, LiveObjects, RequestKind, RequestSpec
from reconciler.ordercloud.resync import INSTEAD, OPERATIONS, Operation, plural, remarks, shown
from reconciler.ordercloud.resync_types import ResyncType

_HOLE = "${"


class ResyncSpec(RequestSpec):
    """Records that are to be sent again."""

    type: ResyncType = Field(description="What the records are.")
    records: Annotated[
        list[Annotated[str, StringConstraints(max_length=201)]], Field(min_length=1, max_length=1000)
    ] = Field(
        description="Their IDs; those of buyerUsers, buyerUserGroups, categories, inventoryRecords and "
        "supplierUsers as PARENT/CHILD. All requests of a plan together: at most guardrails.resyncMax."
    )

    @model_validator(mode="after")
    def _are_ids_of_the_type(self) -> Self:
        operation = OPERATIONS[self.type]
        if any(_HOLE not in record and operation.refusal(record) is not None for record in self.records):
            raise ValueError(f"a record of {self.type} is written {operation.shape}")
        if len(set(self.records)) < len(self.records):
            raise ValueError("a record stands twice in records")
        return self


class ResyncKind(RequestKind[ResyncSpec]):
    """A request to send a few records of one type again."""

    name = "Resync"
    api = "ordercloud"
    spec = ResyncSpec
    summary = "A request, carried out once: a few records of one type are sent again to the sync's delivery target."
    instead = INSTEAD
    reads = ("ProductSync", "EntitySync", "DeliveryConfig")

    def does(self, state: Mapping[str, Any]) -> str:
        records = state["records"]
        return f"re-sync {plural(_operation(state), len(records))}: {shown(records)}"

    def steps(self, state: Mapping[str, Any]) -> Sequence[Call]:
        operation = _operation(state)
        return tuple(operation.call(record) for record in state["records"])

    def weight(self, state: Mapping[str, Any]) -> int:
        return len(state["records"])

    def needs(self, state: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return (_operation(state).sync,)

    def remarks(self, state: Mapping[str, Any], live: LiveObjects) -> Iterable[str]:
        return remarks(_operation(state), live)


def _operation(state: Mapping[str, Any]) -> Operation:
    return OPERATIONS[str(state["type"])]
