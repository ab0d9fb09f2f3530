"""Reckoning of what a full sync will come to, before anybody agrees to it. Plain values, and the protocol for it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from msgspec import Struct

from reconciler.kind.connection import ClockedReader, Querier


class Reckoning(Struct, frozen=True):
    """What a full sync of one data type will come to.

    Args:
        notes: sentences for people.
        at_risk: what of it would lose data, where the manifest lets it, for people; None: nothing is known of that.
    """

    notes: tuple[str, ...] = ()
    at_risk: str | None = None


@runtime_checkable
class Reckonable(Protocol):
    """Data type that looks at both sides for what a full sync will come to; nothing is written."""

    async def reckon(self, source: ClockedReader, target: Querier, written: int) -> Reckoning:
        """Return what a full sync will come to.

        Args:
            source: connection to the source.
            target: connection to the target.
            written: how many records the ledger knows that no problem holds back.

        Raises:
            ApiError: something could not be read.
            SourceIncomplete: something that decides the scope is not at the source.
        """
