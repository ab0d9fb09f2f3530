"""Headers of what OrderCloud posts, deliveries and webhooks alike: content type, hash, and the receiver's own."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any


def signed_headers(body: bytes, key: str | None, receiver: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the headers of a POST. inferred: that of deliveries the hash is as webhooks have it; the content type.

    Args:
        body: as it goes over the wire.
        key: of the hash; without one there is none.
        receiver: may have CustomAuthHeaderName and CustomAuthHeaderValue.
    """
    headers = [("Content-Type", "application/json")]
    if key:
        digest = hmac.new(key.encode(), body, hashlib.sha256).digest()
        headers.append(("X-oc-hash", base64.b64encode(digest).decode()))
    name = receiver.get("CustomAuthHeaderName")
    if name:
        headers.append((name, receiver.get("CustomAuthHeaderValue") or ""))
    return headers
