"""Say what is paused in an environment, by whom and until when, and which windows come next; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.app.connections import readers
from reconciler.app.pausable import pausable_kinds
from reconciler.clock import utc_now
from reconciler.reconcile.live import read_live
from reconciler.reconcile.pause_report import PausesReport, pauses_report
from reconciler.reconcile.session import PlanRequest, Session

if TYPE_CHECKING:
    from reconciler.http.observe import Observer


async def show_pauses(
    session: Session, observer: Observer, *, windows: int = 0, token_cache: bool = True
) -> PausesReport:
    """Return how every sync that can be paused stands, read from live, manifests and ledger.

    Args:
        session: the environment.
        observer: told of the requests.
        windows: how many windows to come are named.
        token_cache: whether access tokens may be kept in files.

    Raises:
        ApiError: live cannot be read.
        LedgerError: the ledger cannot be read.
    """
    kinds = pausable_kinds(session)
    async with readers(session, kinds, observer, token_cache=token_cache) as opened:
        live = await read_live(session.kinds, kinds, opened)
    with session.access.reading() as ledgers:
        memory = session.memory(ledgers)
        now = ledgers.now(session.settings.ledger) or utc_now()
    inputs = session.inputs(live, PlanRequest(), memory, now)
    return pauses_report(inputs, windows)
