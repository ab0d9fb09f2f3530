"""Clients over the scripted server, with a clock that does not wait."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from reconciler.errors import ApiError, LoginRefused
from reconciler.http.api import Api, Options
from reconciler.http.client import HttpWriter, open_session
from reconciler.http.clock import Clock
from reconciler.http.connections import Connections
from reconciler.http.engine import Bounds
from reconciler.http.faults import Fault
from reconciler.http.login import TokenRequest
from reconciler.http.observe import Exchanged, Waiting
from reconciler.http.redact import Redactor
from reconciler.http.retry import Answer, RetryPolicy
from reconciler.http.tokens import TokenCache, cache_key
from reconciler.kind.connection import Json
from support.scripted_server import FakeClock, ScriptedServer

CLIENT_SECRET = "client-secret-marker/+ü"


@dataclass(frozen=True)
class FormLogin:
    """A vendor of this test's own: the room must not know any other."""

    url: str
    secret: str = CLIENT_SECRET

    @property
    def cache_key(self) -> str:
        return cache_key([self.url, self.secret])

    def request(self, redactor: Redactor) -> TokenRequest:
        redactor.add(self.secret)
        return TokenRequest(self.url, {}, urlencode({"client_secret": self.secret}).encode())

    def refused(self, answer: Answer, redactor: Redactor) -> ApiError:
        return LoginRefused(redactor.clean(answer.content.decode()), status=answer.status)


def parse(body: Json) -> Fault | None:
    """`{"code": …, "message": …, "roles": […]}`."""
    if not isinstance(body, dict) or "code" not in body:
        return None
    return Fault(body["code"], body.get("message"), roles=body.get("roles", ()), offline=body["code"] == "offline")


@dataclass
class Listener:
    exchanges: list[Exchanged] = field(default_factory=list)
    waits: list[Waiting] = field(default_factory=list)

    def exchanged(self, event: Exchanged) -> None:
        self.exchanges.append(event)

    def waiting(self, event: Waiting) -> None:
        self.waits.append(event)


def real_clock(fake: FakeClock) -> Clock:
    return Clock(fake.read, fake.read, fake.sleep)


@asynccontextmanager
async def client(
    server: ScriptedServer | str,
    *,
    clock: FakeClock | None = None,
    listener: Listener | None = None,
    cache: TokenCache | None = None,
    rate: float = 10_000,
    attempts: int = 5,
    in_flight: int = 16,
    scopes: tuple[str, ...] = (),
    bounds: Bounds | None = None,
    connections: Connections | None = None,
    policy: RetryPolicy | None = None,
    clashes: bool = False,
) -> AsyncIterator[HttpWriter]:
    """A writer against the server; random jitter always at its largest."""
    base = server if isinstance(server, str) else server.url
    api = Api(
        f"{base}/v1/", FormLogin(f"{base}/oauth/token"), parse, rate, scopes, {"site-id": "shop"}, lambda _call: clashes
    )
    options = Options(
        cache=cache,
        observer=listener or Listener(),
        in_flight=in_flight,
        policy=policy or RetryPolicy(attempts=attempts, random=lambda: 1.0),
        clock=real_clock(clock or FakeClock()),
    )
    async with Connections(bounds) as own, open_session(api, options, connections or own) as session:
        yield HttpWriter(session)
