"""SyncRun: have a data sync run in a certain way, once, or read some records anew. Whoever runs it, does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from reconciler.kind.request import RequestKind, RequestSpec, Wish
from reconciler.kind.semantics import FieldSemantics
from reconciler.words import counted

_PRODUCTS: Literal["products"] = "products"
_MODES = {
    "full": "a full sync: all is read, and what differs from what was written is written",
    "verify": "a full sync that reads the target too, and repairs it",
    "rewrite": "a full sync that writes everything",
}
RecordID = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}([/.][A-Za-z0-9_-]{1,100})?$")]


class SyncRunSpec(RequestSpec):
    """A run of a data sync: one in a certain mode, or some records."""

    data_sync: Annotated[str, FieldSemantics(references="DataSync")] = Field(
        description="metadata.name of the DataSync."
    )
    data_type: Literal["products", "party-prices", "customers", "orders"] = Field(
        default=_PRODUCTS, description="Which of its data types."
    )
    mode: Literal["full", "verify", "rewrite"] | None = Field(
        default=None,
        description="full trusts what was written, verify reads the target too, rewrite writes everything; or records.",
    )
    records: Annotated[list[RecordID], Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="IDs of records, or of variants, as `sync errors` has them: only these are read anew."
    )

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.mode is None) == (self.records is None):
            raise ValueError("write mode or records, one of the two")
        return self


class SyncRunKind(RequestKind[SyncRunSpec]):
    """A request for a run of a data sync."""

    name = "SyncRun"
    api = "sparklayer"
    spec = SyncRunSpec
    summary = (
        "A request, carried out once: a run of a DataSync is wanted from then on, and whatever runs it (`sync run`, "
        "`sync watch`) does it next."
    )

    def does(self, state: Mapping[str, Any]) -> str:
        of = "" if _type(state) == _PRODUCTS else f"{_type(state)} of "
        if state.get("mode") is not None:
            return f"have the data sync of {of}{state['dataSync']} run {_MODES[state['mode']]}"
        keys = _keys(state)
        more = f" and {len(keys) - 5:,} more" if len(keys) > 5 else ""
        named = ", ".join(keys[:5])
        return f"have the data sync of {of}{state['dataSync']} read {counted(len(keys), 'record')} anew: {named}{more}"

    def steps(self, state: Mapping[str, Any]) -> Sequence[Wish]:
        mode, keys = state.get("mode"), _keys(state)
        what = f"a run in mode {mode} is" if mode is not None else f"the records {', '.join(keys)} are"
        return (Wish(str(state["dataSync"]), (_type(state),), mode, keys, f"note in the ledger that {what} wanted"),)

    def needs(self, state: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return (("DataSync", str(state["dataSync"])),)


def _keys(state: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the records that external IDs belong to, each once."""
    return tuple(dict.fromkeys(str(record).partition("/")[0] for record in state.get("records") or ()))


def _type(state: Mapping[str, Any]) -> str:
    return str(state.get("dataType", _PRODUCTS))
