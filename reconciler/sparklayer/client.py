"""Connections to one SparkLayer site: to read, or to write as well."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from reconciler.errors import UsageError
from reconciler.http.client import Api, HttpReader, HttpWriter, Options, Session, open_session
from reconciler.http.clock import Clock
from reconciler.http.connections import Connections
from reconciler.http.observe import Call, Observer, Silent
from reconciler.http.retry import RetryPolicy
from reconciler.http.tokens import default_cache
from reconciler.secret import Secret
from reconciler.sparklayer.faults import parse_fault
from reconciler.sparklayer.login import SITE_HEADER, SparkLayerLogin

_FORBIDDEN = "Check that the site's plan is Pro or Enterprise and that this API key belongs to it: keys have no roles."


class ConnectionSettings(Protocol):
    """What a manifest says about a site, resolved."""

    @property
    def api_url(self) -> str: ...

    @property
    def auth_url(self) -> str: ...

    @property
    def site_id(self) -> str | None: ...

    @property
    def client_id(self) -> str: ...

    @property
    def client_secret(self) -> Secret: ...

    @property
    def requests_per_second(self) -> float: ...


@asynccontextmanager
async def connect(
    settings: ConnectionSettings,
    *,
    scopes: Sequence[str] = (),
    token_cache: bool = True,
    observer: Observer | None = None,
    connections: Connections | None = None,
    policy: RetryPolicy | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[HttpReader]:
    """Open a connection that can only read. Nothing is sent before the first request.

    Args:
        settings: URLs, site, credentials and rate.
        scopes: not used: API keys have no roles.
        token_cache: whether tokens may be kept on disk for the next run (never on CI).
        observer: is told of requests and waits.
        connections: shared by the environments of one run; own ones where left out.
        policy: bounds of repeating.
        clock: where time comes from.

    Raises:
        SecretUnset: the client secret is not set.
        Unreachable: a URL is not one.
        UsageError: the settings name no site.
    """
    async with _open(settings, scopes, token_cache, observer, connections, policy, clock) as session:
        yield HttpReader(session)


@asynccontextmanager
async def connect_writer(
    settings: ConnectionSettings,
    *,
    scopes: Sequence[str] = (),
    token_cache: bool = True,
    observer: Observer | None = None,
    connections: Connections | None = None,
    policy: RetryPolicy | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[HttpWriter]:
    """Open a connection that can write as well; arguments and errors as for `connect`."""
    async with _open(settings, scopes, token_cache, observer, connections, policy, clock) as session:
        yield HttpWriter(session)


def _open(
    settings: ConnectionSettings,
    scopes: Sequence[str],
    token_cache: bool,
    observer: Observer | None,
    connections: Connections | None,
    policy: RetryPolicy | None,
    clock: Clock | None,
) -> AbstractAsyncContextManager[Session]:
    if settings.site_id is None:
        raise UsageError("a SparkLayer connection needs a site", next_step="Add siteID to the Environment.")
    login = SparkLayerLogin(settings.auth_url, settings.site_id, settings.client_id, settings.client_secret)
    options = Options(
        cache=default_cache(os.environ) if token_cache else None,
        observer=observer or Silent(),
        policy=policy or RetryPolicy(),
        clock=clock or Clock(),
    )
    api = Api(
        settings.api_url,
        login,
        parse_fault,
        settings.requests_per_second,
        scopes,
        headers={SITE_HEADER: settings.site_id},
        clashes=_clashes,
        forbidden=_FORBIDDEN,
    )
    return open_session(api, options, connections)


def _clashes(call: Call) -> bool:
    """documented: a 409 of a pricing write is a clash with another one and may be repeated; elsewhere it is final."""
    return call.method == "PATCH" and call.path.rstrip("/").rpartition("/")[2] in ("pricing", "batch-update-pricing")
