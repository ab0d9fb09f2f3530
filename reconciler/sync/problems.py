"""A page of the open problems of a data sync. Plain values."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.ledger.data_model import OpenProblem


@dataclass(frozen=True, slots=True)
class Problems:
    """Open problems of a data sync, as `sync errors` lists them.

    Args:
        sync: name of the DataSync.
        data_type: of the sync log.
        open: records with a problem, listed or not.
        logged: those of them that the sync log has.
        listed: this page.
        offset: problems before this page.
        more: whether there are more after it.
    """

    sync: str
    data_type: str
    open: int
    logged: int
    listed: tuple[OpenProblem, ...]
    offset: int = 0
    more: bool = False
