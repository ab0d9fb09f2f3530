"""Lists that come row by row: whatever their length and however they come, no more than a piece is in memory."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import NotFound, ServerFault, UnexpectedAnswer, Unreachable
from reconciler.http.decoding import Undecodable
from reconciler.http.engine import Bounds
from reconciler.http.rows import LONGEST_ROW, Rows
from reconciler.kind.connection import Wire
from support.hostile import bounded
from support.http_client_helpers import client
from support.scripted_server import Reply, ScriptedServer, Stream, answer, drip, raw

MEGABYTE = 1_000_000
LIST = b'[{"sku": "a", "price": 1.5}, {"sku": "b", "price": 2}]'
READ = [{"sku": "a", "price": 1.5}, {"sku": "b", "price": 2}]


class Kept:
    def __init__(self) -> None:
        self.rows: list[Wire] = []

    def take(self, rows: Sequence[Wire]) -> None:
        self.rows += rows


class Counted:
    def __init__(self) -> None:
        self.number = 0

    def take(self, rows: Sequence[Wire]) -> None:
        self.number += len(rows)


def decoded(pieces: Iterator[bytes]) -> list[Wire]:
    kept = Kept()
    rows = Rows(kept)
    for piece in pieces:
        rows.take(piece)
    rows.end()
    return kept.rows


def cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def asked(
    *script: Reply, bounds: Bounds | None = None, taker: Any = Kept, attempts: int = 5, largest: int | None = None
) -> tuple[Any, int]:
    """The taker of a list that a server tells so, and how many requests that took."""

    async def run() -> tuple[Any, int]:
        async with (
            ScriptedServer(script=list(script)) as server,
            client(server, bounds=bounds, attempts=attempts) as api,
        ):
            return await api.rows("things", taker, largest), len(server.requests)

    with bounded(seconds=20, megabytes=300):
        return asyncio.run(run())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@given(
    st.lists(st.dictionaries(st.text('abc[]{},"\\é😀', max_size=3), VALUES, max_size=3), max_size=5),
    st.sampled_from(["", " ", "\r\n\t"]),
    st.booleans(),
    st.integers(1, 40),
)
def test_rows_are_what_the_whole_list_would_be(told: list[Wire], blank: str, plain: bool, size: int) -> None:
    rows = f"{blank},{blank}".join(json.dumps(row, ensure_ascii=plain) for row in told)
    content = f"{blank}[{blank}{rows}{blank}]{blank}".encode()
    assert decoded(cut(content, size)) == told


def test_a_byte_order_mark_is_skipped() -> None:
    assert decoded(cut(b"\xef\xbb\xbf" + LIST, 1)) == READ


def test_texts_and_numbers_that_are_none_spoil_nothing_but_themselves() -> None:
    rows = decoded(cut(rb'[{"a": "x\ud800", "b": 1}, {"a": "' + b"\xff" + rb'"}, {"a": 1e999}, {"a": NaN}]', 3))
    assert rows == [{"a": "x\ud800", "b": 1}, {"a": "\udcff"}, {"a": float("inf")}, {"a": "NaN"}]
    assert decoded(cut(b'[{"a": 1' + b"0" * 5000 + b"}]", 99)) == [{"a": "1" + "0" * 5000}]


@pytest.mark.parametrize(
    "content",
    [b"", b" ", b"{}", b"null", b"<html>", b"[1]", b"[[]]", b'["a"]', b"[{},]", b"[,{}]", b"[{} {}]", b"[]]", b"[] []"],
)
def test_what_is_no_list_of_objects_looks_like_none_of_any_length(content: bytes) -> None:
    with pytest.raises(Undecodable, match="is not a list of objects"):
        decoded(cut(content, 1))


@pytest.mark.parametrize("cut_at", range(1, len(LIST)))
def test_a_list_that_ends_in_the_middle_is_not_taken_for_a_shorter_one(cut_at: int) -> None:
    with pytest.raises(Undecodable, match="ends in the middle of a list"):
        decoded(cut(LIST[:cut_at], 7))


def test_a_row_that_does_not_end_is_given_up() -> None:
    counted = Counted()
    rows = Rows(counted)

    def take() -> None:
        for piece in cut(b'[{}, {"a": "' + b"x" * 3 * LONGEST_ROW, 1 << 18):
            rows.take(piece)

    with pytest.raises(Undecodable, match="too long"):
        take()
    assert counted.number == 1


def test_a_row_that_is_nested_too_deeply_is_given_up() -> None:
    with pytest.raises(Undecodable, match="nested too deeply"):
        decoded(iter([b'[{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}]"]))


@pytest.mark.usefixtures("engine")
def test_a_list_is_read() -> None:
    kept, requests = asked(answer(200, LIST))
    assert (kept.rows, requests) == (READ, 1)


@pytest.mark.usefixtures("engine")
def test_a_list_that_breaks_off_is_read_anew_and_no_row_of_it_counts_twice() -> None:
    broken = raw(b"HTTP/1.1 200 X\r\ncontent-length: 500\r\n\r\n" + LIST[:40])
    chunked = raw(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n28\r\n" + LIST[:40] + b"\r\n")
    kept, requests = asked(broken, answer(503, {"code": "x"}), chunked, answer(200, LIST))
    assert (kept.rows, requests) == (READ, 4)


@pytest.mark.usefixtures("engine")
def test_a_list_that_always_breaks_off_is_an_error() -> None:
    broken = raw(b"HTTP/1.1 200 X\r\ncontent-length: 500\r\n\r\n" + LIST[:40])
    with pytest.raises(Unreachable, match="the connection broke"):
        asked(broken, broken, attempts=2)


@pytest.mark.usefixtures("engine")
def test_json_that_ends_too_early_is_an_unexpected_answer() -> None:
    with pytest.raises(UnexpectedAnswer, match="GET things: the answer ends in the middle of a list"):
        asked(answer(200, LIST[:40]))


@pytest.mark.usefixtures("engine")
def test_a_token_that_is_refused_is_renewed() -> None:
    kept, requests = asked(answer(401, {"code": "x"}), answer(200, LIST))
    assert (kept.rows, requests) == (READ, 2)


@pytest.mark.usefixtures("engine")
def test_a_refusal_is_no_list() -> None:
    with pytest.raises(NotFound):
        asked(answer(404, {"code": "none"}))
    with pytest.raises(ServerFault):
        asked(*[answer(500, {"code": "x"})] * 2, attempts=2)
    with pytest.raises(UnexpectedAnswer, match="not followed"):
        asked(answer(302, LIST))


@pytest.mark.usefixtures("engine")
def test_a_list_of_many_rows_takes_no_more_memory_than_one_of_few() -> None:
    def memory(rows: int) -> int:
        content = b"[" + b",".join(b'{"sku": "SKU-%0120d", "price": 1.25}' % n for n in range(rows)) + b"]"
        told = answer(200, gzip.compress(content), content_encoding="gzip")
        tracemalloc.start()
        try:
            counted, _ = asked(told, bounds=Bounds(body=MEGABYTE), taker=Counted)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert counted.number == rows
        return most

    assert memory(12_000) < 1.3 * memory(4_000)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("filling", [b" ", b"{}, "], ids=["blanks", "rows of nothing"])
def test_a_bomb_is_given_up_at_the_bound(filling: bytes) -> None:
    bomb = gzip.compress(b"[" + filling * (10 * MEGABYTE // len(filling)))
    with pytest.raises(UnexpectedAnswer, match="the body is larger than 1,000,000 bytes") as caught:
        asked(
            answer(200, bomb, content_encoding="gzip"),
            bounds=Bounds(body=MEGABYTE, passed_on=MEGABYTE),
            taker=Counted,
        )
    assert caught.value.is_too_large
    assert "so large" in str(caught.value.next_step)


@pytest.mark.usefixtures("engine")
def test_whoever_wants_less_of_a_list_gets_no_more() -> None:
    with pytest.raises(UnexpectedAnswer, match="the body is larger than 30 bytes"):
        asked(answer(200, LIST), largest=30)
    assert asked(answer(200, LIST), largest=len(LIST))[0].rows == READ


@pytest.mark.usefixtures("engine")
def test_a_list_that_drips_is_given_up() -> None:
    with pytest.raises(Unreachable, match="no complete answer"):
        asked(drip(b" "), bounds=Bounds(exchange=0.3), attempts=1)


@pytest.mark.usefixtures("engine")
def test_a_long_list_may_take_as_long_as_a_short_one_for_each_bound_of_bytes() -> None:
    async def write(stream: Stream) -> bool:
        row = b'{"a": "' + b"x" * 30_000 + b'"}'
        stream.write(b"HTTP/1.1 200 X\r\ncontent-length: %d\r\n\r\n[" % (8 * (len(row) + 1) + 1))
        for number in range(8):
            stream.write(row + (b"]\n" if number == 7 else b","))
            await stream.drain()
            await asyncio.sleep(0.2)
        return True

    counted, _ = asked(write, bounds=Bounds(exchange=1, body=30_000), taker=Counted)
    assert counted.number == 8
    with pytest.raises(Unreachable, match="no complete answer"):
        asked(write, bounds=Bounds(exchange=1), taker=Counted, attempts=1)
