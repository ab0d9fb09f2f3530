"""What sends bytes: one exchange at a time, over connections that it keeps. Libraries stand behind this protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct
from yarl import URL

from reconciler.http.decoding import Body


class Bounds(Struct, frozen=True):
    """Bounds of one exchange: time and size.

    Args:
        connect: seconds to a connection.
        read: seconds between two pieces of an answer.
        exchange: seconds for all of it: a body that drips in forever keeps every single read in time.
        body: bytes of a body, decompressed; all bodies that are coming may have twice as many together.
        passed_on: bytes of a body of which nothing is kept, decompressed. It has the time of an exchange for every so
            many bytes as another body may have.
    """

    connect: float = 10
    read: float = 60
    exchange: float = 300
    body: int = 64 * 1024 * 1024
    passed_on: int = 1024 * 1024 * 1024


class Request(Struct, frozen=True):
    """A request as it goes out.

    Args:
        method: of the request.
        url: where to.
        headers: all of them but Host and Content-Length.
        content: the body; None: there is none.
        begin: makes what the body of the answer is fed to, given status and headers. It may raise `Undecodable`.
    """

    method: str
    url: URL
    headers: Mapping[str, str]
    content: bytes | None
    begin: Callable[[int, Mapping[str, str]], Body]


class Reply(Struct, frozen=True):
    """What came back: status, headers in lower case (several of one name joined by commas), the body decoded."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Broken(Exception):
    """The exchange ended before its end; some of the request may have gone out. Its cause is the library's error.

    Never leaves this room, nor do those below.
    """


class NotConnected(Broken):
    """There was no connection, so nothing went out."""


class NotConnectedInTime(NotConnected):
    """There was no connection within the bound."""


class NoTunnel(NotConnected):
    """The proxy opens no connection.

    Args:
        status: what it answered.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Silent(Broken):
    """Nothing came, or nothing more, within the bound."""


class Engine(Protocol):
    """Sends requests over connections that it keeps open. Cancelled at any moment, it can be used again."""

    async def exchange(self, request: Request) -> Reply:
        """Send a request and read its answer, whatever its status; no redirect is followed, nothing repeated.

        Raises:
            Broken: a subclass that says what happened.
            Undecodable: the body is too large, or encoded otherwise than asked for.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...
