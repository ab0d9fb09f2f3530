"""Bad records of a list: found and described one by one, so that one of them does not stop all the others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import orjson
from msgspec import Struct

from reconciler.errors import UnexpectedAnswer
from reconciler.kind.connection import Json, Wire

# documented: an ID has 100 characters at most, letters, digits, - and _. What is refused here is what no path and no
# filter can name, whatever else live IDs may hold.
_LONGEST_ID = 1_000
_UNNAMEABLE = re.compile(r"[|*]|^[!<>]")
_SHOWN = 100


class BadRecord(Struct, frozen=True):
    """A record of a list that cannot be used.

    Args:
        path: the list, e.g. `products`.
        position: its place on the page that it came on, from 1.
        id: its ID as plain text: as it is where it is one, else escaped; never half a character.
        has_id: whether `id` is the record's ID, and not what stands in its place.
        label: its Name as plain text, empty where it has none.
        reason: what is wrong with it, for people.
    """

    path: str
    position: int
    id: str
    has_id: bool
    label: str
    reason: str

    @property
    def key(self) -> str:
        """Key of the record in ledger and logs: its ID, or where it has none something that no ID can be."""
        return self.id if self.has_id else f"({self.id}{': ' if self.label else ''}{self.label})"


Report = Callable[[BadRecord], None]
"""Is told of every record that cannot be used. It must not raise; the same record may come several times."""


def ignored(_record: BadRecord) -> None:
    """Ignore a bad record: another list reports the same one, or nobody can miss it."""


def has_no_id(key: str) -> bool:
    """Whether a key is that of a bad record without an ID, so that nothing can be asked for by it."""
    return key.startswith("(")


def escaped(value: Json) -> str:
    """Return any JSON value as short plain text: what is no whole character is escaped."""
    text = value if isinstance(value, str) else json.dumps(value, default=repr)
    return text[:_SHOWN].encode("utf-8", "backslashreplace").decode()


def id_flaw(value: Json) -> str | None:
    """Return why a value is no ID that a path and a filter can name, or None where it is one."""
    if value is None or value == "":
        return "it has no ID"
    if not isinstance(value, str):
        return f"its ID is no text: {escaped(value)}"
    if not _is_whole(value):
        return f"its ID holds half a character: {escaped(value)}"
    nowhere = any(part in ("", ".", "..") for part in value.split("/"))
    if nowhere or len(value) > _LONGEST_ID or _UNNAMEABLE.search(value) or not value.isprintable():
        return f"nothing can be asked for by its ID: {escaped(value)}"
    return None


def usable(path: str, items: Iterable[Wire], report: Report | None) -> list[Wire]:
    """Return the objects that have an ID which can be asked for, and report the others.

    Args:
        path: the list that they came in.
        items: the objects of a page.
        report: is told; None: they are an error.

    Raises:
        UnexpectedAnswer: one has none, and nobody is to be told.
    """
    found: list[Wire] = []
    for position, item in enumerate(items, start=1):
        reason = id_flaw(item.get("ID"))
        if reason is None:
            found.append(item)
            continue
        if report is None:
            raise UnexpectedAnswer(
                f"GET {path}: an entry cannot be used: {reason}",
                request=f"GET {path}",
                next_step="Look at it in the portal, and give it an ID of letters, digits, - and _.",
            )
        report(bad_record(path, item, reason, position))
    return found


def bad_record(path: str, item: Wire, reason: str, position: int = 0) -> BadRecord:
    """Return the bad record, with its ID and what is wrong with it.

    Args:
        path: the list that it stands in.
        item: the record.
        reason: what is wrong with it.
        position: its place on its page; 0: not known any more.
    """
    name, label = item.get("ID"), item.get("Name")
    return BadRecord(
        path, position, escaped(name), id_flaw(name) is None, escaped(label) if isinstance(label, str) else "", reason
    )


def flaw_of(record: Json, shape: Any) -> str | None:
    """Return what is wrong with a record, or None: a member of another type than is documented, or half a character.

    Args:
        record: as the API gave it, with what was put together.
        shape: its TypedDict; any member may be missing or null, and have more members than it names.
    """
    wrong = _checker(shape)(record)
    if wrong is not None:
        return wrong.removeprefix(".") if wrong[0] in ".[" else f"it{wrong}"
    return _broken_text(record)


_Check = Callable[[Json], str | None]
_WORDS: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "text"),
    bool: ((bool,), "true or false"),
    int: ((int, float), "a number"),
    float: ((int, float), "a number"),
}


@cache
def _checker(hint: Any) -> _Check:
    """Return what checks a value against a type of `records.py`; it says where below the value and what, or None."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _checker(_without_none(hint))
    if is_typeddict(hint):
        hints = get_type_hints(hint)
        return _object_checker({name: (_exact(inner), _checker(inner)) for name, inner in hints.items()})
    if origin is list:
        return _list_checker(_checker(get_args(hint)[0]))
    if origin is dict:
        return _object_checker({})
    if hint in _WORDS:
        return _plain_checker(*_WORDS[hint])
    return lambda _value: None


def _without_none(hint: Any) -> Any:
    [hint] = [each for each in get_args(hint) if each is not type(None)]
    return hint


def _exact(hint: Any) -> frozenset[type]:
    """Return the types of values that need no further check: all of JSON but for lists and objects."""
    if get_origin(hint) in (Union, UnionType):
        hint = _without_none(hint)
    return frozenset(_WORDS[hint][0]) if hint in _WORDS else frozenset()


def _object_checker(members: dict[str, tuple[frozenset[type], _Check]]) -> _Check:
    def check(value: Json) -> str | None:
        if not isinstance(value, dict):
            return " is not an object"
        for name, (fitting, inner) in members.items():
            held = value.get(name)
            # Nearly all are nothing, or of a type that fits.
            if held is not None and type(held) not in fitting and (wrong := inner(held)) is not None:
                return f".{name}{wrong}"
        return None

    return check


def _list_checker(each: _Check) -> _Check:
    def check(value: Json) -> str | None:
        if not isinstance(value, list):
            return " is not a list"
        for place, item in enumerate(value):
            if (wrong := each(item)) is not None:
                return f"[{place}]{wrong}"
        return None

    return check


def _plain_checker(types: tuple[type, ...], words: str) -> _Check:
    takes_booleans = bool in types

    def check(value: Json) -> str | None:
        fits = isinstance(value, types) and (takes_booleans or not isinstance(value, bool))
        return None if fits else f" is not {words}"

    return check


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _broken_text(record: Json) -> str | None:
    """Return where half a character stands, or None. Whole records, nearly all of them, cost one pass in C."""
    try:
        orjson.dumps(record)
    except orjson.JSONEncodeError:
        return _where_broken(record, "") or "it is nested too deeply"
    return None


def _where_broken(value: Json, path: str) -> str | None:
    waiting: list[tuple[Json, str]] = [(value, path)]
    while waiting:
        held, where = waiting.pop()
        if isinstance(held, str) and not _is_whole(held):
            return f"{where or 'it'} holds half a character: {escaped(held)}"
        if isinstance(held, dict):
            if broken := next((name for name in held if not _is_whole(name)), None):
                return f"{where or 'it'} has a member whose name holds half a character: {escaped(broken)}"
            waiting += [(inner, f"{where}.{name}" if where else name) for name, inner in held.items()]
        elif isinstance(held, Sequence) and not isinstance(held, str):
            waiting += [(inner, f"{where}[{place}]") for place, inner in enumerate(held)]
    return None
