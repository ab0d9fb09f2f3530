"""Opening the ledger's SQLite file: settings, schema version, and every way in which a file can be no ledger."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from reconciler.errors import LedgerError, LedgerTooNew
from reconciler.ledger.migrations import MIGRATIONS, Migration
from reconciler.ledger.tables import meta

_BUSY_MILLISECONDS = 10_000
_MODE_POLL_SECONDS = 0.02

# What SQLite says, what it means for the user, and what helps.
_SAYINGS = (
    (
        ("not a database", "malformed", "file is encrypted"),
        "is damaged or is no SQLite database",
        "Restore it from a backup, or move it away: the next apply starts a new one and remembers nothing before it.",
    ),
    (
        ("readonly", "read-only"),
        "cannot be written",
        "Make the file and its folder writable for this user, or set RECONCILER_LEDGER to another file.",
    ),
    (
        ("unable to open", "is a directory"),
        "cannot be opened",
        "Check that the path is a file in a folder that this user may read and write.",
    ),
    (
        ("locked", "busy"),
        "is held by another process",
        "Try again in a moment; if it stays so, look for a process that holds the file open.",
    ),
    (
        # What SQLite says of a disk that has no room for its side files, too.
        ("disk i/o error",),
        "cannot be read or written: the disk is full, or it fails",
        "Make room on the disk, see that it is in order, and run the command again.",
    ),
    (
        ("disk is full", "no space"),
        "cannot be written: the disk is full",
        "Make room on the disk and run the command again.",
    ),
)


@contextmanager
def ledger_errors(path: Path) -> Iterator[None]:
    """Turn what SQLAlchemy, SQLite and the file system raise into LedgerError, without statements or values."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        cause = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or type(error).__name__)
        for words, meaning, next_step in _SAYINGS:
            if any(word in cause.lower() for word in words):
                raise LedgerError(f"The ledger {path} {meaning}", next_step=next_step) from error
        raise LedgerError(
            f"The ledger {path} cannot be used: {cause}",
            next_step="Check the path and its permissions, or set RECONCILER_LEDGER to another file.",
        ) from error


def open_for_writing(path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> Engine:
    """Open the ledger, create it where there is none, and bring it to the newest schema version.

    A new file has mode 0600, a new folder 0700, and git is told to leave the folder alone.

    Raises:
        LedgerError: it cannot be opened or is no ledger.
        LedgerTooNew: a newer version of reconciler wrote it.
    """
    with ledger_errors(path):
        _create_file(path)
        url = URL.create("sqlite", database=str(path))
        engine = _engine(url, "BEGIN IMMEDIATE", "synchronous = FULL")
        try:
            with engine.begin() as connection:
                migrate(connection, path, migrations)
            _use_wal(engine)
        except BaseException:
            engine.dispose()
            raise
    return engine


def open_for_reading(path: Path) -> Engine:
    """Open an existing ledger so that nothing can be written, also where file and folder are read-only.

    Raises:
        LedgerError: it cannot be opened, is no ledger, or is of an older schema version.
        LedgerTooNew: a newer version of reconciler wrote it.
    """
    engine, version = open_any_version(path)
    if version < len(MIGRATIONS):
        engine.dispose()
        raise LedgerError(
            f"The ledger {path} was written by an older version of reconciler",
            next_step="Bring it up to date with `reconciler ledger migrate`.",
        )
    return engine


def open_any_version(path: Path) -> tuple[Engine, int]:
    """Open an existing ledger for reading, of this version or an older one, and return its version, too.

    Raises:
        LedgerError: it cannot be opened or is no ledger.
        LedgerTooNew: a newer version of reconciler wrote it.
    """
    with ledger_errors(path):
        if not path.is_file():
            raise LedgerError(
                f"The ledger {path} is not a file", next_step="Set RECONCILER_LEDGER to a file, or move this away."
            )
        # SQLite keeps an index beside a WAL file. Where it cannot, and nothing waits in the WAL, the file is all.
        wal = path.with_name(path.name + "-wal")
        folder_writable = os.access(path.parent, os.W_OK)
        whole = not folder_writable and (not wal.exists() or wal.stat().st_size == 0)
        options = {"uri": "true", "mode": "ro"} | ({"immutable": "1"} if whole else {})
        engine = _engine(URL.create("sqlite", database=path.absolute().as_uri(), query=options), "BEGIN")
        try:
            with engine.begin() as connection:
                version = schema_version(connection, path)
                _refuse_newer(version, len(MIGRATIONS), path)
        except BaseException:
            engine.dispose()
            raise
    return engine, version


def schema_version(connection: Connection, path: Path) -> int:
    """Return the schema version, 0 for an empty database.

    Raises:
        LedgerError: the database belongs to something else.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return 0
    if meta.name in tables:
        # By name alone: a newer version may have other columns.
        version = connection.execute(select(text("version")).select_from(text(meta.name))).scalar()
        if isinstance(version, int):
            return version
    raise LedgerError(
        f"{path} is a database of something else, not a ledger",
        next_step="Set RECONCILER_LEDGER to a file of its own.",
    )


def migrate(connection: Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Take every step that is missing, in the caller's transaction.

    Raises:
        LedgerTooNew: the ledger is newer than the newest step.
    """
    version = schema_version(connection, path)
    _refuse_newer(version, len(migrations), path)
    for number in range(version, len(migrations)):
        migrations[number](connection)
    if version < len(migrations):
        connection.execute(update(meta).values(version=len(migrations)))


def _refuse_newer(version: int, newest: int, path: Path) -> None:
    if version > newest:
        raise LedgerTooNew(
            f"The ledger {path} has schema version {version}; this version of reconciler knows {newest}",
            next_step="Use the newer version of reconciler that wrote it, or set RECONCILER_LEDGER to another file.",
        )


def _create_file(path: Path) -> None:
    folder = path.parent
    if path.is_dir():
        raise IsADirectoryError(21, "is a directory")
    created = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if (created or folder.name == ".reconciler") and not ignore.exists():
        ignore.write_text("*\n", encoding="ascii")
    if not path.exists():
        # SQLite gives its side files the mode of the database.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _use_wal(engine: Engine) -> None:
    """Let a plan read while an apply writes. Kept in the file, so never before it is known to be a ledger.

    SQLite does not wait where several processes open a new file at once and each wants to change its mode.
    """
    give_up_at = time.monotonic() + _BUSY_MILLISECONDS / 1000
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        while True:
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= give_up_at:
                    raise
                time.sleep(_MODE_POLL_SECONDS)
        cursor.close()
    finally:
        connection.close()


def _engine(url: URL, begin: str, *settings: str) -> Engine:
    engine = create_engine(url, hide_parameters=True)

    def configure(dbapi_connection: Any, _record: object) -> None:
        # The driver's own, late BEGIN is switched off: a transaction starts where ours starts, and says what it is.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        for setting in (f"busy_timeout = {_BUSY_MILLISECONDS}", "foreign_keys = ON", *settings):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", start)
    return engine
