"""Open the connections of sessions, and work on several environments side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import ReconcilerError, SecretsUnset
from reconciler.kind.connection import Reader
from reconciler.manifest.connection import Connection
from reconciler.reconcile.session import Session
from reconciler.registry import open_reader, open_writer
from reconciler.secret import Secret, unset_secret

if TYPE_CHECKING:  # it brings the HTTP client
    from reconciler.http.client import HttpWriter
    from reconciler.http.connections import Connections
    from reconciler.http.observe import Observer

_Result = TypeVar("_Result")
AT_ONCE = 20


def _connections(session: Session, targets: Sequence[str]) -> dict[str, Connection]:
    """Return what these targets need, by provider.

    Raises:
        SecretsUnset: more than one cannot be logged in to, as its client secret is not set.
    """
    needed = session.apis_read(targets)
    found = {api: connection for api, connection in session.connections.items() if api in needed}
    _require_no_two_unset(_unset(found.values()))
    return found


def require_secrets(connections: Iterable[Connection]) -> None:
    """Check that the client secrets of connections are set, long before one of them has to be sent.

    Raises:
        SecretUnset: one is not.
        SecretsUnset: more than one is not.
    """
    unset = _unset(connections)
    _require_no_two_unset(unset)
    for secret in unset:
        secret.reveal()


def _unset(connections: Iterable[Connection]) -> list[Secret]:
    """Return the client secrets that an Environment names and that have no value."""
    return [each.client_secret for each in connections if each.supply is None and not each.client_secret.is_set]


def _require_no_two_unset(unset: Sequence[Secret]) -> None:
    if len(unset) > 1:
        raise SecretsUnset([unset_secret(secret) for secret in unset])


@asynccontextmanager
async def readers(
    session: Session,
    targets: Iterable[str],
    observer: Observer,
    *,
    token_cache: bool = True,
    connections: Connections | None = None,
) -> AsyncIterator[dict[str, Reader]]:
    """Open a reader for each API of a session, asking for the roles that these targets take."""
    targets = tuple(targets)
    async with AsyncExitStack() as stack:
        yield {
            api: await stack.enter_async_context(
                open_reader(
                    connection.for_configuration(),
                    session.scopes(api, targets),
                    token_cache=token_cache,
                    observer=observer,
                    connections=connections,
                )
            )
            for api, connection in _connections(session, targets).items()
        }


@asynccontextmanager
async def writers(
    session: Session, targets: Iterable[str], observer: Observer, *, token_cache: bool = True
) -> AsyncIterator[dict[str, HttpWriter]]:
    """Open a writer for each API of a session; see `readers`."""
    targets = tuple(targets)
    async with AsyncExitStack() as stack:
        yield {
            api: await stack.enter_async_context(
                open_writer(
                    connection.for_configuration(),
                    session.scopes(api, targets),
                    token_cache=token_cache,
                    observer=observer,
                )
            )
            for api, connection in _connections(session, targets).items()
        }


async def for_each(
    sessions: Sequence[Session], work: Callable[[Session], Awaitable[_Result]]
) -> list[_Result | ReconcilerError]:
    """Work on several environments, at most 20 at a time; one that fails does not stop the others."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(session: Session) -> _Result | ReconcilerError:
        async with places:
            try:
                return await work(session)
            except ReconcilerError as error:
                return error

    return list(await asyncio.gather(*(one(session) for session in sessions)))
