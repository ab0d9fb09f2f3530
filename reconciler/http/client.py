"""HTTP clients for the other rooms: one that reads, and one that can write as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from msgspec.structs import replace
from yarl import URL

import reconciler
from reconciler import tracing
from reconciler.errors import ApiError
from reconciler.http.api import Api, Options
from reconciler.http.body import decode, encode
from reconciler.http.clock import ApiClock
from reconciler.http.connections import Connections
from reconciler.http.decoding import Taker
from reconciler.http.faults import FaultReader
from reconciler.http.limit import Limit, OnHold, RateLimit
from reconciler.http.login import FixedToken, Login, TokenHolder, TokenSource, read_token
from reconciler.http.observe import Call, Exchanged
from reconciler.http.redact import Redactor
from reconciler.http.retry import TOO_MANY_REQUESTS, Answer, NoAnswer, Repeater, http_date, retry_after
from reconciler.http.rows import Rows
from reconciler.http.tokens import Token
from reconciler.http.urls import base_url, redirect, url_of
from reconciler.kind.connection import Json, Params, TakerT

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
USER_AGENT = f"reconciler/{reconciler.__version__} (sync configuration as code)"


class Session:
    """Login, rate, retries and errors of one API; the clients below are its two faces.

    Args:
        api: what to talk to.
        connections: open connections, which the caller closes.
        options: the rest.
    """

    def __init__(self, api: Api, connections: Connections, options: Options) -> None:
        self._api = api
        self._base = str(base_url(api.url, api.url_fields)).rstrip("/")
        self._host = URL(self._base).host or ""
        self._connections = connections
        self._options = options
        self._redactor = Redactor()
        self._faults = FaultReader(
            api.faults, self._redactor, api.scopes, api.forbidden, api.url_fields[0], api.steps, self._left_alone
        )
        self._rate: Limit = options.limit or RateLimit(api.requests_per_second, clock=options.clock, turn=options.turn)
        writes = api.writes_per_second
        self._write_rate = None if writes is None else RateLimit(writes, burst=1, clock=options.clock)
        self._in_flight = asyncio.Semaphore(options.in_flight)
        self._repeat = Repeater(
            options.policy, options.clock, options.observer, self._rate, self._faults.offline, api.clashes, api.limited
        )
        self._tokens = self._token_holder(api.login)
        self._headers = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": USER_AGENT}
        self.api_clock = ApiClock(options.clock)

    def _left_alone(self, answer: Answer) -> float | None:
        now = self._options.clock.wall()
        asked = self._api.limited(answer, now)
        return retry_after(answer, now) if asked is None and answer.status == TOO_MANY_REQUESTS else asked

    def is_question(self, path: str) -> bool:
        """Whether a POST to a path changes nothing."""
        return path.rpartition("/")[2] in self._api.questions

    async def request(self, method: str, path: str, params: Params | None = None, body: Json = None) -> Json:
        """Send a request until it has an answer; return the decoded body, None for an empty one.

        Raises:
            ApiError: the subclass says what happened.
            SecretUnset: the body needs a secret that is not set.
        """
        call = Call(method, path)
        content = None if body is None else encode(body, self._redactor)
        return self._result(call, await self._answer(call, url_of(self._base, call, params), content))

    async def rows(self, path: str, begin: Callable[[], TakerT], largest: int | None = None) -> TakerT:
        """GET a list row by row until all of it has come; see `RowReader.rows`.

        Raises:
            ApiError: the subclass says what happened.
        """
        call = Call("GET", path)
        takers: list[TakerT] = []

        def anew() -> Rows:
            takers[:] = [begin()]
            return Rows(takers[0])

        answer = await self._answer(call, url_of(self._base, call), None, anew, largest)
        if not 200 <= answer.status < 300:
            self._result(call, answer)
        return takers[0]

    async def _answer(
        self,
        call: Call,
        url: URL,
        content: bytes | None,
        begin: Callable[[], Taker] | None = None,
        largest: int | None = None,
    ) -> Answer:
        async def attempt(number: int) -> Answer:
            token = await self._tokens.get()
            answer = await self._exchange(call, number, url, token, content, largest, begin)
            # A token of an earlier run may also be older than the roles that it lacks.
            if self._tokens.renews and (answer.status == 401 or (answer.status == 403 and token.from_disk)):
                self._tokens.forget(token)
                token = await self._tokens.get()
                answer = await self._exchange(call, number, url, token, content, largest, begin)
            return answer

        try:
            return await self._repeat.run(call, attempt, safe=call.method == "GET")
        except NoAnswer as silence:
            raise self._faults.unanswered(call, silence, write=call.method != "GET") from None

    async def download(self, path: str, largest: int, params: Params | None = None) -> bytes:
        """GET bytes, from where the API keeps them: one redirect is followed, and the token does not go with it.

        Args:
            path: relative to the API's base.
            largest: bytes that they may have.
            params: the query.

        Raises:
            ApiError: the subclass says what happened; `UnexpectedAnswer` for more bytes, or a redirect to what is no
                https URL (http on this machine).
        """
        call = Call("GET", path)
        url = url_of(self._base, call, params)
        target: URL | None = None

        async def attempt(number: int) -> Answer:
            nonlocal target
            # The place is good for a minute or so: each attempt asks for it anew.
            target = None
            answer = await self._exchange(call, number, url, await self._tokens.get(), None, largest)
            if answer.status not in _REDIRECTS:
                return answer
            target = redirect(url, answer)
            if target is None:
                return answer
            headers = {"accept": "*/*", "accept-encoding": "gzip", "user-agent": USER_AGENT}
            return await self._observed(call, number, target, headers, None, largest)

        try:
            answer = await self._repeat.run(call, attempt, safe=True)
        except NoAnswer as silence:
            raise self._faults.unanswered(call, silence, write=False) from None
        if 200 <= answer.status < 300:
            return answer.content
        if answer.status < 400:
            raise self._faults.unusable(call, answer, _no_end(answer.status))
        # What another host says is not the API's word.
        raise self._faults.refused(call, answer) if target is None else self._faults.foreign(call, answer)

    def _token_holder(self, login: Login | FixedToken) -> TokenHolder:
        if isinstance(login, FixedToken):
            return login.held_by(self._redactor)
        options = self._options
        return TokenSource(self._log_in, login.cache_key, options.cache, options.clock, self._redactor)

    async def aclose(self) -> None:
        """End what is under way for the session itself."""
        await self._tokens.aclose()

    def _result(self, call: Call, answer: Answer) -> Json:
        write = call.method != "GET"
        if 200 <= answer.status < 300:
            try:
                return decode(answer.content)
            except ValueError as why:
                error = self._faults.not_json(call, answer, why)
                lost = write and not self.is_question(call.path)
                raise (self._faults.lost(call, error.message, answer.status) if lost else error) from None
        if answer.status < 400:
            error = self._faults.unusable(call, answer, _no_end(answer.status))
            raise self._faults.lost(call, error.message, answer.status) if write else error
        refused = self._faults.refused(call, answer)
        # A refusal is an answer, but a failure on the way says nothing about what was done before it.
        unknown = answer.status == 408 or answer.status >= 500
        if write and unknown and not self._faults.offline(answer):
            raise self._faults.lost(call, refused.message, answer.status)
        raise refused

    async def _exchange(
        self,
        call: Call,
        number: int,
        url: URL,
        token: Token,
        content: bytes | None,
        largest: int | None = None,
        begin: Callable[[], Taker] | None = None,
    ) -> Answer:
        headers = {**self._headers, **self._api.headers, **self._api.authorization(token.value)}
        if content is not None:
            headers.setdefault("content-type", "application/json")
        async with self._in_flight:
            try:
                await self._rate.acquire(self._options.policy.gives_back)
            except OnHold as pause:
                raise self._faults.on_hold(call, pause.seconds) from None
            if self._write_rate is not None and call.method != "GET" and not self.is_question(call.path):
                await self._write_rate.acquire()
            answer = await self._observed(call, number, url, headers, content, largest, begin)
        if (date := http_date(answer.headers.get("date", ""))) is not None:
            self.api_clock.observe(date)
        return answer

    async def _observed(
        self,
        call: Call,
        number: int,
        url: URL,
        headers: Mapping[str, str],
        content: bytes | None,
        largest: int | None = None,
        begin: Callable[[], Taker] | None = None,
    ) -> Answer:
        try:
            answer = await self._connections.send(call.method, url, headers, content, largest, begin)
        except NoAnswer as silence:
            reason = self._redactor.clean(silence.reason)
            tracing.exchanged(call.method, self._host, number, silence.seconds, None)
            self._options.observer.exchanged(Exchanged(call, number, silence.seconds * 1e3, trouble=reason))
            raise
        tracing.exchanged(call.method, self._host, number, answer.seconds, answer.status)
        self._options.observer.exchanged(Exchanged(call, number, answer.seconds * 1e3, answer.status))
        return answer

    async def _log_in(self) -> Token:
        login = self._api.login
        assert not isinstance(login, FixedToken)  # noqa: S101 - it never asks for another
        request = login.request(self._redactor)
        url = base_url(request.url, self._api.url_fields)
        call = Call("POST", url.path)
        headers = self._headers | dict(request.headers)
        repeat = replace(self._repeat, rate=None)

        async def attempt(number: int) -> Answer:
            return await self._observed(call, number, url, headers, request.content)

        try:
            # A login changes nothing, so it is repeated like a read.
            answer = await repeat.run(call, attempt, safe=True)
        except NoAnswer as silence:
            raise self._faults.unanswered(call, silence, write=False) from None
        if not 200 <= answer.status < 300:
            raise self._login_error(login, call, answer)
        return read_token(answer, self._options.clock.wall())

    def _login_error(self, login: Login, call: Call, answer: Answer) -> ApiError:
        if answer.status < 400:
            return self._faults.unusable(call, answer, _no_end(answer.status))
        if answer.status in (408, 429) or answer.status >= 500:
            return self._faults.refused(call, answer)
        return login.refused(answer, self._redactor)


@asynccontextmanager
async def open_session(api: Api, options: Options, connections: Connections | None = None) -> AsyncIterator[Session]:
    """Open a session, over shared connections or over its own, and close what it opened.

    Raises:
        SecretUnset: the client secret is not set.
        Unreachable: a URL of the connection is not one.
    """
    open_connections = connections or Connections()
    session = Session(api, open_connections, options)
    try:
        yield session
    finally:
        await session.aclose()
        if connections is None:
            await open_connections.aclose()


class HttpReader:
    """A connection that can only read: it has no method that writes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def clock_offset(self) -> timedelta | None:
        """The API's clock minus ours, to the second, by most answers of this session; None where that is not known.

        Answers of the token endpoint do not count: it may be another machine.
        """
        return self._session.api_clock.offset

    def api_time(self, moment: float) -> datetime | None:
        """Return what the API's clock showed at a moment of `time.monotonic()`; None where that is not known.

        Ask for the beginning of a run at its end: by then many answers agree, and whatever our own clock did
        meanwhile makes no difference.
        """
        return self._session.api_clock.at(moment)

    async def get(self, path: str, params: Params | None = None) -> Json:
        """GET `path` (relative to the API's base) and return the decoded JSON body, None for an empty one.

        Raises:
            ApiError: a subclass that says what happened; `NotFound` where the API itself says so.
        """
        return await self._session.request("GET", path, params)

    async def rows(self, path: str, begin: Callable[[], TakerT], largest: int | None = None) -> TakerT:
        """GET a list row by row, of which no more than a piece is in memory at once; see `RowReader.rows`.

        Raises:
            ApiError: a subclass that says what happened; `UnexpectedAnswer` where the list is not whole.
        """
        return await self._session.rows(path, begin, largest)

    async def query(self, path: str, body: Json = None) -> Json:
        """POST a question that changes nothing, and return the decoded answer.

        Raises:
            ValueError: the API's description does not have this path among its questions.
            ApiError: a subclass that says what happened.
        """
        if not self._session.is_question(path):
            raise ValueError(f"POST {path} is no question")
        return await self._session.request("POST", path, body=body)

    async def download(self, path: str, largest: int, params: Params | None = None) -> bytes:
        """GET bytes of at most that many, from where the API redirects to; the token does not go with it.

        Raises:
            ApiError: a subclass that says what happened.
        """
        return await self._session.download(path, largest, params)


class HttpWriter(HttpReader):
    """A connection that can write as well. `AnswerLost` means: read back before you write again."""

    async def post(self, path: str, body: Json = None) -> Json:
        """POST `body`, or nothing, and return the decoded answer."""
        return await self._session.request("POST", path, body=body)

    async def put(self, path: str, body: Json) -> Json:
        """PUT `body` and return the decoded answer."""
        return await self._session.request("PUT", path, body=body)

    async def patch(self, path: str, body: Json) -> Json:
        """PATCH with `body` and return the decoded answer."""
        return await self._session.request("PATCH", path, body=body)

    async def delete(self, path: str) -> None:
        """DELETE `path`."""
        await self._session.request("DELETE", path)

    def read_only(self) -> HttpReader:
        """Return a reader over the same login, rate and connections, for planning before an apply."""
        return HttpReader(self._session)


def _no_end(status: int) -> str:
    """What is wrong with a status that is neither a success nor a refusal."""
    if status < 200:
        return "the answer ends before it says how it went"
    return "the answer is a redirect, which is not followed"
