"""Bodies as they come, plain or gzipped: decoded piece by piece, and counted while they are."""

from __future__ import annotations

import zlib
from typing import Protocol

_GZIP = zlib.MAX_WBITS | 16


class Undecodable(Exception):
    """A body that is too large, or not in the one encoding that was asked for. Never leaves this room."""


class Decoder(Protocol):
    """Takes a body in pieces and gives it back as a whole."""

    def feed(self, part: bytes) -> None:
        """Take a piece.

        Raises:
            Undecodable: with it the body is too large, or it is not what the header says.
        """
        ...

    def finish(self) -> bytes:
        """Return the body.

        Raises:
            Undecodable: the body is cut off.
        """
        ...


def decoder_for(encoding: str, largest: int) -> Decoder:
    """Return the decoder for a Content-Encoding: none, or one layer of gzip, since we ask for nothing else.

    Args:
        encoding: the header, empty where there is none.
        largest: bytes that the decoded body may have.

    Raises:
        Undecodable: any other encoding, and any second layer: it is refused before it is decoded.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Plain(largest)
    if name in ("gzip", "x-gzip"):
        return _Gzip(largest)
    raise Undecodable("the body is encoded otherwise than asked for, which was gzip or not at all")


class _Plain:
    def __init__(self, largest: int) -> None:
        self._largest = largest
        # One growing buffer: a body of many tiny pieces must not cost an object for each.
        self._body = bytearray()

    @property
    def left(self) -> int:
        """How many bytes still fit."""
        return self._largest - len(self._body)

    def feed(self, part: bytes) -> None:
        if len(part) > self.left:
            raise _too_large(self._largest)
        self._body += part

    def finish(self) -> bytes:
        return bytes(self._body)


class _Gzip:
    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._decoded = _Plain(largest)
        self._inflate = zlib.decompressobj(_GZIP)
        self._fed = 0

    def feed(self, part: bytes) -> None:
        self._fed += len(part)
        # Gzip may hold blocks of nothing without an end.
        if self._fed > self._largest:
            raise _too_large(self._largest)
        try:
            # One byte more than fits is enough to know; what is beyond it is never decoded.
            self._decoded.feed(self._inflate.decompress(part, self._decoded.left + 1))
        except zlib.error:
            raise Undecodable("the body is no gzip, although its header says so") from None
        if self._inflate.unused_data:
            raise Undecodable("the gzipped body goes on after its end")

    def finish(self) -> bytes:
        if self._fed and not self._inflate.eof:
            raise Undecodable("the gzipped body is cut off")
        return self._decoded.finish()


def _too_large(largest: int) -> Undecodable:
    return Undecodable(f"the body is larger than {largest:,} bytes")
