"""Inbox of a data sync in the ledger: what is committed before a message is acknowledged, and what is raised after."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from reconciler.ledger.data import inbox_rows, overview, records, samples, told, wanted
from reconciler.ledger.data.inbox_model import Arrivals, InboxOverview, Later
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.database import Database, Transaction


class InboxStore:
    """Inbox of one data sync; every method is one durable transaction, and needs neither lock nor hand.

    Args:
        database: of the open ledger.
        scopes: of the data types of the data sync, one at least.
    """

    def __init__(self, database: Database, scopes: Sequence[DataScope]) -> None:
        self._database = database
        self._scope = scopes[0]

        def identify(tx: Transaction) -> tuple[int, dict[str, int]]:
            numbers = {scope.data_type: overview.scope_id(tx.connection, scope) for scope in scopes}
            return inbox_rows.inbox_id(tx.connection, scopes[0]), numbers

        self._id, self._scopes = database.run(identify)
        self._seen = inbox_rows.Seen()

    @property
    def types(self) -> Collection[str]:
        """The data types that can be raised."""
        return self._scopes.keys()

    def take(self, arrivals: Arrivals) -> None:
        """Take messages in: raise what they name, keep what is to be raised from them, count. Durable when it returns.

        Raises:
            LedgerError: nothing of it was taken, or nobody can say.
        """

        def take(tx: Transaction) -> inbox_rows.Seen:
            for data_type in sorted(arrivals.raised.keys() & self._scopes.keys()):
                scope, raised = self._scopes[data_type], arrivals.raised[data_type]
                records.want(tx.connection, scope, raised, tx.now, heard=True)
                said = {key: what for key, what in raised.items() if what is not None}
                told.note(tx.connection, scope, said, tx.now)
            for data_type in sorted(arrivals.walks.keys() & self._scopes.keys()):
                wanted.want_once(tx.connection, self._scopes[data_type], arrivals.walks[data_type], tx.now)
            changed = inbox_rows.mark(tx.connection, self._id, arrivals.marked)
            inbox_rows.keep(tx.connection, self._id, [*arrivals.later, *changed], tx.now)
            inbox_rows.keep_unknown(tx.connection, self._id, arrivals.unknown, tx.now)
            return inbox_rows.count(tx.connection, self._id, arrivals.counts, tx.now, self._seen)

        self._seen = self._database.run(take)

    def waiting(self, limit: int) -> list[Later]:
        """Return the oldest messages from which more is to be raised."""
        return self._database.run(lambda tx: inbox_rows.waiting(tx.connection, self._id, limit), writes=False)

    def raise_from(self, later: Later, raised: Mapping[str, Collection[str]], position: str | None) -> bool:
        """Raise a batch of the records that depend on a message, and note up to where that is done.

        Args:
            later: the message, with the position from which the batch was made.
            raised: keys by data type.
            position: of the last one; None: nothing more depends on it, and the message is forgotten.

        Returns:
            Whether it was raised; False where somebody else raised it meanwhile.
        """

        def work(tx: Transaction) -> bool:
            if not inbox_rows.advance(tx.connection, later.number, later.position, position):
                return False
            for data_type in sorted(raised.keys() & self._scopes.keys()):
                records.want(tx.connection, self._scopes[data_type], raised[data_type], tx.now, heard=True)
            return True

        return self._database.run(work)

    def known(self, data_type: str, text: str, after: str | None, limit: int, *, ending: bool) -> list[str]:
        """Return keys of known records that begin, or end, with a text, in order, after one of them."""
        scope = self._scopes.get(data_type)
        if scope is None:
            return []
        return self._database.run(
            lambda tx: (samples.with_suffix if ending else samples.with_prefix)(
                tx.connection, scope, text, after, limit
            ),
            writes=False,
        )

    def overview(self) -> InboxOverview:
        """Return what the inbox took."""
        return self._database.run(lambda tx: inbox_rows.overview(tx.connection, self._scope), writes=False)
