"""Fingerprints of secrets: enough to see that a value changed, not enough to find it or to recognise it elsewhere.

The slow part (scrypt, one salt per ledger) makes guessing expensive for somebody who reads the ledger file. The HMAC
binds the result to one member of one live object, so that two objects with the same secret look different.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

SALT_BYTES = 16
IN_DOUBT = b""
"""The fingerprint of a secret that was sent and whose arrival is not known. It matches nothing."""

_COST, _BLOCK, _PARALLEL = 2**12, 8, 1


@lru_cache(maxsize=4096)
def _slow_key(salt: bytes, value: str) -> bytes:
    """The expensive part, once per value and process; the process holds the value anyway."""
    # scrypt pads short passwords with NULs, so it would take "a" and "a\0" for one; their hashes it does not.
    password = hashlib.sha256(value.encode("utf-8", "surrogateescape")).digest()
    return hashlib.scrypt(password, salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, maxmem=2**26, dklen=32)


def fingerprint(salt: bytes, value: str, *, api_url: str, kind: str, live_id: str, path: str) -> bytes:
    """Return the fingerprint of a secret value in one member of one live object."""
    parts = (api_url.encode(), kind.encode(), live_id.encode(), path.encode())
    # Lengths keep the parts apart: no two places share a message.
    place = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(_slow_key(salt, value), place, "sha256")


def matches(digest: bytes, salt: bytes, value: str, *, api_url: str, kind: str, live_id: str, path: str) -> bool:
    """Whether `value` is the value that was last applied to this member. One in doubt never is."""
    if digest == IN_DOUBT:
        return False
    return hmac.compare_digest(digest, fingerprint(salt, value, api_url=api_url, kind=kind, live_id=live_id, path=path))
