"""Rewriting of answers by faults: headers set or left out, text of the body replaced, numbers counted up."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from reconciler.emulator.wire import Answer, Header

# The server itself sets the headers that say where a body ends: a wrong one breaks the server, not the client.
_SERVERS_OWN = frozenset({"content-length", "transfer-encoding", "connection"})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
# Printable latin-1 and tabs.
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def _checked(changes: dict[str, str | None]) -> dict[str, str | None]:
    found = {name.lower(): value for name, value in changes.items()}
    for name, value in found.items():
        if name in _SERVERS_OWN:
            raise ValueError(f"{name} cannot be set")
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value or ""):
            raise ValueError(f"{name!r} is no header with such a value")
    return found


def _compiled(pattern: str) -> str:
    try:
        re.compile(pattern.encode())
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    return pattern


def _decodable(text: str) -> str:
    base64.b64decode(text, validate=True)
    return text


# Bytes as JSON can carry them.
Base64 = Annotated[str, AfterValidator(_decodable)]
# Headers by name, in lower case after validation; None stands for one that is not to be sent.
HeaderChanges = Annotated[dict[str, str | None], AfterValidator(_checked)]


class Replacement(BaseModel):
    """Replacement in the text of a body."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    find: Annotated[str, AfterValidator(_compiled)] = Field(min_length=1, description="Regular expression.")
    put: str = Field(description="What stands in its place, as it is: a backslash is a backslash.")


def with_changes(answer: Answer, changes: Mapping[str, str | None]) -> Answer:
    """Return an answer with headers set or left out, and without a body where its status has none."""
    kept = [header for header in answer.headers if header[0].decode("latin-1").lower() not in changes]
    added: Iterable[Header] = (
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in changes.items() if value is not None
    )
    return Answer(answer.status, b"" if answer.status in (204, 304) else answer.body, (*kept, *added))


def replaced(body: bytes, replacements: Sequence[Replacement]) -> bytes:
    """Return a body after some replacements, one after the other, each in every place that matches."""
    for replacement in replacements:
        # As a template the text would have its backslashes read.
        literal = replacement.put.encode().replace(b"\\", b"\\\\")
        body = re.sub(replacement.find.encode(), literal, body)
    return body


def numbered(body: bytes, counter: str, hit: int) -> bytes:
    """Return a body with numbers counted up, different for each hit.

    Args:
        body: what is sent.
        counter: the text that gives way to the next number; empty: none does.
        hit: how many requests were answered with it before.
    """
    if not counter:
        return body
    text = counter.encode()
    numbers = count(hit * body.count(text) + 1)
    return re.sub(re.escape(text), lambda _found: b"%09d" % next(numbers), body)
