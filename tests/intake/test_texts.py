"""Messages are found in whatever a blob may be; what is none says why, and shows nothing of itself."""

from __future__ import annotations

import json

import pytest

from reconciler.intake.texts import MOST, messages_in, messages_of
from reconciler.ordercloud.deliveries.message import PREFIX, Malformed, Message

TYPE = f"{PREFIX}product.updated"
ONE = json.dumps({"Headers": {"type": TYPE}, "Payload": {"ID": "a"}}).encode()


@pytest.mark.parametrize(
    ("content", "count"),
    [(ONE, 1), (b"\xef\xbb\xbf" + ONE, 1), (b" [" + ONE + b"," + ONE + b"]", 2), (b"\n" + ONE + b"\n", 1)],
)
def test_one_message_or_an_array_of_them(content: bytes, count: int) -> None:
    found = messages_of(content, None, "x")
    assert found is not None
    assert [message.type for message in found if isinstance(message, Message)] == ["product.updated"] * count


def test_lines_are_told_from_one_text() -> None:
    assert messages_of(ONE + b"\n" + b"{", None, "x") is None
    assert messages_of(b"{\n" + ONE, None, "x") == [Malformed("x: it is no JSON")]


def test_a_type_beside_the_text_counts() -> None:
    (found,) = messages_in(b'{"ID": "a"}', TYPE, "x")
    assert found == Message("product.updated", {"ID": "a"})


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"1", b"[]", b"[1, [2]]", b"\xff", b"\x00", b"[" * 100_000, b"[" * 500 + b"]" * 500, b'"\\ud800"'],
)
def test_what_is_none_says_why_and_nothing_of_itself(content: bytes) -> None:
    found = messages_in(content, None, "blob x")
    assert found
    assert all(isinstance(each, Malformed) and each.reason.startswith("blob x: ") for each in found)
    assert all(len(each.reason) < 100 for each in found if isinstance(each, Malformed))


def test_an_array_without_end_is_one_thing_set_aside() -> None:
    (found,) = messages_in(b"[" + b"1," * MOST + b"1]", None, "x")
    assert found == Malformed(f"x: an array of {MOST + 1}, and more than {MOST} are not read")
