"""Where the ledger is: its URL, taken apart, and whether what is there outlives the process. No database here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from reconciler.errors import LedgerError, LedgerNotDurable

DEFAULT_URL = "sqlite:///.reconciler/ledger.db"
_PREFIX = "sqlite:///"
_POSTGRES = ("postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class LedgerUrl:
    """A ledger URL, taken apart.

    Args:
        kind: which database.
        path: the file; None on PostgreSQL.
        hosts: names or addresses of the servers, as libpq takes them: one that begins with `/` is a socket's folder;
            none at all is libpq's own default, a socket.
        ports: of the servers, where the URL names them.
        database: name of the database; empty for libpq's default.
        user: empty for libpq's default.
        options: everything behind the `?`, passwords included.
        conninfo: what libpq is told; it may hold a password.
    """

    kind: Literal["sqlite", "postgres"]
    path: Path | None = None
    hosts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    database: str = ""
    user: str = ""
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    conninfo: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """What people are told of it: the file, or server and database, without password and options."""
        if self.path is not None:
            return str(self.path)
        ports = [*self.ports, *[""] * len(self.hosts)]
        places = [f"[{host}]" if ":" in host else host.replace("/", "%2F") for host in self.hosts]
        servers = ",".join(f"{place}:{port}" if port else place for place, port in zip(places, ports, strict=False))
        return f"postgresql://{f'{self.user}@' if self.user else ''}{servers}/{self.database}"


@dataclass(frozen=True, slots=True)
class Durability:
    """Whether what the ledger remembers will be there for the next run, and one sentence that says why."""

    durable: bool
    reason: str


def parse(url: str) -> LedgerUrl:
    """Take a ledger URL apart; a relative file is relative to the working directory.

    Args:
        url: `sqlite:///relative/file`, `sqlite:////absolute/file`, or a `postgresql://` URL of libpq.

    Raises:
        LedgerError: another database, a database in memory, no file named, or no URL. It is not repeated, because it
            may hold a password.
    """
    scheme, separator, _ = url.partition(":")
    if separator and scheme in _POSTGRES:
        return _parse_postgres(url)
    if not separator or scheme != "sqlite":
        named = f"`{scheme}`" if separator and scheme.isascii() and scheme.replace("+", "").isalnum() else "no scheme"
        raise LedgerError(
            f"The ledger is kept in SQLite or PostgreSQL, and the ledger URL names {named}",
            next_step=f"Set `ledger` in the Environment to a file, e.g. {DEFAULT_URL}, or to postgresql://HOST/DATABASE.",
        )
    name = url.removeprefix(_PREFIX)
    if name == url or not name or name.endswith("/") or name == ":memory:" or "?" in name or "\0" in name:
        raise LedgerError(
            "The ledger URL names no file",
            next_step=f"Write {_PREFIX} and the file's path without options, e.g. {DEFAULT_URL}.",
        )
    return LedgerUrl("sqlite", Path(name))


def _parse_postgres(url: str) -> LedgerUrl:
    """Take apart what libpq takes; refuse what could be a password at the wrong place, so that it is never shown."""
    rest = url.partition(":")[2]
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise _not_understood() from None
    userinfo, _, servers = parts.netloc.rpartition("@")
    database = parts.path.removeprefix("/")
    if not rest.startswith("//") or not url.isprintable() or "#" in url or "@" in userinfo or {"/", "@"} & {*database}:
        raise _not_understood()
    pairs = [_host_and_port(server) for server in servers.split(",")] if servers else []
    given = options.get("hostaddr") or options.get("host")
    return LedgerUrl(
        "postgres",
        hosts=tuple(given.split(",")) if given else tuple(unquote(host) for host, _ in pairs if host),
        ports=tuple(options["port"].split(",")) if options.get("port") else tuple(port for _, port in pairs),
        database=options.get("dbname") or unquote(database),
        user=options.get("user") or unquote(userinfo.partition(":")[0]),
        options=options,
        conninfo=f"postgresql:{rest}",
    )


def _host_and_port(server: str) -> tuple[str, str]:
    bracketed, closed, behind = server.partition("]")
    host, colon, port = (bracketed.removeprefix("["), behind[:1], behind[1:]) if closed else server.partition(":")
    if colon not in ("", ":") or (colon and not (port.isascii() and port.isdigit())):
        raise _not_understood()
    return host, port


def _not_understood() -> LedgerError:
    return LedgerError(
        "The ledger URL cannot be taken apart",
        next_step="Write postgresql://USER@HOST:PORT/DATABASE; percent-encode `@ : / ? #` in user and password.",
    )


def ledger_path(url: str) -> Path:
    """Return the file that a ledger URL names; see `parse`.

    Raises:
        LedgerError: the URL names no file.
    """
    found = parse(url)
    if found.path is None:
        raise LedgerError(f"The ledger {found.shown} is no file", next_step="Name a ledger that is a file.")
    return found.path


def has_ledger(path: Path) -> bool:
    """Whether there is anything at this path. A file without a byte, as `touch` leaves it, is no ledger yet."""
    return path.exists() and not (path.is_file() and path.stat().st_size == 0)


def durability(url: str, environ: Mapping[str, str]) -> Durability:
    """Say whether the ledger outlives this machine's job, for `doctor` and for the commands that need it.

    Args:
        url: the ledger URL.
        environ: the process environment; `CI` set means that the working directory is thrown away afterwards.

    Raises:
        LedgerError: the URL names no ledger.
    """
    found = parse(url)
    if found.path is None:
        return Durability(True, f"{found.shown} is a database of its own")
    path = found.path
    if has_ledger(path):
        return Durability(True, f"{path} is there from an earlier run")
    if environ.get("CI", "").lower() in ("", "0", "false"):
        return Durability(True, f"{path} does not exist yet and is created by the first apply")
    if url != DEFAULT_URL:
        return Durability(True, f"{path} does not exist yet; it was chosen for this environment")
    return Durability(False, f"{path} does not exist yet, and under CI the working directory is gone after the job")


def require_durable(url: str, environ: Mapping[str, str], feature: str, *, ephemeral: bool = False) -> None:
    """Refuse a feature that needs a ledger which outlives the process, unless the user said that it need not.

    Raises:
        LedgerNotDurable: the ledger is not durable and `ephemeral` is false.
        LedgerError: the URL names no ledger.
    """
    found = durability(url, environ)
    if not found.durable and not ephemeral:
        raise LedgerNotDurable(
            f"{feature} needs a ledger that is there for the next run: {found.reason}",
            next_step="Keep the file between jobs (cache or volume), set RECONCILER_LEDGER to a lasting one, "
            "or accept the loss with --ephemeral-ledger.",
        )
