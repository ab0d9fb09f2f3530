"""Reading the ledger: nothing is created, nothing written, and no database layer where there is no file."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from reconciler.clock import utc_now
from reconciler.ledger.config.model import Memory
from reconciler.ledger.data.model import DataScope, OpenProblem, SyncOverview
from reconciler.ledger.url import LedgerUrl, has_ledger, ledger_path

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_Found = TypeVar("_Found")


class Ledgers:
    """Ledgers open for reading, each file once, for the environments of one run that share it. Close it after them."""

    def __init__(self) -> None:
        self._engines: dict[Path, Engine] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._engines:
            self._engines.popitem()[1].dispose()

    def memory(self, url: LedgerUrl | str, environment: str, api_urls: Collection[str]) -> Memory:
        """Return what a ledger remembers of one environment and its APIs; `fresh` where there is no ledger.

        Args:
            url: the ledger URL.
            environment: name of the Environment manifest: its snoozes and its unfinished run.
            api_urls: base URLs of its APIs, as in `Plan.connections`: their fingerprints, snapshots and leases.

        Raises:
            LedgerError: the file cannot be read, or is no ledger of this version.
        """
        path = ledger_path(url)
        if not has_ledger(path):
            return Memory()
        from reconciler.ledger.queries import memory

        return self._read(path, lambda connection: memory(connection, environment, api_urls))

    def overview(self, url: LedgerUrl | str) -> dict[str, Any] | None:
        """Return what `ledger show` shows, as plain data without secrets and fingerprints; None without a ledger.

        Raises:
            LedgerError: the file cannot be read, or is no ledger of this version.
        """
        path = ledger_path(url)
        if not has_ledger(path):
            return None
        from reconciler.ledger.queries import overview

        return self._read(path, lambda connection: overview(connection, utc_now()))

    def sync_overview(
        self, url: LedgerUrl | str, scopes: Collection[DataScope], now: datetime
    ) -> dict[DataScope, SyncOverview]:
        """Return what a ledger knows of data syncs, also while they run; an empty overview of one that never ran.

        Args:
            url: the ledger URL.
            scopes: which syncs.
            now: what time it is.

        Raises:
            LedgerError: the file cannot be read, or is no ledger of this version.
        """
        path = ledger_path(url)
        if not has_ledger(path):
            return {scope: SyncOverview() for scope in scopes}
        from reconciler.ledger.data.overview import sync_overview

        return self._read(path, lambda connection: sync_overview(connection, scopes, now))

    def problems(
        self, url: LedgerUrl | str, scope: DataScope, limit: int, offset: int = 0, code: str | None = None
    ) -> list[OpenProblem]:
        """Return open problems of a data sync, also while it runs; see `Levels.problems`.

        Raises:
            LedgerError: the file cannot be read, or is no ledger of this version.
        """
        path = ledger_path(url)
        if not has_ledger(path):
            return []
        from reconciler.ledger.data.overview import open_problems

        return self._read(path, lambda connection: open_problems(connection, scope, limit, offset, code))

    def _read(self, path: Path, query: Callable[[Connection], _Found]) -> _Found:
        from reconciler.ledger.database import ledger_errors, open_for_reading

        engine = self._engines.get(path)
        if engine is None:
            engine = self._engines[path] = open_for_reading(path)
        with ledger_errors(path), engine.begin() as connection:
            return query(connection)


def read_memory(url: LedgerUrl | str, environment: str, api_urls: Collection[str]) -> Memory:
    """Return what the ledger remembers of one environment; see `Ledgers.memory`."""
    with Ledgers() as ledgers:
        return ledgers.memory(url, environment, api_urls)


def read_overview(url: LedgerUrl | str) -> dict[str, Any] | None:
    """Return what `ledger show` shows; see `Ledgers.overview`."""
    with Ledgers() as ledgers:
        return ledgers.overview(url)
