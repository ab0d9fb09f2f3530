"""Engine over aiohttp, for direct connections: two fifths of httpx's processor time per request."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from io import BytesIO

from reconciler.http.engine import Bounds, Broken, NotConnected, NotConnectedInTime, Reply, Request, Silent

# aiohttp reads every CA of the system when it is imported, for contexts of its own that are not used here: that takes
# longer than a hundred requests. These trust nobody.
ssl.SSLContext.set_default_verify_paths = lambda _: None  # type: ignore[assignment]
try:
    import aiohttp
finally:
    del ssl.SSLContext.set_default_verify_paths  # the one below it is seen again

# We say all of them, or mean to say none.
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
# aiohttp warns of bytes that are longer, since they go out in one piece.
_LARGE = 1 << 20
# Seconds that a connection may rest, as under httpx: a server that ends it sooner might do so while a write goes out.
_REST = 5


class AiohttpEngine:
    """Keep-alive connections in aiohttp's pool; as many as there are requests at once.

    Args:
        bounds: what one exchange may take.
        tls: makes the context for https, when it is first needed.
    """

    def __init__(self, bounds: Bounds, tls: Callable[[], ssl.SSLContext]) -> None:
        self._bounds = bounds
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, request: Request) -> Reply:
        """Send a request and read its answer; see `Engine`."""
        session = self._session or self._open()
        content = request.content
        try:
            response = await session.request(
                request.method,
                request.url,
                data=BytesIO(content) if content is not None and len(content) > _LARGE else content,
                headers=request.headers,
                allow_redirects=False,
                ssl=self._tls() if request.url.scheme == "https" else True,
            )
            is_whole = False
            try:
                headers = _headers(response.raw_headers)
                with request.begin(response.status, headers) as body:
                    while part := await response.content.readany():
                        body.feed(part)
                    reply = Reply(response.status, headers, body.finish())
                is_whole = True
            finally:
                if is_whole:
                    response.release()
                else:
                    response.close()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _told(error) from error
        return reply

    async def aclose(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        bounds = self._bounds
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_REST),
            timeout=aiohttp.ClientTimeout(connect=bounds.connect, sock_read=bounds.read),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_NOT_ADDED,
            auto_decompress=False,
            middlewares=(_once,),
        )
        return self._session


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a GET, PUT or DELETE again by itself when a connection breaks."""
    try:
        return await send(request)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _told(error) from error


def _told(error: Exception) -> Broken:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return NotConnectedInTime()
    if isinstance(error, aiohttp.ClientConnectorError):
        return NotConnected()
    return Silent() if isinstance(error, TimeoutError) else Broken()


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
