"""Statements and notices of the ledger's PostgreSQL for an event loop, over connections that outlive its restart.

It is for who waits for notices. What is written must bear to be written twice: an answer may get lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from reconciler.errors import LedgerError, MissingExtra
from reconciler.ledger.postgres import PATIENCE_SECONDS, connection_settings, is_lost
from reconciler.ledger.url import LedgerUrl

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_LISTENS_WITHIN = 10.0


class AsyncPostgres:
    """One connection for statements and, where somebody listens, one for notices. Close it after use.

    Args:
        url: of the ledger.
    """

    def __init__(self, url: LedgerUrl) -> None:
        try:
            import psycopg
        except ImportError:
            raise MissingExtra("A ledger on PostgreSQL", "postgres") from None
        self._psycopg = psycopg
        self._url = url
        self._settings = connection_settings(url)
        self._connection: Any = None
        self._turn = asyncio.Lock()
        self._callbacks: dict[str, list[Callable[[str], None]]] = {}
        self._listener: asyncio.Task[None] | None = None
        self._listens = asyncio.Event()

    async def fetch(self, query: str, *values: object) -> list[dict[str, object]]:
        """Run a statement with `$1`, `$2`… for its values, and return its rows. A server that is away is waited for.

        Raises:
            psycopg.Error: the statement failed, or the server stayed away.
        """
        async with self._turn:
            give_up_at, pause = time.monotonic() + PATIENCE_SECONDS, _FIRST_PAUSE
            while True:
                try:
                    return await self._fetch(query, values)
                except self._psycopg.Error as error:
                    gone = self._connection is None or self._connection.closed or is_lost(error)
                    if not gone or time.monotonic() >= give_up_at:
                        raise
                    await self._drop()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def listen(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call something with the text of each notice of a channel, from now on."""
        self._callbacks.setdefault(channel, []).append(callback)
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="listening to the ledger")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._listens.wait(), _LISTENS_WITHIN)

    def hush(self, channel: str, callback: Callable[[str], None]) -> None:
        """Take back what `listen` was told."""
        with suppress(KeyError, ValueError):
            self._callbacks[channel].remove(callback)

    async def close(self) -> None:
        """Close the connections."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait({self._listener})
        await self._drop()

    async def _fetch(self, query: str, values: tuple[object, ...]) -> list[dict[str, object]]:
        if self._connection is None:
            self._connection = await self._connect()
        rows = self._psycopg.rows.dict_row
        cursor = self._psycopg.AsyncRawCursor(self._connection, row_factory=rows)
        await cursor.execute(query, values or None)
        return await cursor.fetchall() if cursor.description is not None else []

    async def _connect(self) -> Any:
        return await self._psycopg.AsyncConnection.connect(self._url.conninfo, **self._settings)

    async def _drop(self) -> None:
        dropped, self._connection = self._connection, None
        if dropped is not None:
            with suppress(self._psycopg.Error):
                await dropped.close()

    async def _listen(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            connection = None
            try:
                connection = await self._connect()
                for channel in self._callbacks:
                    name = self._psycopg.sql.Identifier(channel)
                    await connection.execute(self._psycopg.sql.SQL("LISTEN {}").format(name))
                self._listens.set()
                pause = _FIRST_PAUSE
                async for notice in connection.notifies():
                    for callback in tuple(self._callbacks.get(notice.channel, ())):
                        callback(notice.payload)
            except (self._psycopg.Error, LedgerError):  # who waits for notices asks now and then as well
                pass
            finally:
                if connection is not None:
                    with suppress(self._psycopg.Error):
                        await connection.close()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
