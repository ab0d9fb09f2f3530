"""The ledger in a SQLite file: opening it, every way in which a file can be no ledger, and a copy of it in use."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.util import LRUCache

from reconciler.errors import LedgerError
from reconciler.ledger import schema
from reconciler.ledger.columns import DamagedValue
from reconciler.ledger.database import Clock, Database, Transaction, Version, damaged, read_version
from reconciler.ledger.url import LedgerUrl, has_ledger

_BUSY_MILLISECONDS = 10_000
_MODE_POLL_SECONDS = 0.02
_GUARD = "SELECT version, oldest_writer, moved_to FROM ledger_meta"
_BEGIN_WRITING = "BEGIN IMMEDIATE"
_BEGIN_READING = "BEGIN"
_STATEMENTS = 1_000
"""How many statements stay compiled; there are some six hundred."""
_TURNS: dict[tuple[int, int], threading.Lock] = {}
"""By device and inode of a file: held by the thread that writes to it, as SQLite's own lock is for the process."""

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
    """Turn what SQLAlchemy, SQLite, columns and files raise into LedgerError, without statements or values."""
    try:
        yield
    except DamagedValue as value:
        raise damaged(str(path), value) from None
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        cause = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or type(error).__name__)
        for words, meaning, next_step in _SAYINGS:
            if any(word in cause.lower() for word in words):
                raise LedgerError(f"The ledger {path} {meaning}", next_step=next_step) from error
        raise LedgerError(
            f"The ledger {path} cannot be used: {cause}",
            next_step="Check the path and its permissions, or set RECONCILER_LEDGER to another file.",
        ) from error


class SqliteDatabase(Database):
    """A SQLite file."""

    steps = "sqlite"

    opened: tuple[int, int] | None = None
    """Device and inode of the file that was opened for writing."""

    @property
    def path(self) -> Path:
        """The file."""
        assert self.url.path is not None  # noqa: S101 - what a SQLite URL is
        return self.url.path

    @classmethod
    def create(cls, url: LedgerUrl, clock: Clock | None = None, newest: int = schema.VERSION) -> Self:
        """Open the file for writing, create it where there is none, and bring it to the newest schema version.

        A new file has mode 0600, a new folder 0700, and git is told to leave the folder alone.

        Raises:
            LedgerError: it cannot be opened or is no ledger.
            LedgerTooNew: a newer version of reconciler wrote it.
        """
        path = url.path or Path()
        with ledger_errors(path):
            _create_file(path)
            # A file that is deleted later is not made anew, without a word, by the next connection.
            target = URL.create("sqlite", database=path.absolute().as_uri(), query={"uri": "true", "mode": "rw"})
            found = cls(url, _engine(target, "synchronous = FULL"), clock)
            try:
                with found.engine.begin() as connection:
                    connection.exec_driver_sql(_BEGIN_WRITING)
                    found.migrate(connection, newest)
                    found.opened = _file_at(path) or (-1, -1)
                _use_wal(found.engine)
            except BaseException:
                found.close()
                raise
        return found

    @classmethod
    def open(cls, url: LedgerUrl, clock: Clock | None = None, *, any_version: bool = False) -> Self | None:
        """Open an existing file so that nothing can be written, also where file and folder are read-only.

        Raises:
            LedgerError: it cannot be opened, is no ledger, or is of an older schema version.
            LedgerTooNew: a newer version of reconciler wrote it.
        """
        path = url.path or Path()
        with ledger_errors(path):
            if not has_ledger(path):
                return None
            if not path.is_file():
                raise LedgerError(
                    f"The ledger {path} is not a file", next_step="Set RECONCILER_LEDGER to a file, or move this away."
                )
            # SQLite keeps an index beside a WAL file. Where it cannot, and nothing waits in the WAL, the file is all.
            wal = path.with_name(path.name + "-wal")
            folder_writable = os.access(path.parent, os.W_OK)
            whole = not folder_writable and (not wal.exists() or wal.stat().st_size == 0)
            options = {"uri": "true", "mode": "ro"} | ({"immutable": "1"} if whole else {})
            target = URL.create("sqlite", database=path.absolute().as_uri(), query=options)
            found = cls(url, _engine(target), clock)
            try:
                with found.engine.begin() as connection:
                    connection.exec_driver_sql(_BEGIN_READING)
                    version = found.read_version(connection) or Version(0, 0)
                    if not any_version or version.number > schema.VERSION:
                        found.require(version, writes=False)
            except BaseException:
                found.close()
                raise
        return found

    @contextmanager
    def errors(self) -> Iterator[None]:
        """See `Database.errors`."""
        with ledger_errors(self.path):
            try:
                yield
            except SQLAlchemyError:
                self._require_file()
                raise

    @contextmanager
    def transaction(self, *, writes: bool = True, any_place: bool = False) -> Iterator[Transaction]:
        """See `Database.transaction`. Who reads holds up nobody; the threads of a process write one after the other.

        A thread that waits for SQLite's own lock asks for it again and again, up to a tenth of a second apart, and one
        that writes often would always be there before it.
        """
        if not writes:
            with super().transaction(writes=False, any_place=any_place) as transaction:
                yield transaction
            return
        turn = _TURNS.setdefault(self.opened or (-1, -1), threading.Lock())
        # Where it does not come to it, SQLite says that somebody holds the file.
        has_turn = turn.acquire(timeout=_BUSY_MILLISECONDS / 1000)
        try:
            with super().transaction(writes=True, any_place=any_place) as transaction:
                yield transaction
        finally:
            if has_turn:
                turn.release()

    def begin(self, connection: Connection, *, writes: bool, any_place: bool = False) -> datetime:
        """See `Database.begin`. What may be done was asked when the file was opened; a writer asks again.

        A deleted file can be written as long as it is open, and nobody finds again what was written to it.
        """
        connection.exec_driver_sql(_BEGIN_WRITING if writes else _BEGIN_READING)
        try:
            self._require_file()
        except LedgerError:
            # Where the file is put back, no connection to another one must be left.
            connection.invalidate()
            raise
        if writes:
            self.require(Version.read(*connection.exec_driver_sql(_GUARD).one()), writes=not any_place)
        return self.now()

    def _require_file(self) -> None:
        if self.opened is not None and _file_at(self.path) != self.opened:
            raise LedgerError(
                f"The ledger {self.path} was deleted, moved or replaced while this process had it open",
                next_step="Put the same file back, and it goes on; or restore one from a backup and start the process "
                "anew. Without a file there, it starts with a new one that remembers nothing.",
            )

    def read_version(self, connection: Connection) -> Version | None:
        """See `Database.read_version`."""
        return read_version(connection, self.url)

    def bring_up_to_date(self) -> int:
        """See `Database.bring_up_to_date`."""
        with self.errors(), self.engine.begin() as connection:
            connection.exec_driver_sql(_BEGIN_READING)
            found = self.read_version(connection)
        type(self).create(self.url).close()
        return 0 if found is None else found.number

    def as_one_file(self) -> None:
        """Leave nothing beside the file, so that it can be moved as it is."""
        with self.errors():
            connection = self.engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA journal_mode = DELETE")
            finally:
                connection.close()

    def copy_to(self, file: Path) -> None:
        """Copy one moment of the ledger into an empty file, also while others write to it."""
        source = self.engine.raw_connection()
        try:
            with closing(sqlite3.connect(file)) as target:
                driver: Any = source.driver_connection
                driver.backup(target)
                # One file, that can be moved as it is.
                target.execute("PRAGMA journal_mode = DELETE")
        finally:
            source.close()


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _create_file(path: Path) -> None:
    folder = path.parent
    if path.is_dir():
        raise IsADirectoryError(21, "is a directory")
    # In this order: whoever makes a ledger at the same time makes the file first.
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists() and not path.exists():
        # SQLite would drop what waits there, and who has the old file open would find another one in its place.
        raise LedgerError(
            f"The ledger {path} is gone, and {wal.name} beside it is not: the file was deleted or moved while a "
            "process had it open, or that process was killed",
            next_step="Put the same file back, or restore one from a backup. To begin with a new one, which remembers "
            f"nothing, end that process and delete {wal.name} and {path.name}-shm.",
        )
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


@cache
def _dialect() -> tuple[Dialect, LRUCache[Any, Any]]:
    """Return what all ledgers of the process share: SQLAlchemy's dialect, and the SQL that it has compiled.

    A command opens its ledger some five times, and compiling the statements takes longer than carrying them out.
    """
    engine = create_engine("sqlite://")
    with engine.connect():  # tells the dialect what SQLite can do
        pass
    engine.dispose()
    return engine.dialect, LRUCache(_STATEMENTS)


def _engine(url: URL, *settings: str) -> Engine:
    dialect, compiled = _dialect()
    engine = create_engine(url, hide_parameters=True, execution_options={"compiled_cache": compiled})
    engine.dialect = dialect

    def configure(dbapi_connection: Any, _record: object) -> None:
        # The driver's own, late BEGIN is switched off: a transaction starts where ours starts, and says what it is.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        for setting in (f"busy_timeout = {_BUSY_MILLISECONDS}", "foreign_keys = ON", *settings):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    event.listen(engine, "connect", configure)
    return engine
