"""The ledger in PostgreSQL: connecting, transactions that outlive a restart of the server, and what its errors mean.

Nothing here needs a session: a transaction pooler may stand in between. So no prepared statements, no session locks,
and settings that end with their transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.errors import LedgerError, MissingExtra
from reconciler.ledger import schema
from reconciler.ledger.columns import DamagedValue
from reconciler.ledger.database import Clock, Transaction, Version, damaged
from reconciler.ledger.libpq import SETTINGS
from reconciler.ledger.postgres_server import OnServer
from reconciler.ledger.tables import IN_ORDER, meta
from reconciler.ledger.url import LedgerUrl
from reconciler.ledger.waiting import Waiting

_Answer = TypeVar("_Answer")

PATIENCE_SECONDS = 120.0
"""How long a server that was there before may stay away."""

_CONNECT_PATIENCE_SECONDS = 10.0
"""How long one that does not answer at all may stay away when the ledger is opened: its URL may be wrong."""

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '10s'"
# Whoever stands still in a transaction must not hold its rows for longer than its lease.
_IDLE_TIMEOUT = "SET LOCAL idle_in_transaction_session_timeout = '20s'"
_ABOUT = "version, oldest_writer, moved_to, clock_timestamp() FROM ledger_meta WHERE id = 1"
# One round trip: what may be done, what time it is, and, for a commit whose answer is lost, which transaction it is.
# KEY SHARE lets nobody migrate or copy the ledger while somebody writes to it.
_BEGIN_WRITING = f"BEGIN; {_LOCK_TIMEOUT}; {_IDLE_TIMEOUT}; SELECT pg_current_xact_id()::text, {_ABOUT} FOR KEY SHARE"
_BEGIN_READING = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT NULL, {_ABOUT}"
_VERSION = "SELECT * FROM ledger_meta WHERE id = 1"
_REMAINS = "SELECT count(to_regclass(name)) FROM unnest(%s::text[]) AS name"
_MIGRATIONS = "SELECT pg_advisory_xact_lock(7310575201)"
"""Who migrates or creates waits for whoever does, until that transaction is over."""

_CONFLICTS = ("40001", "40P01", "23505")
"""Others were there first: all is undone, and the transaction can be begun anew."""

_MOST_CONFLICTS = 10

# SQLSTATE (or how it begins), what it means, and what helps.
_STATES = (
    ("28", "does not let this user in", "Check user, password and pg_hba.conf of the server."),
    ("3D000", "has no such database", "Create the database first: reconciler makes tables, not databases."),
    (
        "42501",
        "does not allow that to this user",
        "Take a user who may; where tables are missing, one who may runs `reconciler ledger migrate` once.",
    ),
    ("3F000", "has no schema in the search path", "Create the schema, or name it in the user's search_path."),
    ("42P07", "has tables of something else", "Give the ledger a schema or a database of its own."),
    ("55P03", "is held by another process", "Try again in a moment; see `reconciler ledger show`."),
    ("53100", "has no room left on its disk", "Make room on the server's disk and run the command again."),
    ("53300", "has no connection left", "Wait, raise max_connections, or put a pooler in front of it."),
    ("25006", "can only be read there", "Name the primary server, e.g. with target_session_attrs=read-write."),
    ("57P03", "is starting up or shutting down", "Try again in a moment."),
)  # fmt: skip

# What libpq says where there is no SQLSTATE, which is so for whatever keeps a connection from being made.
_STARTING = ("starting up", "shutting down", "recovery", "not yet accepting connections", "too many clients")
_SAYINGS = (
    (("database", "does not exist"), "has no such database",
     "Create the database first: reconciler makes tables, not databases."),
    (("role", "does not exist"), "does not let this user in", "Check the user in the ledger URL."),
    (("not permitted to log in",), "does not let this user in", "Check the user in the ledger URL."),
    (("no pg_hba.conf entry",), "does not let this user in from here", "Check pg_hba.conf of the server."),
    (("could not translate host name",), "names a host that nobody knows", "Check the host in the ledger URL."),
    (("failed to resolve host",), "names a host that nobody knows", "Check the host in the ledger URL."),
    (("certificate",), "cannot be reached safely", "Check sslmode and sslrootcert of the ledger URL."),
    (("support ssl",), "cannot be reached safely", "Check sslmode and sslrootcert of the ledger URL."),
    (("authentication",), "does not let this user in", "Check user and password of the ledger URL."),
    (("no password supplied",), "does not let this user in", "Give the ledger URL a password, or use PGPASSFILE."),
    (("invalid connection option",), "has an option that libpq does not know",
     "Check the names of the options of the ledger URL."),
    (("invalid port number",), "has a port that there is not", "Check the port of the ledger URL."),
    (("invalid", "value"), "has an option that libpq does not understand", "Check the options of the ledger URL."),
    (("bad value for",), "has an option that libpq does not understand", "Check the options of the ledger URL."),
)  # fmt: skip

_NO_SUCH_NUMBER = "22023"
_UNCLEAR = "unclear"


class PostgresDatabase(OnServer):
    """A PostgreSQL database, or a schema in one."""

    steps = "postgres"

    def __init__(self, url: LedgerUrl, clock: Clock | None = None, connections: int | None = None) -> None:
        self._waiting = Waiting(url)
        super().__init__(url, _engine(url, self._waiting, connections), clock)

    def disconnect(self) -> None:
        """See `Database.disconnect`."""
        self._waiting.end()
        super().disconnect()

    @classmethod
    def create(cls, url: LedgerUrl, clock: Clock | None = None, *, connections: int | None = None) -> Self:
        """Connect for writing; create the tables where there are none.

        Raises:
            LedgerError: it cannot be reached or used, or its ledger is of an older version.
            LedgerTooNew: a newer version of reconciler wrote it.
        """
        found = cls(url, clock, connections)
        try:
            version = found._first_look()
            if version is None:
                found.bring_up_to_date()
            else:
                found.require(version, writes=False)
        except BaseException:
            found.close()
            raise
        return found

    @classmethod
    def open(cls, url: LedgerUrl, clock: Clock | None = None, *, any_version: bool = False) -> Self | None:
        """Connect for reading; None where there is no ledger yet.

        Raises:
            LedgerError: it cannot be reached, or its ledger is of an older version.
            LedgerTooNew: a newer version of reconciler wrote it.
        """
        found = cls(url, clock)
        try:
            version = found._first_look()
            if version is not None and not (any_version and version.number < schema.VERSION):
                found.require(version, writes=False)
        except BaseException:
            found.close()
            raise
        if version is None:
            found.close()
            return None
        return found

    def _first_look(self) -> Version | None:
        """Connect, and read the version; a server that is just about to be there is waited for."""
        began = time.monotonic()
        while True:
            try:
                with self.engine.begin() as connection:
                    return self.read_version(connection)
            except (SQLAlchemyError, _driver().Error) as error:
                passing = is_lost(error) and _saying(error) is None
                starting = any(words in str(error).lower() for words in _STARTING)
                patience = PATIENCE_SECONDS if starting else _CONNECT_PATIENCE_SECONDS
                if not passing or time.monotonic() >= began + patience:
                    with self.errors():
                        raise
            time.sleep(0.5)

    def bring_up_to_date(self, newest: int = schema.VERSION) -> int:
        """Run the missing migration steps, one process at a time, and return the version from before."""
        with self.errors(), self.engine.begin() as connection:
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql(_MIGRATIONS)
            if self.read_version(connection) is None:
                if connection.exec_driver_sql("SHOW server_encoding").scalar() != "UTF8":
                    raise LedgerError(
                        f"The database {self.url.shown} does not keep text as UTF8",
                        next_step="Create the ledger's database with ENCODING 'UTF8'.",
                    )
            else:
                connection.exec_driver_sql(f"{_LOCK_TIMEOUT}; {_VERSION} FOR UPDATE")
            now = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
            return self.migrate(connection, newest, now.astimezone(UTC))

    def errors(self) -> AbstractContextManager[None]:
        """See `Database.errors`."""
        return _errors(self.url)

    def begin(self, connection: Connection, *, writes: bool, any_place: bool = False) -> datetime:
        """See `Database.begin`."""
        return self._begin(connection, writes=writes, any_place=any_place)[1]

    def read_version(self, connection: Connection) -> Version | None:
        """See `Database.read_version`."""
        # to_regclass alone remembers that there was none, in spite of who made one since; opening a table ends that.
        if connection.exec_driver_sql("SELECT to_regclass('ledger_meta') FROM pg_class LIMIT 1").scalar() is None:
            if connection.exec_driver_sql(_REMAINS, ([table.name for table in IN_ORDER],)).scalar():
                raise LedgerError(
                    f"The ledger {self.url.shown} has tables of a ledger, and no `{meta.name}` beside them",
                    next_step="Restore that table from a backup, or give the ledger a schema or a database of its own.",
                )
            return None
        row = connection.exec_driver_sql(_VERSION).mappings().first()
        if row is None:
            raise LedgerError(
                f"{self.url.shown} is a database of something else, not a ledger",
                next_step="Set RECONCILER_LEDGER to one of its own.",
            )
        return Version(row["version"], row["oldest_writer"], row["moved_to"])

    def run(self, work: Callable[[Transaction], _Answer], *, writes: bool = True, any_place: bool = False) -> _Answer:
        """See `Database.run`. A server that restarts meanwhile costs nothing but time.

        What was not committed is done anew. Where the answer to the commit is lost, the server is asked what became of
        the transaction.
        """
        give_up_at, conflicts, pause = time.monotonic() + PATIENCE_SECONDS, 0, 0.05
        while True:
            attempt = _Attempt()
            try:
                return self._attempt(attempt, work, writes=writes, any_place=any_place)
            except DamagedValue:
                with self.errors():
                    raise
            except (SQLAlchemyError, _driver().Error) as error:
                state = _state(error)
                conflicts += state in _CONFLICTS
                if state in _CONFLICTS and conflicts <= _MOST_CONFLICTS:
                    continue
                if not is_lost(error) or time.monotonic() >= give_up_at:
                    self._waiting.end()
                    with self.errors():
                        raise
            if attempt.answered and self._was_committed(attempt, give_up_at):
                answer: _Answer = attempt.answer
                return answer
            time.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _attempt(
        self, attempt: _Attempt, work: Callable[[Transaction], _Answer], *, writes: bool, any_place: bool
    ) -> _Answer:
        with self.engine.connect() as connection:
            attempt.number, now, attempt.began = self._begin(connection, writes=writes, any_place=any_place)
            answer = attempt.answer = work(Transaction(connection, now))
            attempt.answered = writes
            connection.commit()
            return answer

    def _begin(self, connection: Connection, *, writes: bool, any_place: bool) -> tuple[str, datetime, datetime]:
        """Begin, and return the transaction's number, the time, and the time by the server's own clock."""
        driver: Any = connection.connection.driver_connection
        try:
            cursor = driver.execute(_BEGIN_WRITING if writes else _BEGIN_READING)
            while cursor.nextset():
                pass
            row = cursor.fetchone()
        except _driver().Error:
            if driver.closed or driver.broken:
                connection.invalidate()
            raise
        if row is None:
            raise LedgerError(
                f"The ledger {self.url.shown} is gone", next_step="Look at the database, or restore it from a backup."
            )
        number, version, oldest_writer, moved_to, now = row
        self.require(Version(version, oldest_writer, moved_to), writes=writes and not any_place)
        return number or "", self.now(now.astimezone(UTC)), now

    def _was_committed(self, attempt: _Attempt, give_up_at: float) -> bool:
        """Ask the server whether a transaction was committed whose commit was not answered."""
        while True:
            status = self._status(attempt.number, attempt.began)
            if status in ("committed", "aborted"):
                return bool(status == "committed")
            if status == _UNCLEAR or time.monotonic() >= give_up_at:
                raise LedgerError(
                    f"The connection to the ledger {self.url.shown} was lost while it was written, and it is not known "
                    "whether that arrived",
                    next_step="See that the server is there, then look with `reconciler ledger show`, and go on.",
                )
            time.sleep(0.2)

    def _status(self, number: str, began: datetime) -> str | None:
        """Ask for the status of a transaction; None: the server cannot say, or says nothing that counts."""
        asked = "SELECT pg_xact_status(%s::xid8), stats_reset >= %s FROM pg_stat_bgwriter"
        try:
            with self.engine.begin() as connection:
                status, crashed = connection.exec_driver_sql(asked, (number, began)).one()
        except (SQLAlchemyError, _driver().Error) as error:
            # A number that the server has not come to yet: it lost the transaction in a crash.
            return "aborted" if _state(error) == _NO_SUCH_NUMBER else None
        # A crash makes statistics begin anew. A number whose transaction was lost in it is given to another one.
        return _UNCLEAR if crashed and status == "committed" else status


class _Attempt:
    """Progress of one attempt at a transaction."""

    number = ""
    began = datetime.min.replace(tzinfo=UTC)
    answer: Any = None
    answered = False


def connection_settings(url: LedgerUrl) -> dict[str, Any]:
    """Return what psycopg is told beside the connection string, for this ledger as for its queue of jobs.

    Raises:
        LedgerError: the connection string cannot be read.
    """
    driver = _driver()
    with _errors(url):
        said = driver.conninfo.conninfo_to_dict(url.conninfo)
    return {name: value for name, value in SETTINGS.items() if name not in said}


def _engine(url: LedgerUrl, waiting: Waiting, connections: int | None) -> Engine:
    chosen = connection_settings(url)
    # Who waits for one of few connections waits as long as the server may be away.
    bounds = {} if connections is None else {"pool_size": connections, "max_overflow": 0, "pool_timeout": 150}

    def connect() -> Any:
        waiting.begin()
        found = _driver().connect(url.conninfo, **chosen)
        waiting.end()
        return found

    engine = create_engine(
        "postgresql+psycopg://", creator=connect, hide_parameters=True, use_native_hstore=False, **bounds
    )

    def reset(connection: Any, _record: object, state: Any) -> None:
        # The transaction is ours, and SQLAlchemy's idea of it may be another one, e.g. after Ctrl-C in a commit.
        if not state.terminate_only and not connection.closed:
            connection.rollback()

    event.listen(engine, "reset", reset)
    return engine


def _driver() -> Any:
    try:
        import psycopg
    except ImportError:
        raise MissingExtra("A ledger on PostgreSQL", "postgres") from None
    return psycopg


@contextmanager
def _errors(url: LedgerUrl) -> Iterator[None]:
    """Turn what SQLAlchemy, libpq and our columns raise into LedgerError, without statements, values and passwords."""
    try:
        yield
    except DamagedValue as value:
        raise damaged(url.shown, value) from None
    except (SQLAlchemyError, _driver().Error) as error:
        raise _meaning(url, error) from None


def _meaning(url: LedgerUrl, error: BaseException) -> LedgerError:
    state = _state(error)
    for begin, meaning, next_step in _STATES:
        if state.startswith(begin):
            return LedgerError(f"The ledger {url.shown} {meaning}", next_step=next_step)
    if (said := _saying(error)) is not None:
        return LedgerError(f"The ledger {url.shown} {said[0]}", next_step=said[1])
    if is_lost(error):
        return LedgerError(
            f"The ledger {url.shown} cannot be reached",
            next_step="Check host and port of the ledger URL, and that the server is there.",
        )
    return LedgerError(
        f"The ledger {url.shown} cannot be used: {state or type(error).__name__}",
        next_step="Look into the server's log; what the code means is in PostgreSQL's appendix of error codes.",
    )


def _saying(error: BaseException) -> tuple[str, str] | None:
    """Return meaning and next step of what libpq itself says, where more attempts would not help."""
    said = str(getattr(error, "orig", None) or error).lower()
    found = ((meaning, step) for words, meaning, step in _SAYINGS if all(word in said for word in words))
    return None if _state(error) else next(found, None)


def _state(error: BaseException) -> str:
    """SQLSTATE of what went wrong; empty where the server said none."""
    return getattr(getattr(error, "orig", error), "sqlstate", None) or ""


def is_lost(error: BaseException) -> bool:
    """Whether the connection was lost or could not be made, for a reason that may pass."""
    state = _state(error)
    if state:
        return state.startswith(("08", "25P03", "57P", "53300"))
    cause = getattr(error, "orig", error)
    invalid = isinstance(error, DBAPIError) and error.connection_invalidated
    return invalid or isinstance(cause, (_driver().OperationalError, _driver().InterfaceError))
