"""Fingerprints of secrets: enough to see that a value changed, not enough to find it or to recognise it elsewhere.

The slow part (scrypt, one salt per ledger) makes guessing expensive for somebody who reads the ledger file. The HMAC
binds the result to one member of one live object, so that two objects with the same secret look different.
"""

from __future__ import annotations

import hashlib
import hmac
from concurrent.futures import Future
from threading import Lock

SALT_BYTES = 16
IN_DOUBT = b""
"""The fingerprint of a secret that was sent and whose arrival is not known. It matches nothing."""

_COST, _BLOCK, _PARALLEL = 2**12, 8, 1


_keys: dict[tuple[bytes, bytes], Future[bytes]] = {}
_keys_guard = Lock()


def slow_key(salt: bytes, value: str) -> bytes:
    """Return the expensive part of a fingerprint: computed once per value and process, whichever thread asks.

    It lets go of the interpreter meanwhile, and takes 4 MiB.
    """
    # scrypt pads short passwords with NULs, so it would take "a" and "a\0" for one; their hashes it does not.
    password = hashlib.sha256(value.encode("utf-8", "surrogateescape")).digest()
    with _keys_guard:
        found = _keys.get((salt, password))
        if found is None:
            ours = _keys[salt, password] = Future[bytes]()
    if found is not None:
        return found.result()
    try:
        ours.set_result(hashlib.scrypt(password, salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, maxmem=2**26, dklen=32))
    except BaseException as error:
        ours.set_exception(error)
        del _keys[salt, password]
        raise
    return ours.result()


def fingerprint(salt: bytes, value: str, *, api_url: str, kind: str, live_id: str, path: str) -> bytes:
    """Return the fingerprint of a secret value in one member of one live object."""
    parts = (api_url.encode(), kind.encode(), live_id.encode(), path.encode())
    # Lengths keep the parts apart: no two places share a message.
    place = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(slow_key(salt, value), place, "sha256")


def matches(digest: bytes, salt: bytes, value: str, *, api_url: str, kind: str, live_id: str, path: str) -> bool:
    """Whether `value` is the value that was last applied to this member. One in doubt never is."""
    if digest == IN_DOUBT:
        return False
    return hmac.compare_digest(digest, fingerprint(salt, value, api_url=api_url, kind=kind, live_id=live_id, path=path))
