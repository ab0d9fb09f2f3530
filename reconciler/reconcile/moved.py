"""Who moved live, as far as webhooks told. Pure.

What is said is what a webhook told of the object since it was applied last, and nothing more. A name is the claim of a
token, in a body whose hash held.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.kind.kind import Kind
from reconciler.ledger.config.model import ConfigMove, Memory

_OWN_SLACK = timedelta(minutes=2)
"""So long after an apply a write by our own client counts as that apply: the clocks of API and ledger may differ."""
UNKNOWN = "by unknown: no webhook told of it"
_COMMON = "integrations/"


def last_move(memory: Memory, kind: Kind[Any], api_url: str, live_id: str) -> ConfigMove | None:
    """Return the newest write to an object since it was applied last that was not our apply; None: none was told of.

    Args:
        memory: the moves, and when the object was applied last.
        kind: of the object.
        api_url: base URL of the connection, part of the memory's keys.
        live_id: of the object.
    """
    path = kind.write_path(live_id)
    if path is None:
        return None
    snapshot = memory.snapshots.get((api_url, kind.name, live_id))
    since = None if snapshot is None else snapshot.applied_at
    return next(
        (
            move
            for move in memory.moves.get(api_url, ())
            if move.path.casefold() == path.casefold() and _is_since(move, since)
        ),
        None,
    )


def _is_since(move: ConfigMove, since: datetime | None) -> bool:
    if since is None:
        return not move.ours
    return move.moved_at > (since + _OWN_SLACK if move.ours else since)


def move_words(move: ConfigMove) -> str:
    """Return who wrote, when and what: `jane@acme.test, 2026-11-29 14:05 UTC, PATCH productsync`."""
    who = "our own API client" if move.ours else move.by or "somebody whom the webhook did not name"
    return f"{who}, {move.moved_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {move.verb} {move.path.removeprefix(_COMMON)}"


def moved_by(memory: Memory, kind: Kind[Any], api_url: str, live_id: str, *, watched: bool) -> str | None:
    """Return who moved an object live, in words; None where webhooks tell of no such thing.

    Args:
        memory: the moves, and when the object was applied last.
        kind: of the object.
        api_url: base URL of the connection.
        live_id: of the object.
        watched: whether webhooks are to tell of it, so that silence is worth a word.
    """
    move = last_move(memory, kind, api_url, live_id)
    if move is not None:
        return f"live moved: {move_words(move)}"
    return f"live moved {UNKNOWN}" if watched and kind.write_path(live_id) is not None else None
