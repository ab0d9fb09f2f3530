"""Doubt of what the target holds of a record: a write was begun, and nobody knows yet whether and when it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, or_

from reconciler.ledger.tables import records

IN_DOUBT = b""
"""Stands for the fingerprint of a part that was sent and not settled."""

ARRIVES_WITHIN = timedelta(seconds=330)
"""How long after it was begun a write may still arrive, whoever is gone by then: longer than the longest exchange."""


def note_begun(values: dict[str, Any], hand: str, now: datetime) -> bool:
    """Note which hand begins a write, and until when one that another hand began may still arrive.

    Returns:
        Whether the hand may take that back as long as it sends nothing: it has sent nothing before either that was
        not answered.
    """
    unanswered = IN_DOUBT in values["prints"].values() and values["begun_at"] is not None
    its_own = values["begun_by"] == hand
    if unanswered and not its_own:
        until = values["begun_at"] + ARRIVES_WITHIN
        values["doubt_until"] = max(values["doubt_until"] or until, until)
    values.update(begun_by=hand, begun_at=now)
    return not (unanswered and its_own)


def may_still_change(values: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a write that another hand began may still arrive at the target."""
    return values["doubt_until"] is not None and values["doubt_until"] > now


def may_have_changed(values: Mapping[str, Any] | RowMapping, now: datetime) -> bool:
    """Return whether a write that another hand began may have arrived after the last one of ours."""
    return values["doubt_until"] is not None and values["doubt_until"] <= now


def nothing_else_arrives(now: datetime | ColumnElement[datetime]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of which one holds for a record that need not wait for a write that another hand began.

    Only one that was written since waits: it is written once more after that.
    """
    over = or_(records.c.doubt_until.is_(None), records.c.doubt_until <= now)
    return over, records.c.applied < records.c.wanted, records.c.attempts > 0
