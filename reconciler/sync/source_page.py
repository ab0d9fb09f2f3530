"""Page of a source, for data types whose records SparkLayer may pull."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from msgspec import Struct

RecordT = TypeVar("RecordT")


class SourcePage(Struct, Generic[RecordT], frozen=True):
    """Page of records, and the cursor of the next one as JSON data; None: it is the last."""

    records: list[RecordT]
    following: Any
