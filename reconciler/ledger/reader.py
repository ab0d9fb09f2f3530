"""Ledgers open for reading: nothing is created or written, and no database layer loaded where there is no file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from reconciler.ledger.config.model import AskedRequest, Memory, SealedCredentials
from reconciler.ledger.data.inbox_model import InboxOverview
from reconciler.ledger.data.model import DataScope, Glance, OpenProblems, SyncOverview
from reconciler.ledger.url import LedgerUrl, has_ledger, located

if TYPE_CHECKING:
    from reconciler.ledger.data.outages import Away
    from reconciler.ledger.database import Clock, Database, Transaction
    from reconciler.ledger.pulse import Pulse

_Found = TypeVar("_Found")


class Ledgers:
    """Ledgers open for reading, each once, for the environments of one run that share it. Close it after them.

    Args:
        clock: what time it is, instead of each database's own time. For tests.
        borrowed: returns the database of a ledger that is open already, and stays open; None: it is not.
    """

    def __init__(
        self, clock: Clock | None = None, borrowed: Callable[[LedgerUrl], Database | None] = lambda _: None
    ) -> None:
        self._clock = clock
        self._borrowed = borrowed
        self._databases: dict[LedgerUrl, Database] = {}
        self._of_apis: dict[tuple[LedgerUrl, frozenset[str]], Memory] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._databases:
            self._databases.popitem()[1].close()

    def is_there(self, url: LedgerUrl | str) -> bool:
        """Whether there is a ledger of this version.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """
        return self._read(url, lambda _: True) or False

    def now(self, url: LedgerUrl | str) -> datetime | None:
        """Return what time it is in a ledger; None where there is none.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """
        return self._read(url, lambda tx: tx.now)

    def memory(
        self,
        url: LedgerUrl | str,
        environment: str,
        api_urls: Collection[str],
        live_sides: Mapping[str, str] | None = None,
    ) -> Memory:
        """Return what a ledger remembers of one environment and its APIs; `fresh` where there is no ledger.

        What goes by API is read once: environments of one run often have the same.

        Args:
            url: the ledger URL.
            environment: name of the Environment manifest: its snoozes and its unfinished run.
            api_urls: base URLs of its APIs, as in `Plan.connections`: their fingerprints, snapshots and leases.
            live_sides: API to its live side: what the environment's name has to stand for.

        Raises:
            LedgerError: the ledger cannot be read, is none of this version, or knows the environment's name with
                other APIs.
        """
        apis = located(url), frozenset(api_urls)

        def read(tx: Transaction) -> Memory:
            from reconciler.ledger.overview import memory, memory_of_apis

            if apis not in self._of_apis:
                self._of_apis[apis] = memory_of_apis(tx, api_urls)
            return memory(tx, environment, api_urls, live_sides, self._of_apis[apis])

        return self._read(url, read) or Memory()

    def applied_commit(self, url: LedgerUrl | str, environment: str) -> str | None:
        """Return the commit up to which the approvals of pull requests were applied to an environment, or None.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> str | None:
            from reconciler.ledger.config.applied import last

            return last(tx.connection, environment)

        return self._read(url, read)

    def pulse(self, url: LedgerUrl | str, kind: str) -> Pulse:
        """Return what somebody may wait for in a ledger, of all its environments; `kind`: of the objects applied.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> Pulse:
            from reconciler.ledger.pulse import read

            return read(tx.connection, kind)

        found = self._read(url, read)
        if found is None:
            from reconciler.ledger.pulse import Pulse

            return Pulse()
        return found

    def overview(self, url: LedgerUrl | str) -> dict[str, Any] | None:
        """Return what `ledger show` shows, as plain data without secrets and fingerprints; None without a ledger.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> dict[str, Any]:
            from reconciler.ledger.overview import overview

            return overview(tx)

        return self._read(url, read)

    def sync_overview(
        self, url: LedgerUrl | str, scopes: Collection[DataScope], now: datetime
    ) -> dict[DataScope, SyncOverview]:
        """Return what a ledger knows of data syncs, also while they run; an empty overview of one that never ran.

        Args:
            url: the ledger URL.
            scopes: which syncs.
            now: what time it is for the records; whether somebody runs a sync goes by the database's time.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> dict[DataScope, SyncOverview]:
            from reconciler.ledger.data.overview import sync_overview

            return sync_overview(tx.connection, scopes, now, tx.now)

        return self._read(url, read) or {scope: SyncOverview() for scope in scopes}

    def shared_rates(self, url: LedgerUrl | str, keys: Collection[str]) -> dict[str, tuple[str, float]]:
        """Return of rates that processes share whose counts, and which it is, by key; see `Connection.rate_key`.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> dict[str, tuple[str, float]]:
            from reconciler.ledger.told_rates import told_rates

            return told_rates(tx, tuple(keys))

        return self._read(url, read) or {}

    def outages(self, url: LedgerUrl | str, keys: Collection[str]) -> dict[str, Away]:
        """Return which of some APIs nobody is to ask now, by key; see `Connection.rate_key`.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> dict[str, Away]:
            from reconciler.ledger.data.outages import told_outages

            return told_outages(tx, keys)

        return self._read(url, read) or {}

    def problems(
        self, url: LedgerUrl | str, scope: DataScope, limit: int, offset: int = 0, code: str | None = None
    ) -> OpenProblems:
        """Return open problems of a data sync, also while it runs; see `ProblemStore.listed`.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> OpenProblems:
            from reconciler.ledger.data.overview import open_problems

            return open_problems(tx.connection, scope, limit, offset, code)

        return self._read(url, read) or OpenProblems()

    def glances(
        self, url: LedgerUrl | str, scopes: Collection[DataScope], since: datetime, now: datetime, most: int
    ) -> dict[DataScope, Glance]:
        """Return the runs of data syncs since a moment, and some of their dead letters and problems.

        Args:
            url: the ledger URL.
            scopes: which syncs.
            since: runs that began before are left out; the ledger may have forgotten some after it.
            now: what time it is for the records.
            most: dead letters, and problems of each code, at most.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> dict[DataScope, Glance]:
            from reconciler.ledger.data.overview import glance

            return {scope: glance(tx.connection, scope, since, now, most) for scope in scopes}

        return self._read(url, read) or {scope: Glance() for scope in scopes}

    def asked(self, url: LedgerUrl | str, environment: str, limit: int) -> tuple[AskedRequest, ...]:
        """Return what people and manifests asked for in an environment, the newest first.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> tuple[AskedRequest, ...]:
            from reconciler.ledger.config.requests import recent

            return tuple(recent(tx.connection, limit, environment))

        return self._read(url, read) or ()

    def sealed_credentials(self, url: LedgerUrl | str, environment: str, target: str) -> SealedCredentials | None:
        """Return the credentials that SparkLayer handed over for a site, sealed; None: there are none.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> SealedCredentials | None:
            from reconciler.ledger.config.ignite import sealed_of

            return sealed_of(tx.connection, environment, target)

        return self._read(url, read)

    def drift_look(self, url: LedgerUrl | str, environment: str) -> dict[str, Any] | None:
        """Return what the last look for drift found, as it was kept; None: nobody has looked.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> dict[str, Any] | None:
            from reconciler.ledger.config.drift_looks import last

            return last(tx.connection, environment)

        return self._read(url, read)

    def inbox_overviews(self, url: LedgerUrl | str, scopes: Collection[DataScope]) -> dict[DataScope, InboxOverview]:
        """Return what the inboxes of data syncs took, by scope; the data types of one data sync share an inbox.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> dict[DataScope, InboxOverview]:
            from reconciler.ledger.data.inbox_rows import overview

            return {scope: overview(tx.connection, scope) for scope in scopes}

        return self._read(url, read) or {}

    def workers(self, url: LedgerUrl | str, environment: str) -> int:
        """Return how many workers take jobs of an environment.

        Raises:
            LedgerError: the ledger cannot be read, or is none of this version.
        """

        def read(tx: Transaction) -> int:
            from reconciler.ledger.config.services import workers

            return workers(tx.connection, environment, tx.now)

        return self._read(url, read) or 0

    def _read(self, url: LedgerUrl | str, query: Callable[[Transaction], _Found]) -> _Found | None:
        """Return the answer of a query, None where there is no ledger."""
        place = located(url)
        database = self._databases.get(place) or self._borrowed(place)
        if database is None:
            if place.path is not None and not has_ledger(place.path):
                return None
            from reconciler.ledger.database import open_existing

            database = open_existing(place, self._clock)
            if database is None:
                return None
            self._databases[place] = database
        return database.run(query, writes=False)


def read_memory(
    url: LedgerUrl | str, environment: str, api_urls: Collection[str], live_sides: Mapping[str, str] | None = None
) -> Memory:
    """Return what the ledger remembers of one environment; see `Ledgers.memory`."""
    with Ledgers() as ledgers:
        return ledgers.memory(url, environment, api_urls, live_sides)


def read_overview(url: LedgerUrl | str) -> dict[str, Any] | None:
    """Return what `ledger show` shows; see `Ledgers.overview`."""
    with Ledgers() as ledgers:
        return ledgers.overview(url)
