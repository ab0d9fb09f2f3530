"""What a PostgreSQL server keeps of itself: our rights, what it lost in a crash, how it numbers rows."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import Connection, func, select

from reconciler.ledger.database import Database
from reconciler.ledger.tables import NUMBERED

# What the driver notes of a connection that ends is told in our own words; its own would be a line on stderr.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

_MAY_WRITE = (
    "SELECT NOT pg_is_in_recovery() AND has_table_privilege('rate_limits', 'INSERT') AND "
    "has_table_privilege('rate_limits', 'UPDATE') AND has_table_privilege('ledger_meta', 'UPDATE')"
)
_BEGAN = "SELECT greatest(pg_postmaster_start_time(), stats_reset) FROM pg_stat_bgwriter"


class OnServer(Database):
    """A database on a server."""

    def may_write(self) -> bool:
        """See `Database.may_write`."""
        with self.errors(), self.engine.begin() as connection:
            return bool(connection.exec_driver_sql(_MAY_WRITE).scalar())

    def began(self, connection: Connection) -> datetime | None:
        """See `Database.began`: after a crash, statistics begin anew as well."""
        found: datetime = connection.exec_driver_sql(_BEGAN).scalar_one()
        return found

    def number_on(self, connection: Connection) -> None:
        """See `Database.number_on`."""
        for table, column in NUMBERED.items():
            sequence = func.pg_get_serial_sequence(table.name, column)
            connection.execute(select(func.setval(sequence, func.max(table.c[column]))))
