"""JSON in and out: secrets are revealed only here, at the last moment before they are sent."""

from __future__ import annotations

import codecs
from typing import Any

import orjson

from reconciler.errors import ReconcilerError
from reconciler.http.redact import Redactor
from reconciler.kind.connection import Json
from reconciler.secret import Secret


def encode(body: Json, redactor: Redactor) -> bytes:
    """Return the body as JSON. Every `Secret` in it is revealed and remembered by the redactor.

    Raises:
        SecretUnset: a secret in the body has no value.
    """

    def reveal(value: Any) -> str:
        if not isinstance(value, Secret):
            raise TypeError(f"{type(value).__name__} is not JSON")
        revealed = value.reveal()
        redactor.add(revealed)
        return revealed

    try:
        return orjson.dumps(body, default=reveal)
    except orjson.JSONEncodeError as error:
        # orjson wraps what the hook raises; the user needs the reason.
        if isinstance(error.__cause__, ReconcilerError):
            raise error.__cause__ from None
        raise


def decode(content: bytes) -> Json:
    """Return the decoded body, None for an empty one. A byte order mark is skipped.

    Raises:
        ValueError: it is no JSON.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content.strip():
        return None
    return orjson.loads(content)
