"""Token of a page: the pull that it belongs to, and the cursor. Opaque to SparkLayer, and to us hostile text. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from contextlib import suppress
from typing import Any

from msgspec import Struct

_LONGEST = 8_000


class BadToken(Exception):
    """A token that no page ever returned, or one of a pull that is over."""


class PageToken(Struct, frozen=True):
    """Place of a page.

    Args:
        pull: ID of the run in the ledger that the pull is; empty: it keeps no notes.
        cursor: of the source; with `ending`, of what the ledger knows to be gone.
        ending: the source was read to its end.
    """

    pull: str = ""
    cursor: Any = None
    ending: bool = False

    @property
    def text(self) -> str:
        """It as text, fit for a URL."""
        data = json.dumps([self.pull, self.cursor, self.ending], separators=(",", ":"))
        return base64.urlsafe_b64encode(data.encode()).decode().rstrip("=")


def page_token(text: str) -> PageToken:
    """Return what a token says.

    Raises:
        BadToken: it is none.
    """
    data = None
    if len(text) <= _LONGEST and text.isascii():
        with suppress(binascii.Error, ValueError, RecursionError):
            data = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    match data:
        case [str(pull), cursor, bool(ending)] if len(pull) <= 64:
            return PageToken(pull, cursor, ending)
    raise BadToken("page is no next_page that this service returned")
