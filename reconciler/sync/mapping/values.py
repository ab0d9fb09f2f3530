"""Values of a source record as texts, numbers, dates; what they may be stands in docs/sync.md. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Generic, TypeVar

from msgspec import Struct

ValueT = TypeVar("ValueT")
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ].*)?", re.DOTALL)
_MAX_SHOWN = 60
# Longer ones are of no use and slow to turn into digits.
_MAX_BITS = 512
EMPTY: Mapping[str, Any] = {}


class Misfit(Exception):
    """A value of the wrong kind.

    Args:
        value: what it is.
        external_id: of the product or variant where it stands; empty: not known yet.
    """

    def __init__(self, value: Any, external_id: str = "") -> None:
        super().__init__(value)
        self.value = value
        self.external_id = external_id

    @property
    def shown(self) -> str:
        """The value for messages: short, on one line, in quotes where it is text."""
        return shown(self.value)


class View(Struct, frozen=True):
    """A product or variant as the mapping looks at it.

    Args:
        external_id: its ID in the sync log.
        data: its members.
    """

    external_id: str
    data: Mapping[str, Any]

    @property
    def xp(self) -> Mapping[str, Any]:
        """Its extended properties; none where they are no object."""
        return mapping(self.data.get("xp"))


class Found(Struct, Generic[ValueT], frozen=True):
    """A value and the external ID of the product or variant where it stands."""

    value: ValueT
    external_id: str


def first(
    views: Iterable[View], get: Callable[[View], Any], convert: Callable[[Any], ValueT | None]
) -> Found[ValueT] | None:
    """Return the value of the first view that has one.

    Raises:
        Misfit: that value is of the wrong kind.
    """
    for view in views:
        try:
            value = convert(get(view))
        except Misfit as misfit:
            raise Misfit(misfit.value, view.external_id) from None
        if value is not None:
            return Found(value, view.external_id)
    return None


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else EMPTY


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """Return a text with the white space at its ends cut off, or None for null and for an empty one.

    Raises:
        Misfit: it is neither text nor number.
    """
    if value is None:
        return None
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped.isascii() and not _is_sendable(stripped):
            raise Misfit(value)
        return stripped or None
    return plain(_number(value))


def text_or_none(value: Any) -> str | None:
    """Return a text, or None where it is anything else."""
    try:
        return text(value)
    except Misfit:
        return None


def number(value: Any) -> Decimal | None:
    """Return a number, from a text too, or None for null and for an empty text.

    Raises:
        Misfit: it is none.
    """
    if value is None:
        return None
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped:
            return None
        if _NUMBER.fullmatch(stripped) is None:
            raise Misfit(value)
        return Decimal(stripped) or Decimal(0)
    return _number(value)


def json_number(value: Any) -> Decimal | None:
    """Return a JSON number, or None where it is anything else."""
    try:
        return _number(value)
    except Misfit:
        return None


def whole(value: Any) -> int | None:
    """Return a whole JSON number, or None where it is anything else."""
    if type(value) is int and value.bit_length() <= _MAX_BITS:
        return value
    found = json_number(value)
    return int(found) if found is not None and found == found.to_integral_value() else None


def calendar_date(value: Any) -> date | None:
    """Return the date that a text begins with, or None for null and for an empty text.

    Raises:
        Misfit: it begins with none.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    found = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        return date.fromisoformat(found[1]) if found is not None else _refuse(value)
    except ValueError:
        raise Misfit(value) from None


def moment(value: Any) -> datetime | None:
    """Return a time; one without an offset is UTC. None for null and for an empty text.

    Raises:
        Misfit: it is none.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise Misfit(value)
    try:
        found = datetime.fromisoformat(value.strip())
        return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Misfit(value) from None


def rounded(value: Decimal, places: int) -> Decimal:
    """Return a number of at most 12 digits before the point rounded to so many after it, halves up."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def plain(value: Decimal) -> str:
    """Return a number as digits: `12.5`, `123`, never `1E+3`."""
    digits = format(value, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def wire_number(value: Decimal) -> int | float:
    """Return a number as JSON has it."""
    return int(value) if value == value.to_integral_value() else float(value)


def shown(value: Any) -> str:
    """Return a value for messages: short, on one line, in quotes where it is text."""
    if isinstance(value, str):
        line = " ".join(value.encode(errors="replace").decode().split())
        return f'"{line if len(line) <= _MAX_SHOWN else line[: _MAX_SHOWN - 1] + "…"}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return "a number of very many digits"
    return "null" if value is None else str(value)[:_MAX_SHOWN]


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise Misfit(value)
    if isinstance(value, int) and value.bit_length() <= _MAX_BITS:
        return Decimal(value)
    if isinstance(value, float) and math.isfinite(value):
        # The shortest text that means this number: 0.1, not its binary neighbour.
        return Decimal(repr(value)) or Decimal(0)
    raise Misfit(value)


def _is_sendable(value: str) -> bool:
    """Whether a text can be written as UTF-8; a lone half of a surrogate pair cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(value: Any) -> date:
    raise Misfit(value)
