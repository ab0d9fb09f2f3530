"""Requests of manifests: which there are, which of them a plan carries out, and what is to be said of the others. Pure.

A request is known by an ID made of its name and content. What the ledger knows of that ID decides: what certainly was
not carried out is an operation of the plan, everything else is a note.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

import orjson
from msgspec import Struct

from reconciler.errors import Place
from reconciler.kind.request import RequestKinds, Step
from reconciler.kind.semantics import State
from reconciler.ledger.config.model import AskedRequest, RequestStep, StepState
from reconciler.manifest.model import Manifest
from reconciler.manifest.resolve import resolve
from reconciler.manifest.scope import Scope
from reconciler.reconcile.plan import Note, NoteKind, Operation, Outcome, StepResult
from reconciler.reconcile.references import with_references
from reconciler.redacted import RedactedStruct
from reconciler.words import counted

if TYPE_CHECKING:
    from reconciler.reconcile.inputs import PlanInputs

_REMOVE = "remove the manifest"
_BECAME = {
    StepState.DONE: Outcome.ALREADY,
    StepState.SENT: Outcome.UNKNOWN,
    StepState.REFUSED: Outcome.FAILED,
    StepState.PENDING: Outcome.SKIPPED,
}
_WORST_FIRST = (Outcome.UNKNOWN, Outcome.FAILED, Outcome.SKIPPED)
_ASK_ANEW = "to ask for it again, write another notAfter"


class Requested(RedactedStruct, frozen=True):
    """What one manifest asks to be done once, references resolved.

    Args:
        kind: of the manifest.
        name: of the manifest.
        id: made of name and content.
        state: its spec.
        not_after: when it is over (timezone-aware).
        place: of the manifest.
    """

    redacted: ClassVar[tuple[str, ...]] = ("state",)

    kind: str
    name: str
    id: str
    state: State
    not_after: datetime
    place: Place

    @property
    def key(self) -> str:
        """`Kind/name`."""
        return f"{self.kind}/{self.name}"


class Task(Struct, frozen=True):
    """An operation with what carrying it out takes.

    Args:
        operation: what the plan says of it.
        environment: name of the Environment.
        api: names the connection.
        api_url: live side that it is about.
        steps: in order.
        weight: records that it counts for, against a limit.
        needs: kind and live ID of what has to be there.
        instead: what to do where they are too many.
    """

    operation: Operation
    environment: str
    api: str
    api_url: str
    steps: tuple[Step, ...]
    weight: int = 0
    needs: tuple[tuple[str, str], ...] = ()
    instead: str = ""

    @property
    def key(self) -> str:
        """`Kind/name`."""
        return self.operation.key

    def asked(self, holder: str, now: datetime) -> AskedRequest:
        """Return what the ledger notes of it before anything is sent."""
        steps = tuple(RequestStep(step.does) for step in self.steps)
        operation = self.operation
        return AskedRequest(
            self.api_url,
            operation.id,
            self.environment,
            operation.kind,
            operation.name,
            operation.does,
            holder,
            now,
            steps,
        )


def requested(
    manifests: Iterable[Manifest], kinds: RequestKinds, scope: Scope, ids: Mapping[tuple[str, str], str]
) -> tuple[Requested, ...]:
    """Return what manifests ask to be done.

    Args:
        manifests: those of requests, of one environment, patches merged.
        kinds: the registry.
        scope: where references resolve.
        ids: live ID by kind and name of the objects that they may refer to.

    Raises:
        UnresolvedReference: an `${env:}` or `${var:}` has no value.
        ManifestErrors: a resolved value does not fit its field.
    """
    found = []
    for manifest in manifests:
        kind = kinds[manifest.kind]
        state = resolve(manifest, kind, scope).state
        state = with_references(kind.spec, state, lambda of, name: ids.get((of, name), name))
        state["notAfter"] = state["notAfter"].astimezone(UTC)
        content = orjson.dumps([manifest.kind, manifest.name, state], option=orjson.OPT_SORT_KEYS)
        identity = hashlib.sha256(content).hexdigest()[:16]
        found.append(Requested(manifest.kind, manifest.name, identity, state, state["notAfter"], manifest.place()))
    return tuple(found)


class EndedRequest(Struct, frozen=True):
    """A request of the manifests that is not carried out any more, what became of it and of its steps."""

    operation: Operation
    outcome: Outcome
    words: str
    steps: tuple[StepResult, ...] = ()


class RequestFindings(Struct):
    """What requests come to in a plan.

    Args:
        tasks: what the plan carries out.
        rest: what an interrupted run began and has not sent all of.
        ended: what became of those that it does not, by key.
        notes: what is to be known of all of them.
    """

    tasks: list[Task] = []
    rest: list[Task] = []
    ended: dict[str, EndedRequest] = {}
    notes: list[Note] = []


def judge_requests(inputs: PlanInputs, changing: Mapping[tuple[str, str], str]) -> RequestFindings:
    """Return which requests a plan carries out, and what is to be said of all of them.

    Args:
        inputs: of the plan.
        changing: key of each change that creates or updates, by kind and live ID.
    """
    found = RequestFindings()
    for request in inputs.requests:
        if inputs.in_target(request.kind, request.name):
            _judge(inputs, request, changing, found)
    return found


def _judge(
    inputs: PlanInputs, request: Requested, changing: Mapping[tuple[str, str], str], found: RequestFindings
) -> None:
    kind = inputs.request_kinds[request.kind]
    api_url = inputs.connections[kind.api]
    known = inputs.memory.requests.get((api_url, request.id))
    task = _task(inputs, request, changing, known)
    words = None if known is None else told(known)
    if known is not None and words is not None:
        steps = tuple(StepResult(step.does, _BECAME[step.state], step.message) for step in known.steps)
        became = {step.outcome for step in steps}
        outcome = next((worst for worst in _WORST_FIRST if worst in became), Outcome.ALREADY)
        found.ended[request.key] = EndedRequest(task.operation, outcome, words, steps)
        found.notes.append(_note(request, words))
        if any(step.state is StepState.PENDING for step in known.steps):
            found.rest.append(task)
        return
    if inputs.now >= request.not_after:
        words = f"its notAfter passed at {request.not_after:%Y-%m-%d %H:%M %Z}, so it is not carried out; {_REMOVE}"
        found.ended[request.key] = EndedRequest(task.operation, Outcome.STALE, words)
        found.notes.append(_note(request, words))
        return
    found.tasks.append(task)
    if task.operation.unsure:
        found.notes.append(_note(request, _unsure_words(inputs, api_url)))
    found.notes.extend(_note(request, said) for said in kind.remarks(request.state, inputs.live))
    found.notes.extend(_earlier(inputs, request, api_url))


def _task(
    inputs: PlanInputs,
    request: Requested,
    changing: Mapping[tuple[str, str], str],
    known: AskedRequest | None,
) -> Task:
    kind = inputs.request_kinds[request.kind]
    api_url = inputs.connections[kind.api]
    steps = tuple(kind.steps(request.state))
    needs = tuple(kind.needs(request.state))
    does = kind.does(request.state)
    reason = request.state.get("reason")
    remembers = inputs.lasting and api_url in inputs.memory.remembers
    operation = Operation(
        kind=request.kind,
        name=request.name,
        id=request.id,
        does=does,
        reason=None if reason is None else str(reason),
        steps=tuple(step.does for step in steps),
        not_after=request.not_after,
        place=request.place,
        depends_on=tuple(sorted(changing[need] for need in needs if need in changing)),
        unsure=not remembers or (known is not None and known.unremembered),
    )
    return Task(
        operation, inputs.environment, kind.api, api_url, steps, kind.weight(request.state), needs, kind.instead
    )


def told(known: AskedRequest) -> str | None:
    """Return what is to be said of a request that the ledger knows; None: nothing of it was carried out."""
    if known.is_open or known.unremembered:
        return None
    when = f"{known.asked_at:%Y-%m-%d %H:%M %Z} by {known.holder}"
    if known.is_unknown:
        unsure = [step.does for step in known.steps if step.state is StepState.SENT]
        left = _left(known)
        return (
            f"unknown: it was cut off ({when}), and whether {_first(unsure)} was carried out cannot be known{left}; it "
            f"is not sent again. See what is live; then {_REMOVE}, or, {_ASK_ANEW}"
        )
    refused = [step for step in known.steps if step.state is StepState.REFUSED]
    pending = sum(step.state is StepState.PENDING for step in known.steps)
    if refused or pending:
        done = len(known.steps) - len(refused) - pending
        why = f" ({refused[0].does}: {refused[0].message})" if refused and refused[0].message else ""
        refusals = f", {len(refused)} refused{why}" if refused else ""
        return (
            f"partly carried out ({when}): {done} of {counted(len(known.steps), 'step')} done{refusals}{_left(known)}; "
            f"the rest is not sent by itself. {_REMOVE.capitalize()}, and ask for what is left in another request"
        )
    return f"carried out ({when}); {_REMOVE}"


def _left(known: AskedRequest) -> str:
    pending = sum(step.state is StepState.PENDING for step in known.steps)
    return f", {counted(pending, 'step')} never sent" if pending else ""


def _first(steps: list[str]) -> str:
    more = f" and {len(steps) - 1} more" if len(steps) > 1 else ""
    return f"{steps[0]}{more}"


def _unsure_words(inputs: PlanInputs, api_url: str) -> str:
    if not inputs.lasting:
        why = "the ledger is gone after this job"
    elif api_url not in inputs.memory.remembers:
        why = "this ledger has remembered no request so far"
    else:
        why = "this ledger began to remember requests when this one was there already"
    return (
        f"{why}, so whether it was carried out before cannot be known: apply leaves it out, unless --ephemeral-ledger "
        "accepts that it may be done twice. Or let one apply pass, and write another notAfter"
    )


def _earlier(inputs: PlanInputs, request: Requested, api_url: str) -> Iterator[Note]:
    """Say that a request of this name was begun before with other content: the same may be done again."""
    for known in inputs.memory.requests.values():
        same = (known.api_url, known.kind, known.name) == (api_url, request.kind, request.name)
        if same and known.id != request.id and not known.is_open and not known.unremembered:
            words = f"another request of this name was begun {known.asked_at:%Y-%m-%d %H:%M %Z}: {known.does}"
            yield _note(request, words)


def _note(request: Requested, words: str) -> Note:
    return Note(NoteKind.REQUEST, request.key, words, request.place)


def known_of(inputs: PlanInputs) -> tuple[AskedRequest, ...]:
    """Return every request of the manifests as the ledger would note it, in or out of what a plan is limited to."""
    return tuple(
        AskedRequest(
            inputs.connections[inputs.request_kinds[request.kind].api],
            request.id,
            inputs.environment,
            request.kind,
            request.name,
            inputs.request_kinds[request.kind].does(request.state),
            "",
            inputs.now,
        )
        for request in inputs.requests
    )
