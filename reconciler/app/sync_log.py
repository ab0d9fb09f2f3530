"""Read or clear the sync log that SparkLayer keeps of a site, and merchants read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.errors import Rejected
from reconciler.registry import open_reader, open_writer
from reconciler.sparklayer.sync_log import SyncStatus, clear_every_log, read_status
from reconciler.sparklayer.sync_log_types import DOCUMENTED

if TYPE_CHECKING:
    from reconciler.http.observe import Observer
    from reconciler.manifest.connection import Connection

API = "sparklayer"


async def read_logs(
    connection: Connection, integration: str, types: Sequence[str], observer: Observer, *, with_errors: bool
) -> Mapping[str, SyncStatus | None]:
    """Read the logs of one integration by data type; None for one without a recorded full sync.

    Args:
        connection: of the site.
        integration: whose logs.
        types: the data types.
        observer: told of the requests.
        with_errors: whether to read the open problems too, not only their number.

    Raises:
        ApiError: they cannot be read.
    """
    async with open_reader(connection, (), token_cache=True, observer=observer) as reader:

        async def read(data_type: str) -> SyncStatus | None:
            try:
                return await read_status(reader, integration, data_type, with_errors=with_errors)
            except Rejected:
                # Among others, one that the API does not know is none.
                if data_type in DOCUMENTED or len(types) == 1:
                    raise
                return None

        return dict(zip(types, await asyncio.gather(*map(read, types)), strict=True))


async def clear_logs(connection: Connection, observer: Observer) -> None:
    """Wipe the logs of every integration and data type of a site.

    Raises:
        ApiError: they cannot be wiped.
    """
    async with open_writer(connection, (), token_cache=True, observer=observer) as writer:
        await clear_every_log(writer)
