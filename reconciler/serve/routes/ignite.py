"""`/ignite/v1/{siteEnv}/{siteId}…`: what SparkLayer asks of an Ignite integration.

docs/ignite.md says what is not here.

inferred: how SparkLayer authenticates (a bearer token, its addresses, or both), the form of every body that the fact
sheet marks so, and the paths below the documented ones.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from ipaddress import ip_network
from typing import Any

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reconciler.app.ignite import connect as connecting
from reconciler.app.ignite import pull
from reconciler.app.ignite.metafields import metafields
from reconciler.app.ignite.site import IgniteSite
from reconciler.app.ignite.trigger import COMPARED, SENT, compared, want_verified
from reconciler.app.ignite.verify import verified_customer
from reconciler.errors import LedgerError, NotApplied, ReconcilerError
from reconciler.serve.auth import CLOSE, bearer, client_address, is_one_of, is_within, read_body
from reconciler.serve.background import Bucket, Hands
from reconciler.serve.ignite_runs import run_wanted
from reconciler.serve.service import Served, Service
from reconciler.sync.customers.datatype import bind_customers
from reconciler.sync.customers.settings import CustomerSettings
from reconciler.sync.datasync import KIND, PULLED
from reconciler.sync.pull.token import BadToken

BASE = "/ignite/v1/{site_env}/{site_id}"
CUSTOMER = "customer_external_id"
"""inferred: what the answer of a verify calls the customer, as a created one is called (fact sheet §7)."""
NEXT_PAGE = "next_page"
_LARGEST_BODY = 65_536
_THREADS = 6
_VERIFYING = 4
_LOGINS_PER_SECOND = 20.0
_LONGEST_ID = 250
REFUSED_AFTER_SECONDS = 0.5
"""When a login is refused, however soon that is known: the time says nothing of the reason."""
Handler = Callable[["Call"], Awaitable[Response]]


class Call(Struct, frozen=True):
    """A call of SparkLayer about a site of ours, whose guards it has passed."""

    request: Request
    served: Served
    site: IgniteSite

    def param(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])


def routes(service: Service) -> Sequence[BaseRoute]:
    """Return the routes of Ignite."""
    ignite = _Ignite(service)
    listed: tuple[tuple[str, str, Handler], ...] = (
        ("POST", "", ignite.connect),
        ("DELETE", "", ignite.disconnect),
        ("POST", "/status/{type}", ignite.trigger),
        ("GET", "/sync/{type}", ignite.page),
        ("POST", "/sync/{type}/{id:path}", ignite.entity),
        ("GET", "/metafield-configuration", ignite.metafields),
        ("POST", "/authentication/verify", ignite.verify),
    )
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [
        *(Route(f"{BASE}{path}", ignite.guarded(handler), methods=[method]) for method, path, handler in listed),
        Route(BASE, ignite.guarded(ignite.not_here), methods=every),
        Route(f"{BASE}/{{rest:path}}", ignite.guarded(ignite.not_here), methods=every),
    ]


class _Ignite:
    """Handlers of the routes.

    Args:
        service: the process.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._hands = Hands(_THREADS, "ignite")
        # Logins wait for nothing else, and a flood of them takes nothing from the rest.
        self._doormen = Hands(_VERIFYING, "ignite-verify")
        self._verifying = 0
        self._logins = Bucket(_LOGINS_PER_SECOND)

    def guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Let a handler answer calls about a site of ours by whoever passes its guards."""

        async def handle(request: Request) -> Response:
            try:
                call = self._call(request)
                if call is None:
                    return _problem(404, "unknown site", "No site of that siteEnv and siteId is served here.")
                return await handler(call)
            except BadToken as error:
                return _problem(400, "bad page", str(error))
            except (LedgerError, NotApplied) as error:
                return _failed(error)
            except ReconcilerError as error:
                self._service.log.say("ignite-failed", error.message, level="error", code=error.code)
                return _failed(error)

        return handle

    def _call(self, request: Request) -> Call | None:
        """Return what a request is about; None: about no site that its guards would let it ask for.

        Raises:
            HTTPException: 401, of whoever passes no guard.
        """
        let_in = [served for served in self._service.environments.values() if self._passes(request, served)]
        if not let_in:
            raise HTTPException(401, "SparkLayer has to identify itself", {"WWW-Authenticate": "Bearer", **CLOSE})
        for served in let_in:
            settings = served.section.settings.ignite
            if settings is None or "sparklayer" not in served.session.connections:
                continue
            site = IgniteSite(served.session, settings)
            if site.is_meant(request.path_params["site_env"], request.path_params["site_id"]):
                return Call(request, served, site)
        return None

    def _passes(self, request: Request, served: Served) -> bool:
        """Whether a request passes every guard that an environment names; without one it passes none."""
        settings = served.section.settings.ignite
        if settings is None or (settings.tokens is None and settings.allow is None):
            return False
        has_token = settings.tokens is None or is_one_of(bearer(request), served.section.secrets("ignite", "tokens"))
        networks = [ip_network(text) for text in settings.allow or ()]
        is_near = settings.allow is None or is_within(client_address(request, self._service.front), networks)
        return has_token and is_near

    async def connect(self, call: Call) -> Response:
        """Connect a site."""
        offer = connecting.offer_of(await _json(call.request))
        if isinstance(offer, tuple):
            longest = f"at most {connecting.LONGEST:,} printable characters"
            return _problem(400, "incomplete", f"Needed as text of {longest}: {', '.join(offer)}.")
        ledger = await self._hands.call(call.served.ledger)
        became = await self._hands.do(lambda: connecting.connect(call.site, ledger, offer))
        name = call.served.name
        self._service.log.say("ignite-connect", f"SparkLayer connects {name}: {became}", environment=name)
        match became:
            case connecting.Connected.REFUSED:
                return _problem(401, "credentials refused", "SparkLayer does not let these credentials in.")
            case connecting.Connected.TAKEN:
                detail = "The site is connected with other credentials; its operator has to allow a reconnect."
                return _problem(409, "connected already", detail)
            case connecting.Connected.PENDING:
                # documented: where the installation goes on; here that is with an operator, who applies.
                return JSONResponse({"redirect_url": f"{_public_url(call)}/"}, 201)
        return Response(status_code=204)

    async def disconnect(self, call: Call) -> Response:
        """Disconnect a site."""
        ledger = await self._hands.call(call.served.ledger)
        await self._hands.do(lambda: connecting.disconnect(call.site, ledger))
        name = call.served.name
        self._service.log.say("ignite-disconnect", f"SparkLayer disconnected {name}", environment=name)
        return Response(status_code=204)

    async def trigger(self, call: Call) -> Response:
        """Start what a merchant asks for in the Dashboard."""
        asked = call.param("type")
        if asked not in SENT and asked not in COMPARED:
            return _problem(404, "unknown type", f"One of {', '.join((*SENT, *COMPARED))}.")
        if await self._hands.call(call.site.is_disconnected):
            # inferred: which status. Of the documented ones 400 says that a sync is under way.
            return _problem(401, "disconnected", "The site was disconnected: connect it again first.")
        if asked in COMPARED:
            self._service.start(self._compare(call, asked), f"ignite compare {asked}")
            return Response(status_code=201)
        ledger = await self._hands.call(call.served.ledger)
        started = await self._hands.call(lambda: want_verified(call.site, ledger, asked))
        if started.is_running:
            return _problem(400, "running", f"A full sync of {asked} is under way, or waits for its turn.")
        if not started.runs:
            return _problem(501, "not sent", f"No {asked} are sent here: they do not flow, or are pulled.")
        service = self._service
        service.start(
            self._hands.do(lambda: run_wanted(service, started.runs, call.served.pulls)), f"ignite trigger {asked}"
        )
        return Response(status_code=201)

    async def _compare(self, call: Call, asked: str) -> None:
        say = partial(self._service.log.say, "ignite-compared", environment=call.served.name)
        try:
            found = await self._hands.do(lambda: compared(call.site, asked))
        except ReconcilerError as error:
            say(f"{asked}: {error.message}", level="error", code=error.code)
            return
        told = "; ".join(found) or "as apply left it"
        say(f"{asked}: {told}", differs=len(found))

    async def page(self, call: Call) -> Response:
        """Answer a page."""
        asked, token = call.param("type"), call.request.query_params.get("page", "")
        found = await self._pulled(call, asked)
        if isinstance(found, Response):
            return found
        ledger = await self._hands.call(call.served.ledger)
        holder = self._service.holder
        page = await self._hands.do(lambda: pull.page(ledger, found, asked, token, holder, call.served.pulls))
        for remark in page.remarks:
            self._service.log.say("ignite-pull", f"{asked}: {remark}", level="warning", environment=call.served.name)
        following = "" if page.following is None else page.following.text
        return _wire({call.site.settings.list_member: list(page.entities), NEXT_PAGE: following})

    async def entity(self, call: Call) -> Response:
        """Answer a single entity; of a record with several, e.g. the SKUs of a product's stock, in a list as a page."""
        asked, own = call.param("type"), call.param("id")
        found = await self._pulled(call, asked)
        if isinstance(found, Response):
            return found
        await read_body(call.request, _LARGEST_BODY)
        ledger = await self._hands.call(call.served.ledger)
        holder = self._service.holder
        entities = None
        if len(own) <= _LONGEST_ID:
            entities = await self._hands.do(lambda: pull.entity(ledger, found, asked, own, holder, call.served.pulls))
        if not entities:
            return _problem(404, "unknown entity", f"There is nothing of {asked} by this ID that the site should have.")
        return _wire(entities[0] if len(entities) == 1 else {call.site.settings.list_member: list(entities)})

    async def _pulled(self, call: Call, asked: str) -> Any:
        if asked not in PULLED:
            return _problem(404, "unknown type", f"One of {', '.join(PULLED)}.")
        found = await self._hands.call(lambda: pull.pulled(call.site, asked))
        if found is None:
            return _problem(501, "not pulled", f"{asked} are not pulled here: they do not flow, or are pushed.")
        return found

    async def metafields(self, call: Call) -> Response:
        """Answer which metafields a customer has here."""
        settings = _customers(call.site)
        return _wire(metafields(settings))

    async def verify(self, call: Call) -> Response:
        """Answer whose a token is."""
        settings = _customers(call.site)
        if settings is None:
            return _problem(501, "no customers", "Customers do not flow here, so there is nobody to log in.")
        body = await _json(call.request)
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, str):
            return _problem(400, "incomplete", "data is needed: the token, as a text.")
        if self._verifying >= 2 * _VERIFYING or not self._logins.take():
            return _problem(429, "too many logins", "Try again in a moment.", {"Retry-After": "1"})
        at_least = asyncio.get_running_loop().time() + REFUSED_AFTER_SECONDS
        self._verifying += 1
        try:
            clients, now = call.site.settings.client_ids, self._service.now()
            key = await self._doormen.do(lambda: verified_customer(call.site.source, settings, clients, data, now))
            if key is not None:
                return _wire({CUSTOMER: key})
            await asyncio.sleep(at_least - asyncio.get_running_loop().time())
        finally:
            self._verifying -= 1
        return _problem(401, "not verified", "The token opens nothing here.")

    async def not_here(self, call: Call) -> Response:  # noqa: ARG002
        """Say that something of Ignite is not here."""
        return _problem(501, "not here", "This integration does not do that.")


async def _json(request: Request) -> Any:
    try:
        return json.loads(await read_body(request, _LARGEST_BODY))
    except (ValueError, RecursionError):
        return None


def _wire(body: Any) -> Response:
    # In ASCII: what a manifest or a record brings may hold half a character.
    return Response(json.dumps(body), media_type="application/json")


def _problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    body = {"title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def _failed(error: ReconcilerError) -> Response:
    detail = "An operator has to look: the service's log says more."
    return _problem(503, error.code, detail, {"Retry-After": "10"})


def _public_url(call: Call) -> str:
    return (call.served.section.settings.public_url or str(call.request.base_url)).rstrip("/")


def _customers(site: IgniteSite) -> CustomerSettings | None:
    """Return what the site's DataSync says of customers; None: they do not flow."""
    for item in site.session.desired:
        if item.kind == KIND and not item.absent and item.name == site.settings.data_sync:
            found = bind_customers(item.state)
            return None if found is None else found.settings
    return None
