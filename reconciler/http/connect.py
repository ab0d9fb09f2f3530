"""Opening a connection to an API that a provider describes: to read, or to write as well."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, TypedDict

from reconciler.http.api import Api, Options
from reconciler.http.client import HttpReader, HttpWriter, Session, open_session
from reconciler.http.clock import Clock
from reconciler.http.connections import Connections
from reconciler.http.limit import Limit, Turn
from reconciler.http.observe import Observer, Silent
from reconciler.http.retry import RetryPolicy
from reconciler.http.tokens import default_cache
from reconciler.secret import Secret


class ConnectionSettings(Protocol):
    """Settings of an API from a manifest, resolved."""

    @property
    def api_url(self) -> str: ...

    @property
    def auth_url(self) -> str: ...

    @property
    def client_id(self) -> str: ...

    @property
    def client_secret(self) -> Secret: ...

    @property
    def requests_per_second(self) -> float: ...


Describe = Callable[[Sequence[str]], Api]
"""Describes an API, given the roles to ask for."""


class Opening(TypedDict, total=False):
    """Options of opening a connection; what is left out has its default.

    Args:
        scopes: the roles to ask for; none: all that the user has.
        token_cache: whether tokens may be kept on disk for the next run (never on CI); yes where left out.
        observer: is told of requests and waits.
        connections: shared by the environments of one run; own ones where left out.
        policy: bounds of repeating.
        clock: where time comes from.
        turn: whether its requests go first of others to the same API, or give way.
        limit: the rate that is shared with others; its own where left out.
    """

    scopes: Sequence[str]
    token_cache: bool
    observer: Observer | None
    connections: Connections | None
    policy: RetryPolicy | None
    clock: Clock | None
    turn: Turn | None
    limit: Limit | None


@asynccontextmanager
async def open_reader(describe: Describe, opening: Opening) -> AsyncIterator[HttpReader]:
    """Open a connection that can only read. Nothing is sent before the first request.

    Raises:
        SecretUnset: the client secret is not set.
        Unreachable: a URL is not one.
    """
    async with _open(describe, opening) as session:
        yield HttpReader(session)


@asynccontextmanager
async def open_writer(describe: Describe, opening: Opening) -> AsyncIterator[HttpWriter]:
    """Open a connection that can write as well; errors as for `open_reader`."""
    async with _open(describe, opening) as session:
        yield HttpWriter(session)


def _open(describe: Describe, opening: Opening) -> AbstractAsyncContextManager[Session]:
    options = Options(
        cache=default_cache(os.environ) if opening.get("token_cache", True) else None,
        observer=opening.get("observer") or Silent(),
        policy=opening.get("policy") or RetryPolicy(),
        clock=opening.get("clock") or Clock(),
        turn=opening.get("turn"),
        limit=opening.get("limit"),
    )
    return open_session(describe(opening.get("scopes", ())), options, opening.get("connections"))
