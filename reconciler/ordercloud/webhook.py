"""Webhook on configuration: who wrote what, read from a body whose hash held (fact sheet §4). Pure.

documented: Route, RouteParams, Verb, Date, UserToken, Request, Response, and the hash over the raw body. inferred: that
configuration endpoints have them like all others, and the claims of the token beyond what the SDKs read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from reconciler.ordercloud.claims import CLIENT, USERNAME, parts_of
from reconciler.unseen import escape_unseen

LONGEST_NAME = 100
_LONGEST_ROUTE = 200
_VERBS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PLACEHOLDER = re.compile(r"\{(\w{1,60})\}")
_ROUTE = re.compile(r"v1/(integrations/[A-Za-z0-9/{}]{1,180})", re.IGNORECASE)
_OPERATION = "/sync"


class MalformedWebhook(ValueError):
    """Signed body that is no webhook. No error of ours: it is answered with 400."""


class Hook(Struct, frozen=True):
    """What is kept of a webhook, and what decides whether it is.

    Args:
        path: below `v1/`, IDs filled in; None: it is about no configuration.
        verb: upper case.
        by: the username that the token claims, harmless and short; empty: none.
        client: ID of the API client that the token claims; empty: none. It is compared, and not kept.
        date: when the request was made, in UTC.
        before: whether the write is still to come: a pre-hook, which is asked for leave.
    """

    path: str | None
    verb: str
    by: str
    client: str
    date: datetime
    before: bool


def hook_of(body: bytes) -> Hook:
    """Read a webhook. Call it only once the hash of the body held.

    Args:
        body: as it came.

    Raises:
        MalformedWebhook: it is none.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedWebhook("no JSON") from None
    if not isinstance(found, dict):
        raise MalformedWebhook("no JSON object")
    members = {str(name).casefold(): value for name, value in found.items()}
    route, verb = members.get("route"), members.get("verb")
    if not isinstance(route, str) or not isinstance(verb, str) or verb.upper() not in _VERBS:
        raise MalformedWebhook("no Route, or no Verb that writes")
    username, client = _claims(members.get("usertoken"))
    return Hook(
        path=_path(route, members.get("routeparams")),
        verb=verb.upper(),
        by=username,
        client=client,
        date=_date(members.get("date")),
        before=members.get("response") is None,
    )


def harmless(text: str) -> str:
    """Return text of somebody else as it may be kept: short, and without what cannot be seen."""
    shown = escape_unseen(text[: LONGEST_NAME + 1], lambda _: "�")
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


def _path(route: str, params: Any) -> str | None:
    """Return the path that was written to; None where it is no configuration, or only sends a record again."""
    match = _ROUTE.fullmatch(route.strip("/")) if len(route) <= _LONGEST_ROUTE else None
    if match is None or match[1].casefold().endswith(_OPERATION):
        return None
    named = params if isinstance(params, Mapping) else {}

    def filled(placeholder: re.Match[str]) -> str:
        value = named.get(placeholder[1])
        return harmless(value) if isinstance(value, str) else "?"

    return _PLACEHOLDER.sub(filled, match[1])


def _date(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise MalformedWebhook("no Date") from None
    try:
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        raise MalformedWebhook("no Date") from None


def _claims(token: Any) -> tuple[str, str]:
    """Return username and client that a token claims. Nobody checked its signature: the body's hash vouches for it."""
    parts = parts_of(token) if isinstance(token, str) else None
    if parts is None:
        return "", ""
    username, client = parts[1].get(USERNAME), parts[1].get(CLIENT)
    return (
        harmless(username) if isinstance(username, str) else "",
        client if isinstance(client, str) else "",
    )
