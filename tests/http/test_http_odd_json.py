"""JSON that is nearly none: half characters, numbers that are none, more values than any list has."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import AnswerLost, Rejected, UnexpectedAnswer
from reconciler.http.body import decode, decode_leniently, encode
from reconciler.http.redact import Redactor
from support.http_client_helpers import client
from support.scripted_server import ScriptedServer, answer

HALF = rb'{"Items": [{"ID": "a", "Name": "Ham\ud800mer"}]}'


def ask(content: bytes, method: str = "get") -> Any:
    async def run() -> Any:
        async with ScriptedServer(script=[answer(200, content)]) as server, client(server) as api:
            return await (api.get("things") if method == "get" else api.put("things", {}))

    return asyncio.run(run())


@pytest.mark.usefixtures("engine")
def test_half_a_character_is_an_error_that_still_holds_what_was_said() -> None:
    with pytest.raises(UnexpectedAnswer, match="holds half a character, or a number that is none") as caught:
        ask(HALF)
    assert caught.value.answer == {"Items": [{"ID": "a", "Name": "Ham\ud800mer"}]}
    assert "Ham" not in f"{caught.value.message} {caught.value.next_step}"


@pytest.mark.usefixtures("engine")
def test_what_is_no_json_holds_nothing() -> None:
    for content in (b"<html>", b"[1", b'{"a": }', b"nul", b"\x00", b"\xff\xfe{\x00}\x00"):
        with pytest.raises(UnexpectedAnswer, match="not JSON") as caught:
            ask(content)
        assert caught.value.answer is None


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_what_is_nested_too_deeply_to_be_sent_back_is_no_answer(opening: bytes) -> None:
    """A digest is made of what is read, and what is read may be sent back inside of more."""
    closing = {b"[": b"]"}.get(opening, b"}")
    value = decode(opening * 200 + b"1" + closing * 200)
    orjson.dumps([[{"before": [value]}]])
    for depth in (254, 1_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            decode(opening * depth + b"1" + closing * depth)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("depth", [300, 900, 20_000])
def test_an_answer_that_is_nested_too_deeply_is_called_that(depth: int) -> None:
    with pytest.raises(UnexpectedAnswer, match="the answer is nested too deeply"):
        ask(b"[" * depth + b"]" * depth)


@pytest.mark.usefixtures("engine")
def test_half_a_character_in_the_answer_to_a_write_leaves_it_in_doubt() -> None:
    with pytest.raises(AnswerLost):
        ask(HALF, "put")


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (rb'"\ud83d"', "\ud83d"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (b'"\xed\xa0\x80"', "\udced\udca0\udc80"),
        (b'"M\xf6bel"', "M\udcf6bel"),
        (b'"Ham\x01\tmer"', "Ham\x01\tmer"),
        (b"\xef\xbb\xbf[1]", [1]),
        (b"1e999", "1e999"),
        (b"-1e999", "-1e999"),
        (b"NaN", "NaN"),
        (b"-Infinity", "-Infinity"),
        (b"9" * 5_000, "9" * 5_000),
        (b"1" + b"0" * 30, 1e30),
        (b"9223372036854775807", 2**63 - 1),
        (b"18446744073709551615", 2**64 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"-1.5", -1.5),
        (b"7", 7),
    ],
)
def test_a_lenient_reading_keeps_what_is_wrong_as_text(content: bytes, value: Any) -> None:
    found = decode_leniently(content)
    assert found == value
    assert type(found) is type(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_both_readings_agree_on_what_both_can_read(value: Any) -> None:
    content = orjson.dumps(value)
    assert decode_leniently(content) == decode(content)


@given(st.text(st.characters(exclude_categories=[]), max_size=20))
def test_every_text_survives_the_lenient_reading(text: str) -> None:
    assert decode_leniently(json.dumps(text).encode()) == text


@pytest.mark.parametrize("filler", [b"{},", b"[],", b"0,", b'{"":0},'])
def test_more_values_than_any_list_has_are_refused_before_they_take_memory(filler: bytes) -> None:
    content = b"[" + filler * (15_000_000 // len(filler)) + b"0]"
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="too many values"):
            decode(content)
        with pytest.raises(ValueError, match="too many values"):
            decode_leniently(content)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(content)
    finally:
        tracemalloc.stop()


def test_as_many_price_rows_as_a_large_list_has_are_read() -> None:
    row = b'{"sku": "hammer", "quantity": 1, "price": 9.99, "unit_of_measure": null},'
    assert len(decode(b"[" + row * 300_000 + b"{}]")) == 300_001


@pytest.mark.parametrize("body", [{"Name": "a\ud800"}, {"\udfff": 1}, ["a", {"b": ["\ud83d"]}]])
def test_half_a_character_is_not_sent(body: Any) -> None:
    with pytest.raises(Rejected, match="half a character") as caught:
        encode(body, Redactor())
    assert caught.value.is_about_record


@pytest.mark.parametrize("body", [{"ConfigData": {"ean": 2**64}}, [{"a": [-(2**63) - 1]}]])
def test_a_number_beyond_64_bits_is_not_sent(body: Any) -> None:
    with pytest.raises(Rejected, match="more than 64 bits"):
        encode(body, Redactor())


def test_what_no_json_can_hold_is_still_a_mistake_of_our_own() -> None:
    with pytest.raises(TypeError):
        encode({"a": object()}, Redactor())
