"""Page of a source, for data types whose records SparkLayer may pull."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

RecordT = TypeVar("RecordT")


@dataclass(frozen=True, slots=True)
class SourcePage(Generic[RecordT]):
    """Page of records, and the cursor of the next one as JSON data; None: it is the last."""

    records: list[RecordT]
    following: Any
