"""Door of the page: who may come in, what a form has to bring along, where a login leads, how often it may fail."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from hmac import compare_digest
from ipaddress import IPv4Address, IPv6Address, ip_network
from secrets import token_urlsafe
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from reconciler.hosts import is_loopback
from reconciler.report.escape import visible
from reconciler.serve.auth import CLOSE, SESSION_COOKIE, Logins, csrf_token, page_user
from reconciler.serve.front import Front
from reconciler.serve.page.render import Viewer

if TYPE_CHECKING:
    from reconciler.serve.service import Service

FORM_COOKIE, NAME_COOKIE = "reconciler-form", "reconciler-name"
LOCAL_USER, TOKEN_USER = "local", "token"
_LONGEST_NAME, _LONGEST_PATH = 60, 500
_FAILURES, _WITHIN_SECONDS, _ADDRESSES = 10, 300.0, 10_000
# Whatever stands before us and says so makes of everybody somebody on this machine.
_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class Visitor(Struct, frozen=True):
    """Somebody who may see the page.

    Args:
        user: who a proxy says that it is, or `token`, or `local`.
        name: what they call themselves; a claim, no more.
        form: the secret of their forms.
        is_new: whether the browser does not have that yet.
        session: their cookie; empty: none.
    """

    user: str
    name: str
    form: str
    is_new: bool
    session: str = ""

    @property
    def csrf(self) -> str:
        """What their forms send along."""
        return csrf_token(f"{self.form} {self.session}")

    @property
    def by(self) -> str:
        """Who asks for something, for the record."""
        if self.user == LOCAL_USER:
            return "somebody on this machine, by the page"
        if self.user == TOKEN_USER:
            return f"{self.name or 'somebody'}, by the page with a token"
        return f"{self.user}, by the page"

    def viewer(self, base: str) -> Viewer:
        """Return what the templates know of them."""
        shown = {LOCAL_USER: "on this machine", TOKEN_USER: self.name or "logged in"}.get(self.user, self.user)
        return Viewer(shown, self.csrf, bool(self.session), base)


class Failures:
    """Counts failed logins by address: ten within five minutes are enough. It knows a bounded number of addresses."""

    def __init__(self) -> None:
        self._at: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, address: IPv4Address | IPv6Address | None, now: float) -> float:
        """Return for how many seconds an address has to wait; 0: it may try."""
        recent = self._recent(_network(address), now)
        return recent[0] + _WITHIN_SECONDS - now if len(recent) >= _FAILURES else 0.0

    def note(self, address: IPv4Address | IPv6Address | None, now: float) -> None:
        """Note a failed login."""
        key = _network(address)
        self._at[key] = [*self._recent(key, now), now][-_FAILURES:]
        self._at.move_to_end(key)
        while len(self._at) > _ADDRESSES:
            self._at.popitem(last=False)

    def _recent(self, key: str, now: float) -> list[float]:
        return [at for at in self._at.get(key, ()) if now - at < _WITHIN_SECONDS]


def _network(address: IPv4Address | IPv6Address | None) -> str:
    """Return whose failures count together: of IPv6, those of one /64."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)


def base_of(front: Front) -> str:
    """Return the path below which others reach the service; empty: none."""
    return urlsplit(front.public_url or "").path.rstrip("/")


def visitor_of(request: Request, user: str | None) -> Visitor:
    """Return who visits, known or not; `user` is None: nobody who may see more than the login."""
    form = request.cookies.get(FORM_COOKIE, "")
    is_new = not (20 <= len(form) <= 100 and form.isascii())
    name = visible(unquote(request.cookies.get(NAME_COOKIE, "")))[:_LONGEST_NAME].strip()
    session = request.cookies.get(SESSION_COOKIE, "") if user == TOKEN_USER else ""
    return Visitor(user or "", name, token_urlsafe(32) if is_new else form, is_new, session)


def logins_of(service: Service) -> Logins:
    """Return the tokens that open the page of a process.

    Where several environments are served, the process has a login of its own, which opens all; that of an environment
    opens its page alone.
    """
    if service.is_single or not service.front.has_login:
        return Logins(service.front.login_tokens)
    found = {name: served.section.secrets("login", "tokens") for name, served in service.environments.items()}
    return Logins(service.front.login_tokens, {name: tokens for name, tokens in found.items() if tokens})


def user_of(request: Request, front: Front, logins: Logins, now: datetime) -> str | None:
    """Return who sees the page; None: a login is needed.

    Raises:
        HTTPException: 403, where nobody has to log in and the request does not come from this machine as it seems: a
            page elsewhere that lets its name stand for 127.0.0.1, or a proxy that nobody named.
    """
    user = page_user(request, front, logins, now)
    if user == LOCAL_USER:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        if not (is_loopback(host) or host == urlsplit(front.public_url or "").hostname):
            raise HTTPException(403, "the page is for this machine: call it by 127.0.0.1, or configure a login", CLOSE)
        if any(name in request.headers for name in _OF_PROXIES):
            raise HTTPException(403, "a proxy stands in front, and no login is configured", CLOSE)
    return user


def require_own_form(request: Request, front: Front, visitor: Visitor, given: str) -> None:
    """Refuse a form that this page did not show to this visitor.

    Raises:
        HTTPException: 403.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    ours = {request.headers.get("host", ""), urlsplit(front.public_url or "").netloc}
    # A browser that says whether the form is ours may say `null` for where it comes from.
    foreign = site not in ("same-origin", "none") if site is not None else origin == "null"
    if origin not in (None, "null"):
        foreign = foreign or urlsplit(origin).netloc not in ours
    if foreign or visitor.is_new or not _same(given, visitor.csrf):
        raise HTTPException(403, "this form is not of a page that was shown to you: load it anew", CLOSE)


def _same(given: str, wanted: str) -> bool:
    return compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())


def path_within(given: str) -> str:
    """Return a path of ours to go on to, whatever was given: never another host."""
    parts = urlsplit(given) if given.isprintable() and len(given) <= _LONGEST_PATH else None
    if parts is None or parts.scheme or parts.netloc or not given.startswith("/") or given[1:2] in ("/", "\\"):
        return "/"
    return quote(parts.path, safe="/%-._~")


def keep(response: Response, front: Front, name: str, value: str, *, seconds: int | None = None) -> None:
    """Set a cookie that scripts cannot read and other sites' forms do not send."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=f"{base_of(front)}/",
        secure=front.is_secure,
        httponly=True,
        samesite="lax",
    )
