"""Fence between the hands of a run: what a hand read of a record is noted only where nobody has read it later. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import RowMapping


class Fence(Struct, frozen=True):
    """Asks, in the transaction that notes something of a record, whether the hand may still do that.

    What was read under a claim is noted while the claim is the hand's. What came by a list, without a claim, may be
    older than what somebody read by the record's ID under a claim: it is noted only where this run never claimed the
    record, and nobody else is writing it.

    Args:
        hand: whose.
        run: of which it is one; None: of none, and nothing is asked of what was read without a claim.
    """

    hand: str
    run: str | None

    def refuses(
        self, values: Mapping[str, Any] | RowMapping, now: datetime, token: str | None, *, unclaimed: bool
    ) -> bool:
        """Whether what the hand read of a record must not be noted.

        Args:
            values: the record's row, which stays as it is until the transaction is over.
            now: the ledger's time.
            token: of the hand's claim under which it was read; None: that is not asked.
            unclaimed: it was read without a claim.
        """
        claim: str | None = values["claim"]
        if not unclaimed:
            return token is not None and claim != claim_of(self.hand, token)
        if self.run is None:
            return False
        is_held = claim is not None and values["claimed_until"] > now
        return values["claimed_run"] == self.run or (is_held and not str(claim).startswith(f"{self.hand}/"))


class Beginning(Struct, frozen=True):
    """What became of the wish to begin writes.

    Args:
        returnable: keys of those for which `take_back` may be called, where nothing of them is sent after all.
        refused: keys of those that must not be sent, because somebody else reads or writes the record.
    """

    returnable: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


def claim_of(hand: str, token: str) -> str:
    """Return the claim as rows keep it: the token prefixed with its hand, with which it ends."""
    return f"{hand}/{token}"
