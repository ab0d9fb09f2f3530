"""The settings of a DataSync that hold for every data type: when it runs, and what it promises."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec import Struct

from reconciler.words import parse_duration

FIRST_APPLIED = "(first applied)"
"""Member of a state beside those of the manifest: when it was applied for the first time; until then, now."""


class SyncSettings(Struct, frozen=True):
    """The settings of a DataSync; those of a data type stand with it.

    Args:
        name: of its manifest.
        integration: the sync log's name.
        interval: between the end of a run and the start of the next.
        look_interval: how often everything is listed.
        walk_interval: how often everything is read.
        freshness: how old may be what lists show; the rest: `rest_freshness`.
        max_open_problems: how many open problems it may have.
        max_held_back_percent: how much of all records problems may hold back.
        max_delete_percent: how much of all records one run may discontinue.
        heard_walk_interval: how often while messages tell what lists do not show; None: as often.
        data_type: the one that these are for, where the DataSync has several; None: it has one.
    """

    name: str
    integration: str
    interval: timedelta
    look_interval: timedelta
    walk_interval: timedelta
    freshness: timedelta
    max_open_problems: int
    max_held_back_percent: float
    max_delete_percent: float
    data_type: str | None = None
    heard_walk_interval: timedelta | None = None

    @property
    def command(self) -> str:
        """Words by which a command names this data type of the DataSync: `shop`, or `shop --type orders`."""
        return self.name if self.data_type is None else f"{self.name} --type {self.data_type}"

    @property
    def rest_freshness(self) -> timedelta:
        """How old may be what lists do not show."""
        return self.walk_interval + self.freshness


def sync_settings(name: str, state: Mapping[str, Any]) -> SyncSettings:
    """Return the settings of a DataSync.

    Args:
        name: of its manifest.
        state: what it wants, in manifest terms, defaults in, references as live IDs.
    """
    return SyncSettings(
        name=name,
        integration=state["integration"],
        interval=parse_duration(state["interval"]),
        look_interval=parse_duration(state["lookInterval"]),
        walk_interval=parse_duration(state["walkInterval"]),
        freshness=parse_duration(state["freshness"]),
        max_open_problems=state["maxOpenProblems"],
        max_held_back_percent=state["maxHeldBackPercent"],
        max_delete_percent=state["maxDeletePercent"],
        heard_walk_interval=parse_duration(state["heardWalkInterval"]) if state.get("heardWalkInterval") else None,
    )
