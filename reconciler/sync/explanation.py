"""The explanation of one record: what it is mapped to, where the target differs, what a run would send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from reconciler.kind.connection import Json
from reconciler.sync.problem import RecordProblem


class Difference(Struct, frozen=True):
    """Value that the target has otherwise.

    Args:
        where: e.g. `variants[chair/oak].sku`, `CHAIR-OAK at warehouse-1`, `CHAIR-OAK from 10`.
        target: what it has; None: nothing.
        mapped: what it should have; None: nothing.
    """

    where: str
    target: Json
    mapped: Json


class PartExplanation(Struct, frozen=True):
    """Explanation of one part of a record.

    Args:
        part: which.
        mapped: every value that the target should have, by where it stands; None: the part must not be written.
        target: every value that it has.
        differences: where the two are not the same; none where the part must not be written.
        as_written: whether it is what was written last, by the ledger, so that a run that trusts it sends nothing.
        sends: what a run would send; None: nothing.
        removes: names of what a run would remove.
    """

    part: str
    mapped: Mapping[str, Json] | None
    target: Mapping[str, Json]
    differences: tuple[Difference, ...]
    as_written: bool
    sends: Json = None
    removes: tuple[str, ...] = ()


class Explanation(Struct, frozen=True):
    """Explanation of one record: what a run would do with it.

    Args:
        key: ID of the record.
        source: the record as it was read; None: it is gone.
        parts: those that flow.
        problems: what keeps something of it from going through.
        due: when the mapping changes by itself, in the source's clock; None: never.
        outside: it exists and left the scope, which is as if it were gone.
    """

    key: str
    source: Mapping[str, Any] | None
    parts: tuple[PartExplanation, ...]
    problems: tuple[RecordProblem, ...]
    due: datetime | None
    outside: bool = False
