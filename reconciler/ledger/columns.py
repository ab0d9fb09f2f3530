"""Types of the ledger's columns: what each keeps, as every database takes it, and a check of what is read.

A ledger is a file or a server that others may write to. What no version of reconciler wrote is refused where it is
read, so nothing behind it has to expect it.
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

from sqlalchemy import Integer, LargeBinary, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_Value = TypeVar("_Value")

_MOST = 2**63
_NO_PAST = 9000
_ESCAPE = "\x1a"
_ODD = re.compile("[\0\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")
# Kept, as `json.dumps` makes one each time where it is not to write as it does by default.
_as_compact_json = json.JSONEncoder(separators=(",", ":")).encode


class DamagedValue(Exception):
    """A value that no version of reconciler wrote. Its text is the column, never the value."""


class Checked(TypeDecorator[_Value]):
    """A column whose values are checked when they are read.

    Args:
        optional: there may be none.
    """

    impl: type[TypeEngine[Any]] = Text
    cache_ok = True
    of: ClassVar[type] = str
    """Type of what the database gives."""

    column = "a column"
    """Table and name, for people."""

    def __init__(self, *, optional: bool = False) -> None:
        super().__init__()
        self.optional = optional

    @abstractmethod
    def decoded(self, value: Any) -> _Value:
        """Turn what the database gives into a value; ValueError, OverflowError or RecursionError where it is none."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], _Value | None]:  # noqa: ARG002
        """Return the check. What the database's own type would make of a value is not asked: `bytes(10**10)` is one."""
        of, decoded = self.of, self.decoded

        def process(value: Any) -> _Value | None:
            if type(value) is of:
                try:
                    return decoded(value)
                except (ValueError, OverflowError, RecursionError):
                    pass
            elif value is None and self.optional:
                return None
            raise DamagedValue(self.column)

        return process


class Number(Checked[int]):
    """A count, a revision or an ID: no number of ours is below zero."""

    cache_ok = True
    impl = Integer
    of = int

    def decoded(self, value: int) -> int:
        """Refuse what is below zero."""
        if value < 0:
            raise ValueError
        return value


class Digest(Checked[bytes]):
    """Bytes of a fingerprint."""

    cache_ok = True
    impl = LargeBinary
    of = bytes

    def decoded(self, value: bytes) -> bytes:
        """Take it as it is."""
        return value


class Moment(Checked[datetime]):
    """A timezone-aware moment, kept as ISO 8601 in UTC: the same text on every database, and it sorts."""

    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Turn a moment into text."""
        if value is None:
            return None
        return (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat(timespec="microseconds")

    def decoded(self, value: str) -> datetime:
        """Turn text into a moment."""
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not UTC:
            raise ValueError
        return moment


class Past(Moment):
    """A moment at which something happened: far enough from the ends of the calendar to count from it."""

    cache_ok = True

    def decoded(self, value: str) -> datetime:
        """Turn text into a moment."""
        moment = super().decoded(value)
        if not 1 < moment.year < _NO_PAST:
            raise ValueError
        return moment


class Words(Checked[str]):
    """Any text of Python's, kept so that every database takes it: NULs and lone surrogates are escaped."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Escape what a database may refuse, and the escape itself."""
        return None if value is None else _escaped(value)

    def decoded(self, value: str) -> str:
        """Turn it back."""
        return value if _ESCAPE not in value else _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)


class ListOfWords(TypeDecorator[Sequence[str]]):
    """Texts as `Words` keeps them, in one parameter of a statement: a JSON list, which the statement unfolds."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str:  # noqa: ARG002
        """Turn texts into a list of them."""
        return json.dumps([_escaped(each) for each in value or ()], ensure_ascii=False)


class JsonData(Checked[dict[str, Any]]):
    """A JSON object as text in ASCII, which every database takes whatever is in it."""

    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str:  # noqa: ARG002
        """Turn an object into text."""
        return json.dumps(value)

    def decoded(self, value: str) -> dict[str, Any]:
        """Turn text into an object."""
        return _object(json.loads(value), object)


class Counts(JsonData):
    """Numbers by name, of 64 bits at most as all that count."""

    cache_ok = True

    def decoded(self, value: str) -> dict[str, Any]:
        """Turn text into numbers by name."""
        counts = _object(json.loads(value), int)
        if any(abs(number) >= _MOST for number in counts.values()):
            raise ValueError
        return counts


class Reasons(JsonData):
    """Texts by name."""

    cache_ok = True

    def decoded(self, value: str) -> dict[str, Any]:
        """Turn text into texts by name."""
        return _object(json.loads(value), str)


class JsonText(Checked[dict[str, Any]]):
    """A JSON object as text, `{}` as the empty text: so that a query can tell whether there is anything in it."""

    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Turn an object into text."""
        if value is None:
            return None
        return _as_compact_json(value) if value else ""

    def decoded(self, value: str) -> dict[str, Any]:
        """Turn text into an object."""
        return _object(json.loads(value), object) if value else {}


class Prints(Checked[dict[str, bytes]]):
    """Fingerprints by part as text, `part=hex` in order; a part in doubt has no hex. None at all: the empty text."""

    cache_ok = True

    def process_bind_param(self, value: Mapping[str, bytes] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Turn fingerprints into text."""
        return None if value is None else " ".join(f"{part}={value[part].hex()}" for part in sorted(value))

    def decoded(self, value: str) -> dict[str, bytes]:
        """Turn text into fingerprints."""
        pairs = (entry.partition("=") for entry in value.split())
        return {part: bytes.fromhex(digest) for part, _, digest in pairs}


def _escaped(text: str) -> str:
    return text if _ODD.search(text) is None else _ODD.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", text)


def _object(data: Any, of: type) -> dict[str, Any]:
    if not isinstance(data, dict) or (of is not object and not all(isinstance(value, of) for value in data.values())):
        raise ValueError
    return data
