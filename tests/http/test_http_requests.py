from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import NotFound, Rejected, SecretUnset, UnexpectedAnswer
from reconciler.http.body import decode, encode
from reconciler.http.engine import Bounds
from reconciler.http.redact import Redactor
from reconciler.secret import MASK, Secret
from support.http_client_helpers import Listener, client
from support.scripted_server import ScriptedServer, answer, drip, raw


def get(server: ScriptedServer, path: str = "things", bounds: Bounds | None = None, **params: str | int) -> Any:
    async def run() -> Any:
        async with server, client(server, bounds=bounds) as api:
            return await api.get(path, params)

    return asyncio.run(run())


@pytest.mark.usefixtures("engine")
def test_a_request_carries_path_query_token_and_who_we_are() -> None:
    server = ScriptedServer(script=[answer(200, {"ID": "a"})])
    assert get(server, "integrations/things/a-b", page=1, ID=">x y", **{"xp.a": "ü|b"}) == {"ID": "a"}
    [seen] = server.requests
    assert (seen.method, seen.path) == ("GET", "/v1/integrations/things/a-b")
    assert seen.query == {"page": "1", "ID": ">x y", "xp.a": "ü|b"}
    assert seen.headers["authorization"] == "Bearer token-1"
    assert seen.headers["user-agent"].startswith("reconciler/")
    assert seen.headers["site-id"] == "shop"
    assert "content-type" not in seen.headers


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(200, b"\xef\xbb\xbf" + b'{"a": 1}'), {"a": 1}),
        (answer(200, b"\xef\xbb\xbf"), None),
        (answer(200, b" \r\n"), None),
        (raw(b"HTTP/1.1 204 No Content\r\n\r\n", stay=True), None),
        (answer(201, [1, 2]), [1, 2]),
        (answer(200, gzip.compress(b'{"a": 1}'), content_encoding="gzip"), {"a": 1}),
        (raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n"), [1]),
    ],
)
def test_bodies_are_read_as_they_come(reply: Any, expected: Any) -> None:
    assert get(ScriptedServer(script=[reply])) == expected


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "reply",
    [
        answer(200, b"<html>body-marker</html>", content_type="text/html"),
        answer(200, b'{"a": "body-marker"'),
        answer(302, b"body-marker", location="http://elsewhere.example.com/"),
        answer(307, location="/v1/other"),
        answer(404, b"<h1>body-marker</h1>", content_type="text/html"),
        answer(404),
        answer(403, b"<h1>body-marker</h1>", content_type="text/html"),
        answer(200, b"no gzip body-marker", content_encoding="gzip"),
    ],
)
def test_what_the_api_would_not_say_is_an_unexpected_answer_and_not_shown(reply: Any) -> None:
    server = ScriptedServer(script=[reply])
    with pytest.raises(UnexpectedAnswer) as caught:
        get(server)
    assert "body-marker" not in caught.value.message
    assert caught.value.request == "GET things"
    assert caught.value.next_step
    assert len(server.requests) == 1


@pytest.mark.usefixtures("engine")
def test_a_body_beyond_the_cap_is_refused_compressed_or_not() -> None:
    bounds = Bounds(body=100_000)
    with pytest.raises(UnexpectedAnswer, match="larger than 100,000 bytes"):
        get(ScriptedServer(script=[answer(200, b" " * 100_001)]), bounds=bounds)
    bomb = gzip.compress(b" " * 10_000_000)
    with pytest.raises(UnexpectedAnswer, match="larger than"):
        get(ScriptedServer(script=[answer(200, bomb, content_encoding="gzip")]), bounds=bounds)
    with pytest.raises(UnexpectedAnswer, match="larger than"):
        get(ScriptedServer(script=[drip(b" " * 50_000)]), bounds=bounds)


@pytest.mark.usefixtures("engine")
def test_a_secret_is_revealed_in_what_is_sent_wherever_it_stands() -> None:
    server = ScriptedServer()
    body = {"Targets": [{"Http": {"Secret": Secret("${secret:A}", lambda: 'va"lue-ü')}}], "Name": "n"}

    async def run() -> None:
        async with server, client(server) as api:
            await api.put("things/a", body)

    asyncio.run(run())
    [seen] = server.requests
    assert seen.json == {"Targets": [{"Http": {"Secret": 'va"lue-ü'}}], "Name": "n"}
    assert seen.headers["content-type"] == "application/json"


@pytest.mark.usefixtures("engine")
def test_a_secret_that_is_unset_stops_the_write_before_anything_is_sent() -> None:
    server = ScriptedServer()

    async def run() -> None:
        async with server, client(server) as api:
            await api.put("things/a", {"Secret": Secret("${secret:GONE}", lambda: None)})

    with pytest.raises(SecretUnset, match="GONE"):
        asyncio.run(run())
    assert server.requests == []
    assert server.logins == []


@pytest.mark.usefixtures("engine")
def test_writes_say_what_they_are() -> None:
    server = ScriptedServer()

    async def run() -> None:
        async with server, client(server) as api:
            await api.post("things/sync")
            await api.post("things", {"ID": "a"})
            await api.patch("things/a", {"Name": None})
            await api.delete("things/a")

    asyncio.run(run())
    sent = [(seen.method, seen.path, seen.body) for seen in server.requests]
    assert sent == [
        ("POST", "/v1/things/sync", b""),
        ("POST", "/v1/things", b'{"ID":"a"}'),
        ("PATCH", "/v1/things/a", b'{"Name":null}'),
        ("DELETE", "/v1/things/a", b""),
    ]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "path", ["things/..", "things/%2e%2e", "things/../other", "things/?x=1", "things/#a", "a//b", ""]
)
def test_an_id_cannot_lead_to_another_resource(path: str) -> None:
    server = ScriptedServer()
    with pytest.raises(Rejected, match="not a path"):
        get(server, path)
    assert server.requests == []


@pytest.mark.usefixtures("engine")
def test_a_404_of_the_api_itself_is_not_found_with_the_vendors_words() -> None:
    server = ScriptedServer(script=[answer(404, {"code": "gone", "message": "No such thing."})])
    with pytest.raises(NotFound, match=r"gone: No such thing\.") as caught:
        get(server, "things/a", page=2)
    assert (caught.value.status, caught.value.vendor_code, caught.value.request) == (404, "gone", "GET things/a")


@pytest.mark.usefixtures("engine")
def test_secrets_that_the_api_echoes_are_masked_in_every_form() -> None:
    secret = 'pa"ss/wörd +1'
    echo = f"bad value {secret} as {json.dumps(secret)} and pa%22ss%2Fw%C3%B6rd%20%2B1, token-1"
    server = ScriptedServer(script=[answer(400, {"code": f"X.{secret}", "message": echo})])
    listener = Listener()

    async def run() -> None:
        async with server, client(server, listener=listener) as api:
            await api.put("things/a", {"Secret": Secret("${secret:A}", lambda: secret)})

    with pytest.raises(Rejected) as caught:
        asyncio.run(run())
    told = f"{caught.value.message} {caught.value.vendor_code} {caught.value.next_step} {listener}"
    for form in (secret, json.dumps(secret)[1:-1], "pa%22ss", "w\\u00f6rd", "token-1"):
        assert form not in told
    assert "••••••" in caught.value.message


@pytest.mark.usefixtures("engine")
def test_observers_learn_of_every_attempt_without_query_values() -> None:
    server = ScriptedServer(script=[answer(503, {}), answer(200, {})])
    listener = Listener()

    async def run() -> None:
        async with server, client(server, listener=listener) as api:
            await api.get("things", {"search": "query-marker"})

    asyncio.run(run())
    told = [(str(event.call), event.attempt, event.status) for event in listener.exchanges]
    assert told == [("POST /oauth/token", 1, 200), ("GET things", 1, 503), ("GET things", 2, 200)]
    assert all(event.milliseconds > 0 for event in listener.exchanges)
    assert [(event.attempt, event.reason) for event in listener.waits] == [(1, "HTTP 503")]
    assert "query-marker" not in repr(listener)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES)
@settings(max_examples=100)
def test_what_is_encoded_decodes_to_the_same(value: Any) -> None:
    assert decode(encode(value, Redactor())) == value


@given(st.text(st.characters(codec="utf-8", exclude_characters="•"), min_size=4), st.text(), st.text())
@settings(max_examples=200)
def test_a_redacted_text_never_holds_the_value(value: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.add(value)
    assert value not in redactor.clean(f"{before}{value}{after}")


def test_of_two_values_of_which_one_holds_the_other_nothing_is_left() -> None:
    redactor = Redactor()
    for value in ("token", "token-and-more", "more-and-token"):
        redactor.add(value)
    assert redactor.clean("a token-and-more b more-and-token c") == f"a {MASK} b {MASK} c"


def test_a_value_so_short_that_it_stands_in_every_message_is_not_masked() -> None:
    redactor = Redactor()
    redactor.add("the")
    assert redactor.clean("the answer of the API") == "the answer of the API"
