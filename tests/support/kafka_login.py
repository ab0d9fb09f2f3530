"""TLS and a login by SASL, PLAIN or SCRAM, before a cluster that has neither: what brokers for grown-ups ask."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
import struct
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.kafka_cluster import Cluster

_API_VERSIONS, _HANDSHAKE, _AUTHENTICATE = 18, 17, 36
_UNSUPPORTED_MECHANISM, _REFUSED = 33, 58
_FLEXIBLE = 3
_HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
_ROUNDS, _SALT, _NONCE = 4096, b"salt of the user", "ours"
# What a client says goes in, what it is answered comes out; at the end, whether it is known, and the last answer.
Exchange = Generator[bytes, bytes, tuple[bool, bytes]]


@dataclass
class Gate:
    """What lets clients in, and passes on what they ask then.

    Args:
        cluster: of one broker, to which it leads.
        user: whom it knows.
        password: of that user; it may be set to another one.
        mechanism: of SASL, which it offers alone.
        servers: where it is, once it is open.
        refused: how often a login was wrong.
        unknown: requests of somebody who had not logged in.
    """

    cluster: Cluster
    user: str
    password: str
    mechanism: str = "PLAIN"
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

    def _exchange(self) -> Exchange:
        if self.mechanism == "PLAIN":
            return _plain(self.user, self.password)
        return _scram(_HASHES[self.mechanism], self.user, self.password)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self.cluster.servers.partition(":")
        inner, behind = await asyncio.open_connection(host, int(port))
        self._clients |= {writer, behind}
        is_known, exchange, offered = False, self._exchange(), self.mechanism.encode()
        try:
            while True:
                request = await _read(reader)
                key, version, correlation, client = struct.unpack(">hhih", request[:10])
                if key == _HANDSHAKE:
                    error = 0 if request[10 + client + 2 :] == offered else _UNSUPPORTED_MECHANISM
                    answer = struct.pack(">ihih", correlation, error, 1, len(offered)) + offered
                    exchange = self._exchange()
                    next(exchange)
                elif key == _AUTHENTICATE:
                    error = 0
                    try:
                        said = exchange.send(request[10 + client + 4 :])
                    except StopIteration as end:
                        is_known, said = end.value
                        self.refused += not is_known
                        error = 0 if is_known else _REFUSED
                    answer = struct.pack(">ihhi", correlation, error, -1, len(said)) + said
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


def _plain(user: str, password: str) -> Exchange:
    said = yield b""
    return said == f"\0{user}\0{password}".encode(), b""


def _scram(kind: str, user: str, password: str) -> Exchange:
    """RFC 5802, the server's side; the client proves that it has the password, and so does the server."""
    header, _, first = (yield b"").decode().partition(",,")
    asked = dict(part.split("=", 1) for part in first.split(","))
    nonce = asked["r"] + _NONCE
    challenge = f"r={nonce},s={b64encode(_SALT).decode()},i={_ROUNDS}"
    final, _, proof = (yield challenge.encode()).decode().rpartition(",p=")
    salted = hashlib.pbkdf2_hmac(kind, password.encode(), _SALT, _ROUNDS)
    signed = f"{first},{challenge},{final}".encode()
    own = hmac.digest(salted, b"Client Key", kind)
    signature = hmac.digest(hashlib.new(kind, own).digest(), signed, kind)
    right = bytes(one ^ other for one, other in zip(own, signature, strict=True))
    bound = f"c={b64encode(f'{header},,'.encode()).decode()},r={nonce}"
    if asked["n"] != user or final != bound or b64decode(proof) != right:
        return False, b""
    verifier = hmac.digest(hmac.digest(salted, b"Server Key", kind), signed, kind)
    return True, b"v=" + b64encode(verifier)


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
