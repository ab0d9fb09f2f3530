"""JSON bodies, encoded and decoded: secrets are revealed only here, at the last moment before they are sent."""

from __future__ import annotations

import codecs
import json
import math
from typing import Any

import orjson

from reconciler.errors import ReconcilerError, Rejected
from reconciler.http.redact import Redactor
from reconciler.kind.connection import Json
from reconciler.secret import Secret

# A value takes up to some hundred bytes of memory and may have two in the body. No list that we ask for comes near.
_MOST_VALUES = 3_000_000
# What orjson writes may be nested in 254 levels, and what we write stands inside of documents of ours.
_DEEP, _MARGIN = 200, 24
# No 64 bits have more, sign included.
_DIGITS = 20


class UnusableJson(ValueError):
    """JSON that is right and more than we take; the message follows `the answer`."""


def encode(body: Json, redactor: Redactor) -> bytes:
    """Return the body as JSON. Every `Secret` in it is revealed and remembered by the redactor.

    Raises:
        SecretUnset: a secret in the body has no value.
        Rejected: a text in it holds half a character (a lone surrogate), or a whole number more than 64 bits, which no
            API can be sent.
    """

    def reveal(value: Any) -> str:
        if not isinstance(value, Secret):
            raise TypeError(f"{type(value).__name__} is not JSON")
        revealed = value.reveal()
        for part in value.parts:
            redactor.add(part)
        return revealed

    try:
        return orjson.dumps(body, default=reveal)
    except orjson.JSONEncodeError as error:
        # orjson wraps what the hook raises; the user needs the reason.
        if isinstance(error.__cause__, ReconcilerError):
            raise error.__cause__ from None
        if _has_number_beyond_64_bits(body):
            raise Rejected(
                "a whole number that should be sent has more than 64 bits",
                status=400,
                next_step="Correct the number where it comes from, or write it as text.",
            ) from None
        if _is_unicode(body):
            raise
        # What an API would answer to it: so it is a problem of the record that is sent.
        raise Rejected(
            "a text that should be sent holds half a character",
            status=400,
            next_step="Correct the text where it comes from.",
        ) from None


def _has_number_beyond_64_bits(value: Json) -> bool:
    if isinstance(value, dict):
        return any(map(_has_number_beyond_64_bits, value.values()))
    if isinstance(value, list):
        return any(map(_has_number_beyond_64_bits, value))
    return isinstance(value, int) and not -(2**63) <= value < 2**64


def decode(content: bytes) -> Json:
    """Return the decoded body, None for an empty one. A byte order mark is skipped.

    Raises:
        UnusableJson: it is nested too deeply, or holds too many values.
        ValueError: it is no JSON.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content.strip():
        return None
    _check_size(content)
    body = orjson.loads(content)
    _check_depth(content, body)
    return body


def decode_leniently(content: bytes) -> Json:
    """Return a decoded body that `decode` refuses for some texts or numbers in it. It is slower.

    Lone surrogates stand for what is no Unicode, and control characters for themselves; a number that is none
    (infinite, NaN) comes as its text.

    Raises:
        ValueError: it is no JSON all the same.
    """
    _check_size(content)
    text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    try:
        return json.loads(text, strict=False, parse_constant=str, parse_int=number, parse_float=number)
    except RecursionError:
        raise UnusableJson("is nested too deeply") from None


def _check_size(content: bytes) -> None:
    """Refuse what would take far more memory than it has bytes."""
    if sum(map(content.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise UnusableJson("holds too many values")


def _check_depth(content: bytes, body: Json) -> None:
    """Refuse what is nested so deeply that it could not be sent back, nor a digest be made of it."""
    if content.count(b"[") + content.count(b"{") < _DEEP:
        return
    for _ in range(_MARGIN):
        body = [body]
    try:
        orjson.dumps(body)
    except TypeError:
        raise UnusableJson("is nested too deeply") from None


def number(text: str) -> int | float | str:
    """Read a number as `decode` does: what 64 bits cannot hold is a float, and here a text what no float can hold."""
    if text.lstrip("-").isdigit() and len(text) <= _DIGITS and -(2**63) <= (whole := int(text)) < 2**64:
        return whole
    read = float(text)
    return read if math.isfinite(read) else text


def _is_unicode(body: Json) -> bool:
    try:
        json.dumps(body, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True
