"""Where the ledger is: its URL turned into a file, and whether that file outlives the process. No database here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import LedgerError, LedgerNotDurable

DEFAULT_URL = "sqlite:///.reconciler/ledger.db"
_PREFIX = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Durability:
    """Whether what the ledger remembers will be there for the next run, and one sentence that says why."""

    durable: bool
    reason: str


def ledger_path(url: str) -> Path:
    """Return the file that a ledger URL names; a relative one is relative to the working directory.

    Args:
        url: `sqlite:///relative/file` or `sqlite:////absolute/file`.

    Raises:
        LedgerError: another database, a database in memory, or no file named. The URL is not repeated, because it
            may hold a password.
    """
    scheme, separator, _ = url.partition(":")
    if not separator or scheme != "sqlite":
        named = f"`{scheme}`" if separator and scheme.isascii() and scheme.replace("+", "").isalnum() else "no scheme"
        raise LedgerError(
            f"This version keeps its ledger in SQLite, and the ledger URL names {named}",
            next_step=f"Set `ledger` in the Environment to a file, e.g. {DEFAULT_URL}.",
        )
    name = url.removeprefix(_PREFIX)
    if name == url or not name or name.endswith("/") or name == ":memory:" or "?" in name or "\0" in name:
        raise LedgerError(
            "The ledger URL names no file",
            next_step=f"Write {_PREFIX} and the file's path without options, e.g. {DEFAULT_URL}.",
        )
    return Path(name)


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
    path = ledger_path(url)
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
