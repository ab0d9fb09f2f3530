"""TLS and a login by SASL/PLAIN before a cluster that has neither: what brokers for grown-ups ask of a client."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.kafka_cluster import Cluster

_API_VERSIONS, _HANDSHAKE, _AUTHENTICATE = 18, 17, 36
_OFFERS = b"PLAIN"
_UNSUPPORTED_MECHANISM, _REFUSED = 33, 58
_FLEXIBLE = 3


@dataclass
class Gate:
    """What lets clients in, and passes on what they ask then.

    Args:
        cluster: of one broker, to which it leads.
        user: whom it knows.
        password: of that user; it may be set to another one.
        servers: where it is, once it is open.
        refused: how often a login was wrong.
        unknown: requests of somebody who had not logged in.
    """

    cluster: Cluster
    user: str
    password: str
    servers: str = ""
    refused: int = 0
    unknown: int = 0
    _clients: set[asyncio.StreamWriter] = field(default_factory=set)

    @asynccontextmanager
    async def open(self, tls: ssl.SSLContext) -> AsyncIterator[None]:
        """Within, it listens on the loopback."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.servers = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            server.close()
            for each in self._clients:
                each.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self.cluster.servers.partition(":")
        inner, behind = await asyncio.open_connection(host, int(port))
        self._clients |= {writer, behind}
        is_known = False
        try:
            while True:
                request = await _read(reader)
                key, version, correlation, client = struct.unpack(">hhih", request[:10])
                if key == _HANDSHAKE:
                    error = 0 if request[10 + client + 2 :] == _OFFERS else _UNSUPPORTED_MECHANISM
                    answer = struct.pack(">ihih", correlation, error, 1, len(_OFFERS)) + _OFFERS
                elif key == _AUTHENTICATE:
                    is_known = request[10 + client + 4 :] == f"\0{self.user}\0{self.password}".encode()
                    self.refused += not is_known
                    answer = struct.pack(">ihhi", correlation, 0 if is_known else _REFUSED, -1, 0)
                    answer += struct.pack(">q", 0) if version else b""
                elif key == _API_VERSIONS or is_known:
                    _write(behind, request)
                    answer = await _read(inner)
                    if key == _API_VERSIONS:
                        answer = _with_login(answer, version)
                    # Where brokers say that they are: here, as far as a client must know.
                    answer = answer.replace(_address(self.cluster.servers), _address(self.servers))
                else:
                    self.unknown += 1
                    break
                _write(writer, answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._clients -= {writer, behind}
            writer.close()
            behind.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


def _write(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.write(struct.pack(">i", len(message)) + message)


def _address(server: str) -> bytes:
    host, _, port = server.partition(":")
    return host.encode() + struct.pack(">i", int(port))


def _with_login(answer: bytes, version: int) -> bytes:
    """Add the two requests of a login to what a broker says that it knows."""
    head, more = answer[:6], [(_HANDSHAKE, 0, 1), (_AUTHENTICATE, 0, 1)]
    if version < _FLEXIBLE:
        (count,) = struct.unpack(">i", answer[6:10])
        return head + struct.pack(">i", count + 2) + b"".join(struct.pack(">hhh", *each) for each in more) + answer[10:]
    assert answer[6] < 126, "a count of one byte"
    return head + bytes([answer[6] + 2]) + b"".join(struct.pack(">hhhb", *each, 0) for each in more) + answer[7:]
