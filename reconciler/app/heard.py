"""Which messages cannot come now: asked of manifests and ledger at the start of each run of a data sync."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.app.chosen import Chosen
from reconciler.clock import utc_now
from reconciler.sync.datasync import connections_of
from reconciler.sync.feeds import unheard_parts


def unheard_now(chosen: Chosen) -> Mapping[str, str]:
    """Return by part of a data type why its messages cannot come now; see `unheard_parts`.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    session = chosen.session
    with session.access.reading() as ledgers:
        memory = session.memory(ledgers)
        look = ledgers.drift_look(session.settings.ledger, session.name)
    source, _ = connections_of(session)
    return unheard_parts(chosen.sync.data, session.desired, memory, source.live_side, utc_now(), _drifted(look or {}))


def _drifted(look: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return kind and live ID of what the last look for drift found; what another version kept counts as nothing."""
    report = look.get("report")
    items = report.get("items") if isinstance(report, Mapping) else None
    found = [each for each in items if isinstance(each, Mapping)] if isinstance(items, list) else []
    return frozenset((str(each.get("kind")), str(each.get("id"))) for each in found)
