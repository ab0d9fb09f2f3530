"""ASGI application of the service: the routes of each subject, and what holds for every request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from time import monotonic

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler import tracing
from reconciler.errors import LedgerError, ReconcilerError
from reconciler.report.log import Telling, told
from reconciler.serve.auth import CLOSE
from reconciler.serve.routes import api, deliveries, health, ignite, metrics, page, webhooks
from reconciler.serve.service import Service

ROUTES: tuple[Callable[[Service], Sequence[BaseRoute]], ...] = (
    health.routes,
    metrics.routes,
    deliveries.routes,
    webhooks.routes,
    api.routes,
    ignite.routes,
    page.routes,
)
"""The routes of each subject; the first that fits answers."""

_HEALTH = (health.routes, metrics.routes)

RETRY_AFTER_SECONDS = 5
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
_ALWAYS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Headers of every answer that does not say otherwise."""


def make_app(service: Service, *, only_intake: bool = False) -> ASGIApp:
    """Return the ASGI application of a service.

    Args:
        service: what all routes share.
        only_intake: whether it tells of its health alone, and takes in nothing over HTTP.
    """
    chosen = _HEALTH if only_intake else ROUTES
    app = Starlette(
        routes=[route for routes in chosen for route in routes(service)],
        exception_handlers={HTTPException: _refused, ReconcilerError: _failed},
    )
    app.router.redirect_slashes = False
    return _Outermost(app, service)


def _refused(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    headers = error.headers if isinstance(error, HTTPException) else None
    return JSONResponse({"error": detail}, status, dict(headers or {}))


def _failed(_request: Request, error: Exception) -> Response:
    if isinstance(error, LedgerError):
        told(cause=error.message, nextStep=error.next_step)
        return JSONResponse({"error": "the ledger is away"}, 503, {"Retry-After": str(RETRY_AFTER_SECONDS), **CLOSE})
    code = error.code if isinstance(error, ReconcilerError) else "internal-error"
    return JSONResponse({"error": code}, 502, CLOSE)


class _Outermost:
    """What holds for every request: an ID, headers, a line in the log, and no traceback in any answer."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, telling = monotonic(), 0, Telling()

        async def sends(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                said = {name.lower() for name, _ in headers}
                headers.extend(each for each in _ALWAYS if each[0] not in said)
                message = {**message, "headers": [*headers, (b"x-correlation-id", telling.correlation.encode())]}
            await send(message)

        with telling, _traced(scope) as under_way:
            try:
                if _is_smuggled(scope):
                    await JSONResponse({"error": "two lengths of one body"}, 400, CLOSE)(scope, receive, sends)
                else:
                    await self._app(scope, receive, sends)
            except Exception as error:  # noqa: BLE001 - nothing that a request brings may show a traceback
                self._service.log.say("request-failed", f"{type(error).__name__} at a request", level="error")
                if not status:
                    await JSONResponse({"error": "internal-error"}, 500, CLOSE)(scope, receive, sends)
            finally:
                tracing.answered(under_way, method_of(scope), route_of(scope), status)
                self._told(scope, status, monotonic() - began, telling.fields)

    def _told(self, scope: Scope, status: int, seconds: float, fields: Mapping[str, str | float | None]) -> None:
        method, route = method_of(scope) or "other", route_of(scope)
        self._service.metrics.answered(method, route, status)
        if route not in health.QUIET or status >= 500:
            about: dict[str, str | float] = {
                "method": method,
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
            }
            self._service.log.say("request", f"{method} {route} → {status}", fields={**about, **fields})


def _traced(scope: Scope) -> AbstractContextManager[tracing.Span | None]:
    return nullcontext() if scope["path"] in health.QUIET else tracing.span("HTTP", kind="server")


def method_of(scope: Scope) -> str | None:
    """Return the method of a request, where it is one that HTTP has; None: it is somebody's own word."""
    method: str = scope["method"]
    return method if method in _METHODS else None


def route_of(scope: Scope) -> str:
    """Return the path of a request with names in place of what they stood for; `(none)` where nothing answers there.

    It is for logs and metrics, in which whatever somebody asks for must not stand.
    """
    if scope.get("endpoint") is None:
        return "(none)"
    names = {str(value): f"{{{name}}}" for name, value in scope.get("path_params", {}).items()}
    path: str = scope["path"]
    for value in sorted(names, key=len, reverse=True):
        path = path.replace(f"/{value}", f"/{names[value]}", 1) if value else path
    return path


def _is_smuggled(scope: Scope) -> bool:
    """Whether a request says in two ways how long its body is: a proxy in front may have read another one out of it.

    Lengths that differ were refused by h11, which reads one that is said twice (`5, 5`) as one, as RFC 9110 allows.
    """
    names = [name for name, _ in scope["headers"]]
    return names.count(b"content-length") + names.count(b"transfer-encoding") > 1
