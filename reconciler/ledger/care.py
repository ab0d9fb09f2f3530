"""Taking care of a ledger file: a copy of it while it is in use, and bringing it up to date."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from sqlalchemy import Engine

from reconciler.errors import LedgerError
from reconciler.ledger.database import ledger_errors, open_any_version, open_for_writing
from reconciler.ledger.migrations import MIGRATIONS
from reconciler.ledger.url import LedgerUrl, has_ledger, ledger_path


def backup(url: LedgerUrl | str, copy: Path) -> int:
    """Copy a ledger, also while others write to it, and return how many bytes that are.

    The copy is one moment of the ledger, whole, readable for its owner only, and there once it is whole.

    Args:
        url: the ledger URL; a ledger of an older version is copied as it is.
        copy: a file that does not exist yet.

    Raises:
        LedgerError: there is no ledger, it cannot be read, or the copy cannot be written or is there already.
    """
    engine, _ = open_any_version(_existing(url))
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
                _copy(engine, part)
                part.replace(copy)
            except BaseException:
                for leftover in (part, copy):
                    with suppress(OSError):
                        leftover.unlink()
                raise
            return copy.stat().st_size
    finally:
        engine.dispose()


def bring_up_to_date(url: LedgerUrl | str) -> tuple[int, int]:
    """Bring a ledger to this version and return the schema version that it had, and the one it has.

    Raises:
        LedgerError: there is no ledger, or it cannot be written.
        LedgerTooNew: a newer version of reconciler wrote it.
    """
    path = _existing(url)
    engine, before = open_any_version(path)
    engine.dispose()
    open_for_writing(path).dispose()
    return before, len(MIGRATIONS)


def _existing(url: LedgerUrl | str) -> Path:
    path = ledger_path(url)
    if not has_ledger(path):
        raise LedgerError(
            f"There is no ledger {path} yet", next_step="The first apply creates it; see `reconciler ledger show`."
        )
    return path


def _copy(engine: Engine, to: Path) -> None:
    source = engine.raw_connection()
    try:
        with closing(sqlite3.connect(to)) as target:
            driver: Any = source.driver_connection
            driver.backup(target)
            # One file, that can be moved as it is.
            target.execute("PRAGMA journal_mode = DELETE")
    finally:
        source.close()
    with to.open("rb") as written:
        os.fsync(written.fileno())
