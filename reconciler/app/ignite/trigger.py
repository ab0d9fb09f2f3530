"""Carry out what SparkLayer's trigger asks for: a merchant pressed it because something is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.app.chosen import Chosen
from reconciler.app.drift import Drift, drift_of_each
from reconciler.app.ignite.site import IgniteSite
from reconciler.http.observe import Silent
from reconciler.ledger.data.model import RUNNING
from reconciler.reconcile.session import PlanRequest
from reconciler.sync.mode import Mode

if TYPE_CHECKING:
    from reconciler.ledger.data.store import Store
    from reconciler.ledger.writer import Ledger

SENT: Mapping[str, tuple[str, ...]] = {
    "products": ("products", "prices", "party-prices"),
    "customers": ("customers",),
    "purchases": ("orders",),
}
"""The data types of our runs for those of the trigger."""
COMPARED: Mapping[str, str] = {"merchant": "Store", "customer_groups": "CustomerGroup"}
"""The kinds of configuration for those of the trigger: what apply did not approve is not written."""


class Started(Struct, frozen=True):
    """What a trigger started.

    Args:
        runs: data types whose verifying run is wanted now.
        is_running: nothing, as a full sync is under way, or such a run waits for its turn.
    """

    runs: tuple[Chosen, ...] = field(default=())
    is_running: bool = False


def want_verified(site: IgniteSite, ledger: Ledger, trigger_type: str) -> Started:
    """Record that a run is wanted that compares every record with the site, and writes what cannot be read there.

    Raises:
        LedgerError: it could not be recorded.
    """
    chosen = tuple(each for each in site.syncs() if each.sync.type in SENT[trigger_type])
    stores = [ledger.store(each.sync.scope) for each in chosen]
    if any(_is_running(store) for store in stores):
        return Started(is_running=True)
    request = f"ignite trigger {token_hex(8)}"
    for store in stores:
        store.runs.want(request, Mode.VERIFY.value)
    return Started(chosen)


def _is_running(store: Store) -> bool:
    """Whether a full sync is under way, or what is wanted looks at the site already.

    Any other run is no reason to refuse: one that listens ends for what is wanted, and the next one after the rest does
    it. Nor is a full sync that is only wanted: it does not look at the site, and becomes one that does.
    """
    if any(Mode.of(mode).looks for mode in store.runs.wanted()):
        return True
    return store.is_locked() and store.runs.last(full=True, state=RUNNING) is not None


async def compared(site: IgniteSite, trigger_type: str) -> tuple[str, ...]:
    """Compare configuration with live, and return what differs, one sentence each; nothing is written.

    Raises:
        ReconcilerError: it could not be compared.
    """
    kind = COMPARED[trigger_type]
    [found] = await drift_of_each((site.session,), PlanRequest(targets=frozenset({kind})), Silent())
    report = found.report if isinstance(found, Drift) else found
    return tuple(f"{item.kind}/{item.name}: {item.cause}" for item in report.items if item.kind == kind)
