"""The steps from one schema version of the ledger to the next. A released step is never edited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from secrets import token_bytes

from sqlalchemy import Connection, insert, select

from reconciler.ledger.config.secret_fingerprint import SALT_BYTES
from reconciler.ledger.data.tables import data_metadata, locks
from reconciler.ledger.tables import apply_lock, meta, metadata

APPLY_LOCK = "apply"
"""The name of the lock that every apply holds."""

Migration = Callable[[Connection], None]


def create_first_version(connection: Connection) -> None:
    """From nothing to version 1."""
    metadata.create_all(connection)
    connection.execute(insert(meta).values(id=1, version=1, salt=token_bytes(SALT_BYTES)))


def add_data_plane(connection: Connection) -> None:
    """From version 1 to 2: records and runs of the data plane, and locks by name.

    An apply of the older version that is under way keeps its lock for newer ones, and finds itself without it: it
    stops with an error before its next write.
    """
    data_metadata.create_all(connection)
    for row in connection.execute(select(apply_lock)).mappings().all():
        held = {name: value for name, value in row.items() if name != "id"}
        connection.execute(insert(locks).values(name=APPLY_LOCK, **held))
    apply_lock.drop(connection)


MIGRATIONS: Sequence[Migration] = (create_first_version, add_data_plane)
"""Step N leads from version N to N + 1."""
