"""`Database` behind the ledger, which each database implements: transactions, errors, version of the schema."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from copy import copy
from datetime import datetime
from secrets import token_bytes
from types import MappingProxyType
from typing import Self, TypeVar

from msgspec import Struct
from sqlalchemy import (
    Connection,
    Engine,
    insert,
    inspect,
    select,
    text,
    update,
)

from reconciler.clock import utc_now
from reconciler.errors import LedgerError, LedgerTooNew
from reconciler.ledger import schema
from reconciler.ledger.columns import DamagedValue
from reconciler.ledger.config.secret_fingerprint import SALT_BYTES
from reconciler.ledger.heart import Heart
from reconciler.ledger.tables import meta
from reconciler.ledger.url import LedgerUrl

Clock = Callable[[], datetime]

_Answer = TypeVar("_Answer")


class Transaction(Struct, frozen=True):
    """A transaction of the ledger, and its time, which is that of all who share the database."""

    connection: Connection
    now: datetime


class Version(Struct, frozen=True):
    """Version of a ledger: its schema's, the oldest that may write, and where it was copied to."""

    number: int
    oldest_writer: int
    moved_to: str | None = None

    @classmethod
    def read(cls, number: object, oldest_writer: object, moved_to: object) -> Version:
        """Return what a ledger says of itself.

        Raises:
            DamagedValue: no version of reconciler says so.
        """
        if not isinstance(number, int) or not isinstance(oldest_writer, int):
            raise DamagedValue("the version")
        if moved_to is not None and not isinstance(moved_to, str):
            raise DamagedValue("the place that it was taken to")
        return cls(number, oldest_writer, moved_to)


class Database(ABC):
    """An open database. `close` it after use.

    Args:
        url: where it is.
        engine: connects to it.
        clock: what time it is, instead of the database's own time. For tests.
    """

    steps: str
    """Folder of its steps in schema/."""

    def __init__(self, url: LedgerUrl, engine: Engine, clock: Clock | None = None) -> None:
        self.url = url
        self.engine = engine
        self.heart = Heart(self)
        self._clock = clock
        self.is_lent = False
        """Whether closing it closes nothing."""

    def lent(self) -> Self:
        """Return the same database for somebody who closes it after use, which does nothing."""
        found = copy(self)
        found.is_lent = True
        return found

    def close(self) -> None:
        """Close all connections, unless it is only lent."""
        if not self.is_lent:
            self.disconnect()

    def disconnect(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @abstractmethod
    def errors(self) -> AbstractContextManager[None]:
        """Turn what the database layer raises into LedgerError, without statements, values and passwords."""

    @abstractmethod
    def begin(self, connection: Connection, *, writes: bool, any_place: bool = False) -> datetime:
        """Begin a transaction and return the time, once it is certain that this version may do that.

        Args:
            connection: begins it.
            writes: whether it writes.
            any_place: also where the ledger was taken elsewhere.

        Raises:
            LedgerTooNew: a newer version of reconciler wrote the ledger, and this one must not.
            LedgerError: it is of an older version, or was taken elsewhere.
        """

    @abstractmethod
    def read_version(self, connection: Connection) -> Version | None:
        """Return the version of the schema; None for an empty database.

        Raises:
            LedgerError: the database belongs to something else.
        """

    @abstractmethod
    def bring_up_to_date(self) -> int:
        """Migrate the schema to this version, and return the version from before.

        Raises:
            LedgerError: it cannot be written.
        """

    def may_write(self) -> bool:
        """Whether this user may write what processes share of an API; see `rates`.

        Raises:
            LedgerError: it cannot be read.
        """
        return True

    def began(self, connection: Connection) -> datetime | None:  # noqa: ARG002 - most databases lose nothing
        """Return when it began anew and may have lost what is kept without a log; None: it loses nothing."""
        return None

    def number_on(self, connection: Connection) -> None:  # noqa: B027 - most databases need not be told
        """Set the database's row IDs to go on behind those of rows that were copied in."""

    @contextmanager
    def transaction(self, *, writes: bool = True, any_place: bool = False) -> Iterator[Transaction]:
        """Work in a transaction: committed at the end of the block, or not at all. See `begin`.

        Raises:
            LedgerError: it could not be begun or committed.
        """
        with self.errors(), self.engine.begin() as connection:
            yield Transaction(connection, self.begin(connection, writes=writes, any_place=any_place))

    def run(self, work: Callable[[Transaction], _Answer], *, writes: bool = True, any_place: bool = False) -> _Answer:
        """Do some work in a transaction and return its answer. Committed when this returns.

        Args:
            work: does everything in the transaction, and nothing beside it: it may be begun anew.
            writes: whether it writes.
            any_place: also where the ledger was taken elsewhere.

        Raises:
            LedgerError: it was not committed, or nobody can say.
        """
        with self.transaction(writes=writes, any_place=any_place) as transaction:
            return work(transaction)

    def require(self, version: Version, *, writes: bool) -> None:
        """Check that this program may read or write a ledger of some version; see `begin`."""
        if version.number > schema.VERSION and version.oldest_writer > schema.VERSION:
            raise LedgerTooNew(
                f"The ledger {self.url.shown} has schema version {version.number}; this version of reconciler knows "
                f"{schema.VERSION}",
                next_step="Use the newer version of reconciler that wrote it, or set RECONCILER_LEDGER to another one.",
            )
        if version.number < schema.VERSION:
            raise LedgerError(
                f"The ledger {self.url.shown} was written by an older version of reconciler",
                next_step="Bring it up to date with `reconciler ledger migrate`.",
            )
        if writes and version.moved_to is not None:
            raise LedgerError(
                f"The ledger {self.url.shown} was taken to {version.moved_to}, and takes no more writes",
                next_step="Set RECONCILER_LEDGER to the new place, or take it back with `reconciler ledger copy "
                "--reopen`.",
            )

    def migrate(self, connection: Connection, newest: int = schema.VERSION, now: datetime | None = None) -> int:
        """Run the missing migration steps in a transaction of the caller's, and return the version from before.

        Args:
            connection: in that transaction.
            newest: the version to come to.
            now: the database's time; None: it goes by this machine's clock.

        Raises:
            LedgerTooNew: the ledger is newer than the newest step.
            LedgerError: the database belongs to something else, or processes live that could not write afterwards.
        """
        found = self.read_version(connection)
        before = 0 if found is None else found.number
        if found is not None and before >= newest:
            self.require(found, writes=False)
            return before
        if found is not None and newest == schema.VERSION and found.oldest_writer < schema.OLDEST_WRITER:
            from reconciler.ledger.rolling import require_no_older

            require_no_older(connection, self.url.shown, before, schema.OLDEST_WRITER, self.now(now))
        for statement in self._statements(before, newest):
            connection.exec_driver_sql(statement)
        if before == 0:
            connection.execute(insert(meta).values(id=1, version=newest, salt=token_bytes(SALT_BYTES)))
        else:
            connection.execute(update(meta).values(version=newest))
        if newest == schema.VERSION:
            connection.execute(update(meta).values(oldest_writer=schema.OLDEST_WRITER))
        return before

    def _statements(self, before: int, newest: int) -> Iterator[str]:
        """Yield what leads from one version to another; a new ledger has a step that takes the place of many."""
        first, statements = schema.of_new(self.steps) if before == 0 else (0, ())
        if first <= newest:
            yield from statements
            before = max(before, first)
        if before < newest:
            for number, statements in schema.steps(self.steps).items():
                if before < number <= newest:
                    yield from statements

    def now(self, of_database: datetime | None = None) -> datetime:
        """Return the time, in UTC: that of the clock that was given, of the database, or else of this machine."""
        if self._clock is not None:
            return self._clock()
        return utc_now() if of_database is None else of_database


_shared: ContextVar[Mapping[LedgerUrl, Database]] = ContextVar("shared ledgers", default=MappingProxyType({}))


def damaged(shown: str, value: DamagedValue) -> LedgerError:
    """Return the error that says that a ledger holds what no version of reconciler wrote."""
    return LedgerError(
        f"The ledger {shown} is damaged: {value} holds what reconciler does not write",
        next_step="Restore it from a backup, and see who else writes to it.",
    )


def read_version(connection: Connection, url: LedgerUrl) -> Version | None:
    """Return what a ledger says of its version; see `Database.read_version`."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if meta.name in tables:
        # By name alone: another version may have other columns.
        row = connection.execute(select(text("*")).select_from(text(meta.name))).mappings().first()
        if row is not None and isinstance(row.get("version"), int):
            number = row["version"]
            return Version.read(number, row.get("oldest_writer", number), row.get("moved_to"))
    raise LedgerError(
        f"{url.shown} is a database of something else, not a ledger",
        next_step="Set RECONCILER_LEDGER to one of its own.",
    )


@contextmanager
def shared(url: LedgerUrl, connections: int) -> Iterator[Database]:
    """Within, and in what is begun there, whoever opens this ledger gets the same connections.

    Args:
        url: where it is.
        connections: how many there are at most; who needs one more waits for it. On PostgreSQL only.

    Raises:
        LedgerError: it cannot be opened or is no ledger.
        LedgerTooNew: a newer version of reconciler wrote it.
    """
    database = create(url, connections=connections)
    token = _shared.set({**_shared.get(), url: database})
    try:
        yield database
    finally:
        _shared.reset(token)
        database.close()


def create(url: LedgerUrl, clock: Clock | None = None, *, connections: int | None = None) -> Database:
    """Open the ledger for writing; create it where there is none.

    A file of an older version is brought up to date; on PostgreSQL only `ledger migrate` does that.

    Args:
        url: where it is.
        clock: what time it is, instead of the database's own time. For tests.
        connections: how many there are at most; None: as many as are asked for at once. On PostgreSQL only.

    Raises:
        LedgerError: it cannot be opened or is no ledger.
        LedgerTooNew: a newer version of reconciler wrote it.
    """
    if clock is None and (found := _shared.get().get(url)) is not None:
        return found.lent()
    if url.path is None:
        from reconciler.ledger.postgres import PostgresDatabase

        return PostgresDatabase.create(url, clock, connections=connections)
    from reconciler.ledger.sqlite import SqliteDatabase

    return SqliteDatabase.create(url, clock)


def open_existing(url: LedgerUrl, clock: Clock | None = None, *, any_version: bool = False) -> Database | None:
    """Open the ledger for reading; None where there is none.

    Args:
        url: where it is.
        clock: what time it is, instead of the database's own time. For tests.
        any_version: an older version is opened, too.

    Raises:
        LedgerError: it cannot be opened, is no ledger, or is of an older version.
        LedgerTooNew: a newer version of reconciler wrote it.
    """
    if clock is None and (found := _shared.get().get(url)) is not None:
        return found.lent()
    if url.path is None:
        from reconciler.ledger.postgres import PostgresDatabase

        return PostgresDatabase.open(url, clock, any_version=any_version)
    from reconciler.ledger.sqlite import SqliteDatabase

    return SqliteDatabase.open(url, clock, any_version=any_version)
