"""Numbers of things, in words."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return `1 record`, `2 records`, `12,000 entries`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
