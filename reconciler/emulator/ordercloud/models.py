"""Models of objects as data: their members, by which bodies are read and objects shown."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from msgspec import Struct

from reconciler.emulator.ordercloud.errors import invalid, invalid_body
from reconciler.emulator.ordercloud.filters import date_of
from reconciler.emulator.wire import Request

JsonObject = dict[str, Any]
Problems = list[tuple[str, str]]
ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")
MASK = "********"
INT32 = 2**31


class Member(Struct, frozen=True):
    """Member of an object.

    Args:
        type: str, bool, int, float, list or dict.
        required: has to be there on write and may not be null.
        write_only: taken and never shown.
        max_length: of a string.
        model: the members of a dict, or of each item of a list, where they are known.
        default: what it is where it was never sent.
        read_only: what is sent is passed over.
        choices: the values of an enum.
        is_date: a string that holds a date; kept in UTC.
        items: the type of each item of a list whose items are no objects.
    """

    type: type
    required: bool = False
    write_only: bool = False
    max_length: int | None = None
    model: Model | None = None
    default: Any = None
    read_only: bool = False
    choices: frozenset[str] | None = None
    is_date: bool = False
    items: builtins.type | None = None


@dataclass(frozen=True)
class Model:
    """Model of an object: its members by name.

    Args:
        name: of the object, as the API names it.
        members: its members by name.
        closed: members that it does not know are passed over; else they are kept as they came.
    """

    name: str
    members: Mapping[str, Member]
    closed: bool = False
    _canonical: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_canonical", {name.lower(): name for name in self.members})

    def read(
        self, body: Mapping[str, Any], problems: Problems, prefix: str = "", *, read_only: bool = False
    ) -> JsonObject:
        """Read a body: member names as the API writes them, wrong types noted as problems.

        inferred: member names are matched without regard to case, as .NET services do.

        Args:
            body: what was sent.
            problems: takes what is wrong.
            prefix: of member names in problems.
            read_only: keep the members that clients cannot set, as seeds need.
        """
        found: JsonObject = {}
        for sent, value in body.items():
            name = self._canonical.get(sent.lower(), sent)
            member = self.members.get(name)
            if (self.closed and member is None) or (member is not None and member.read_only and not read_only):
                continue
            if member is not None and value is not None:
                value = _checked(member, value, problems, f"{prefix}{name}", read_only)
            found[name] = value
        return found

    def missing(self, stored: Mapping[str, Any], problems: Problems, prefix: str = "", *, secrets: bool = True) -> None:
        """Note every required member that is absent or null; write-only ones only if `secrets`."""
        for name, member in self.members.items():
            value = stored.get(name)
            if value is None:
                if member.required and (secrets or not member.write_only):
                    problems.append((f"{prefix}{name}", f"{name} is required."))
            elif member.model is not None:
                for item in value if member.type is list else (value,):
                    member.model.missing(item, problems, f"{prefix}{name}.", secrets=secrets)

    def show(self, stored: Mapping[str, Any], write_only: str) -> JsonObject:
        """Show an object as reads do: every member, null without a value; write-only ones as the switch says."""
        shown: JsonObject = {}
        for name, member in self.members.items():
            value = stored.get(name)
            if member.write_only:
                if write_only != "absent":
                    shown[name] = MASK if write_only == "masked" and value is not None else None
            elif value is None:
                shown[name] = member.default
            else:
                shown[name] = value if member.model is None else member.model.show(value, write_only)
        shown.update((name, value) for name, value in stored.items() if name not in self.members)
        return shown

    def dump(self, stored: Mapping[str, Any]) -> JsonObject:
        """Dump an object with `present` or `absent` for each write-only member."""
        dumped = dict(stored)
        for name, member in self.members.items():
            if member.write_only:
                dumped[name] = "absent" if stored.get(name) is None else "present"
            elif member.model is not None and stored.get(name) is not None:
                dumped[name] = member.model.dump(stored[name])
        return dumped


def _checked(member: Member, value: Any, problems: Problems, path: str, read_only: bool) -> Any:
    fits = isinstance(value, member.type) and (member.type is bool or not isinstance(value, bool))
    if member.type is float and isinstance(value, int) and not isinstance(value, bool):
        fits = True
    if not fits:
        raise invalid_body(f"{path} has to be a {member.type.__name__}.")
    if member.type is int and not -INT32 <= value < INT32:
        raise invalid_body(f"{path} has to fit 32 bits.")
    if member.max_length is not None and len(value) > member.max_length:
        problems.append((path, f"{path} may have {member.max_length} characters at most."))
    if member.choices is not None and value not in member.choices:
        raise invalid_body(f"{path} has to be one of {', '.join(sorted(member.choices))}.")
    if member.items is not None and not all(isinstance(item, member.items) for item in value):
        raise invalid_body(f"{path} has to be a list of {member.items.__name__}.")
    if member.is_date:
        return _date(value, path)
    if member.model is None:
        return value
    if member.type is list:
        return [_item(member.model, item, problems, path, read_only) for item in value]
    return member.model.read(value, problems, f"{path}.", read_only=read_only)


def _item(model: Model, item: Any, problems: Problems, path: str, read_only: bool) -> JsonObject:
    if not isinstance(item, dict):
        raise invalid_body(f"{path} has to be a list of objects.")
    return model.read(item, problems, f"{path}.", read_only=read_only)


def _date(value: str, path: str) -> str:
    found = date_of(value)
    if found is None:
        raise invalid_body(f"{path} has to be a date.")
    return date_text(found)


def date_text(moment: datetime) -> str:
    """Format an instant in UTC as the API writes it."""
    return moment.isoformat(timespec="milliseconds")


def check_id(value: Any, problems: Problems) -> None:
    """Note an ID that is no ID: letters, digits, hyphens and underscores, 100 at most."""
    if not isinstance(value, str) or not ID_PATTERN.match(value):
        problems.append(("ID", "ID may have letters, digits, hyphens and underscores, 100 characters at most."))


def json_body(request: Request) -> JsonObject:
    """Decode the body of a request.

    Raises:
        Refusal: it is no JSON object.
    """
    try:
        decoded = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise invalid_body("The request body is not valid JSON.") from error
    if not isinstance(decoded, dict):
        raise invalid_body("The request body has to be a JSON object.")
    return decoded


def checked_body(
    model: Model, request: Request, also: Callable[[JsonObject, Problems], None] | None = None
) -> JsonObject:
    """Decode the body of a request and read it by a model.

    Args:
        model: the members.
        request: holds the body.
        also: notes further problems.

    Raises:
        Refusal: with every problem found.
    """
    problems: Problems = []
    body = model.read(json_body(request), problems)
    if also is not None:
        also(body, problems)
    if problems:
        raise invalid(problems)
    return body
