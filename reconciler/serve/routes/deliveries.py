"""`POST /deliveries/{dataSync}`: OrderCloud's messages over HTTP, acknowledged after the ledger has them.

documented: the body and its signature (fact sheet §4). A delivery has no ID and no time: one that comes twice is taken
twice, and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reconciler.errors import LedgerError
from reconciler.manifest.service import Deliveries
from reconciler.ordercloud.deliveries.message import Malformed, MalformedMessage, Message, message_of_http
from reconciler.ordercloud.deliveries.signature import HEADER
from reconciler.serve.auth import CLOSE, read_body
from reconciler.serve.gates import PREFIX
from reconciler.serve.log import told
from reconciler.serve.service import Served, Service
from reconciler.words import parse_duration

LEDGER_SECONDS = 10.0
"""How long a message waits for the ledger before its sender is asked to come again."""

_LONGEST_NAME = 100


def routes(service: Service) -> Sequence[BaseRoute]:
    """Return the routes of deliveries: with the environment, and where there is one, without it."""

    async def delivered(request: Request) -> Response:
        served = service.served(request.path_params.get("environment"))
        name = request.path_params["data_sync"]
        settings = _settings(served, name)
        if served is None or settings is None:
            raise HTTPException(404, "nothing is delivered here", CLOSE)
        began = monotonic()
        outcome = "failed"
        try:
            outcome = await _take(request, served, settings)
        except HTTPException:
            outcome = "refused"
            raise
        finally:
            labels = served.name, name
            service.metrics.deliveries.labels(*labels, outcome).inc()
            service.metrics.delivery_seconds.labels(*labels).observe(monotonic() - began)
            told(environment=served.name, dataSync=name, outcome=outcome)
        return Response(status_code=200)

    paths = (f"/{PREFIX}/{{data_sync}}", f"/{{environment}}/{PREFIX}/{{data_sync}}")
    return [Route(path, delivered, methods=["POST"]) for path in paths]


def _settings(served: Served | None, name: str) -> Deliveries | None:
    found = () if served is None else served.section.settings.deliveries
    return next((each for each in found if each.data_sync == name), None)


async def _take(request: Request, served: Served, settings: Deliveries) -> str:
    body = await read_body(request, settings.max_body, parse_duration(settings.timeout).total_seconds())
    signatures = request.headers.getlist(HEADER)
    signature = signatures[0] if len(signatures) == 1 else None

    def header(name: str) -> str | None:
        values = request.headers.getlist(name)
        return values[0] if len(values) == 1 else None

    gates = served.gates.get(settings.data_sync, ())
    shown = [gate.lets_through(body, signature, header) for gate in gates]
    if not any(shown):
        raise HTTPException(401, "the signature or the header is not what the DeliveryConfig declares", CLOSE)
    message = _message(body)
    try:
        async with asyncio.timeout(LEDGER_SECONDS):
            inbox = await served.inbox(settings.data_sync)
            await inbox.take(message)
    except TimeoutError:
        raise LedgerError("The ledger does not answer", next_step="The message comes again.") from None
    if isinstance(message, Malformed):
        return "malformed"
    told(messageType=message.type[:_LONGEST_NAME])
    return "taken"


def _message(body: bytes) -> Message | Malformed:
    # It is signed: whoever sent it would send the same again, so it is set aside and acknowledged.
    try:
        return message_of_http(body)
    except MalformedMessage as error:
        return Malformed(str(error))
