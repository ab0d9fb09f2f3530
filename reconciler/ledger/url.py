"""Ledger URLs: parsed, checked by who wrote them, and whether the ledger outlives the job. No database here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from msgspec import Struct

from reconciler.errors import LedgerError, LedgerNotDurable
from reconciler.ledger import libpq
from reconciler.redacted import RedactedStruct

DEFAULT_URL = "sqlite:///.reconciler/ledger.db"
OWN_URL = "RECONCILER_LEDGER"
_PREFIX = "sqlite:///"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}", re.ASCII)


class Durability(Struct, frozen=True):
    """Durability of a ledger: whether the next run will find it, and one sentence that says why."""

    durable: bool
    reason: str


class LedgerUrl(RedactedStruct, frozen=True):
    """A parsed ledger URL.

    Args:
        kind: which database.
        shown: how messages name it: host and database, never user, password or options.
        path: the file of a SQLite ledger.
        conninfo: what libpq is told of a PostgreSQL ledger, `name='value'` by name. It may hold a password.
        is_default: whether the operator did not choose this place: it is the default, or a manifest's and beside it.
    """

    redacted: ClassVar[tuple[str, ...]] = ("conninfo",)

    kind: Literal["sqlite", "postgres"]
    shown: str
    path: Path | None = None
    conninfo: str = ""
    is_default: bool = False

    def __str__(self) -> str:
        """Return what may be shown of it."""
        return self.shown


def parse(
    url: str, *, base: Path = Path(), environ: Mapping[str, str] | None = None, trusted: bool = True
) -> LedgerUrl:
    """Parse a ledger URL, and refuse what its author may not say.

    A manifest comes from a pull request. So where it names a database server, that is loopback, a socket or in
    RECONCILER_ALLOW_LEDGER_HOSTS, and its options are a short list; RECONCILER_LEDGER takes what libpq takes. TLS is
    verified off loopback and sockets, unless RECONCILER_LEDGER itself says otherwise.

    Args:
        url: `sqlite:///relative/file`, `sqlite:////absolute/file`, `postgresql://user@host/database`, and from the
            operator also `host=… dbname=…`.
        base: what a relative file counts from: the parent of the manifests folder.
        environ: the environment variables of this run: allowed hosts, and what libpq itself reads there.
        trusted: whether the operator wrote it; False: a manifest has it.

    Raises:
        LedgerError: it names no ledger, or says what its author may not say. Nothing of the URL is repeated, because
            it may hold a password.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite":
        return _sqlite(url, base, trusted=trusted)
    if separator and scheme in libpq.SCHEMES:
        parameters = libpq.from_url(rest, trusted=trusted)
    elif trusted and not separator and "=" in url and not url.startswith("sqlite:"):
        parameters = libpq.from_keywords(url)
    else:
        known = separator and _SCHEME.fullmatch(scheme)
        if (meant := scheme.strip().lower()) in ("sqlite", *libpq.SCHEMES) and meant != scheme:
            raise LedgerError(
                "The ledger URL has a blank before it, or capitals in its scheme",
                next_step=f"Write it as `{meant}:`, in small letters, and nothing before it.",
            )
        raise LedgerError(
            f"The ledger is kept in SQLite or PostgreSQL, and its URL names {f'`{scheme}`' if known else 'neither'}",
            next_step=f"Set {OWN_URL}, or `ledger` in the Environment, to {DEFAULT_URL} or postgresql://….",
        )
    environ = environ or {}
    if not trusted:
        parameters = libpq.for_manifest(parameters, environ)
    parameters = libpq.with_verified_tls(parameters, environ)
    return LedgerUrl("postgres", libpq.shown(parameters), conninfo=libpq.to_keywords(parameters))


def _sqlite(url: str, base: Path, *, trusted: bool) -> LedgerUrl:
    name = url.removeprefix(_PREFIX)
    if name == url or not name or name.endswith("/") or name == ":memory:" or "?" in name or "\0" in name:
        raise LedgerError(
            "The ledger URL names no file",
            next_step=f"Write {_PREFIX} and the file's path without options, e.g. {DEFAULT_URL}.",
        )
    path = base / name
    # What a manifest names inside the working tree is thrown away with it; the operator may keep any file.
    is_beside = not trusted and path.resolve().is_relative_to(base.resolve())
    return LedgerUrl("sqlite", str(path), path, is_default=is_beside or url == DEFAULT_URL)


def located(url: LedgerUrl | str) -> LedgerUrl:
    """Return a parsed ledger URL; a text is taken as the operator's own.

    Raises:
        LedgerError: it names no ledger.
    """
    return parse(url) if isinstance(url, str) else url


def has_ledger(path: Path) -> bool:
    """Whether there is anything at this path. A file without a byte, as `touch` leaves it, is no ledger yet."""
    return path.exists() and not (path.is_file() and path.stat().st_size == 0)


def durability(url: LedgerUrl | str, environ: Mapping[str, str]) -> Durability:
    """Say whether the ledger outlives this machine's job, for `doctor` and for the commands that need it.

    Args:
        url: where the ledger is.
        environ: the process environment; `CI` set means that the working directory is thrown away afterwards.

    Raises:
        LedgerError: the URL names no ledger.
    """
    found = located(url)
    if found.path is None:
        return Durability(True, f"{found} is on a database server, which keeps it")
    if has_ledger(found.path):
        return Durability(True, f"{found} is there from an earlier run")
    if environ.get("CI", "").lower() in ("", "0", "false"):
        return Durability(True, f"{found} does not exist yet and is created by the first apply")
    if not found.is_default:
        return Durability(True, f"{found} does not exist yet; it was chosen for this environment")
    return Durability(False, f"{found} does not exist yet, and under CI the working directory is gone after the job")


def require_durable(url: LedgerUrl | str, environ: Mapping[str, str], feature: str, *, ephemeral: bool = False) -> None:
    """Refuse a feature that needs a ledger which outlives the process, unless the user said that it need not.

    Raises:
        LedgerNotDurable: the ledger is not durable and `ephemeral` is false.
        LedgerError: the URL names no ledger.
    """
    found = durability(url, environ)
    if not found.durable and not ephemeral:
        raise LedgerNotDurable(
            f"{feature} needs a ledger that is there for the next run: {found.reason}",
            next_step=f"Keep the file between jobs (cache or volume), set {OWN_URL} to a lasting one, "
            "or accept the loss with --ephemeral-ledger.",
        )
