"""What a provider says of its API, and what a user says of this run: all that a client is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from reconciler.errors import ApiError
from reconciler.http.clock import Clock
from reconciler.http.faults import FaultParser
from reconciler.http.limit import Limit, Turn
from reconciler.http.login import FixedToken, Login
from reconciler.http.observe import Call, Observer, Silent
from reconciler.http.retry import Answer, RetryPolicy
from reconciler.http.tokens import TokenCache

IN_FLIGHT = 16


class Api(Struct, frozen=True):
    """One API as a provider describes it to the transport.

    Args:
        url: the base that paths are relative to.
        login: how to get a token, or the token itself.
        faults: how to read its error bodies.
        requests_per_second: the rate to keep to.
        scopes: the roles that the login asks for.
        headers: sent with every request, e.g. a site ID.
        clashes: says of a request whether a 409 means that another one was under way, so that it may be repeated.
        forbidden: what a user can do about a 403, where the API has no roles that could be missing.
        questions: last segments of the paths whose POST changes nothing.
        url_fields: what manifests call the API's URL, and that of its token endpoint where it has a field of its own.
        authorization: the header that carries the token.
        limited: says of an error answer, given the time now, how long the API wants to be left alone; None: it does
            not say so. A 429 counts without it.
        writes_per_second: the rate to keep to with requests that change something; None: no rate of their own.
        steps: what a user can do about an error, where that differs from what it is for a provider's API.
    """

    url: str
    login: Login | FixedToken
    faults: FaultParser
    requests_per_second: float
    scopes: Sequence[str] = ()
    headers: Mapping[str, str] = {}
    clashes: Callable[[Call], bool] = lambda _call: False
    forbidden: str | None = None
    questions: frozenset[str] = frozenset()
    url_fields: Sequence[str] = ("apiUrl", "authUrl")
    authorization: Callable[[str], Mapping[str, str]] = lambda token: {"authorization": f"Bearer {token}"}
    limited: Callable[[Answer, float], float | None] = lambda _answer, _now: None
    writes_per_second: float | None = None
    steps: Mapping[type[ApiError], str] = {}


class Options(Struct, frozen=True):
    """Options of a client that concern this machine and its user rather than the API.

    Args:
        cache: where tokens are kept for the next run; None for memory only.
        observer: is told of requests and waits.
        in_flight: requests that are under way at once.
        policy: bounds of repeating.
        clock: where time comes from.
        turn: whether its requests go first of others to the same API, or give way; None: neither.
        limit: the rate that is shared with others; None: the API's is kept to by this client alone.
    """

    cache: TokenCache | None = None
    observer: Observer = field(default_factory=Silent)
    in_flight: int = IN_FLIGHT
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    clock: Clock = field(default_factory=Clock)
    turn: Turn | None = None
    limit: Limit | None = None
