"""`/healthz`: the process lives. `/readyz`: it can do what it is for, or what it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from reconciler.errors import ReconcilerError
from reconciler.ledger.url import LedgerUrl
from reconciler.report.log import told
from reconciler.serve.service import Served, Service
from reconciler.words import some

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that are asked for every few seconds, and not logged."""

_LEDGER_SECONDS = 5.0


def routes(service: Service) -> Sequence[BaseRoute]:
    """Return the routes of liveness and readiness."""

    async def alive(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def ready(_request: Request) -> JSONResponse:
        waits = await waits_for(service)
        answer = {"status": "ready" if not waits else "waiting", "waitsFor": waits, "broken": sorted(service.broken)}
        return JSONResponse(answer, 503 if waits else 200)

    return [Route("/healthz", alive), Route("/readyz", ready)]


async def waits_for(service: Service) -> list[str]:
    """Return what the service waits for, in words; nothing: it is ready."""
    if service.stopping.is_set():
        return ["it is ending"]
    # Environments that share a ledger share the answer.
    sharing: dict[LedgerUrl, list[Served]] = {}
    for served in service.environments.values():
        sharing.setdefault(served.session.settings.ledger, []).append(served)
    found = await asyncio.gather(*(_ledger(each, service.unwritten) for each in sharing.values()))
    return [words for words in found if words is not None]


async def _ledger(sharing: Sequence[Served], unwritten: Collection[str]) -> str | None:
    # A ledger that is away is waited for in a thread, for minutes: one thread however many ask, so that those of the
    # process are left to the other environments.
    served = next((each for each in sharing if each.asked is not None), sharing[0])
    names = some([each.name for each in sharing])
    asked = served.asked
    if asked is None:
        asked = served.asked = asyncio.create_task(asyncio.to_thread(_ask, served))
        asked.add_done_callback(served.was_asked)
    try:
        async with asyncio.timeout(_LEDGER_SECONDS):
            await asyncio.shield(asked)
    except ReconcilerError as error:
        told(cause=error.message, nextStep=error.next_step)
        return f"the ledger of {names}"
    except TimeoutError:
        return f"the ledger of {names}, which does not answer"
    # It may be read from and take nothing, as on a disk that is full.
    if any(each.name in unwritten for each in sharing):
        return f"the ledger of {names}, which takes nothing"
    return None


def _ask(served: Served) -> None:
    served.ledger().database.run(lambda _: None, writes=False)
