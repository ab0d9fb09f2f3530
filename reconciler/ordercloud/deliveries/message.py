"""Messages of OrderCloud's deliveries, whatever carried them (fact sheet §4). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from msgspec import Struct

PREFIX = "sitecore.ordercloud.messages."
"""Begins every type of the vendor's."""
_MEMBERS_OF_ENVELOPE = ("Headers", "Payload")


class MalformedMessage(Exception):
    """A body that is no message. Its text says what is missing, and nothing of the body."""


class Message(Struct, frozen=True):
    """What a delivery says.

    Args:
        type: without the vendor's prefix, e.g. `product.updated`.
        payload: what it is about. Its members are read by `member`: the vendor's own samples do not agree on case.
    """

    type: str
    payload: Mapping[str, Any]

    def member(self, name: str) -> Any:
        """Return a member of the payload, whatever its case; None where there is none."""
        return member(self.payload, name)

    def text(self, name: str) -> str | None:
        """Return a member that is a text and not empty; else None."""
        value = self.member(name)
        return value if isinstance(value, str) and value else None

    def objects(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Yield the objects of a member that is a list of them."""
        value = self.member(name)
        if isinstance(value, list):
            yield from (each for each in value if isinstance(each, dict))


class Malformed(Struct, frozen=True):
    """A delivery that is no message: counted, and set aside.

    Args:
        reason: what is wrong with it, in words that have nothing of it.
    """

    reason: str


class Missed(Struct, frozen=True):
    """Messages that are gone before anybody fetched them. What they told, only a walk finds.

    Args:
        number: how many.
        reason: where they were, and why they are gone, for people.
    """

    number: int
    reason: str


def member(of: Mapping[str, Any], name: str) -> Any:
    """Return a member of an object, whatever its case; None where there is none."""
    if name in of:
        return of[name]
    wanted = name.casefold()
    return next((value for key, value in of.items() if key.casefold() == wanted), None)


def message_of_http(body: bytes) -> Message:
    """Return the message of an HTTP delivery: `{"Headers": {"type": …}, "Payload": {…}}`.

    Args:
        body: the raw bytes.

    Raises:
        MalformedMessage: it is none.
    """
    envelope = _object(body)
    headers, payload = (member(envelope, name) for name in _MEMBERS_OF_ENVELOPE)
    if not isinstance(headers, dict):
        raise MalformedMessage("it has no object `Headers`")
    return _message(member(headers, "type"), payload)


def message_of_event(type_property: str | None, value: bytes) -> Message:
    """Return the message of an event of Event Hubs or Kafka, or of a blob.

    inferred: which of the layouts comes, as the vendor's reference consumer reads Kafka in two ways: the type is a
    property (`type`, `ce_type`) and the value the payload, or the value is what HTTP delivers. Both are taken; of
    two types the property's counts.

    Args:
        type_property: of the event; None: it has none.
        value: the raw bytes.

    Raises:
        MalformedMessage: it is none.
    """
    found = _object(value)
    headers, payload = (member(found, name) for name in _MEMBERS_OF_ENVELOPE)
    if isinstance(headers, dict) and isinstance(payload, dict):
        return _message(type_property or member(headers, "type"), payload)
    if type_property is None:
        # As the reference consumer's Web API looks for it: in the value itself.
        return _message(member(found, "type"), payload if isinstance(payload, dict) else found)
    return _message(type_property, found)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        raise MalformedMessage("it is no JSON") from None
    if not isinstance(found, dict):
        raise MalformedMessage("it is no JSON object")
    return found


def _message(type_: object, payload: object) -> Message:
    if not isinstance(type_, str) or not type_.strip():
        raise MalformedMessage("it has no type")
    if not isinstance(payload, dict):
        raise MalformedMessage("it has no object `Payload`")
    return Message(type_.strip().casefold().removeprefix(PREFIX), payload)
