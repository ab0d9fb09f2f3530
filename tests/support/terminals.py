"""What a program leaves on a pseudo-terminal."""

from __future__ import annotations

import os
from contextlib import suppress


def rest(terminal: int) -> bytes:
    """Return what is still to be read, until nobody is left who could write.

    Args:
        terminal: descriptor of the side that reads.
    """
    left = b""
    # A read gives what came by one write, or some of it. Linux says by an error that it was the last.
    with suppress(OSError):
        while more := os.read(terminal, 65_536):
            left += more
    return left
