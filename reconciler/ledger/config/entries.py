"""Entries that a run adds to its journal: a change is about to be sent, has come to its end, or did not get there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from msgspec import Struct

from reconciler.ledger.config.model import LiveObject, PauseEvent
from reconciler.redacted import RedactedStruct


class Sent(Struct, frozen=True):
    """A change is about to be sent: written before the request goes out.

    The secrets it carries are in doubt from here on: should nobody be left to say whether they arrived, the next plan
    sees them as changed and sends them again.

    Args:
        key: the change's key.
        targets: the live object, under both its IDs where it is renamed.
        secret_paths: where the secrets stand that the request carries.
        readable: whether the API can show the object. Where not, what was remembered of it no longer stands for live,
            and the next plan sends all of it again unless this change is recorded as done.
    """

    key: str
    targets: tuple[LiveObject, ...] = ()
    secret_paths: Collection[str] = ()
    readable: bool = True


class Done(RedactedStruct, frozen=True):
    """A change is live, with what snapshot and fingerprints say of the object from now on.

    Args:
        key: the change's key.
        outcome: `applied` or `already`.
        message: what the report says beside it.
        target: the live object, by its ID as it is now.
        state: its state without secrets, or None where the object is gone.
        secrets: value of each secret that was sent, by path, None for one that was removed; only fingerprints are kept.
        renamed_from: the ID under which it was remembered until now.
        held: on a rename, the secrets that live has and that were not sent, by path.
        leaves: of an object that is gone, what others still have to carry out.
        pause: the change paused or resumed a sync.
    """

    redacted: ClassVar[tuple[str, ...]] = ("secrets", "held")

    key: str
    outcome: str
    message: str | None
    target: LiveObject
    state: Mapping[str, Any] | None
    secrets: Mapping[str, str | None] = {}
    renamed_from: str | None = None
    held: Mapping[str, str] = {}
    leaves: Mapping[str, Any] | None = None
    pause: PauseEvent | None = None


class Noted(Struct, frozen=True):
    """Where a change stands of which nothing is remembered: it failed, was skipped, or has an unknown outcome.

    Args:
        key: the change's key.
        outcome: where it stands.
        message: what the report says beside it.
        untouched: the live object under each of its IDs, where the API certainly did not take what was sent: what was
            known of its secrets still holds.
        pause: the change paused or resumed a sync.
    """

    key: str
    outcome: str
    message: str | None = None
    untouched: tuple[LiveObject, ...] = ()
    pause: PauseEvent | None = None


Entry = Sent | Done | Noted
