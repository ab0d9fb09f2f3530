"""Bodies are decoded within a bound, and only what was asked for."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import AnswerLost, UnexpectedAnswer
from reconciler.http.decoding import Body, Room, Undecodable
from reconciler.http.engine import Bounds
from support.hostile import bounded
from support.http_client_helpers import client
from support.scripted_server import Reply, ScriptedServer, answer, raw

MEGABYTE = 1_000_000
BOUND = 4 * MEGABYTE


def bomb(layers: int, size: int) -> bytes:
    """Zeros, gzipped as often."""
    content = bytes(size)
    for _ in range(layers):
        content = gzip.compress(content)
    return content


def chunked(content: bytes, size: int, encoding: str = "identity") -> Reply:
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    head = f"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\ncontent-encoding: {encoding}\r\n\r\n"
    return raw(head.encode() + body + b"0\r\n\r\n", stay=True)


def get(reply: Reply, method: str = "get", body: int = BOUND) -> tuple[Any, int]:
    """What one request gives, and the most memory that was taken for it."""
    server = ScriptedServer(script=[reply])

    async def run() -> Any:
        async with server, client(server, bounds=Bounds(body=body)) as api:
            tracemalloc.reset_peak()
            return await (api.get("things") if method == "get" else api.put("things", {}))

    tracemalloc.start()
    try:
        with bounded(seconds=20, megabytes=300):
            return asyncio.run(run()), tracemalloc.get_traced_memory()[1]
    except UnexpectedAnswer as error:
        return error, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert len(server.requests) == 1


HOSTILE: dict[str, Reply] = {
    "two layers": answer(200, bomb(2, 30 * MEGABYTE), content_encoding="gzip, gzip"),
    "three layers": answer(200, bomb(3, 30 * MEGABYTE), content_encoding="gzip,gzip,gzip"),
    "two headers": raw(
        b"HTTP/1.1 200 X\r\ncontent-encoding: gzip\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n[]"
    ),
    "one layer": answer(200, bomb(1, 30 * MEGABYTE), content_encoding="gzip"),
    "one layer in pieces": chunked(bomb(1, 30 * MEGABYTE), 1_000, "gzip"),
    "deflate": answer(200, zlib.compress(bytes(30 * MEGABYTE)), content_encoding="deflate"),
    "br": answer(200, b"\x0b\x02\x80", content_encoding="br"),
    "zstd": answer(200, b"\x28\xb5\x2f\xfd", content_encoding="zstd"),
    "identity first": answer(200, bomb(1, 100), content_encoding="identity, gzip"),
    "unknown": answer(200, b"[]", content_encoding="gz\xefp"),
    "no gzip": answer(200, b"[]", content_encoding="gzip"),
    "cut off": answer(200, gzip.compress(b"[1, 2, 3]")[:-3], content_encoding="gzip"),
    "more after the end": answer(200, gzip.compress(b"[1]") + gzip.compress(b" ") * 9, content_encoding="gzip"),
    "too large": answer(200, b" " * (BOUND + 1)),
}


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("reply", HOSTILE.values(), ids=HOSTILE)
def test_a_body_that_is_too_large_or_encoded_otherwise_than_asked_for_is_refused_within_the_bound(reply: Reply) -> None:
    error, memory = get(reply)
    assert isinstance(error, UnexpectedAnswer)
    assert "body" in error.message
    assert memory < 4 * BOUND


@pytest.mark.usefixtures("engine")
def test_a_second_layer_is_refused_before_the_first_is_decoded() -> None:
    _, memory = get(answer(200, bomb(2, 3 * MEGABYTE), content_encoding="gzip, gzip"))
    assert memory < MEGABYTE


@pytest.mark.usefixtures("engine")
def test_a_body_of_tiny_pieces_costs_no_object_for_each() -> None:
    # What an engine imports is no part of it.
    get(answer(200, []))
    content = b'"' + b"x" * 60_000 + b'"'
    found, memory = get(chunked(content, 1))
    assert len(found) == 60_000
    assert memory < 2.5 * MEGABYTE


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip "])
def test_one_layer_of_gzip_is_what_was_asked_for(encoding: str) -> None:
    found, _ = get(answer(200, gzip.compress(b'{"a": 1}'), content_encoding=encoding))
    assert found == {"a": 1}


@pytest.mark.usefixtures("engine")
def test_an_empty_body_may_call_itself_gzipped() -> None:
    found, _ = get(raw(b"HTTP/1.1 204 X\r\ncontent-encoding: gzip\r\n\r\n", stay=True))
    assert found is None


@pytest.mark.usefixtures("engine")
def test_a_body_of_just_the_bound_is_taken() -> None:
    content = b" " * (BOUND - 2) + b"[]"
    assert get(answer(200, content))[0] == []
    assert get(answer(200, gzip.compress(content), content_encoding="gzip"))[0] == []


@pytest.mark.usefixtures("engine")
def test_a_write_whose_answer_cannot_be_decoded_is_in_doubt_and_not_repeated() -> None:
    with pytest.raises(AnswerLost):
        get(HOSTILE["two layers"], "put")


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@given(content=st.binary(max_size=2_000), largest=st.integers(1, 2_500), piece=st.integers(1, 300))
def test_whatever_comes_is_decoded_whole_or_refused(encoding: str, content: bytes, largest: int, piece: int) -> None:
    room = Room(10_000)
    packed = gzip.compress(content) if encoding == "gzip" else content
    try:
        with Body(encoding, largest, room) as body:
            for start in range(0, len(packed), piece):
                body.feed(packed[start : start + piece])
            assert body.finish() == content
    except Undecodable:
        assert max(len(content), len(packed)) > largest
    else:
        assert max(len(content), len(packed)) <= largest
    assert room.left == 10_000


def test_what_grows_is_counted_before_it_is_all_there() -> None:
    packed = gzip.compress(bytes(30 * MEGABYTE))
    tracemalloc.start()
    try:
        with pytest.raises(Undecodable, match="larger than"), Body("gzip", MEGABYTE, Room(BOUND)) as body:
            body.feed(packed)
        assert tracemalloc.get_traced_memory()[1] < 3 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_bodies_that_come_together_share_their_room() -> None:
    room = Room(1_000)
    with Body("", 800, room) as first, Body("", 800, room) as second:
        first.feed(bytes(800))
        with pytest.raises(Undecodable, match="beside the others"):
            second.feed(bytes(300))
        second.feed(bytes(200))
    with Body("", 800, room) as third:
        third.feed(bytes(800))
        assert third.finish() == bytes(800)
