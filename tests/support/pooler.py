"""A transaction pooler in front of PostgreSQL, as PgBouncer is one: each transaction goes to another connection.

What a client leaves in its session (prepared statements, settings, locks) is gone in its next transaction, and somebody
else meets it.
"""

from __future__ import annotations

import random
import select
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

SIZE = 3
_SETTINGS = ("server_version", "client_encoding", "standard_conforming_strings", "integer_datetimes", "TimeZone")


@contextmanager
def pooler(url: str):
    """Within, a pooler stands before the database of a URL; yields the URL that its clients use."""
    found = _Pooler(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=found.accept, args=(listener,), daemon=True).start()
        try:
            place = f"127.0.0.1:{listener.getsockname()[1]}{urlsplit(url).path}"
            yield f"postgresql://postgres@{place}?sslmode=disable&gssencmode=disable"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for server in found.servers:
                server.close()


class _Pooler:
    def __init__(self, url: str) -> None:
        import psycopg

        self._connect = lambda: psycopg.connect(url)
        self.servers = [self._connect() for _ in range(SIZE)]
        self._free = list(self.servers)
        self._freed = threading.Condition()

    def accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(listener.accept()[0],), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        last = None
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client, suppress(OSError):
            self._greet(client)
            while (message := _message(client)) and message[:1] != b"X":
                with self._freed:
                    self._freed.wait_for(lambda: self._free)
                    last = random.choice([server for server in self._free if server is not last] or self._free)
                    self._free.remove(last)
                ended = _transaction(client, last.pgconn.socket, message)
                with self._freed:
                    if not ended:  # the client is gone in the middle of it
                        last.close()
                        self.servers.append(self._connect())
                    self._free.append(last if ended else self.servers[-1])
                    self._freed.notify()

    def _greet(self, client: socket.socket) -> None:
        """Answer a client's first message as a server does that asks for no password."""
        client.recv(struct.unpack("!i", client.recv(4, socket.MSG_WAITALL))[0] - 4, socket.MSG_WAITALL)
        settings = [f"{name}\0{self.servers[0].info.parameter_status(name)}\0".encode() for name in _SETTINGS]
        messages = [(b"R", bytes(4)), *((b"S", setting) for setting in settings), (b"K", bytes(8)), (b"Z", b"I")]
        client.sendall(b"".join(kind + struct.pack("!i", len(body) + 4) + body for kind, body in messages))


def _transaction(client: socket.socket, number: int, message: bytes) -> bool:
    """Carry messages both ways until the server is out of the transaction; False: the client went before."""
    server, asked = socket.socket(fileno=number), 0
    try:
        while message and message[:1] != b"X":
            asked += message[:1] in (b"Q", b"S")
            server.sendall(message)
            while client not in select.select([client, server], [], [])[0]:
                answer = _message(server)
                client.sendall(answer)
                asked -= answer[:1] == b"Z"
                if not asked and answer[:1] == b"Z" and answer[5:] == b"I":
                    return True
            message = _message(client)
    except OSError:
        pass
    finally:
        server.detach()
    return False


def _message(peer: socket.socket) -> bytes:
    """Read a message; empty: there is none any more."""
    head = _exactly(peer, 5)
    return head + _exactly(peer, struct.unpack("!i", head[1:])[0] - 4) if head else b""


def _exactly(peer: socket.socket, size: int) -> bytes:
    """Read so many bytes, or nothing: libpq's sockets do not block, and give what has come by now."""
    found = bytearray()
    while len(found) < size:
        select.select([peer], [], [])
        part = peer.recv(size - len(found))
        if not part:
            return b""
        found += part
    return bytes(found)
