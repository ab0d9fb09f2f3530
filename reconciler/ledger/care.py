"""Backup, migration and copy of a ledger."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from sqlalchemy import Connection, insert, select, update

from reconciler.errors import LedgerError
from reconciler.ledger import schema
from reconciler.ledger.config.ignite import sealed_count
from reconciler.ledger.database import Database, Transaction, create, open_existing
from reconciler.ledger.lock import LEDGER_LOCK, acquire
from reconciler.ledger.sqlite import SqliteDatabase, ledger_errors
from reconciler.ledger.tables import IN_ORDER, locks, meta
from reconciler.ledger.url import LedgerUrl, has_ledger, located

_ROWS = 1000


def backup(url: LedgerUrl | str, copy: Path) -> int:
    """Back up a ledger into a SQLite file, also while others write to it, and return its size in bytes.

    The copy is one moment of the ledger, whole, readable for its owner only, and there once it is whole.

    Args:
        url: the ledger URL; a file of an older version is copied as it is.
        copy: a file that does not exist yet.

    Raises:
        LedgerError: there is no ledger, it cannot be read, or the copy cannot be written or is there already.
    """
    database = _existing(located(url))
    try:
        with ledger_errors(copy):
            try:
                # Nobody else can take the name from here on.
                os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                raise LedgerError(
                    f"{copy} is there already", next_step="Name a file that does not exist; nothing is overwritten."
                ) from None
            part = copy.with_name(f".{copy.name}.{token_hex(4)}")
            try:
                os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                _copy(database, part)
                part.replace(copy)
            except BaseException:
                for leftover in (part, copy):
                    with suppress(OSError):
                        leftover.unlink()
                raise
            return copy.stat().st_size
    finally:
        database.close()


def bring_up_to_date(url: LedgerUrl | str) -> tuple[int, int]:
    """Migrate a ledger to this version and return the schema version that it had, and the one it has.

    On PostgreSQL an empty database gets its tables (it had version 0): who may make them need not be who applies.

    Raises:
        LedgerError: there is no ledger, or it cannot be written.
        LedgerTooNew: a newer version of reconciler wrote it.
    """
    place = located(url)
    if place.kind == "postgres" and not _is_there(place):
        create(place).close()
        return 0, schema.VERSION
    database = _existing(place)
    try:
        return database.bring_up_to_date(), schema.VERSION
    finally:
        database.close()


def copy(source: LedgerUrl | str, target: LedgerUrl | str, holder: str) -> int:
    """Copy a ledger to an empty database and return the number of rows.

    Everything goes along: salt, journal, what is in doubt, leases. From then on the source takes no more writes.

    Args:
        source: URL of the ledger.
        target: URL of where it goes.
        holder: who we are, for people.

    Raises:
        LedgerError: there is no ledger, it is in use, the target is not empty, or one of them cannot be used.
    """
    here, there = located(source), located(target)
    _existing(here).close()
    if _is_there(there):
        raise LedgerError(
            f"{there.shown} is there already",
            next_step="Name a database or a file that is empty; nothing is overwritten.",
        )
    database = create(here)
    try:
        with acquire(database, holder, name=LEDGER_LOCK):
            new = create(there)
            try:
                return database.run(lambda tx: _take(tx, new, there))
            finally:
                new.close()
    finally:
        database.close()


def carried(url: LedgerUrl | str) -> str:
    """Return that a ledger carries credentials which SparkLayer handed over, for people; empty where it carries none.

    Raises:
        LedgerError: there is no ledger, or it cannot be read.
    """
    database = _existing(located(url))
    try:
        count = database.run(lambda tx: sealed_count(tx.connection), writes=False, any_place=True)
    except LedgerError:
        # One of an older version, which has no place for them; whoever copies it is told what else is wrong.
        count = 0
    finally:
        database.close()
    if not count:
        return ""
    what = "credentials that SparkLayer handed over" if count == 1 else f"{count} credentials of SparkLayer's"
    return f" It carries the {what}, encrypted: keep the key, RECONCILER_IGNITE_KEY, elsewhere."


def reopen(source: LedgerUrl | str) -> str | None:
    """Reopen a ledger for writes that was copied elsewhere; return where it went, or None if it never did.

    Raises:
        LedgerError: there is no ledger, or it cannot be written.
    """
    _existing(located(source)).close()
    database = create(located(source))

    def take_back(tx: Transaction) -> str | None:
        moved_to: str | None = tx.connection.execute(select(meta.c.moved_to)).scalar()
        tx.connection.execute(update(meta).values(moved_to=None))
        return moved_to

    try:
        return database.run(take_back, any_place=True)
    finally:
        database.close()


def copy_rows(source: Connection, target: Connection) -> int:
    """Copy all rows but those of locks into the empty tables of another ledger, and return their number."""
    about = source.execute(select(meta.c.salt)).one()
    target.execute(update(meta).values(salt=about.salt))
    count = 0
    for table in IN_ORDER:
        if table is locks:
            continue
        found = source.execute(select(table).order_by(*table.primary_key.columns))
        for rows in found.mappings().partitions(_ROWS):
            target.execute(insert(table), [dict(row) for row in rows])
            count += len(rows)
    return count


def _take(tx: Transaction, new: Database, place: LedgerUrl) -> int:
    # Nobody can write to the source from here on until the end of this transaction.
    tx.connection.execute(select(meta.c.id).with_for_update())

    def fill(into: Transaction) -> int:
        into.connection.execute(select(meta.c.id).with_for_update())
        count = copy_rows(tx.connection, into.connection)
        new.number_on(into.connection)
        return count

    count = new.run(fill)
    tx.connection.execute(update(meta).values(moved_to=place.shown))
    return count


def _existing(url: LedgerUrl) -> Database:
    database = open_existing(url, any_version=True)
    if database is None:
        raise LedgerError(
            f"There is no ledger {url.shown} yet",
            next_step="The first apply creates it; see `reconciler ledger show`.",
        )
    return database


def _is_there(url: LedgerUrl) -> bool:
    if url.path is not None:
        return has_ledger(url.path)
    database = open_existing(url, any_version=True)
    if database is not None:
        database.close()
    return database is not None


def _copy(database: Database, file: Path) -> None:
    if isinstance(database, SqliteDatabase):
        database.copy_to(file)
    else:
        copied = SqliteDatabase.create(LedgerUrl("sqlite", str(file), file))
        try:
            database.run(lambda tx: copied.run(lambda into: copy_rows(tx.connection, into.connection)), writes=False)
            copied.as_one_file()
        finally:
            copied.close()
    with file.open("rb") as written:
        os.fsync(written.fileno())
