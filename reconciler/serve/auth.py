"""Who asks, and how much of what they send is read: tokens, addresses, sessions of the page, bounded bodies."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.types import Receive, Scope

from reconciler.secret import Secret
from reconciler.serve.front import Front, Network

SESSION_COOKIE = "reconciler-session"
_SESSION_LASTS = timedelta(hours=12)
_LONGEST_TOKEN = 4_000
_LOCAL_USER = "local"
_DROPPED_BYTES = 1_000_000
_DROPPED_SECONDS = 1.0
Address = IPv4Address | IPv6Address
CLOSE = {"Connection": "close"}
"""What an answer says before the body was read: else all of it would still be taken in."""


def is_one_of(given: str | bytes | None, secrets: Iterable[Secret]) -> bool:
    """Compare what somebody sent with secrets, in a time that tells nothing of them. A secret that is not set is none.

    Args:
        given: as it was sent; None: nothing was.
        secrets: any of them will do.
    """
    if given is None or len(given) > _LONGEST_TOKEN:
        return False
    sent = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else given
    found = False
    for secret in secrets:
        value = secret.value
        if value:
            found |= hmac.compare_digest(sent, value.encode("utf-8", "surrogatepass"))
    return found


def bearer(request: HTTPConnection) -> str | None:
    """Return the bearer token of a request; None where there is none, or more than one."""
    scheme, _, token = (only_header(request.scope, "authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def require_token(request: HTTPConnection, secrets: Sequence[Secret]) -> None:
    """Refuse a request whose bearer token is none of these.

    Raises:
        HTTPException: 401.
    """
    if not is_one_of(bearer(request), secrets):
        raise HTTPException(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer", **CLOSE})


def client_address(request: HTTPConnection, front: Front) -> Address | None:
    """Return the address of whoever asks: of the connection, or what a trusted proxy says.

    Of the addresses that a chain of proxies wrote, the last one that is no trusted proxy's counts: what stands before
    it, anybody can write.
    """
    connected = _address(request.client.host if request.client else "")
    if connected is None or not is_within(connected, front.proxies):
        return connected
    written = ",".join(request.headers.getlist(front.client_header)).split(",")
    for text in reversed(written):
        found = _address(text.strip())
        if found is None:
            return None
        if not is_within(found, front.proxies):
            return found
    return connected


def is_within(address: Address | None, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks."""
    return address is not None and any(address in network for network in networks)


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def session_of(token: str, now: datetime) -> str:
    """Return the session of whoever logged in with a token: any process can check it, and it ends with the token."""
    until = str(int((now + _SESSION_LASTS).timestamp()))
    return f"{until}.{_signed(until, token)}"


def is_session(cookie: str | None, secrets: Iterable[Secret], now: datetime) -> bool:
    """Whether a cookie is a session that holds, of a token that is still one."""
    until, _, signature = (cookie or "").partition(".")
    if not (until.isascii() and until.isdigit()) or len(until) > 12 or int(until) < now.timestamp():
        return False
    tokens = [secret.value for secret in secrets]
    return any(hmac.compare_digest(signature.encode(), _signed(until, token).encode()) for token in tokens if token)


class Logins(Struct, frozen=True):
    """The tokens that open the page, and what each opens.

    Args:
        of_all: open all environments.
        of_one: open the environment alone whose name stands before them.
    """

    of_all: tuple[Secret, ...] = ()
    of_one: Mapping[str, tuple[Secret, ...]] = {}

    @property
    def tokens(self) -> tuple[Secret, ...]:
        """All of them."""
        return (*self.of_all, *(token for tokens in self.of_one.values() for token in tokens))

    def opened(self, session: str, names: Sequence[str], now: datetime) -> tuple[str, ...]:
        """Return those of the environments that the token of a session opens."""
        if is_session(session, self.of_all, now):
            return tuple(names)
        return tuple(name for name in names if is_session(session, self.of_one.get(name, ()), now))


def csrf_token(session: str) -> str:
    """Return what a form of a session has to send along: whoever cannot read the page cannot know it."""
    return hashlib.sha256(f"form of {session}".encode()).hexdigest()


def _signed(text: str, token: str) -> str:
    return hmac.new(token.encode("utf-8", "surrogatepass"), f"page until {text}".encode(), hashlib.sha256).hexdigest()


def page_user(request: HTTPConnection, front: Front, logins: Logins, now: datetime) -> str | None:
    """Return who sees the page: whom a trusted proxy names, `token`, or `local` where no login is needed; None: nobody.

    Args:
        request: for the page.
        front: of the process.
        logins: by which a token opens the page.
        now: our clock.
    """
    if not front.has_login:
        return _LOCAL_USER if front.is_loopback else None
    if front.user_header is not None and request.client is not None:
        named = only_header(request.scope, front.user_header)
        if named and is_within(_address(request.client.host), front.proxies):
            return named
    return "token" if is_session(request.cookies.get(SESSION_COOKIE), logins.tokens, now) else None


async def read_body(request: Request, limit: int, seconds: float = 10.0) -> bytes:
    """Read the body of a request; see `body_of`."""
    return await body_of(request.scope, request.receive, limit, seconds)


async def body_of(scope: Scope, receive: Receive, limit: int, seconds: float) -> bytes:
    """Read a body that may not be longer than `limit` bytes and not take longer than `seconds`.

    Raises:
        HTTPException: 413, 408, or 400 where it was not sent to its end; the connection is closed after the answer.
    """
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), None)
    if declared is not None and (not declared.isdigit() or int(declared) > limit):
        if declared.isdigit() and int(declared) <= limit + _DROPPED_BYTES:
            await _drop(scope, receive)
        raise HTTPException(413, f"at most {limit:,} bytes are taken", CLOSE)
    body, more = bytearray(), True
    try:
        async with asyncio.timeout(seconds):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise HTTPException(400, "the body was cut off", CLOSE)
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > limit:
                    if more:
                        await _drop(scope, receive)
                    raise HTTPException(413, f"at most {limit:,} bytes are taken", CLOSE)
    except TimeoutError:
        raise HTTPException(408, "the body did not arrive in time", CLOSE) from None
    return bytes(body)


async def _drop(scope: Scope, receive: Receive) -> None:
    """Take a little more of a body that is refused: who still sends when a connection ends does not hear why."""
    if any(name == b"expect" for name, _ in scope["headers"]):
        return  # The client waits to be asked for it.
    left = _DROPPED_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DROPPED_SECONDS):
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):
                    return
                left -= len(message["body"])


def only_header(scope: Scope, name: str) -> str | None:
    """Return the value of a header of a request; None where there is none, or more than one."""
    wanted = name.lower().encode("latin-1")
    values = [value for each, value in scope["headers"] if each == wanted]
    return values[0].decode("latin-1") if len(values) == 1 else None
