"""Secrets in a text that is JSON: where in the text they stand, those of JSON inside of JSON included. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from reconciler.kind.telling import tells_of_entry, tells_of_member, tells_of_number

Span = tuple[int, int]
_DEEPEST = 60
_SPACE = re.compile(r"[ \t\r\n]*")
_CHARACTER = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL)
_ATOM = re.compile(r"[^\s,:\[\]{}\"]+")
_NO_SECRET = re.compile(r"true|false|null|-?[0-9][0-9.eE+-]{0,4}")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class _NoJson(Exception):
    pass


class _Text(Struct, frozen=True):
    """A string, or what stands where a value should: the value, and where each of its characters stands."""

    value: str
    places: tuple[int, ...]  # and where it ends
    is_short: bool = False  # a short number, a boolean or null


_Value = _Text | dict[str, "_Value"] | list["_Value"]


def spans_in_json(text: str, spans: Callable[[str], tuple[Span, ...]]) -> list[Span] | None:
    """Return where secrets stand in a JSON text, or None where it is none.

    Args:
        text: what may be JSON, with holes in it where a reference stands.
        spans: finds the secrets in a text that is the value of a member.
    """
    try:
        value, end = _read(text, _skip(text, 0), 0)
    except _NoJson:
        return None
    return list(_secrets(value, spans)) if _skip(text, end) == len(text) else None


def _secrets(
    value: _Value, spans: Callable[[str], tuple[Span, ...]], *, whole: bool = False, digits: bool = False
) -> Iterator[Span]:
    if isinstance(value, dict):
        beside = {name: item.value if isinstance(item, _Text) else None for name, item in value.items()}
        for name, item in value.items():
            tells = tells_of_member(name, beside)
            yield from _secrets(item, spans, whole=whole or tells, digits=digits or tells_of_number(name))
    elif isinstance(value, list):
        entries = [item.value if isinstance(item, _Text) else None for item in value]
        for index, item in enumerate(value):
            yield from _secrets(item, spans, whole=whole or tells_of_entry(entries, index), digits=digits)
    elif value.is_short:
        if digits and value.value[-1].isdigit():
            yield value.places[0], value.places[-1]
    elif whole:
        if value.value:
            yield value.places[0], value.places[-1]
    else:
        yield from ((value.places[start], value.places[end]) for start, end in spans(value.value))


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _read(text: str, at: int, depth: int) -> tuple[_Value, int]:
    """Return the value that begins at a place, and where it ends."""
    if depth > _DEEPEST:
        raise _NoJson
    opening = text[at : at + 1]
    if opening == '"':
        return _read_string(text, at + 1)
    if opening == "{":
        return _read_object(text, at, depth)
    if opening == "[":
        return _read_list(text, at, depth)
    atom = _ATOM.match(text, at)
    if atom is None:
        raise _NoJson
    # Booleans and null are never taken for secrets, short numbers where the name says so.
    return _Text(atom[0], tuple(range(at, atom.end() + 1)), _NO_SECRET.fullmatch(atom[0]) is not None), atom.end()


def _read_object(text: str, at: int, depth: int) -> tuple[_Value, int]:
    members: dict[str, _Value] = {}
    at = _skip(text, at + 1)
    while text[at : at + 1] == '"':
        name, at = _read_string(text, at + 1)
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            raise _NoJson
        value, at = _read(text, _skip(text, at + 1), depth + 1)
        # Of a name that is there twice both values count.
        members[name.value] = [members[name.value], value] if name.value in members else value
        at = _after_comma(text, at)
    if text[at : at + 1] != "}":
        raise _NoJson
    return members, at + 1


def _read_list(text: str, at: int, depth: int) -> tuple[_Value, int]:
    items: list[_Value] = []
    at = _skip(text, at + 1)
    while text[at : at + 1] not in ("]", ""):
        item, at = _read(text, at, depth + 1)
        items.append(item)
        at = _after_comma(text, at)
    if text[at : at + 1] != "]":
        raise _NoJson
    return items, at + 1


def _after_comma(text: str, at: int) -> int:
    """Return where the next entry begins, or where the container is closed."""
    at = _skip(text, at)
    if text[at : at + 1] == ",":
        return _skip(text, at + 1)
    if text[at : at + 1] not in ("]", "}"):
        raise _NoJson
    return at


def _read_string(text: str, at: int) -> tuple[_Text, int]:
    characters: list[str] = []
    places: list[int] = []
    while True:
        found = _CHARACTER.match(text, at)
        if found is None:
            raise _NoJson
        places.append(at)
        if found[0] == '"':
            return _Text("".join(characters), tuple(places)), found.end()
        characters.append(_decoded(found[0]))
        at = found.end()


def _decoded(character: str) -> str:
    if len(character) == 1:
        return character
    if character[1] == "u":
        return chr(int(f"0x{character[2:]}", 0))
    return _ESCAPES.get(character[1], character[1])
