"""Memo store of a scope: what its source noted of records, to know them again while their stamps stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reconciler.ledger.data import memos
from reconciler.ledger.data.memos import Memo
from reconciler.ledger.data.model import Distrust
from reconciler.ledger.data.scoped import Scoped


class MemoStore:
    """The memos of a scope. Reading needs neither lock nor hand."""

    def __init__(self, scoped: Scoped) -> None:
        self._scoped = scoped

    def recall(self, keys: Collection[str]) -> dict[str, Memo]:
        """Return what was noted of these records, as far as something was."""
        return self._scoped.read(lambda tx: memos.recall(tx.connection, self._scoped.id, keys))

    def keep(self, noted: Mapping[str, Memo]) -> None:
        """Note something of records, in place of what was noted before. Needs a hand."""
        self._scoped.write_as_hand(lambda tx: memos.keep(tx.connection, self._scoped.id, noted))

    def distrust(self, key: str) -> None:
        """Note that a record moved though its stamp did not: from now on stamps prove nothing. Needs a hand."""
        self._scoped.write_as_hand(lambda tx: memos.distrust(tx.connection, self._scoped.id, key, tx.now))

    def distrusted(self) -> Distrust | None:
        """Return since when, and for which record, stamps prove nothing; None: they do."""
        return self._scoped.read(lambda tx: memos.distrusted(tx.connection, self._scoped.id))
