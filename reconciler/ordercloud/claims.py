"""Claims of an OrderCloud token, read without a check of its signature. Pure.

The signature is not published in a way that anybody but OrderCloud could check it, so claims are worth nothing until
something else vouches for the token that they stand in: the answer of `/me`, or the hash of a webhook's body.
"""

from __future__ import annotations

import base64
import json
from typing import Any

LONGEST_TOKEN = 16_384
# As the vendor's libraries read them (OrderCloud Catalyst); inferred: that they mean what those libraries say.
CLIENT, USERNAME = "cid", "usr"
_PARTS = 3


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return header (empty: none can be read) and claims of a token; None: it has no claims. Never raises."""
    if len(token) > LONGEST_TOKEN or not token.isascii():
        return None
    parts = token.split(".")
    if len(parts) != _PARTS or not all(parts):
        return None
    claims = _json(parts[1])
    return None if claims is None else (_json(parts[0]) or {}, claims)


def _json(part: str) -> dict[str, Any] | None:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
