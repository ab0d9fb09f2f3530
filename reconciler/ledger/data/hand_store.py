"""Hand store of a scope: who works on its run beside the keeper, and until when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from reconciler.ledger.data import claims, deleting, hands, ranges
from reconciler.ledger.data import runs as data_runs
from reconciler.ledger.data.deleting import Room
from reconciler.ledger.data.model import DataRun
from reconciler.ledger.data.ranges import Range, Walked
from reconciler.ledger.data.scoped import Scoped
from reconciler.ledger.database import Transaction
from reconciler.ledger.lock import LEASE, lost


class Orders(Struct, frozen=True):
    """What a hand hears of its run.

    Args:
        cancel: somebody asked the run to stop.
        takes_hands: it goes on to take hands; else what is in hand is finished, and nothing else begun.
    """

    cancel: bool
    takes_hands: bool


class HandStore:
    """The hands of a scope's run."""

    def __init__(self, scoped: Scoped) -> None:
        self._scoped = scoped

    def join(self, run_id: str, holder: str) -> DataRun:
        """Become a hand of a run that somebody else keeps, and return that run. It stays one while it beats.

        Raises:
            LockLost: that run is not under way, or takes no hands.
        """
        return self._scoped.join(run_id, holder)

    def beat(self, counts: Mapping[str, int] | None = None) -> Orders:
        """Give a sign of life, add to what the run counted, and hear what becomes of it. Needs a hand.

        Raises:
            LockLost: the run is over, or went on without this hand.
        """
        scope, token, run_id = self._scoped.id, self._scoped.name, self._scoped.run_id

        def beat(tx: Transaction) -> Orders:
            if run_id is None or not hands.renew(tx.connection, scope, token, tx.now + LEASE):
                raise lost(self._scoped.scope.lock_name)
            data_runs.change(tx.connection, scope, run_id, {}, counts)
            cancel, takes_hands = data_runs.orders(tx.connection, scope, run_id)
            return Orders(cancel, takes_hands)

        return self._scoped.write(beat)

    def leave(self, counts: Mapping[str, int] | None = None) -> None:
        """Be a hand no more: what it has claimed is free for others. It may be none any more."""
        scope, token, run_id = self._scoped.id, self._scoped.name, self._scoped.run_id

        def leave(tx: Transaction) -> None:
            if run_id is not None and hands.belongs(tx.connection, scope, token):
                data_runs.change(tx.connection, scope, run_id, {}, counts)
            claims.void_claims(tx.connection, scope, hands.leave(tx.connection, scope, token))

        self._scoped.write(leave)
        if run_id is not None:
            self._scoped.ended(run_id)

    def take(self, run_id: str, *, takes: bool) -> None:
        """Say whether a run takes hands beside its keeper. Needs the lock."""
        changes = {"takes_hands": takes}
        self._scoped.write_locked(lambda tx: data_runs.change(tx.connection, self._scoped.id, run_id, changes))

    def others(self, run_id: str) -> list[str]:
        """End the hands that gave no sign of life for long, and return who the others are. Needs the lock."""
        scope = self._scoped.id

        def others(tx: Transaction) -> list[str]:
            stay = hands.end_silent(tx.connection, scope, tx.now)
            if stay is not None:
                claims.void_claims(tx.connection, scope, stay)
            return hands.others(tx.connection, scope, run_id)

        return self._scoped.write_locked(others)

    def make_room(
        self, keys: Collection[str], since: datetime, now: datetime, most: Callable[[int], int], *, takes: bool
    ) -> Room:
        """Look whether all of these records may be deleted, whatever other hands delete. Needs a hand.

        Args:
            keys: the records, none of them gone.
            since: when the time began for which deletes count.
            now: when they are deleted, in the same clock.
            most: returns how many of so many records may be deleted in that time.
            takes: the room is theirs from now on, until somebody sees that they are there: nobody else has it.
        """
        return self._scoped.write_as_hand(
            lambda tx: deleting.make_room(tx.connection, self._scoped.id, keys, since, now, most, takes=takes)
        )

    def divide(
        self, run_id: str, number: int, into: Callable[[list[str]], Sequence[Mapping[str, Any]]]
    ) -> Walked | None:
        """Divide the walk of a run into ranges, unless it is, and return how far it is. Needs the lock.

        Args:
            run_id: the run.
            number: how many keys are wanted as bounds.
            into: returns the ranges that keys bound, which lie evenly among those that are known; none: not divided.
        """
        scope = self._scoped.id

        def divide(tx: Transaction) -> Walked | None:
            found = ranges.walked(tx.connection, scope, run_id)
            if found is None and (bounds := into(ranges.spread(tx.connection, scope, number))):
                ranges.divide(tx.connection, scope, run_id, bounds)
                found = ranges.walked(tx.connection, scope, run_id)
            return found

        return self._scoped.write_locked(divide)

    def take_range(self, run_id: str, part: int | None = None) -> Range | None:
        """Take a range of a walk that nobody lists, if it may be this part; None: there is none. Needs a hand."""
        scope, hand = self._scoped.id, self._scoped.name
        return self._scoped.write_as_hand(lambda tx: ranges.take(tx.connection, scope, run_id, hand, part))

    def end_range(self, run_id: str, part: int, listed: int) -> bool:
        """Record that a range was listed to its end, and return whether it was still ours. Needs a hand.

        Args:
            run_id: the run.
            part: the range.
            listed: how many records it had.
        """
        scope, hand = self._scoped.id, self._scoped.name
        return self._scoped.write_as_hand(lambda tx: ranges.end(tx.connection, scope, run_id, hand, part, listed))

    def walked(self, run_id: str) -> Walked | None:
        """Return how far the walk of a run is; None: it is not divided into ranges."""
        return self._scoped.read(lambda tx: ranges.walked(tx.connection, self._scoped.id, run_id))
