"""The composition root: the providers and their kinds. Adding a provider is one line here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.kind import Kinds, Reader

if TYPE_CHECKING:  # an HTTP client is loaded by the command that connects
    from reconciler.http.client import HttpWriter
    from reconciler.http.connections import Connections
    from reconciler.http.observe import Observer
    from reconciler.manifest.connection import Connection


@cache
def kinds() -> Kinds:
    """Return every registered kind by its name, in the order in which docs and schemas list them."""
    from reconciler.ordercloud.kinds import KINDS as ORDERCLOUD  # pydantic models: not for `--help`

    return {kind.name: kind for kind in chain(ORDERCLOUD)}


@asynccontextmanager
async def open_reader(
    connection: Connection,
    scopes: Sequence[str],
    *,
    token_cache: bool,
    observer: Observer,
    connections: Connections | None = None,
) -> AsyncIterator[Reader]:
    """Open a connection that can only read; see `ordercloud.client.connect`."""
    from reconciler.ordercloud.client import connect

    async with connect(
        connection, scopes=scopes, token_cache=token_cache, observer=observer, connections=connections
    ) as reader:
        yield reader


@asynccontextmanager
async def open_writer(
    connection: Connection, scopes: Sequence[str], *, token_cache: bool, observer: Observer
) -> AsyncIterator[HttpWriter]:
    """Open a connection that can write as well; see `ordercloud.client.connect_writer`."""
    from reconciler.ordercloud.client import connect_writer

    async with connect_writer(connection, scopes=scopes, token_cache=token_cache, observer=observer) as writer:
        yield writer
