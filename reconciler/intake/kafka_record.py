"""Messages of Kafka's records, in each of the layouts that deliveries have."""

from __future__ import annotations

from typing import Any, Protocol

from reconciler.ordercloud.deliveries.message import Malformed, MalformedMessage, Message, message_of_event


class Record(Protocol):
    """A record, as the client has it."""

    def topic(self) -> str | None: ...

    def partition(self) -> int | None: ...

    def offset(self) -> int | None: ...

    def value(self) -> Any: ...

    def headers(self) -> Any: ...


def message_of_record(record: Record, max_message: int) -> Message | Malformed:
    """Return the message of a record; what is none says why, and where it lies.

    Args:
        record: of a topic.
        max_message: the most bytes that its value may have.
    """
    place = f"{record.topic()}[{record.partition()}]@{record.offset()}"
    value = record.value()
    if not isinstance(value, bytes):
        return Malformed(f"{place}: it has no value")
    if len(value) > max_message:
        return Malformed(f"{place}: it has {len(value)} bytes, and more than {max_message} are not read")
    try:
        return message_of_event(type_of(record.headers()), value)
    except MalformedMessage as error:
        return Malformed(f"{place}: {error}")
    except ValueError:
        return Malformed(f"{place}: a header is no UTF-8")


def type_of(headers: Any) -> str | None:
    """Return the type of a message by a record's headers; None where none says it.

    documented by the vendor's samples: `type`, then `ce_type`; by Microsoft: the properties of an event that was
    written over AMQP are headers in AMQP's encoding.

    Args:
        headers: pairs of name and value.

    Raises:
        UnicodeDecodeError: it is no UTF-8.
    """
    for wanted in ("type", "ce_type"):
        for name, value in headers or ():
            if name.casefold() == wanted and value:
                return _text(value if isinstance(value, bytes) else str(value).encode())
    return None


def _text(value: bytes) -> str:
    """Decode a text, also one in AMQP 1.0's encoding (str8, sym8, str32, sym32), which no UTF-8 begins like."""
    if value[:1] in (b"\xa1", b"\xa3") and len(value) > 1 and value[1] == len(value) - 2:
        return value[2:].decode()
    if value[:1] in (b"\xb1", b"\xb3") and len(value) > 4 and int.from_bytes(value[1:5]) == len(value) - 5:
        return value[5:].decode()
    return value.decode()
