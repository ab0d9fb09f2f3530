"""Which messages cannot come, as far as manifests and ledger tell: their sync is not applied, off or paused. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from reconciler.ledger.config.model import Memory
from reconciler.reconcile.paused import paused_as_known
from reconciler.reconcile.work import Desired
from reconciler.sync.heard import Hearing

_CONFIG = "DeliveryConfig"
_SWITCHES = ("syncProductChanged", "syncProductDeleted", "syncEntityChanged", "syncEntityDeleted")


def unheard_parts(
    data: Any,
    desired: Iterable[Desired],
    memory: Memory,
    live_side: str,
    now: datetime,
    drifted: frozenset[tuple[str, str]] = frozenset(),
) -> Mapping[str, str]:
    """Return by part of a data type why its messages cannot come, for people; parts that are not in it may be heard.

    Args:
        data: the data type.
        desired: what the manifests want.
        memory: what the ledger remembers: what was applied, leases.
        live_side: of OrderCloud.
        now: the moment that this is about.
        drifted: kind and live ID of what the last look for drift found otherwise.
    """
    if not isinstance(data, Hearing):
        return {}
    wanted = {(item.kind, item.id): item for item in desired if not item.absent}
    paused = {note.subject for note in paused_as_known(wanted.values(), memory, now)}

    def why_not(kind: str, live_id: str) -> str | None:
        found = [item for (of, each), item in wanted.items() if of == kind and live_id in ("", each)]
        if not found:
            return f"no manifest has the {kind}{f' {live_id}' if live_id else ''} that sends its messages"
        item = found[0]
        applied = memory.snapshots.get((live_side, kind, item.id))
        if applied is None:
            return f"{item.key} was never applied"
        if off := [name for name in _SWITCHES if applied.state.get(name) is False]:
            return f"{item.key} has {off[0]}: false"
        if item.key in paused or applied.state.get("pause") is True:
            return f"{item.key} is paused"
        target = applied.state.get("deliveryConfig")
        sends = memory.snapshots.get((live_side, _CONFIG, str(target)))
        if sends is None or (_CONFIG, str(target)) not in wanted:
            return f"the {_CONFIG} of {item.key} was never applied"
        if sends.state.get("enabled") is not True:
            return f"the {_CONFIG} of {item.key} is not enabled"
        if drifted & {(kind, item.id), (_CONFIG, str(target))}:
            return f"{item.key}, or where it sends to, is not live as it was applied"
        return None

    found: dict[str, str] = {}
    for part, feed in data.feeds.items():
        reasons = (why_not(*sync) for sync in (() if feed is None else feed.syncs))
        if (why := next((reason for reason in reasons if reason is not None), None)) is not None:
            found[part] = why
    return found
