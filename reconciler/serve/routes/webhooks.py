"""`/webhooks/configuration`: who changed OrderCloud's configuration. `/webhooks/restored`: staging was overwritten.

The hash is looked at before anything else. Of a webhook only path, verb, date and the username are kept: its body can
hold new secrets, and its token is live. Neither is stored, logged or sent anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reconciler.errors import LedgerError
from reconciler.ledger.config.model import ConfigMove
from reconciler.ledger.config.moves import MoveStore
from reconciler.ordercloud.deliveries.signature import HEADER, is_signed
from reconciler.ordercloud.webhook import Hook, MalformedWebhook, hook_of
from reconciler.report.log import told
from reconciler.serve.auth import CLOSE, only_header, read_body
from reconciler.serve.service import Served, Service

LEDGER_SECONDS = 10.0
"""How long a webhook waits for the ledger before its sender is asked to come again."""
MOST_BYTES = 1_000_000
"""Of one body: it holds a request and its answer, and a delivery config is small."""
_API = "ordercloud"
_Take = Callable[[Service, Served, bytes], Awaitable[str]]


def routes(service: Service) -> Sequence[BaseRoute]:
    """Return the routes of webhooks."""

    def route(path: str, take: _Take) -> list[BaseRoute]:
        async def answer(request: Request) -> Response:
            served = _served(service, request)
            outcome = "failed"
            try:
                body = await _signed_body(served, request)
                async with asyncio.timeout(LEDGER_SECONDS):
                    outcome = await take(service, served, body)
            except TimeoutError:
                raise LedgerError("The ledger does not answer", next_step="Tell it again.") from None
            except HTTPException:
                outcome = "refused"
                raise
            finally:
                service.metrics.webhooks.labels(served.name, path.rpartition("/")[2], outcome).inc()
                told(environment=served.name, outcome=outcome)
            # Whoever registers a pre-hook by mistake gets leave, so that nobody is locked out of the configuration.
            return JSONResponse({"proceed": True})

        return [Route(prefix + path, answer, methods=["POST"]) for prefix in ("", "/{environment}")]

    return [*route("/webhooks/configuration", _configuration), *route("/webhooks/restored", _restored)]


def _served(service: Service, request: Request) -> Served:
    served = service.served(request.path_params.get("environment"))
    if served is None or served.section.settings.webhooks is None or _API not in served.session.urls:
        raise HTTPException(404, "no webhooks are taken here", CLOSE)
    return served


async def _signed_body(served: Served, request: Request) -> bytes:
    """Read a body, and refuse it where no secret signed it.

    Raises:
        HTTPException: 401, or what `read_body` refuses.
    """
    given = only_header(request.scope, HEADER)
    if given is None:
        raise HTTPException(401, f"one {HEADER} is needed", CLOSE)
    body = await read_body(request, MOST_BYTES)
    secrets = [secret.value or "" for secret in served.section.secrets("webhooks", "secrets")]
    if not is_signed(body, given, secrets):
        raise HTTPException(401, f"{HEADER} does not fit the body", CLOSE)
    return body


async def _configuration(service: Service, served: Served, body: bytes) -> str:
    """Take a webhook on configuration, and return what became of it."""
    try:
        hook = hook_of(body)
    except MalformedWebhook as error:
        raise HTTPException(400, f"this is no webhook: {error}") from None
    if hook.before or hook.path is None:
        return "passed"
    if not await asyncio.to_thread(_write, served, hook):
        return "known"
    service.log.say("configuration-moved", f"{hook.verb} {hook.path}", environment=served.name)
    return "taken"


def _write(served: Served, hook: Hook) -> bool:
    """Write a move into the ledger, and return whether it is new."""
    ours = hook.client == served.session.connections[_API].client_id
    move = ConfigMove(hook.path or "", hook.verb, hook.by, hook.date, ours=ours)
    return MoveStore(served.ledger().database).add(served.session.urls[_API], move)


async def _restored(service: Service, served: Served, body: bytes) -> str:
    """Take the portal's webhook. inferred: what its body says, so nothing of it is read."""
    del body
    store = MoveStore((await asyncio.to_thread(served.ledger)).database)
    await asyncio.to_thread(store.restored, [served.session.urls[_API]])
    service.log.say("restored", "live was overwritten; fingerprints count as unknown", environment=served.name)
    return "taken"
