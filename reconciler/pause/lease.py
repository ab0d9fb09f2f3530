"""Lease: a pause taken by hand, with its holder, its end and its reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """A pause taken by hand and recorded in the ledger. While it is active it overrides the manifest."""

    kind: str
    id: str
    holder: str
    until: datetime
    reason: str

    def is_active(self, now: datetime) -> bool:
        """Whether the lease still holds at `now`."""
        return now < self.until
