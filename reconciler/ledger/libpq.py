"""PostgreSQL connection URLs as libpq reads them, turned into its parameters; and what a pull request may say. Pure.

libpq's own parser is not asked: its messages repeat what it could not read, which may be a password. What it gets are
parameters by name, so both cannot understand a URL differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote_to_bytes

from reconciler.errors import LedgerError
from reconciler.hosts import host_allowed, is_loopback

SCHEMES = ("postgresql", "postgres")
SETTINGS = {
    "autocommit": True,
    "prepare_threshold": None,
    "client_encoding": "utf8",
    "application_name": "reconciler",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""What psycopg is told where the URL says nothing of it: no prepared statements, which a transaction pooler forgets."""
ALLOW_LEDGER_HOSTS = "RECONCILER_ALLOW_LEDGER_HOSTS"
# What a manifest may set; TLS itself only to what it is anyway.
_OPTIONS = frozenset(
    (
        *("application_name", "connect_timeout", "target_session_attrs", "tcp_user_timeout"),
        *("keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval"),
    )
)
_TLS = {"sslmode": "verify-full", "sslrootcert": "system"}
_PARAMETER = re.compile(r"[a-z_]+", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", re.ASCII)
_PLAIN_NAME = re.compile(r"[\w.-]{1,63}")
_KEYWORD = re.compile(r"\s*(?P<name>\w+)\s*=\s*(?P<value>'(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)(?=\s|$)", re.DOTALL)
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)
_EXAMPLE = "Write postgresql://user:password@host:5432/database; as %XX what has another meaning in a URL (@ is %40)."


def from_url(rest: str, *, trusted: bool = True) -> dict[str, str]:
    """Return the parameters of a URL, given what follows `postgresql://`.

    Args:
        rest: the URL from the user on.
        trusted: whether any option may stand in it; False: a manifest has it.

    Raises:
        LedgerError: it cannot be read, or has an option that it may not have; no value of it is repeated.
    """
    end = next((index for index, character in enumerate(rest) if character in "@/"), len(rest))
    found: dict[str, str] = {}
    if rest[end : end + 1] == "@":
        user, colon, password = rest[:end].partition(":")
        found |= {"user": _decoded(user)} if user else {}
        found |= {"password": _decoded(password)} if colon else {}
        rest = rest[end + 1 :]
    if "@" in rest or "#" in rest:
        raise _unreadable("has an @ or # that is not written as %40 or %23")
    address, _, query = rest.partition("?")
    hosts, _, database = address.partition("/")
    if hosts:
        found |= _addresses(hosts)
    if database:
        found["dbname"] = _decoded(database)
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        if not equals or not _PARAMETER.fullmatch(name):
            raise _unreadable("has an option that is not name=value")
        if not trusted and name not in _OPTIONS and _TLS.get(name) != value:
            raise LedgerError(
                "The ledger URL of a manifest has an option that only RECONCILER_LEDGER may set",
                next_step=f"Remove it; a manifest may set {', '.join(sorted(_OPTIONS))}.",
            )
        found[name] = _decoded(value)
    if found.get("ssl") == "true":  # as libpq reads it, for URLs that were JDBC's
        del found["ssl"]
        found["sslmode"] = "require"
    return found


def _addresses(text: str) -> dict[str, str]:
    hosts: list[str] = []
    ports: list[str] = []
    for address in text.split(","):
        match = re.fullmatch(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[0-9]{0,5}))?", address)
        if match is None:
            raise _unreadable("has a host and port that cannot be read")
        hosts.append(_decoded(match["v6"] if match["v6"] is not None else match["host"]))
        ports.append(match["port"] or "")
    return {"host": ",".join(hosts)} | ({"port": ",".join(ports)} if any(ports) else {})


def from_keywords(text: str) -> dict[str, str]:
    """Return the parameters of a connection string such as `host=db dbname=ledger`.

    Raises:
        LedgerError: it cannot be read; nothing of it is repeated.
    """
    found: dict[str, str] = {}
    end = 0
    text = text.strip()
    while end < len(text):
        match = _KEYWORD.match(text, end)
        if match is None or not _PARAMETER.fullmatch(match["name"]):
            raise _unreadable("is no list of name=value")
        value = match["value"]
        found[match["name"]] = _checked(re.sub(r"\\(.)", r"\1", value[1:-1] if value[:1] == "'" else value))
        end = match.end()
    return found


def to_keywords(parameters: Mapping[str, str]) -> str:
    """Return parameters as a connection string that libpq reads back to the same."""
    quoted = ((name, value.replace("\\", "\\\\").replace("'", "\\'")) for name, value in parameters.items())
    return " ".join(f"{name}='{value}'" for name, value in quoted)


def _decoded(text: str) -> str:
    if _PERCENT.search(text):
        raise _unreadable("has a % that is not written as %25")
    try:
        return _checked(unquote_to_bytes(text).decode())
    except UnicodeDecodeError:
        raise _unreadable("is not UTF-8") from None


def _checked(text: str) -> str:
    if not text.isprintable():
        raise _unreadable("has a character that cannot be printed")
    return text


def _unreadable(what: str) -> LedgerError:
    return LedgerError(f"The ledger URL {what}", next_step=_EXAMPLE)


def for_manifest(parameters: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a manifest's URL, or refuse one that reaches where only the operator may send it.

    Args:
        parameters: of the URL.
        environ: the environment variables of this run.

    Raises:
        LedgerError: it has a host that nobody allowed, or no plain name of a database.
    """
    hosts = parameters.get("host", "").split(",")
    if "dbname" not in parameters or not _PLAIN_NAME.fullmatch(parameters["dbname"]):
        raise _unreadable("names no database, or one whose name is not made of letters, digits, _, - and .")
    allowed = environ.get(ALLOW_LEDGER_HOSTS, "").replace(",", " ").split()
    for host in hosts:
        if _is_local(host):
            continue
        if not _HOST.fullmatch(host):
            raise LedgerError(
                "The ledger URL of a manifest has a host that cannot be read",
                next_step="Write its name; a socket as its folder with %2F for /: postgresql://%2Frun%2Fpostgresql/db.",
            )
        if not host_allowed(host, allowed):
            raise LedgerError(
                f"A manifest puts the ledger on {host}, and nobody has allowed that host where reconciler runs",
                next_step=f"Set RECONCILER_LEDGER there, or add the host to {ALLOW_LEDGER_HOSTS}.",
            )
    return {**parameters, **(_TLS if _TLS.keys() & parameters.keys() else {})}


def with_verified_tls(parameters: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters with TLS that is verified, where the server is elsewhere and they say nothing of TLS.

    Args:
        parameters: of the URL.
        environ: the environment variables of this run: where the URL names no host, libpq looks for one there.
    """
    found = dict(parameters)
    if "sslmode" not in found and not all(map(_is_local, _hosts(found, environ))):
        found = _TLS | found
    return found


def _hosts(parameters: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield every host that libpq may connect to; an empty one is the local socket, `?` is one that nobody knows."""
    named = [parameters[name] for name in ("host", "hostaddr") if name in parameters]
    if "service" in parameters or (not named and environ.get("PGSERVICE")):
        yield "?"  # the service's file says where
    for text in named or [environ.get("PGHOST", "")]:
        yield from text.split(",")
    if "hostaddr" not in parameters:
        yield from environ.get("PGHOSTADDR", "").split(",")


def _is_local(host: str) -> bool:
    """Whether a host is loopback or a socket: a folder, or an abstract one (`@name`)."""
    return not host or host[0] in "/@" or is_loopback(host)


def shown(parameters: Mapping[str, str]) -> str:
    """Return a URL of hosts and database alone: what else there is may be, or hold, a password."""
    hosts = parameters.get("host", parameters.get("hostaddr", "")).split(",")
    ports = parameters.get("port", "").split(",")
    texts: list[str] = []
    for index, host in enumerate(hosts):
        port = ports[index] if len(ports) == len(hosts) else ports[0]
        name = f"[{host}]" if ":" in host else quote(host, safe="@")
        known = _HOST.fullmatch(host) or host[:1] in ("/", "@", "")
        texts.append((name if known else "…") + (f":{port}" if port.isdecimal() else ""))
    database = parameters.get("dbname", "")
    name = database if _PLAIN_NAME.fullmatch(database) else ("…" if database else "")
    return f"postgresql://{','.join(texts)}/{name}"
