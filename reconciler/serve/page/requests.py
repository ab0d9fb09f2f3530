"""Carry out what a page or the API asks for: recorded first, then done beside the requests, waited for a little."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.app.asked import Prepared, Wish, begin, carry_out, find, prepare
from reconciler.http.observe import Silent

if TYPE_CHECKING:
    from reconciler.ledger.config.model import AskedRequest
    from reconciler.reconcile.session import Session
    from reconciler.serve.service import Served, Service


async def ask(service: Service, served: Served, wish: Wish, by: str, patience: float) -> AskedRequest:
    """Record what somebody asks for and have it done; return where it stands after a little patience.

    Args:
        service: the process; it goes on when whoever asked is gone, and is waited for when the process ends.
        served: the environment.
        wish: what is asked for.
        by: who asks, for people.
        patience: seconds to wait for its end.

    Raises:
        ReconcilerError: it is refused, and nothing was done.
    """
    prepared = await asyncio.to_thread(_begun, served.reopened(service.now()), wish, by)
    work = service.start(asyncio.to_thread(carry_out, prepared), f"what was asked for: {prepared.asked.kind}")
    done, _ = await asyncio.wait((work,), timeout=patience)
    if work in done and work.exception() is None:
        asked: AskedRequest = work.result()
        return asked
    return await asyncio.to_thread(find, served.session, prepared.asked.id) or prepared.asked


def _begun(session: Session, wish: Wish, by: str) -> Prepared:
    prepared = prepare(session, wish, by, Silent())
    begin(prepared)
    return prepared
