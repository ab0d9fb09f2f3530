"""Store of requests: each is begun by one hand, each of its steps is taken at most once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from reconciler.ledger.config import requests
from reconciler.ledger.config.model import AskedRequest, RequestStep, StepState
from reconciler.ledger.data import records, wanted
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.overview import scope_id
from reconciler.ledger.database import Database, Transaction


class RequestStore:
    """The requests of an open ledger. Every method is one durable transaction.

    Any method raises LedgerError where the ledger cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self, request: AskedRequest, *, accept_unremembered: bool = False, go_on: bool = False
    ) -> tuple[RequestStep, ...] | None:
        """Record that a request is begun.

        Args:
            request: with all its steps, pending.
            accept_unremembered: begin it also where the ledger cannot know whether it was carried out before.
            go_on: begin it also where it was begun before, for those of its steps that were never taken.

        Returns:
            Where each step stands; None: somebody began it before, and it may have been carried out.
        """
        return self._database.run(
            lambda tx: requests.begin(
                tx.connection, request, tx.now, accept_unremembered=accept_unremembered, go_on=go_on
            )
        )

    def take(self, request: AskedRequest, position: int) -> bool:
        """Record, before it goes out, that a step is taken. Returns False where it was taken before."""
        return self._database.run(
            lambda tx: requests.take(tx.connection, request.api_url, request.id, position, tx.now)
        )

    def end(self, request: AskedRequest, position: int, state: StepState, message: str | None = None) -> None:
        """Record what became of a step."""
        self._database.run(
            lambda tx: requests.end(tx.connection, request.api_url, request.id, position, state, message, tx.now)
        )

    def want(
        self,
        request: AskedRequest,
        position: int,
        scopes: Collection[DataScope],
        mode: str | None,
        keys: Collection[str],
    ) -> bool:
        """Take a step that wants a run of a data sync, or some of its records: all in one transaction.

        Args:
            request: whose step it is.
            position: of the step.
            scopes: of the data sync.
            mode: how the run is to go; None: only the records are wanted.
            keys: the records.

        Returns:
            False where it was taken before.
        """

        def want(tx: Transaction) -> bool:
            if not requests.take(tx.connection, request.api_url, request.id, position, tx.now):
                return False
            for scope in scopes:
                number = scope_id(tx.connection, scope)
                if mode is not None:
                    wanted.want(tx.connection, number, request.id, mode, tx.now)
                if keys:
                    records.want(tx.connection, number, keys, tx.now)
            requests.end(tx.connection, request.api_url, request.id, position, StepState.DONE, None, tx.now)
            return True

        return self._database.run(want)

    def remember(self, api_urls: Collection[str], found: Iterable[AskedRequest]) -> None:
        """Remember the requests of live sides from now on.

        What manifests ask for when that begins may have been carried out before, when another ledger knew of it.
        Whether it was cannot be known, now and later.

        Args:
            api_urls: the live sides.
            found: what manifests ask for now.
        """
        listed = list(found)
        self._database.run(lambda tx: requests.remember(tx.connection, api_urls, listed, tx.now))
