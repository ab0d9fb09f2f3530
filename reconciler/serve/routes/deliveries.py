"""`POST /deliveries/{dataSync}`: OrderCloud's messages over HTTP, acknowledged after the ledger has them.

documented: the body and its signature (fact sheet §4). A delivery has no ID and no time: one that comes twice is taken
twice, and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from reconciler.errors import LedgerError
from reconciler.intake.inbox import Delivered
from reconciler.ordercloud.deliveries.message import Malformed, MalformedMessage, message_of_http
from reconciler.ordercloud.deliveries.signature import HEADER
from reconciler.report.log import told
from reconciler.serve.auth import CLOSE, body_of, only_header
from reconciler.serve.gates import PREFIX, Door
from reconciler.serve.service import Served, Service

LEDGER_SECONDS = 10.0
"""How long a message waits for the ledger before its sender is asked to come again."""

_LONGEST_NAME = 100


_ACKNOWLEDGED: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
_NO_BODY: Message = {"type": "http.response.body"}


def routes(service: Service) -> Sequence[BaseRoute]:
    """Return the routes of deliveries: with the environment, and where there is one, without it."""
    delivered = _Delivered(service)
    paths = (f"/{PREFIX}/{{data_sync}}", f"/{{environment}}/{PREFIX}/{{data_sync}}")
    return [Route(path, delivered, methods=["POST"]) for path in paths]


class _Delivered:
    """What answers a message. An ASGI application: most requests come here, and each layer would cost all of them."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, service, parameters = monotonic(), self._service, scope["path_params"]
        name = parameters["data_sync"]
        served = service.served(parameters.get("environment"))
        door = None if served is None else served.doors.get(name)
        if served is None or door is None:
            raise HTTPException(404, "nothing is delivered here", CLOSE)
        outcome = "failed"
        try:
            outcome = await _take(scope, receive, served, name, door)
        except HTTPException:
            outcome = "refused"
            raise
        finally:
            service.metrics.delivered(served.name, name, outcome, monotonic() - began)
            told(environment=served.name, dataSync=name, outcome=outcome)
        await send(_ACKNOWLEDGED)
        await send(_NO_BODY)


async def _take(scope: Scope, receive: Receive, served: Served, name: str, door: Door) -> str:
    body = await body_of(scope, receive, door.longest, door.seconds)
    if not door.lets_through(body, only_header(scope, HEADER), partial(only_header, scope)):
        raise HTTPException(401, "the signature or the header is not what the DeliveryConfig declares", CLOSE)
    message = _message(body)
    try:
        async with asyncio.timeout(LEDGER_SECONDS):
            inbox = await served.inbox(name)
            await inbox.take(message)
    except TimeoutError:
        raise LedgerError("The ledger does not answer", next_step="The message comes again.") from None
    if isinstance(message, Malformed):
        return "malformed"
    told(messageType=message.type[:_LONGEST_NAME])
    return "taken"


def _message(body: bytes) -> Delivered:
    # It is signed: whoever sent it would send the same again, so it is set aside and acknowledged.
    try:
        return message_of_http(body)
    except MalformedMessage as error:
        return Malformed(str(error))
