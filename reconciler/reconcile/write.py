"""Write of one change: send it, verify it, and read it back where the answer was lost.

Knows nothing of plans, journals and other changes. Whatever happens, the verdict says no more than what is known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import Enum, auto
from typing import ClassVar

from msgspec import Struct
from pydantic import BaseModel

from reconciler.errors import (
    AnswerLost,
    ApiError,
    Conflict,
    LedgerError,
    NotFound,
    NotVerified,
    ReconcilerError,
)
from reconciler.kind.connection import Wire, Writer
from reconciler.kind.kind import Action, Kind, Observed
from reconciler.kind.semantics import SpecModel, State, from_wire, write_only_paths
from reconciler.kind.sensitive import Position, without_secrets
from reconciler.reconcile.diff import differences, opened, secrets_in, without
from reconciler.reconcile.plan import FieldChange, Outcome
from reconciler.reconcile.work import Desired, Work
from reconciler.redacted import RedactedStruct
from reconciler.secret import Secret

ATTEMPTS = 3

_LOOK = "Look at it with `reconciler plan`; what is still different is in the new plan."


class Verdict(Struct, frozen=True):
    """Outcome of one change that was carried out.

    `error` is what stood in the way, if anything did. `untouched` says that the API certainly took nothing of it.
    """

    outcome: Outcome
    message: str | None = None
    error: ReconcilerError | None = None
    code: str | None = None
    next_step: str | None = None
    untouched: bool = False


class Request(RedactedStruct, frozen=True):
    """Request of a change: the body, and the secrets in it that live does not show, by their path.

    `unseen` are the paths that no read can show afterwards: those secrets, and write-only members that go.
    """

    redacted: ClassVar[tuple[str, ...]] = ("body",)

    body: Wire
    secrets: Mapping[str, Secret]
    unseen: frozenset[str]


def prepare(work: Work, kind: Kind[SpecModel]) -> Request:
    """Return what the change sends, every secret in it resolved.

    Raises:
        SecretUnset: a secret that has to be sent has no value.
    """
    state = work.desired.state
    if work.change.action is Action.DELETE:
        return Request({}, {}, frozenset())
    before = work.observed
    body = kind.create_body(state) if before is None else kind.update_body(state, before, work.changed)
    in_body = {id(secret) for _, secret in secrets_in(body)}
    secrets = {
        path: secret
        for path, secret in secrets_in(state)
        if id(secret) in in_body and (secret.shown is None or not kind.readable)
    }
    for _, secret in secrets_in(body):
        secret.reveal()
    write_only = write_only_paths(kind.spec)
    sensitive = {
        change.path
        for change in work.change.fields
        if change.sensitive and (change.path in write_only or not kind.readable)
    }
    return Request(body, secrets, frozenset(secrets.keys() | sensitive))


def visible_differences(kind: Kind[SpecModel], desired: Desired, observed: Observed) -> tuple[FieldChange, ...]:
    """Return what a read shows to be different from what is wanted; ignored and write-only paths left out."""
    after, before = without(desired.state, desired.ignore), without(observed.state, desired.ignore)
    return tuple(differences(kind.spec, opened(after, before), before, frozenset()))


def plain_state(desired: Desired, model: type[BaseModel]) -> State:
    """Return the managed state without secrets: what the ledger remembers as applied."""
    shown = without_secrets(without(desired.state, desired.ignore), Position(model), desired.sensitive)
    return _without_secrets(shown) | dict(desired.held)


def _without_secrets(state: State) -> State:
    return {
        name: _without_secrets(value) if isinstance(value, dict) else _plain_items(value)
        for name, value in state.items()
        if not isinstance(value, Secret)
    }


def _plain_items(value: object) -> object:
    if isinstance(value, list):
        return [_without_secrets(item) if isinstance(item, dict) else item for item in value]
    return value


async def carry_out(
    work: Work, kind: Kind[SpecModel], request: Request, writer: Writer, before_send: Callable[[], Awaitable[None]]
) -> Verdict:
    """Carry out one change and return its outcome.

    Args:
        work: the change and the values behind it.
        kind: its kind.
        request: what it sends, from `prepare`.
        writer: the connection.
        before_send: awaited before every write; raises LedgerError where nothing may be sent any more.
    """
    return await _Write(work, kind, request, writer, before_send).run()


class _Found(Enum):
    """Result of a read after a lost answer."""

    AS_DESIRED = auto()
    AS_BEFORE = auto()
    OTHERWISE = auto()
    UNREADABLE = auto()


class _Write:
    def __init__(
        self,
        work: Work,
        kind: Kind[SpecModel],
        request: Request,
        writer: Writer,
        before_send: Callable[[], Awaitable[None]],
    ) -> None:
        self._work = work
        self._change = work.change
        self._kind = kind
        self._request = request
        self._writer = writer
        self._before_send = before_send

    async def run(self) -> Verdict:
        """Send, and send again only after a read has shown that this is needed and can do no harm."""
        send: Callable[[], Awaitable[Wire | None]] = self._send
        lost: ApiError | None = None
        found: _Found | None = None
        for _ in range(ATTEMPTS):
            try:
                await self._before_send()
                answer = await send()
            except (ApiError, LedgerError) as error:
                if not (isinstance(error, ApiError) and error.is_unsure):
                    if self._change.action is Action.CREATE and isinstance(error, Conflict):
                        return await self._appeared(error, sent_before=lost is not None)
                    return await self._refused(error, found)
                lost = error
            else:
                return await self._verified(answer)
            try:
                found = await self._find()
            except ApiError as error:
                return _unknown(lost, f"; reading it back failed as well: {error.message}", error)
            if found is _Found.OTHERWISE:
                return _unknown(lost, "; live is neither as before nor as wanted")
            if found is _Found.AS_DESIRED and not self._request.unseen:
                return Verdict(Outcome.APPLIED, "the answer was lost; a read shows that it took effect")
            # What cannot be read is sent again: such kinds set values, and the same twice does no harm.
            send = self._send_unseen if found is _Found.AS_DESIRED else self._send
        if found is _Found.AS_BEFORE and lost is not None:
            return _failed(lost, f"; tried {ATTEMPTS} times, and live is as before")
        what = "it" if found is _Found.UNREADABLE else "the secrets"
        return _unknown(lost, f"; tried {ATTEMPTS} times, and whether {what} arrived cannot be read")

    async def _send(self) -> Wire | None:
        """Do what the change says."""
        change, body = self._change, self._request.body
        if change.action is Action.DELETE:
            await self._kind.remove(self._writer, change.id, self._work.desired.state)
            return None
        if change.action is Action.CREATE:
            return await self._kind.create(self._writer, change.id, body)
        return await self._kind.update(self._writer, change.renamed_from or change.id, body)

    async def _send_unseen(self) -> Wire | None:
        """Send what no read can show to an object that is otherwise as wanted. The same twice does no harm."""
        now = await self._look(self._change.id)
        if now is None:
            raise NotFound("it was there a moment ago and is gone", next_step=_LOOK)
        body = self._kind.update_body(self._work.desired.state, now, self._request.unseen)
        return await self._kind.update(self._writer, self._change.id, body)

    async def _look(self, live_id: str) -> Observed | None:
        wire = await self._kind.read_one(self._writer, live_id)
        return None if wire is None else self._kind.observe(live_id, wire)

    def _as_desired(self, observed: Observed) -> bool:
        return not self._differences(observed)

    def _differences(self, observed: Observed) -> tuple[FieldChange, ...]:
        return visible_differences(self._kind, self._work.desired, observed)

    async def _find(self) -> _Found:
        """Read the object back."""
        change, before = self._change, self._work.observed
        if not self._kind.readable:
            return _Found.UNREADABLE
        now = await self._look(change.id)
        if change.action is Action.DELETE:
            if now is None:
                return _Found.AS_DESIRED
        elif now is not None and self._as_desired(now):
            return _Found.AS_DESIRED
        if change.renamed_from is not None and now is None:
            now = await self._look(change.renamed_from)
        if now is None or before is None:
            return _Found.AS_BEFORE if now is before else _Found.OTHERWISE
        return _Found.AS_BEFORE if now.id == before.id and now.state == before.state else _Found.OTHERWISE

    async def _verified(self, answer: Wire | None) -> Verdict:
        """Judge an accepted write by its answer, and by a read where that says too little or something else."""
        change = self._change
        if change.action is Action.DELETE:
            return Verdict(Outcome.APPLIED)
        if answer is not None and self._as_desired(self._kind.observe(change.id, answer)):
            return Verdict(Outcome.APPLIED)
        if not self._kind.readable:
            return self._believed(answer or {})
        try:
            now = await self._look(change.id)
        except ApiError as error:
            words = f"the API accepted it, and reading it back failed: {error.message}"
            return Verdict(Outcome.UNKNOWN, words, error, error.code, error.next_step)
        if now is None:
            return _failed(NotVerified("the API accepted it, and a read finds no such object", next_step=_LOOK))
        left = self._differences(now)
        return _failed(_still_differs(left)) if left else Verdict(Outcome.APPLIED)

    def _believed(self, answer: Wire) -> Verdict:
        """Judge an accepted write of what cannot be read: by what its answer says, which may be less than was sent."""
        said = from_wire(self._kind.spec, answer)
        wanted = {name: value for name, value in self._work.desired.state.items() if name in said}
        if left := tuple(differences(self._kind.spec, opened(wanted, said), said, frozenset())):
            return _failed(_still_differs(left))
        return Verdict(Outcome.APPLIED, self._kind.unverified)

    async def _appeared(self, conflict: Conflict, *, sent_before: bool) -> Verdict:
        """A create found the ID in use: by what we sent before, or by what somebody else made meanwhile."""
        try:
            now = await self._look(self._change.id) if self._kind.readable else None
            if now is None:
                return _failed(conflict, untouched=not sent_before)
            if not self._as_desired(now):
                error = Conflict("it appeared meanwhile, and is not as wanted", status=conflict.status, next_step=_LOOK)
                return _failed(error, untouched=not sent_before)
            if self._request.unseen:
                await self._before_send()
                return await self._verified(await self._send_unseen())
        except (ApiError, LedgerError) as error:
            if sent_before or (isinstance(error, ApiError) and error.is_unsure):
                return _unknown(error, "")
            return _failed(error, untouched=True)
        if sent_before:
            return Verdict(Outcome.APPLIED, "the answer was lost; a read shows that it took effect")
        return Verdict(Outcome.ALREADY, "it appeared meanwhile, as wanted")

    async def _refused(self, error: ReconcilerError, found: _Found | None) -> Verdict:
        """The write was certainly not carried out; an earlier one whose answer was lost may have been."""
        if self._change.action is Action.DELETE and isinstance(error, NotFound):
            return Verdict(Outcome.APPLIED, "it was gone already")
        if found is None:
            return _failed(error, untouched=True)
        if found is _Found.AS_DESIRED:
            return _unknown(error, "; an earlier attempt arrived, whether its secrets did cannot be read")
        try:
            now = await self._find()
        except ApiError as unreadable:
            return _unknown(error, f"; reading it back failed as well: {unreadable.message}")
        if now is _Found.AS_BEFORE:
            return _failed(error)
        if now is _Found.AS_DESIRED and not self._request.unseen:
            return Verdict(Outcome.APPLIED, "the answer was lost; a read shows that it took effect")
        return _unknown(error, "; an earlier attempt may have arrived")


def _still_differs(fields: Iterable[FieldChange]) -> NotVerified:
    paths = ", ".join(field.path for field in fields)
    return NotVerified(f"the API accepted it, and live still differs in {paths}", next_step=_LOOK)


def _failed(error: ReconcilerError, more: str = "", *, untouched: bool = False) -> Verdict:
    return Verdict(Outcome.FAILED, error.message + more, error, error.code, error.next_step, untouched)


def _unknown(lost: ReconcilerError | None, more: str, cause: ReconcilerError | None = None) -> Verdict:
    error = lost or AnswerLost("the answer was lost")
    return Verdict(Outcome.UNKNOWN, error.message + more, cause or error, error.code, error.next_step or _LOOK)
