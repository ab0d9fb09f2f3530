"""Login: a provider's token endpoint, and the token of one client, held and renewed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, Protocol, TypeGuard

from msgspec import Struct

from reconciler.errors import ApiError, LoginRefused, UnexpectedAnswer
from reconciler.http.body import decode
from reconciler.http.clock import Clock
from reconciler.http.redact import Redactor
from reconciler.http.retry import Answer
from reconciler.http.tokens import Token, TokenCache
from reconciler.kind.connection import Json
from reconciler.redacted import RedactedStruct
from reconciler.secret import Secret

# Renewed this long before its end, or a tenth of its life where that is shorter.
_LEEWAY = 60.0
# Longer ones are renewed all the same: a year may be a mistake, and 1e300 is one.
_LONGEST_LIFE = 86_400.0 * 365
_LONGEST_TOKEN = 1 << 15


class TokenRequest(RedactedStruct, frozen=True):
    """The POST that asks for a token. Its content holds the client secret."""

    redacted: ClassVar[tuple[str, ...]] = ("content",)

    url: str
    headers: Mapping[str, str]
    content: bytes


class Login(Protocol):
    """One provider's way to a token."""

    @property
    def cache_key(self) -> str:
        """Hash of URL, client, secret and scopes: tokens are good for exactly that."""
        ...

    def request(self, redactor: Redactor) -> TokenRequest:
        """Return the token request; what it reveals is remembered by the redactor."""
        ...

    def refused(self, answer: Answer, redactor: Redactor) -> ApiError:
        """Turn a 4xx of the token endpoint into ours; never `NotFound`, which would say that an object is missing."""
        ...


def read_token(answer: Answer, now: float) -> Token:
    """Read the token endpoint's 200: `access_token` and `expires_in`, as both providers name them.

    Raises:
        UnexpectedAnswer: it holds no usable token.
    """
    try:
        body = decode(answer.content)
    except ValueError:
        body = None
    value = body.get("access_token") if isinstance(body, dict) else None
    lifetime = body.get("expires_in") if isinstance(body, dict) else None
    if not _is_token(value) or not isinstance(lifetime, int | float) or isinstance(lifetime, bool) or lifetime < 0:
        raise UnexpectedAnswer(
            "the token endpoint answered 200 without a usable token",
            status=answer.status,
            next_step="Check that it is the token endpoint that answers, and no proxy: authUrl (…/oauth/token) for "
            "OrderCloud, stage or url for SparkLayer.",
        )
    lifetime = min(lifetime, _LONGEST_LIFE)
    return Token(value, now + lifetime - min(_LEEWAY, lifetime / 10))


def _is_token(value: Json) -> TypeGuard[str]:
    """Whether it fits a header; one that does not would show up in the error of the library."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TOKEN:
        return False
    return value.isascii() and value.isprintable() and " " not in value


class TokenHolder(Protocol):
    """Whoever has the token of a session."""

    @property
    def renews(self) -> bool:
        """Whether there is another token to be had."""
        ...

    async def get(self) -> Token:
        """Return a token that is good for a while."""
        ...

    def forget(self, token: Token) -> None:
        """Drop a token that the API does not accept."""

    async def aclose(self) -> None:
        """Stop what is under way."""


class FixedToken(Struct, frozen=True):
    """A token that was given to us, and that nothing renews: a forge's."""

    secret: Secret

    def held_by(self, redactor: Redactor) -> TokenHolder:
        """Return the holder of this token; the redactor learns it.

        Raises:
            SecretUnset: there is none.
            LoginRefused: it cannot be sent in a header.
        """
        value = self.secret.reveal()
        redactor.add(value)
        if not _is_token(value):
            raise LoginRefused(
                f"{self.secret.reference} is no token: no header can hold it",
                next_step="Set the variable to the token alone, without a line break or a space.",
            )
        return _Fixed(Token(value, math.inf))


class _Fixed(Struct, frozen=True):
    token: Token
    renews: bool = False

    async def get(self) -> Token:
        return self.token

    def forget(self, token: Token) -> None:
        """Keep it: there is no other."""

    async def aclose(self) -> None:
        """Nothing is under way."""


class TokenSource:
    """The token of one client. Concurrent requests share one login.

    Args:
        fetch: logs in once.
        key: names the token in the cache.
        cache: where the next run finds it; None for memory only.
        clock: where time comes from.
        redactor: learns every token.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Token]],
        key: str,
        cache: TokenCache | None,
        clock: Clock,
        redactor: Redactor,
    ) -> None:
        self.renews = True
        self._fetch = fetch
        self._key = key
        self._cache = cache
        self._clock = clock
        self._redactor = redactor
        self._token: Token | None = None if cache is None else cache.load(key)
        self._login: asyncio.Task[Token] | None = None
        if self._token is not None:
            redactor.add(self._token.value)

    async def get(self) -> Token:
        """Return a token that is good for a while; log in where there is none.

        Raises:
            ApiError: the login failed.
        """
        if self._token is not None and self._token.renew_at > self._clock.wall():
            return self._token
        if self._login is None:
            self._login = asyncio.create_task(self._renew())
            self._login.add_done_callback(self._done)
        # One waiter that is cancelled must not take the login from the others.
        return await asyncio.shield(self._login)

    def forget(self, token: Token) -> None:
        """Drop a token that the API does not accept, here and on disk; a newer one stays."""
        if self._token is token:
            self._token = None
            if self._cache is not None:
                self._cache.drop(self._key)

    async def aclose(self) -> None:
        """Stop a login that nobody waits for any more."""
        if self._login is not None:
            self._login.cancel()
            await asyncio.wait([self._login])

    async def _renew(self) -> Token:
        self._token = await self._fetch()
        self._redactor.add(self._token.value)
        if self._cache is not None:
            self._cache.store(self._key, self._token)
        return self._token

    def _done(self, task: asyncio.Task[Token]) -> None:
        self._login = None
        # Marks the failure as seen, even where every waiter was cancelled.
        if not task.cancelled():
            task.exception()
