"""Messages of OrderCloud in every envelope that the fact sheet names, and what is none; signatures."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ordercloud.deliveries.message import MalformedMessage, message_of_event, message_of_http
from reconciler.ordercloud.deliveries.signature import is_signed

TYPE = "sitecore.ordercloud.messages.product.updated"


def http(type_=TYPE, payload=None, **more):
    return json.dumps({"Headers": {"type": type_}, "Payload": payload or {"ProductID": "p"}, **more}).encode()


def test_an_http_delivery_has_its_type_among_its_headers():
    message = message_of_http(http())
    assert (message.type, message.text("ProductID")) == ("product.updated", "p")


def test_members_are_found_whatever_their_case():
    body = b'\xef\xbb\xbf{"headers": {"Type": "%s"}, "payload": {"productId": "p", "Archived": false}}' % TYPE.encode()
    message = message_of_http(body)
    assert (message.member("ProductID"), message.member("archived"), message.member("Name")) == ("p", False, None)


@pytest.mark.parametrize(
    ("type_property", "value"),
    [
        (TYPE, b'{"ProductID": "p"}'),
        (None, http()),
        (TYPE, http("something.else")),
        (None, json.dumps({"type": TYPE, "Payload": {"ProductID": "p"}}).encode()),
        (None, json.dumps({"type": TYPE, "ProductID": "p"}).encode()),
    ],
    ids=["Event Hubs", "Kafka as HTTP", "both", "type in the value", "type beside the members"],
)
def test_an_event_says_its_type_beside_the_payload_or_within(type_property, value):
    message = message_of_event(type_property, value)
    assert (message.type, message.text("ProductID")) == ("product.updated", "p")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"Headers": {}}', b'{"Headers": [], "Payload": {}}'),
        *(http(""), http(type_=7), json.dumps({"Headers": {"type": TYPE}, "Payload": [1]}).encode()),
        *(b'{"Headers": {"type": "\\ud800"}, "Payload": {}}', b"[" * 100_000, b'{"a":' * 5_000),
    ],
)
def test_what_is_no_message_is_refused_without_its_words(body):
    for read in (message_of_http, lambda body: message_of_event(None, body)):
        with pytest.raises(MalformedMessage) as caught:
            read(body)
        assert len(str(caught.value)) < 60


@given(st.binary(max_size=200), st.none() | st.text(max_size=20))
def test_any_bytes_are_a_message_or_refused(value, type_property):
    for read in (lambda: message_of_http(value), lambda: message_of_event(type_property, value)):
        with contextlib.suppress(MalformedMessage):
            read()


def signed(body, secret):
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def test_either_secret_signs_while_one_is_rotated():
    body = http()
    assert is_signed(body, signed(body, "new"), ["old", "new"])
    assert is_signed(body, f" {signed(body, 'old')} ", ["old", "new"])


@pytest.mark.parametrize("header", [None, "", "x", "ß\udcff", signed(http(), "old"), signed(b"other", "new")])
def test_nothing_else_signs(header):
    assert not is_signed(http(), header, ["new"])
    assert not is_signed(http(), header, [])


def test_an_empty_secret_signs_nothing():
    assert not is_signed(http(), signed(http(), ""), [""])
