"""Redaction of the secrets that one client has sent, wherever the API echoes them back."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

from reconciler.secret import MASK

# Shorter values would mask half of every message and protect nothing.
_SHORTEST = 4


class Redactor:
    """The secret values that this client has revealed, and the masking of them."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, value: str) -> None:
        """Remember a value that is about to be sent, in every form in which it can come back."""
        forms = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
        forms |= {quote(value, safe=""), quote_plus(value)}
        self._values |= {form for form in forms if len(form) >= _SHORTEST}

    def clean(self, text: str) -> str:
        """Return the text with every remembered value masked."""
        # Longest first: a value may contain another one.
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, MASK)
        return text

    def __repr__(self) -> str:
        """Say how many, never which."""
        return f"Redactor({len(self._values)} values)"
