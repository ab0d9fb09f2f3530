"""Records that a run has in hand, so that a walk and what events raise never have the same one at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable


class InHand:
    """Knows which records came by lists and are not done, and which were claimed while the run is on.

    What a list had of a record may be older than what was read by its ID since. So a record that was claimed in this
    run is never taken from a list any more, and one that came by a list is not claimed before it is done.
    """

    def __init__(self) -> None:
        self._listed: set[str] = set()
        self._claimed: set[str] = set()

    def walk(self, keys: Iterable[str]) -> list[str]:
        """Take records in hand that came by a list, and return those that have to be read by their IDs instead."""
        refused: list[str] = []
        for key in keys:
            if key in self._claimed:
                refused.append(key)
            else:
                self._listed.add(key)
        return refused

    def walked(self, keys: Iterable[str]) -> None:
        """Let go of records that came by a list."""
        self._listed.difference_update(keys)

    def claim(self, keys: Collection[str]) -> list[str]:
        """Note that records were claimed, and return those that have to wait, because a walk has them in hand."""
        busy = [key for key in keys if key in self._listed]
        self._claimed.update(keys)
        return busy
