"""The composition root: the providers and their kinds. Adding a provider is one line in each table here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from reconciler.kind.kind import Kinds, ManifestKinds

if TYPE_CHECKING:  # an HTTP client is loaded by the command that connects
    from reconciler.http.client import HttpReader, HttpWriter
    from reconciler.http.connections import Connections
    from reconciler.http.limit import Limit, Turn
    from reconciler.http.observe import Observer
    from reconciler.http.retry import RetryPolicy
    from reconciler.kind.probe import Prober
    from reconciler.kind.request import RequestKinds
    from reconciler.manifest.connection import Connection


class Provider(Protocol):
    """What a provider's `client` module offers; see `ordercloud.client`."""

    def connect(
        self,
        settings: Connection,
        *,
        scopes: Sequence[str],
        token_cache: bool,
        observer: Observer | None,
        connections: Connections | None,
        policy: RetryPolicy | None,
        turn: Turn | None,
        limit: Limit | None,
    ) -> AbstractAsyncContextManager[HttpReader]:
        """Open a connection that can only read."""

    def connect_writer(
        self,
        settings: Connection,
        *,
        scopes: Sequence[str],
        token_cache: bool,
        observer: Observer | None,
        policy: RetryPolicy | None,
        limit: Limit | None,
    ) -> AbstractAsyncContextManager[HttpWriter]:
        """Open a connection that can write as well."""


def _ordercloud() -> Provider:
    from reconciler.ordercloud import client

    return client


def _sparklayer() -> Provider:
    from reconciler.sparklayer import client

    return client


def _delivery_probes() -> Prober:
    from reconciler.ordercloud.probes.targets import probe

    return probe


# The kinds that send somewhere, and what probes where to.
_PROBERS: Mapping[str, Callable[[], Prober]] = {"DeliveryConfig": _delivery_probes}


def prober(kind: str) -> Prober | None:
    """Return what probes the places that objects of a kind send to; None where they send nowhere."""
    make = _PROBERS.get(kind)
    return None if make is None else make()


_PROVIDERS: Mapping[str, Callable[[], Provider]] = {"ordercloud": _ordercloud, "sparklayer": _sparklayer}


@cache
def kinds() -> Kinds:
    """Return every registered kind of live object by its name, in the order in which docs and schemas list them."""
    from reconciler.ordercloud.kinds import KINDS as ORDERCLOUD  # pydantic models: not for `--help`
    from reconciler.sparklayer.kinds import KINDS as SPARKLAYER

    return {kind.name: kind for kind in chain(ORDERCLOUD, SPARKLAYER)}


@cache
def request_kinds() -> RequestKinds:
    """Return every registered kind of request by its name: what is done once, and is no state."""
    from reconciler.ordercloud.kinds import REQUESTS as ORDERCLOUD
    from reconciler.sparklayer.kinds import REQUESTS as SPARKLAYER

    return {kind.name: kind for kind in chain(ORDERCLOUD, SPARKLAYER)}


@cache
def manifest_kinds() -> ManifestKinds:
    """Return every kind of manifest by its name: live objects, then requests."""
    return {**kinds(), **request_kinds()}


@asynccontextmanager
async def open_reader(
    connection: Connection,
    scopes: Sequence[str],
    *,
    token_cache: bool,
    observer: Observer,
    connections: Connections | None = None,
    policy: RetryPolicy | None = None,
    turn: Turn | None = None,
) -> AsyncIterator[HttpReader]:
    """Open a connection that can only read, with the client of its provider; `policy` bounds repeating; see `Turn`."""
    provider, supplied = _PROVIDERS[connection.api](), connection.supplied()
    async with (
        _limit(supplied, turn) as limit,
        provider.connect(
            supplied,
            scopes=scopes,
            # What was handed over can be forgotten: nothing of it is left in files.
            token_cache=token_cache and connection.supply is None,
            observer=observer,
            connections=connections,
            policy=policy,
            turn=turn,
            limit=limit,
        ) as reader,
    ):
        yield reader


@asynccontextmanager
async def open_writer(
    connection: Connection,
    scopes: Sequence[str],
    *,
    token_cache: bool,
    observer: Observer,
    policy: RetryPolicy | None = None,
) -> AsyncIterator[HttpWriter]:
    """Open a connection that can write as well, with the client of its provider; `policy` bounds repeating."""
    provider, supplied = _PROVIDERS[connection.api](), connection.supplied()
    async with (
        _limit(supplied, None) as limit,
        provider.connect_writer(
            supplied,
            scopes=scopes,
            token_cache=token_cache and connection.supply is None,
            observer=observer,
            policy=policy,
            limit=limit,
        ) as writer,
    ):
        yield writer


@asynccontextmanager
async def _limit(connection: Connection, turn: Turn | None) -> AsyncIterator[Limit | None]:
    """Within, a connection keeps to its rate together with the other processes of its ledger; None: by itself."""
    if connection.shared is None:
        yield None
        return
    from reconciler.ledger.rates import shared_limit
    from reconciler.quota import Share

    whose, rate = connection.shared, connection.requests_per_second
    share = Share(whose.environment, rate, kept=whose.is_configuration, kept_share=connection.kept_share)
    async with shared_limit(whose.ledger, connection.rate_key, share, turn) as limit:
        yield limit
