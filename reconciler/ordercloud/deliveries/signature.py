"""Signature of an HTTP delivery or a webhook: `X-oc-hash` (fact sheet §4). Pure."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence

HEADER = "X-oc-hash"
"""documented of webhooks; inferred: that deliveries over HTTP have the same header, as their Secret works the same."""


def is_signed(body: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Return whether one of the secrets signed a body: base64 of HMAC-SHA256 over its raw bytes, in constant time.

    Args:
        body: as it came, before anything parsed it.
        header: the value of `X-oc-hash`; None: there was none.
        secrets: the one, or two while one is rotated; an empty one signs nothing.
    """
    given = (header or "").strip().encode("utf-8", "surrogateescape")
    found = False
    for secret in secrets:
        digest = hmac.digest(secret.encode("utf-8", "surrogateescape"), body, "sha256")
        # Every secret is tried: how long it takes says nothing.
        found |= hmac.compare_digest(base64.b64encode(digest), given) and bool(secret)
    return found
