"""The page's data as JSON, by token: to read, and to ask for something. A token sees its own environment only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reconciler.app.asked import Resume, Resync, Retry, Run, Wish, find
from reconciler.errors import LedgerError, ReconcilerError
from reconciler.report.documents.error import error_to_json
from reconciler.report.documents.overview import (
    ResumeRequestDocument,
    ResyncRequestDocument,
    RetryDocument,
    RunDocument,
    WishDocument,
    asked_to_json,
    environments_to_json,
    overview_to_json,
)
from reconciler.report.escape import json_text
from reconciler.serve.auth import CLOSE, bearer, is_one_of, read_body
from reconciler.serve.page.door import base_of
from reconciler.serve.page.glances import Glances
from reconciler.serve.page.requests import ask

if TYPE_CHECKING:
    from reconciler.serve.service import Served, Service

_BODY_BYTES = 262_144
_PATIENCE_SECONDS = 2.0
_READ, _WRITE = "readTokens", "writeTokens"
_UNAUTHORIZED = {"WWW-Authenticate": "Bearer", **CLOSE}


def routes(service: Service) -> Sequence[BaseRoute]:
    """Return the routes of the API."""
    api = Api(service)
    one = "/api/v1/environments/{environment}"
    return (
        Route("/api/v1/environments", api.environments, methods=["GET"]),
        Route(one, api.environment, methods=["GET"]),
        Route(f"{one}/requests", api.request, methods=["POST"]),
        Route(f"{one}/requests/{{id}}", api.asked, methods=["GET"]),
    )


class Api:
    """Answers for programs. Who may ask for something may read, too."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._glances = Glances(service)

    async def environments(self, request: Request) -> Response:
        """Return the environments that a token sees."""
        seen = self._seen(request, _READ, _WRITE)
        found = [await self._glances.of(name) for name in seen]
        return _json(environments_to_json(found, self._service.now()))

    async def environment(self, request: Request) -> Response:
        """Return an environment at a glance."""
        served = self._served(request, _READ, _WRITE)
        return _json(overview_to_json(await self._glances.of(served.name)))

    async def asked(self, request: Request) -> Response:
        """Return something that was asked for, and what became of it."""
        served = self._served(request, _READ, _WRITE)
        found = await asyncio.to_thread(find, served.session, request.path_params["id"])
        if found is None:
            raise HTTPException(404, "nobody asked for that, or long ago")
        return _json(asked_to_json(found))

    async def request(self, request: Request) -> Response:
        """Record what is asked for, have it done, and return where it stands."""
        served = self._served(request, _WRITE)
        wish = _wish(await read_body(request, _BODY_BYTES))
        by = f"a write token of {served.name}, by the API"
        try:
            asked = await ask(self._service, served, wish, by, _PATIENCE_SECONDS)
        except LedgerError:
            raise
        except ReconcilerError as error:
            return _json(error_to_json(error), 409)
        self._glances.forget(served.name)
        self._service.log.say("asked", f"{by}: {asked.does}", environment=served.name)
        place = f"{base_of(self._service.front)}/api/v1/environments/{quote(served.name, safe='')}/requests/{asked.id}"
        return _json(asked_to_json(asked), 202, {"Location": place})

    def _served(self, request: Request, *kinds: str) -> Served:
        """Return the environment that a request names.

        Raises:
            HTTPException: the token is none, or there is no such environment for it; the answer does not tell which
                others there are.
        """
        name = request.path_params["environment"]
        if name not in self._seen(request, *kinds):
            raise HTTPException(404, "this token sees no such environment", CLOSE)
        return self._service.environments[name]

    def _seen(self, request: Request, *kinds: str) -> list[str]:
        token = bearer(request)
        found = [
            name
            for name, served in sorted(self._service.environments.items())
            if is_one_of(token, [secret for kind in kinds for secret in served.section.secrets("api", kind)])
        ]
        if not found:
            needed = " or ".join(_WORDS[kind] for kind in kinds)
            raise HTTPException(401, f"a token of {needed} is needed", _UNAUTHORIZED)
        return found


_WORDS = {_READ: "api.readTokens", _WRITE: "api.writeTokens"}


def _json(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json_text(document), status, headers, "application/json")


def _wish(body: bytes) -> Wish:
    """Return what a body asks for.

    Raises:
        HTTPException: it is no JSON, or does not have the shape of api-request.schema.json.
    """
    try:
        asked = WishDocument.model_validate(json.loads(body)).root
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is not as schemas/api-request.schema.json says{_where(error)}") from None
    match asked:
        case RetryDocument():
            return Retry(asked.sync, asked.type, tuple(asked.ids or ()))
        case RunDocument():
            return Run(asked.sync, asked.type, asked.mode)
        case ResumeRequestDocument():
            return Resume(tuple(asked.keys))
        case ResyncRequestDocument():
            return Resync(asked.type, tuple(asked.ids))


def _where(error: Exception) -> str:
    """Return the first member that is wrong, without its value."""
    if not isinstance(error, ValidationError):
        return ": it is no JSON"
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(each) for each in first["loc"])
    return f": {place}: {first['msg']}" if place else f": {first['msg']}"
