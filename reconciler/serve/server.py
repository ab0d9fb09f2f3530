"""HTTP server of the service: one socket, bounded connections, and an end that waits for what was begun."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from reconciler.errors import UsageError
from reconciler.serve.front import Front

MOST_CONNECTIONS = 500
HEAD_SECONDS = 10.0
GRACE_SECONDS = 20
_KEEP_ALIVE_SECONDS = 15
_LONGEST_HEAD = 32_768


class Connection(H11Protocol):
    """HTTP connection that is closed where a request's head does not come in time.

    Where there are too many, that one makes room which has been idle for longest, or else the one that has been sending
    a body for longest: so those that send nothing, or hardly anything, keep nobody out.
    """

    _deadline: asyncio.TimerHandle | None = None
    idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn: TCP alone
        super().connection_made(transport)
        self.idle_since = self.loop.time()
        if len(self.connections) > MOST_CONNECTIONS and not self._make_room():
            self.connections.discard(self)
            transport.abort()
            return
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.is_within_request():
            self._head_came()
        elif self._deadline is None and not self.transport.is_closing():
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._head_came()
        self.idle_since = self.loop.time()

    def _make_room(self) -> bool:
        """Close the connection of which something has been awaited for longest; False: all others are answered."""
        others = [each for each in self.connections if isinstance(each, Connection) and each is not self]
        idle = [each for each in others if not each.is_within_request()]
        sending = idle or [each for each in others if each.is_sending()]
        if not sending:
            return False
        longest = min(sending, key=lambda each: each.idle_since)
        # It is not counted any more, though it hears of its end only later.
        self.connections.discard(longest)
        longest.transport.close()
        return True

    def is_within_request(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def is_sending(self) -> bool:
        """Whether the body of its request has not come to its end."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and cycle.more_body

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self.is_within_request() and not self.transport.is_closing():
            if self.conn.our_state is h11.IDLE:
                with contextlib.suppress(h11.LocalProtocolError):
                    self.conn.send(h11.ConnectionClosed())
            self.transport.close()


class Server(uvicorn.Server):
    """Server on one socket, which is bound on construction. Signals are whoever runs it's to hear.

    Args:
        app: answers.
        front: where to listen, and by which certificate.
    """

    def __init__(self, app: ASGIApp, front: Front) -> None:
        self._socket = listen(front.host, front.port)
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{front.host}]" if ":" in front.host else front.host
        scheme = "http" if front.tls is None else "https"
        self.url = f"{scheme}://{shown}:{self.port}"
        config = uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            h11_max_incomplete_event_size=_LONGEST_HEAD,
        )
        config.load()
        self._tls = front.tls
        config.ssl = None if front.tls is None else tls_context(front.tls.certificate, front.tls.key)
        super().__init__(config)

    def renew_certificate(self) -> None:
        """Read the files of the certificate anew; where they do not belong together, the old one stays."""
        if self._tls is not None and self.config.ssl is not None:
            with contextlib.suppress(OSError):
                self.config.ssl.load_cert_chain(self._tls.certificate, self._tls.key)

    async def run_until(self, stop: asyncio.Event) -> None:
        """Serve until told to stop, and then until what was begun is answered."""
        waiting = asyncio.create_task(stop.wait())
        waiting.add_done_callback(lambda _: setattr(self, "should_exit", True))
        try:
            await self.serve(sockets=[self._socket])
        finally:
            waiting.cancel()
            self._socket.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear no signals."""
        yield


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return what speaks TLS with a certificate.

    Raises:
        UsageError: the files are no certificate and its key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"{certificate} and {key} are no certificate and its private key: {error.strerror or type(error).__name__}",
            next_step="Name two PEM files that belong together, the key without a password.",
        ) from error
    return context


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        UsageError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(
            f"cannot listen on {host}:{port}: {reason}",
            next_step="Choose another address with --listen; port 0 takes any that is free.",
        ) from error
    return listener
