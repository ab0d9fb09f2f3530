"""What a message told of a record, and whether a read bears it out: digests of members by name. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any

import orjson

_BYTES = 8


def digests(of: Mapping[str, Any], names: Collection[str]) -> dict[str, str]:
    """Return digests of those of the members that are there; a member that is null says as much as one left out.

    Args:
        of: an object as JSON data.
        names: of the members that count.
    """
    return {name: digest_of(value) for name in names if (value := of.get(name)) is not None}


def digest_of(value: Any) -> str:
    """Return a digest of a JSON value, the same whatever the order of its members."""
    try:
        said = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a character, or a number beyond 64 bits
        said = repr(value).encode("utf-8", "backslashreplace")
    return blake2b(said, digest_size=_BYTES).hexdigest()


def contradicts(told: Mapping[str, str], read: Mapping[str, str]) -> bool:
    """Return whether a read says something else of a member than was told."""
    return any(read[name] != digest for name, digest in told.items() if name in read)
