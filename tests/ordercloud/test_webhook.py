"""A webhook on configuration: what is read of it, and what a hostile one does."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.ordercloud.webhook import LONGEST_NAME, MalformedWebhook, harmless, hook_of

DATE = "2026-11-29T14:05:39.6504645+00:00"


def token(**claims: Any) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{middle}.signature"


def body(**members: Any) -> bytes:
    told = {
        "Route": "v1/integrations/deliveryconfig/{deliveryConfigID}",
        "RouteParams": {"deliveryConfigID": "search"},
        "Verb": "PATCH",
        "Date": DATE,
        "UserToken": token(usr="jane@acme.test", cid="portal"),
        "Request": {"Body": {"DeliveryTargets": {"Http": {"Secret": "new"}}}},
        "Response": {"Body": {}},
        **members,
    }
    return json.dumps({name: value for name, value in told.items() if value is not ...}).encode()


def test_who_wrote_what_and_when_is_read() -> None:
    hook = hook_of(body())
    assert (hook.path, hook.verb) == ("integrations/deliveryconfig/search", "PATCH")
    assert (hook.by, hook.client, hook.before) == ("jane@acme.test", "portal", False)
    assert hook.date == datetime(2026, 11, 29, 14, 5, 39, 650464, UTC)
    assert "new" not in repr(hook)


def test_members_are_read_whatever_their_case_and_a_date_without_a_zone_is_utc() -> None:
    lower = {name[:1].lower() + name[1:]: value for name, value in json.loads(body(Date="2026-11-29T14:05:39")).items()}
    assert hook_of(json.dumps(lower).encode()).date == datetime(2026, 11, 29, 14, 5, 39, tzinfo=UTC)


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("v1/integrations/productsync", "integrations/productsync"),
        ("/V1/integrations/OrderSync/", "integrations/OrderSync"),
        ("v1/integrations/entitysync/buyers/users", "integrations/entitysync/buyers/users"),
        # Not configuration, or a record that is only sent again.
        ("v1/integrations/productsync/sync", None),
        ("v1/buyers/{buyerID}", None),
        ("v1/integrations/../buyers", None),
        ("v1/integrations/" + "a" * 300, None),
        ("v1/integrations/\x1b[2J", None),
    ],
)
def test_a_route_is_a_path_of_configuration_or_none(route: str, path: str | None) -> None:
    assert hook_of(body(Route=route, RouteParams={})).path == path


def test_a_hook_that_is_asked_before_the_write_is_known_by_its_missing_answer() -> None:
    assert hook_of(body(Response=...)).before
    assert hook_of(body(Response=None)).before


@pytest.mark.parametrize(
    "claimed",
    [..., None, 7, "", "no token", "a.b", "a.!!!.c", f"a.{'x' * 20_000}.c", token(usr=7, cid=[]), token(), "a.MTIz.c"],
)
def test_a_token_that_says_nothing_names_nobody(claimed: Any) -> None:
    hook = hook_of(body(UserToken=claimed))
    assert (hook.by, hook.client) == ("", "")


@pytest.mark.parametrize("name", ["\x1b[31mjane", "ja\0ne", "ja\ud800ne", "jane\r\nadmin", "j\u202ene", "x" * 10_000])
def test_a_name_is_short_and_has_nothing_that_cannot_be_seen(name: str) -> None:
    hook = hook_of(body(UserToken=token(usr=name), RouteParams={"deliveryConfigID": name}))
    for text in (hook.by, hook.path or ""):
        assert text.isprintable()
        assert len(text) <= LONGEST_NAME + 40
    assert len(harmless(name)) <= LONGEST_NAME


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"7",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        body(Route=...),
        body(Route=["v1"]),
        body(Verb="GET"),
        body(Verb=None),
        body(Date=...),
        body(Date="yesterday"),
        body(Date=1e308),
        body(Date="0001-01-01T00:00:00+14:00"),
        body(Date="9999-12-31T23:59:59-14:00"),
    ],
)
def test_what_is_no_webhook_is_refused_and_nothing_worse(content: bytes) -> None:
    with pytest.raises(MalformedWebhook):
        hook_of(content)
