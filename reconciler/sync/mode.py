"""How a run treats what the target should already hold."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from reconciler.errors import LedgerError

LIMIT = "maxDeletePercent"
"""The limit of a manifest that one run may pass where somebody says why."""


def most_deletes(known: int, percent: float) -> int:
    """Return how many of so many records may be deleted within a day: at least one, unless none may."""
    return max(1, int(known * percent / 100)) if percent else 0


class Mode(StrEnum):
    """How a run treats what the target should already hold."""

    INCREMENTAL = "incremental"
    """Only what may have changed is read; what differs from its fingerprint is written."""
    LIGHT = "light"
    """A light walk: everything is listed, and what lists show otherwise than before is read as a whole."""
    WALK = "walk"
    """As incremental, but everything is read: it finds what no stamp and no event tells of."""
    FULL = "full"
    """A full sync: everything is read; what differs from its fingerprint is written; the sync log begins anew."""
    VERIFY = "verify"
    """A full sync that reads the target too, where it can be; what differs from the target is written."""
    REWRITE = "rewrite"
    """A full sync that writes everything."""
    PULL = "pull"
    """A full sync that SparkLayer runs: everything is read and handed over, page by page."""
    REMOVE = "remove"
    """All records are discontinued, because the data sync is to be absent; the source is not read."""

    @classmethod
    def of(cls, text: str) -> Mode:
        """Return the mode of a run as the ledger has it.

        Raises:
            LedgerError: there is none of this name.
        """
        if text not in tuple(cls):
            raise LedgerError(
                "The ledger holds a run of a data sync in a mode that there is not",
                next_step="Use the version of reconciler that wrote it, or restore the ledger from a backup.",
            )
        return cls(text)

    @property
    def covered(self) -> tuple[Mode, ...]:
        """The modes that do no more than this one, itself included, the one that does least first."""
        return _STRENGTH[: _STRENGTH.index(self) + 1]

    @property
    def lists(self) -> bool:
        """Whether all records of the source are listed: one that is not among them may be gone."""
        return self not in (Mode.INCREMENTAL, Mode.REMOVE)

    @property
    def walks(self) -> bool:
        """Whether all records of the source are read as a whole."""
        return self not in (Mode.INCREMENTAL, Mode.LIGHT, Mode.REMOVE)

    @property
    def looks(self) -> bool:
        """Whether the target is read as well, record by record."""
        return self in (Mode.VERIFY, Mode.REWRITE)

    @property
    def is_full(self) -> bool:
        """Whether it is a full sync to the sync log, which begins anew with it."""
        return self in (Mode.FULL, Mode.VERIFY, Mode.REWRITE, Mode.PULL)


_STRENGTH = (Mode.INCREMENTAL, Mode.LIGHT, Mode.WALK, Mode.FULL, Mode.VERIFY, Mode.REWRITE, Mode.PULL, Mode.REMOVE)


def strongest(modes: Iterable[Mode]) -> Mode:
    """Return the mode that does most."""
    return max(modes, key=_STRENGTH.index)
