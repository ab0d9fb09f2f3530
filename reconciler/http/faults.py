"""Errors of the tree, made from error answers. What the codes of one vendor mean is its `FaultParser`'s to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil

from msgspec import Struct

from reconciler.errors import (
    AnswerLost,
    ApiError,
    Conflict,
    LoginRefused,
    MissingRole,
    NotFound,
    RateLimited,
    Rejected,
    ServerFault,
    UnexpectedAnswer,
    Unreachable,
)
from reconciler.http.body import UnusableJson, decode, decode_leniently
from reconciler.http.observe import Call
from reconciler.http.redact import Redactor
from reconciler.http.retry import Answer, NoAnswer
from reconciler.kind.connection import Json

# A vendor's message longer than this says no more; nor do a code, and roles beyond so many.
_LONGEST_MESSAGE = 1_000
_LONGEST_CODE = 200
_MOST_ROLES = 20
# A longer wait that an answer asks for is not told: it is a clock that is wrong, or worse.
_DAY = 86_400
_EMULATE = "Start what should answer there, such as `reconciler emulate`, or correct the URL in the Environment."


class Fault(Struct, frozen=True):
    """Fault of an API, in its own words.

    Args:
        code: the vendor's code.
        message: the vendor's message; untrusted text.
        next_step: what the user can do, for codes that we know.
        roles: the roles that the answer names.
        error: the error it is, where the status does not say so.
        offline: refused unprocessed because the API is down for a moment: may be repeated, writes too.
        rows: the rows of a batch that it names: their place in it, from 0, and what it says of them.
    """

    code: str | None = None
    message: str | None = None
    next_step: str | None = None
    roles: Sequence[str] = ()
    error: type[ApiError] | None = None
    offline: bool = False
    rows: Mapping[int, str] = {}


FaultParser = Callable[[Json], Fault | None]
"""Reads a decoded error body (None: an empty one); returns None where that is not the API's own error."""

_BY_STATUS: dict[int, type[ApiError]] = {
    401: LoginRefused,
    403: MissingRole,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}

_NEXT_STEP: dict[type[ApiError], str] = {
    LoginRefused: "Check clientID and clientSecret of this environment, then run `reconciler doctor`.",
    Conflict: "Plan again: the live object is not what the plan saw.",
    RateLimited: "Lower requestsPerSecond of this environment, or try again later.",
    ServerFault: "Try again later; the API itself is failing.",
    Unreachable: "Check the network, the proxy settings and {url}, then run `reconciler doctor`.",
    AnswerLost: "Plan again: live is read, and what is still missing is shown.",
    UnexpectedAnswer: "Check {url}, and that no proxy or gateway answers in the API's place.",
}

_WORDS: dict[type[ApiError], str] = {
    LoginRefused: "the API does not accept our token",
    NotFound: "there is no such object",
    Conflict: "the API sees a conflict",
    RateLimited: "still rate limited after every retry",
    ServerFault: "the API failed",
}


def read_fault(answer: Answer, parser: FaultParser) -> Fault | None:
    """Return what the API says in an error answer, or None where it is not the API's own error body."""
    try:
        return parser(decode(answer.content))
    except ValueError:
        return None


class FaultReader(Struct, frozen=True):
    """Makes errors from bad ends of requests.

    Args:
        parser: the vendor's error bodies.
        redactor: masks what we sent and the API echoes.
        scopes: the roles that were asked for at login, named where a 403 names none.
        forbidden: the next step after a 403, where the API has no roles.
        url_field: what manifests call the API's URL.
        steps: what a user can do about an error, where that is not what it is for a provider's API.
        left_alone: says of an answer for how many seconds the API wants to be left alone; None: it does not say so.
    """

    parser: FaultParser
    redactor: Redactor
    scopes: Sequence[str] = ()
    forbidden: str | None = None
    url_field: str = "apiUrl"
    steps: Mapping[type[ApiError], str] = {}
    left_alone: Callable[[Answer], float | None] = lambda _answer: None

    def offline(self, answer: Answer) -> bool:
        """Whether the answer says that the API refused the request unprocessed, for a moment."""
        fault = read_fault(answer, self.parser)
        return fault is not None and fault.offline

    def refused(self, call: Call, answer: Answer) -> ApiError:
        """Turn an error answer into ours."""
        fault = read_fault(answer, self.parser)
        if fault is None:
            return self.foreign(call, answer)
        limited = RateLimited if self.left_alone(answer) is not None else None
        kind = fault.error or limited or self._kind_of(answer.status)
        said = self._said(fault)
        message = f"{call}: {said or _WORDS.get(kind, 'the API refused it')} (HTTP {answer.status})"
        code = None if fault.code is None else self.redactor.clean(fault.code)[:_LONGEST_CODE]
        # A limit is no missing permission, though it may be a 403.
        forbidden = self.forbidden if answer.status == 403 and kind is not RateLimited else None
        step = fault.next_step or forbidden or self._next_step(kind, answer)
        if kind is MissingRole:
            return self._missing_role(message, fault, code, call, answer)
        rows = {place: self.redactor.clean(words)[:_LONGEST_MESSAGE] for place, words in fault.rows.items()}
        words = None if fault.message is None else self.redactor.clean(fault.message)[:_LONGEST_MESSAGE]
        error = kind(
            message,
            status=answer.status,
            vendor_code=code,
            request=str(call),
            said=words,
            rows=rows,
            next_step=step,
        )
        return self._timed(error, answer)

    def on_hold(self, call: Call, seconds: float) -> RateLimited:
        """Return the error of a request that was not sent, as the API wants to be left alone for so long."""
        message = f"{call}: the API asked to be left alone, for {_spoken(seconds)} more"
        error = RateLimited(message, request=str(call), next_step=self._next_step(RateLimited))
        error.retry_after = seconds
        return error

    def unanswered(self, call: Call, silence: NoAnswer, *, write: bool) -> ApiError:
        """Turn 'no answer' into ours: `AnswerLost` for a write that went out, else `Unreachable`."""
        if write and silence.sent:
            return self.lost(call, silence.reason)
        # An answer that came and is of no use, such as one that is too large, is not a network that fails.
        kind = UnexpectedAnswer if silence.sent and silence.hopeless else Unreachable
        message = f"{call}: {self.redactor.clean(silence.reason)}"
        # A forge on this machine is not the emulator, and says itself what to check.
        usual = _EMULATE if silence.refused_here and kind not in self.steps else self._next_step(kind)
        error = kind(message, request=str(call), next_step=silence.next_step or usual)
        if isinstance(error, UnexpectedAnswer):
            error.is_too_large = silence.too_large
        return error

    def lost(self, call: Call, reason: str, status: int | None = None) -> AnswerLost:
        """Return the error of a write whose answer was lost: its outcome is unknown."""
        return AnswerLost(
            f"{call}: it was sent, and whether it was carried out is unknown: {self.redactor.clean(reason)}",
            status=status,
            request=str(call),
            next_step=self._next_step(AnswerLost),
        )

    def unusable(self, call: Call, answer: Answer, what: str) -> UnexpectedAnswer:
        """Return the error of an answer that is not the API's own."""
        return UnexpectedAnswer(
            f"{call}: {what} (HTTP {answer.status}, {self._content_type(answer)})",
            status=answer.status,
            request=str(call),
            next_step=self._next_step(UnexpectedAnswer),
        )

    def not_json(self, call: Call, answer: Answer, why: ValueError) -> UnexpectedAnswer:
        """Say why an answer cannot be decoded; what it says is kept where some of its records may be usable."""
        try:
            said = decode_leniently(answer.content)
        except UnusableJson as beyond:
            return self.unusable(call, answer, f"the answer {beyond}")
        except ValueError:
            return self.unusable(call, answer, "the answer is not JSON")
        wrong = why if isinstance(why, UnusableJson) else "holds half a character, or a number that is none"
        error = self.unusable(call, answer, f"the answer {wrong}")
        error.answer = said
        return error

    def foreign(self, call: Call, answer: Answer) -> ApiError:
        """Return the error of an answer without the API's error body, perhaps a gateway's. Its 404 is not 'none'."""
        kind = _kind_of(answer.status)
        if kind in (NotFound, MissingRole):
            return self.unusable(call, answer, "the answer is not the API's own error")
        message = f"{call}: {_WORDS.get(kind, 'the API refused it')} (HTTP {answer.status})"
        error = kind(message, status=answer.status, request=str(call), next_step=self._next_step(kind, answer))
        return self._timed(error, answer)

    def _timed(self, error: ApiError, answer: Answer) -> ApiError:
        """Note in an error how long the API wants to be left alone."""
        if isinstance(error, RateLimited):
            error.retry_after = self.left_alone(answer)
        return error

    def _missing_role(self, message: str, fault: Fault, code: str | None, call: Call, answer: Answer) -> MissingRole:
        named = tuple(self.redactor.clean(role)[:_LONGEST_CODE] for role in fault.roles[:_MOST_ROLES])
        roles = named or (tuple(self.scopes) if len(self.scopes) == 1 else ())
        if roles:
            step = f"Give the API client's context user one of these roles: {', '.join(roles)}."
        elif self.scopes:
            step = f"Give the API client's context user the role that this needs, of: {', '.join(self.scopes)}."
        else:
            step = "Give the API client's context user the role that this needs."
        return MissingRole(
            message, roles=roles, status=answer.status, vendor_code=code, request=str(call), next_step=step
        )

    def _kind_of(self, status: int) -> type[ApiError]:
        if status == 403 and self.forbidden is not None:
            return Rejected
        return _kind_of(status)

    def _next_step(self, kind: type[ApiError], answer: Answer | None = None) -> str | None:
        step = self.steps.get(kind) or _NEXT_STEP.get(kind)
        if step is None:
            return None
        seconds = self.left_alone(answer) if answer is not None and kind is RateLimited else None
        wait = "" if seconds is None or seconds > _DAY else f" It asks to wait {_spoken(seconds)}."
        return step.format(url=self.url_field) + wait

    def _said(self, fault: Fault) -> str:
        said = ": ".join(part for part in (fault.code, fault.message) if part)
        return self.redactor.clean(said)[:_LONGEST_MESSAGE]

    def _content_type(self, answer: Answer) -> str:
        return self.redactor.clean(answer.headers.get("content-type", "no content type"))[:80]


def _kind_of(status: int) -> type[ApiError]:
    return _BY_STATUS.get(status, ServerFault if status >= 500 else Rejected)


def _spoken(seconds: float) -> str:
    return f"{ceil(seconds)} s" if seconds < 60 else f"{ceil(seconds / 60)} min"
