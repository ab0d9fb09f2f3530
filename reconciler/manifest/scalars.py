"""Plain YAML scalars and their values, by the YAML 1.2 core schema.

Only true and false are booleans (`yes`, `on` are strings), nothing is a date, nothing is a sexagesimal number.
"""

from __future__ import annotations

import math
import re
from typing import Any

from reconciler.manifest.limits import MAX_NUMBER, MAX_SCALAR

STRING_TAG = "tag:yaml.org,2002:str"
_CORE_TAGS: dict[str, type] = {
    "!": str,
    STRING_TAG: str,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:bool": bool,
    "tag:yaml.org,2002:null": type(None),
}
MAP_TAG = "tag:yaml.org,2002:map"
LIST_TAG = "tag:yaml.org,2002:seq"
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+", re.ASCII)
_LEADING_ZERO = re.compile(r"0[0-9]+(\.[0-9]*)?$", re.ASCII)
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_QUOTE = "Put it in quotes if it is text; else write a number that fits."
_SHORTEN = "Shorten it: no field takes so much."
_NUMBER_START = frozenset("0123456789+-.")


class BadScalar(ValueError):
    """A scalar that cannot stand in a manifest; the message says why, `hint` what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def plain_value(text: str) -> Any:
    """Return the value of a plain scalar.

    Raises:
        BadScalar: it is too long, or a number that JSON cannot hold.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        if len(text) > MAX_SCALAR:
            raise BadScalar(f"is longer than {MAX_SCALAR:,} characters", _SHORTEN)
        return text
    return _number(text)


def _number(text: str) -> Any:
    if _LEADING_ZERO.match(text):
        raise BadScalar(
            "begins with 0, as a postcode or an article number does; as a number it would lose that", _QUOTE
        )
    if _INT.fullmatch(text):
        return int(_bounded(text))
    if _BASED.fullmatch(text):
        return int(_bounded(text), 0)
    if _FLOAT.fullmatch(text):
        value = float(_bounded(text))
        if math.isinf(value):
            raise BadScalar("is too large for a number", _QUOTE)
        return value
    if _NOT_FINITE.fullmatch(text):
        raise BadScalar("is a number that JSON does not have", _QUOTE)
    if len(text) > MAX_SCALAR:
        raise BadScalar(f"is longer than {MAX_SCALAR:,} characters", _SHORTEN)
    return text


def _bounded(text: str) -> str:
    if len(text) > MAX_NUMBER:
        raise BadScalar(f"is a number of more than {MAX_NUMBER} digits", _QUOTE)
    return text


def tagged_value(tag: str, text: str) -> Any:
    """Return the value of a scalar with an explicit core tag.

    Raises:
        BadScalar: the tag is not one of the core schema, or the text does not fit it.
    """
    wanted = _CORE_TAGS.get(tag)
    if wanted is None:
        raise BadScalar(f"has the tag {tag[:60]}; manifests are plain data", "Remove the tag.")
    if wanted is str:
        if len(text) > MAX_SCALAR:
            raise BadScalar(f"is longer than {MAX_SCALAR:,} characters", _SHORTEN)
        return text
    value = plain_value(text)
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise BadScalar(f"does not fit its tag {tag.rpartition(':')[2]}", "Remove the tag, or mend the value.")
    return value
