"""Bodies as they come, plain or gzipped: decoded piece by piece, and counted while they are."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

_GZIP = zlib.MAX_WBITS | 16
# So much is decoded at once before it is counted.
_PIECE = 1 << 18


class Undecodable(Exception):
    """A body that is too large, or not in the one encoding that was asked for. Never leaves this room."""


class TooLarge(Undecodable):
    """A body is larger than it may be."""


class Taker(Protocol):
    """Takes a decoded body as it comes, so that nobody has to hold all of it."""

    def take(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            Undecodable: it is not what was asked for.
        """
        ...

    def end(self) -> None:
        """Say that there is no more of it.

        Raises:
            Undecodable: it is cut off.
        """
        ...


class Decoder(Protocol):
    """Takes a body in pieces."""

    def pieces(self, part: bytes) -> Iterator[bytes]:
        """Yield what a piece of the body becomes, a little at a time.

        Raises:
            Undecodable: it is not what the header says.
        """
        ...

    def end(self) -> None:
        """Say that there is no more of it.

        Raises:
            Undecodable: it is cut off.
        """
        ...


def decoder_for(encoding: str) -> Decoder:
    """Return the decoder for a Content-Encoding: none, or one layer of gzip, since we ask for nothing else.

    Args:
        encoding: the header, empty where there is none.

    Raises:
        Undecodable: any other encoding, and any second layer: it is refused before it is decoded.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Plain()
    if name in ("gzip", "x-gzip"):
        return _Gzip()
    raise Undecodable("the body is encoded otherwise than asked for, which was gzip or not at all")


class _Plain:
    def pieces(self, part: bytes) -> Iterator[bytes]:
        for start in range(0, len(part), _PIECE):
            yield part[start : start + _PIECE]

    def end(self) -> None:
        """It ends anywhere."""


class _Gzip:
    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(_GZIP)
        self._begun = False

    def pieces(self, part: bytes) -> Iterator[bytes]:
        self._begun = self._begun or bool(part)
        while part and not self._inflate.eof:
            try:
                yield self._inflate.decompress(part, _PIECE)
            except zlib.error:
                raise Undecodable("the body is no gzip, although its header says so") from None
            part = self._inflate.unconsumed_tail
        if part or self._inflate.unused_data:
            raise Undecodable("the gzipped body goes on after its end")

    def end(self) -> None:
        if self._begun and not self._inflate.eof:
            raise Undecodable("the gzipped body is cut off")


class Room(Struct):
    """Memory budget of all bodies that are still coming.

    Args:
        left: bytes that are free.
    """

    left: int


class Body:
    """A body that grows, within its own bound and in what room there is. Leave it (`with`) to give the room back.

    Args:
        encoding: its Content-Encoding.
        largest: bytes that it may have, decoded; as many may come over the wire.
        room: shared with the other bodies.

    Raises:
        Undecodable: it is encoded otherwise than asked for.
    """

    def __init__(self, encoding: str, largest: int, room: Room) -> None:
        self._decoder = decoder_for(encoding)
        self._largest = largest
        self._room = room
        self._wire = 0
        self.size = 0
        """Bytes that came of it so far, decoded."""
        # One growing buffer: a body of many tiny pieces must not cost an object for each.
        self._content = bytearray()

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self._room.left += len(self._content)
        self._content = bytearray()

    def feed(self, part: bytes) -> None:
        """Feed a piece from the wire to the decoder.

        Raises:
            Undecodable: with it the body is too large, all bodies together are, or it is not what the header says.
        """
        self._wire += len(part)
        # Gzip may hold blocks of nothing without an end.
        self._check(self._wire)
        for piece in self._decoder.pieces(part):
            self.size += len(piece)
            self._check(self.size)
            self._keep(piece)

    def finish(self) -> bytes:
        """Return it whole.

        Raises:
            Undecodable: it is cut off.
        """
        self._decoder.end()
        return bytes(self._content)

    def _keep(self, piece: bytes) -> None:
        if len(piece) > self._room.left:
            raise Undecodable("the body is too large beside the others that are coming")
        self._room.left -= len(piece)
        self._content += piece

    def _check(self, size: int) -> None:
        if size > self._largest:
            raise TooLarge(f"the body is larger than {self._largest:,} bytes")


class PassedOn(Body):
    """A body of which nothing is kept: a taker gets each piece as it comes. It takes no room.

    Args:
        encoding: its Content-Encoding.
        largest: bytes that it may have, decoded; as many may come over the wire.
        taker: gets the pieces, of a quarter of a MiB at most.

    Raises:
        Undecodable: it is encoded otherwise than asked for.
    """

    def __init__(self, encoding: str, largest: int, taker: Taker) -> None:
        super().__init__(encoding, largest, Room(0))
        self._taker = taker

    def finish(self) -> bytes:
        """Tell the taker that this was all; nothing is returned of it."""
        content = super().finish()
        self._taker.end()
        return content

    def _keep(self, piece: bytes) -> None:
        self._taker.take(piece)
