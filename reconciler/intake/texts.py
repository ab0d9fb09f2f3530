"""Messages in a text: one, an array of them, or one in each line. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from reconciler.ordercloud.deliveries.message import Malformed, MalformedMessage, Message, message_of_event

MOST = 5_000
"""Messages of one array, or lines that are read at once."""


def messages_of(content: bytes, type_property: str | None, where: str) -> Sequence[Message | Malformed] | None:
    """Return the messages of a text that is one, or an array of them; None where it is lines of them instead.

    Args:
        content: all of it.
        type_property: the type that stands beside it; None: none does.
        where: what it is called, for who looks for what is no message.
    """
    found = messages_in(content, type_property, where)
    if not any_malformed(found):
        return found
    lines = [line for line in content.splitlines() if line.strip()]
    if len(lines) > 1 and any(isinstance(message, Message) for message in messages_in(lines[0], type_property, where)):
        return None
    return found


def messages_in(text: bytes, type_property: str | None, where: str) -> Sequence[Message | Malformed]:
    """Return the message that a text is, or those of the array that it is; of anything else what is wrong with it."""
    try:
        return [message_of_event(type_property, text)]
    except MalformedMessage as error:
        reason = str(error)
    try:
        items = orjson.loads(text.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        items = None
    if not isinstance(items, list) or not items:
        return [Malformed(f"{where}: {reason}")]
    if len(items) > MOST:
        return [Malformed(f"{where}: an array of {len(items)}, and more than {MOST} are not read")]
    return [_item(item, type_property, where) for item in items]


def _item(item: object, type_property: str | None, where: str) -> Message | Malformed:
    try:
        return message_of_event(type_property, orjson.dumps(item))
    except MalformedMessage as error:
        return Malformed(f"{where}: {error}")
    except TypeError:  # deeper than what can be written
        return Malformed(f"{where}: it is no message")


def any_malformed(found: Sequence[Message | Malformed]) -> bool:
    """Return whether something among them is no message."""
    return any(isinstance(each, Malformed) for each in found)
