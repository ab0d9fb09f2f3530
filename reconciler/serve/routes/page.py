"""The page for people: environments at a glance, live where the browser can, buttons, and the login."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from reconciler.app.asked import Resume, Resync, Retry, Run, Wish
from reconciler.errors import ReconcilerError
from reconciler.serve.auth import CLOSE, SESSION_COOKIE, client_address, is_one_of, read_body, session_of
from reconciler.serve.page import door, render
from reconciler.serve.page.door import Failures, Visitor
from reconciler.serve.page.glances import Glances, refresh_after
from reconciler.serve.page.requests import ask
from reconciler.serve.page.view import asked_words, moment, stamp

if TYPE_CHECKING:
    from reconciler.serve.service import Service
    from reconciler.sync.monitor.overview import Overview

_FORM_BYTES = 65_536
_LONGEST_NAME = 100
_AT_ONCE = 50
_PATIENCE_SECONDS = 8.0
_HEARTBEAT_SECONDS = 15.0
_SESSION_SECONDS = 12 * 3_600
_TITLES = {400: "Not understood", 401: "Not logged in", 403: "Refused", 404: "Not found", 409: "Not possible now"}
_HEADERS = {
    "Content-Security-Policy": render.POLICY,
    "X-Frame-Options": "DENY",
    # Without it a form would come from nowhere: browsers then say `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


def routes(service: Service) -> Sequence[BaseRoute]:
    """Return the routes of the page."""
    page = Page(service)
    get, post = ["GET"], ["POST"]
    one = "/environments/{environment}"
    return (
        Route("/", page.told(page.start), methods=get),
        Route("/events", page.events_of_all, methods=get),
        Route(one, page.told(page.environment), methods=get),
        Route(f"{one}/events", page.events, methods=get),
        Route(f"{one}/requests", page.told(page.request), methods=post),
        Route("/login", page.told(page.login), methods=get),
        Route("/login", page.told(page.log_in), methods=post),
        Route("/logout", page.told(page.log_out), methods=post),
        Route("/static/{name}", static, methods=get),
    )


def static(request: Request) -> Response:
    """Return a static file; its name holds a digest of its content, so it may be kept."""
    found = render.static_files().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    return Response(
        found.content, media_type=found.media_type, headers={"Cache-Control": "public, max-age=31536000, immutable"}
    )


class Page:
    """Answers for people. Whoever is not known is shown the login; a form has to be one that was shown to them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._front = service.front
        self._base = door.base_of(service.front)
        self._glances = Glances(service)
        self._failures = Failures()
        self._open = 0

    def told(self, handler: Handler) -> Handler:
        """Return a handler that tells people on a page what it refuses."""

        async def handles(request: Request) -> Response:
            try:
                return await handler(request)
            except HTTPException as error:
                headers = {**_HEADERS, **(error.headers or {})}
                if error.status_code == HTTPStatus.SEE_OTHER:
                    return Response(status_code=error.status_code, headers=headers)
                title = _TITLES.get(error.status_code, HTTPStatus(error.status_code).phrase)
                words = error.detail[:1].upper() + error.detail[1:]
                shown = render.message_page(render.Viewer(base=self._base), title, f"{words}.")
                return HTMLResponse(shown, error.status_code, headers)

        return handles

    async def start(self, request: Request) -> Response:
        """Show the only environment, or all of them."""
        visitor = self._visitor(request)
        seen = self._seen_by(visitor)
        if len(seen) == 1:
            return await self._environment(visitor, seen[0], several=False)
        found, viewer = await self._glances.several(seen), visitor.viewer(self._base)
        as_of = _as_of(found, self._service.now())
        shown = await asyncio.to_thread(render.environments_page, found, as_of, viewer, _wanted(request))
        return self._page(shown, visitor)

    async def environment(self, request: Request) -> Response:
        """Show one environment."""
        visitor = self._visitor(request)
        several = len(self._seen_by(visitor)) > 1
        return await self._environment(visitor, self._named(request, visitor), several=several)

    async def _environment(self, visitor: Visitor, name: str, *, several: bool, refused: str | None = None) -> Response:
        found = await self._glances.of(name)
        now, viewer = self._service.now(), visitor.viewer(self._base)
        shown = await asyncio.to_thread(render.environment_page, found, now, viewer, several=several, refused=refused)
        return self._page(shown, visitor, 200 if refused is None else 409)

    async def events_of_all(self, request: Request) -> Response:
        """Send the sections of the page over all environments as they change."""
        visitor, wanted = self._visitor(request), _wanted(request)

        async def shown() -> tuple[dict[str, str], str, float, datetime]:
            found, viewer = await self._glances.several(self._seen_by(visitor)), visitor.viewer(self._base)
            as_of = _as_of(found, self._service.now())
            sections = await asyncio.to_thread(render.live_list, found, as_of, viewer, wanted)
            return sections, render.title_of_all(found), refresh_after(found).total_seconds(), as_of

        return self._stream(request, shown)

    async def events(self, request: Request) -> Response:
        """Send the sections of the page of one environment as they change."""
        visitor = self._visitor(request)
        name = self._named(request, visitor)

        async def shown() -> tuple[dict[str, str], str, float, datetime]:
            found = await self._glances.of(name)
            now, viewer = self._service.now(), visitor.viewer(self._base)
            sections = await asyncio.to_thread(render.live_environment, found, now, viewer)
            return sections, render.title_of(found), refresh_after([found]).total_seconds(), now

        return self._stream(request, shown)

    async def request(self, request: Request) -> Response:
        """Take a button's request, record it, and go back to the page, which says what became of it."""
        user = self._user(request)
        form = await _form(request)
        visitor = self._visitor(request, user)
        door.require_own_form(request, self._front, visitor, form.get("csrf", ""))
        name = self._named(request, visitor)
        served = self._service.environments.get(name)
        if served is None:
            raise HTTPException(409, "this environment cannot be read, so nothing can be asked for in it", CLOSE)
        several = len(self._seen_by(visitor)) > 1
        try:
            asked = await ask(self._service, served, _wish(form), visitor.by, _PATIENCE_SECONDS)
        except ReconcilerError as error:
            words = ". ".join(filter(None, (error.message, error.next_step)))
            return await self._environment(visitor, name, several=several, refused=words)
        self._glances.forget(name)
        self._service.log.say("asked", f"{visitor.by}: {asked.does}: {asked_words(asked)[0]}", environment=name)
        return self._to(f"/environments/{quote(name, safe='')}#asked")

    async def login(self, request: Request) -> Response:
        """Show the login."""
        if not door.logins_of(self._service).tokens:
            return self._to("/")
        visitor = door.visitor_of(request, None)
        viewer = render.Viewer(csrf=visitor.csrf, base=self._base)
        following = door.path_within(request.query_params.get("next", "/"))
        return self._page(self._login_page(viewer, following), visitor)

    async def log_in(self, request: Request) -> Response:
        """Begin a session with a token."""
        address, now = client_address(request, self._front), monotonic()
        visitor = door.visitor_of(request, None)
        viewer = render.Viewer(csrf=visitor.csrf, base=self._base)
        if (seconds := self._failures.wait(address, now)) > 0:
            shown = self._login_page(viewer, "/", "Too many tries failed: wait some minutes.")
            return self._page(shown, visitor, 429, {"Retry-After": str(int(seconds) + 1), **CLOSE})
        form = await _form(request)
        door.require_own_form(request, self._front, visitor, form.get("csrf", ""))
        following = door.path_within(form.get("next", "/"))
        token = form.get("token", "")
        if not is_one_of(token, door.logins_of(self._service).tokens):
            self._failures.note(address, now)
            self._service.log.say("login-refused", f"a login from {address} was refused", level="warning")
            return self._page(self._login_page(viewer, following, "That is no token of this service."), visitor, 401)
        self._service.log.say("login", f"somebody logged in from {address}")
        answer = self._to(following)
        door.keep(answer, self._front, SESSION_COOKIE, session_of(token, self._service.now()), seconds=_SESSION_SECONDS)
        claimed = quote(form.get("name", "")[:60].strip(), safe="")
        door.keep(answer, self._front, door.NAME_COOKIE, claimed, seconds=_SESSION_SECONDS)
        return answer

    async def log_out(self, request: Request) -> Response:
        """End the session of this browser."""
        user = self._user(request)
        form = await _form(request)
        door.require_own_form(request, self._front, door.visitor_of(request, user), form.get("csrf", ""))
        answer = self._to("/login")
        for name in (SESSION_COOKIE, door.NAME_COOKIE, door.FORM_COOKIE):
            door.keep(answer, self._front, name, "", seconds=0)
        return answer

    def _login_page(self, viewer: render.Viewer, following: str, wrong: str | None = None) -> str:
        return render.login_page(viewer, following, wrong, several=not self._service.is_single)

    def _visitor(self, request: Request, user: str | None = None) -> Visitor:
        """Return who visits.

        Raises:
            HTTPException: a login is needed: 303 to it, or 401 where there is none to go to.
        """
        user = user or self._user(request)
        if user is not None:
            return door.visitor_of(request, user)
        if not door.logins_of(self._service).tokens or request.method != "GET" or request.url.path.endswith("/events"):
            raise HTTPException(401, "a login is needed", CLOSE)
        following = quote(request.url.path, safe="")
        raise HTTPException(303, headers={"Location": f"{self._base}/login?next={following}"})

    def _seen_by(self, visitor: Visitor) -> tuple[str, ...]:
        """Return the environments that somebody sees: all, or those that their token opens."""
        if not visitor.session:
            return self._glances.names
        return door.logins_of(self._service).opened(visitor.session, self._glances.names, self._service.now())

    def _user(self, request: Request) -> str | None:
        return door.user_of(request, self._front, door.logins_of(self._service), self._service.now())

    def _named(self, request: Request, visitor: Visitor) -> str:
        name: str = request.path_params["environment"]
        if name not in self._seen_by(visitor):
            raise HTTPException(404, "there is no such environment")
        return name

    def _page(
        self, html: str, visitor: Visitor, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        answer = HTMLResponse(html.encode("utf-8", "backslashreplace"), status, {**_HEADERS, **(headers or {})})
        if visitor.is_new:
            door.keep(answer, self._front, door.FORM_COOKIE, visitor.form)
        return answer

    def _to(self, path: str) -> Response:
        return RedirectResponse(f"{self._base}{path}", 303, _HEADERS)

    def _stream(self, request: Request, shown: Callable[[], Any]) -> Response:
        if self._open >= _AT_ONCE:
            raise HTTPException(503, "too many pages are open", {"Retry-After": "60", **CLOSE})

        async def events() -> AsyncIterator[bytes]:
            self._open += 1
            try:
                async for event in self._events(request, shown):
                    yield event.encode()
            finally:
                self._open -= 1

        return StreamingResponse(
            events(), media_type="text/event-stream", headers={**_HEADERS, "X-Accel-Buffering": "no"}
        )

    async def _events(self, request: Request, shown: Callable[[], Any]) -> AsyncIterator[str]:
        """Yield what has changed of a page, until the service or the session ends, or whoever looks goes."""
        known: dict[str, str] = {}
        spoke = monotonic()
        stopping = self._service.stopping
        yield "retry: 5000\n\n"
        while not stopping.is_set():
            if self._user(request) is None:
                yield render.events_text("gone", {})
                return
            try:
                sections, title, seconds, as_of = await shown()
            except KeyError:  # its environment is not served any more
                yield render.events_text("gone", {})
                return
            changed = {name: html for name, html in sections.items() if known.get(name) != html}
            known.update(changed)
            if changed:
                told = {"sections": changed, "title": title, "stamp": stamp(as_of), "moment": moment(as_of)}
                yield render.events_text("page", told)
                spoke = monotonic()
            elif monotonic() - spoke >= _HEARTBEAT_SECONDS:
                yield ": still here\n\n"
                spoke = monotonic()
            try:
                await asyncio.wait_for(stopping.wait(), seconds)
            except TimeoutError:
                continue


def _as_of(overviews: Sequence[Overview], now: datetime) -> datetime:
    """Return the moment of which all of it is true that a list shows."""
    return min((each.at for each in overviews), default=now)


def _wanted(request: Request) -> str:
    """Return the part of a name that somebody looks for on the page over all; empty: nothing."""
    return request.query_params.get("find", "").strip()[:_LONGEST_NAME]


async def _form(request: Request) -> dict[str, str]:
    """Read a form; of members with the same name the last one counts.

    Raises:
        HTTPException: it is none, or too large.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a form is application/x-www-form-urlencoded", CLOSE)
    body = await read_body(request, _FORM_BYTES)
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict"))
    except ValueError:
        raise HTTPException(400, "this is no form", CLOSE) from None


def _wish(form: Mapping[str, str]) -> Wish:
    """Return what a form asks for.

    Raises:
        HTTPException: nothing that can be asked for.
    """
    match form.get("action"):
        case "retry":
            return Retry(form.get("sync"), form.get("type"))
        case "run" if form.get("mode") in ("full", "verify"):
            return Run(form.get("sync"), form.get("type"), form["mode"])
        case "resume" if form.get("key"):
            return Resume((form["key"],))
        case "resync":
            lines = (line.strip() for line in form.get("records", "").splitlines())
            return Resync(form.get("record_type", ""), tuple(line for line in lines if line))
    raise HTTPException(400, "nothing that can be asked for", CLOSE)
