"""make_plan: from desired and live to the one Plan that everything else works with. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import LedgerError, SecretsUnset, SecretUnset, UsageError
from reconciler.kind.kind import Action, Observed, Seen
from reconciler.kind.semantics import State, has_shape, write_only_paths
from reconciler.reconcile.changes import Draft, draft
from reconciler.reconcile.diff import secrets_in
from reconciler.reconcile.digests import change_digest, operation_digest, sealed
from reconciler.reconcile.guard import breaches
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.leased import held_notes, lease_over, under_lease
from reconciler.reconcile.moved import moved_by
from reconciler.reconcile.notes import (
    forbidden_host_notes,
    forgotten_notes,
    hidden_notes,
    literal_notes,
    run_notes,
    secret_notes,
    uncomparable_note,
    unmanaged_notes,
    unreadable_note,
)
from reconciler.reconcile.order import ordered
from reconciler.reconcile.paused import paused_live
from reconciler.reconcile.plan import Cause, Note, NoteKind, Operation, Plan
from reconciler.reconcile.references import made_along_in, references_in, without_made_along
from reconciler.reconcile.requests import judge_requests, known_of
from reconciler.reconcile.secrets import SecretStatus, secret_status
from reconciler.reconcile.steps import bracketed
from reconciler.reconcile.work import Desired, Planned, Work
from reconciler.secret import Secret, unset_secret
from reconciler.words import parse_duration

_BY_SOMEBODY = frozenset({Cause.LIVE_MOVED, Cause.BOTH_MOVED, Cause.UNDECLARED_PAUSE})
"""Causes of which somebody who wrote live is the reason."""


class _Findings(Struct):
    drafts: list[Draft] = []
    settled: list[Desired] = []
    notes: list[Note] = []
    managed: set[tuple[str, str]] = set()
    named: frozenset[tuple[str, str]] = frozenset()


def make_plan(inputs: PlanInputs) -> Planned:
    """Return the plan for one environment, and the work behind each change.

    Raises:
        UsageError: --target or --exclude names nothing, or leaves out what a planned object needs.
        LedgerError: what the ledger remembers of an object that no read shows is none.
    """
    _check_targets(inputs)
    found = _Findings(named=frozenset((each.kind, each.id) for each in inputs.desired))
    for desired in inputs.desired:
        _judge(inputs, desired, found)
    found.notes[:0] = (*forbidden_host_notes(inputs), *paused_live(inputs), *inputs.remarks)
    found.notes.extend(unmanaged_notes(inputs, found.managed))
    found.notes.extend(forgotten_notes(inputs, found.managed))
    with_steps, remarks = bracketed(inputs, found.drafts)
    found.notes.extend(remarks)
    drafts = _placed(inputs, with_steps)
    _check_dependencies(inputs, drafts)
    changing = {(item.change.kind, item.desired.id): item.change.key for item in drafts if not item.desired.absent}
    requests = judge_requests(inputs, changing)
    tasks, rest = (
        {task.key: replace(task, operation=_operation(task.operation)) for task in listed}
        for listed in (requests.tasks, requests.rest)
    )
    found.notes.extend(requests.notes)
    work = {item.change.key: _work(inputs, item) for item in drafts}
    found.notes.extend(run_notes(inputs, work.values()))
    created = inputs.now.replace(microsecond=0)
    plan = Plan(
        environment=inputs.environment,
        connections=tuple(sorted(inputs.connections.items())),
        created_at=created,
        expires_at=created + parse_duration(inputs.guardrails.max_plan_age),
        changes=tuple(item.change for item in drafts),
        notes=tuple(found.notes),
        breaches=breaches(inputs, tuple(work.values()), tuple(tasks.values())),
        unchanged=len(found.settled),
        digest="",
        targets=tuple(sorted(inputs.targets)),
        excluded=tuple(sorted(inputs.excluded)),
        push_secrets=inputs.push_secrets,
        operations=tuple(task.operation for task in tasks.values()),
        secrets_at_apply=inputs.secrets_at_apply,
    )
    return Planned(sealed(plan), work, tuple(found.settled), tasks, rest, requests.ended, known_of(inputs))


def _operation(operation: Operation) -> Operation:
    return replace(operation, digest=operation_digest(operation))


def require_secrets(inputs: PlanInputs, works: Iterable[Work]) -> None:
    """Stop where a change has to send a secret that has no value here, unless apply is to check that.

    Raises:
        SecretUnset: there is one; it is named with file and line.
        SecretsUnset: there are several; each is named with file and line.
    """
    missing: list[tuple[str, Secret]] = []
    for work in works if not inputs.secrets_at_apply else ():
        if work.change.action is Action.DELETE:
            continue
        kind = inputs.kinds[work.change.kind]
        if work.observed is None:
            body = kind.create_body(work.desired.state)
        else:
            body = kind.update_body(work.desired.state, work.observed, work.changed)
        missing.extend((work.change.key, secret) for _, secret in secrets_in(body) if not secret.is_set)
    or_else = ", or leave the object out with --target"
    found = [unset_secret(secret, key, or_else) for key, secret in missing]
    if len(found) > 1:
        raise SecretsUnset(found)
    if found:
        raise SecretUnset(found[0].message, place=found[0].place, next_step=found[0].hint)


def _judge(inputs: PlanInputs, desired: Desired, found: _Findings) -> None:
    """Compare one object and note what was found."""
    kind = inputs.kinds[desired.kind]
    observed, seen = _counterpart(inputs, desired)
    found.managed.add((desired.kind, desired.id))
    if not desired.absent:
        found.managed |= made_along_in(kind.spec, desired.state)
    if observed is not None:
        found.managed.add((desired.kind, observed.id))
    if not inputs.in_target(desired.kind, desired.name):
        return
    api_url = inputs.connections[kind.api]
    memory = inputs.memory
    found.notes.extend(held_notes(inputs, desired, observed))
    desired = under_lease(inputs, desired, observed)
    status, secrets = SecretStatus(), secrets_in(desired.state)
    if observed is not None and not desired.absent:
        status = secret_status(
            desired,
            observed,
            secrets,
            memory,
            api_url,
            write_only=write_only_paths(kind.spec),
            readable=kind.readable,
            restored_at=inputs.restored_at,
            push_secrets=inputs.push_secrets,
            at_apply=inputs.secrets_at_apply,
        )
        found.notes.extend(
            Note(NoteKind.UNKNOWN_MEMBER, desired.key, words, desired.place) for words in kind.notes(observed)
        )
    if observed is None and not kind.readable and not (desired.absent or inputs.lasting or inputs.push_secrets):
        found.notes.append(uncomparable_note(desired))
        return
    item = draft(
        kind,
        desired,
        observed,
        memory=memory,
        api_url=api_url,
        moved_secrets=status.moved,
        restored=status.restored,
        restored_at=inputs.restored_at,
        now=inputs.now,
        over=lease_over(inputs, desired),
        at_apply=inputs.secrets_at_apply,
    )
    if item is not None:
        found.drafts.append(_with_what_is_made(inputs, _with_who_moved_it(inputs, item), found.named))
        remarks = kind.delete_remarks(desired.state, memory.volumes.get((api_url, desired.id)))
        if not desired.absent:
            remarks = kind.remarks(item.desired.state, observed, item.changed)
        found.notes.extend(Note(NoteKind.REMARK, desired.key, words, desired.place) for words in remarks)
        found.notes.extend(hidden_notes(desired, item.hidden))
    else:
        found.settled.append(desired)
    if not kind.readable and not desired.absent:
        snapshot = memory.snapshots.get((api_url, desired.kind, desired.id))
        found.notes.append(unreadable_note(desired, snapshot, None if seen is None else seen.words))
    found.notes.extend(secret_notes(desired, secrets, status, memory, at_apply=inputs.secrets_at_apply))
    found.notes.extend(literal_notes(inputs, desired, secrets))


def _with_who_moved_it(inputs: PlanInputs, item: Draft) -> Draft:
    """Return a change that says who wrote live, where somebody's writing is why there is one."""
    if item.change.cause not in _BY_SOMEBODY:
        return item
    kind = inputs.kinds[item.change.kind]
    live_id = item.desired.id if item.observed is None else item.observed.id
    by = moved_by(inputs.memory, kind, inputs.connections[kind.api], live_id, watched=inputs.watched)
    detail = "; ".join(filter(None, (by, item.change.detail))) or None
    return replace(item, change=replace(item.change, detail=detail))


def _with_what_is_made(inputs: PlanInputs, item: Draft, named: frozenset[tuple[str, str]]) -> Draft:
    """Return a change that says which objects are made along with it: nobody else counts them."""
    if item.desired.absent:
        return item
    pairs = made_along_in(inputs.kinds[item.change.kind].spec, item.desired.state) - named
    made = sorted(f"{kind} {live_id}" for kind, live_id in pairs if inputs.is_missing(kind, live_id))
    words = [f"creates {', '.join(made)}"] if made else []
    detail = "; ".join([*words, *filter(None, [item.change.detail])])
    return replace(item, change=replace(item.change, detail=detail or None))


def _counterpart(inputs: PlanInputs, desired: Desired) -> tuple[Observed | None, Seen | None]:
    """Return the live object: by its ID, else by an ID it was renamed from; what is remembered, where none shows.

    Beside it, what an API that shows a part of it made of that.
    """
    kind = inputs.kinds[desired.kind]
    live: Mapping[str, Observed] = inputs.live.get(desired.kind, {})
    if kind.readable:
        names = (desired.id, *desired.renamed_from)
        return next((live[live_id] for live_id in names if live_id in live), None), None
    remembered = _remembered(inputs, desired)
    lasting = inputs.lasting or inputs.push_secrets
    seen = None
    if not desired.absent:
        seen = kind.seen(desired.state, remembered, live.get(desired.id), lasting=lasting)
    state = remembered if seen is None else seen.state
    return None if state is None else Observed(desired.kind, desired.id, state, {}), seen


def _remembered(inputs: PlanInputs, desired: Desired) -> State | None:
    """Return what was applied last of an object that no API shows; None: nothing was, as far as is known."""
    kind = inputs.kinds[desired.kind]
    snapshot = inputs.memory.snapshots.get((inputs.connections[kind.api], desired.kind, desired.id))
    if snapshot is None:
        return None
    if not has_shape(kind.spec, snapshot.state):
        raise LedgerError(
            f"The ledger is damaged: what it remembers of {desired.key} is not as reconciler writes it",
            next_step="Restore it from a backup, and see who else writes to it.",
        )
    # Applying it made such objects, and applying it again does.
    return without_made_along(kind.spec, snapshot.state, lambda of, live_id: _is_gone(inputs, of, live_id))


def _is_gone(inputs: PlanInputs, kind: str, live_id: str) -> bool:
    """Whether an object is not live, and no manifest of its own creates it."""
    declared = ((item.kind, item.id) for item in inputs.desired if not item.absent)
    return inputs.is_missing(kind, live_id) and (kind, live_id) not in declared


def _placed(inputs: PlanInputs, drafts: list[Draft]) -> list[Draft]:
    """Return the drafts in order, each with its level, what it waits for, and its digest."""
    changing = {(item.change.kind, item.desired.id): item for item in drafts}
    waits = {item.change.key: _waits_for(inputs, item, changing) for item in drafts}
    deletes = {item.change.key for item in drafts if item.desired.absent}
    levels = ordered({key: others for key, others in waits.items() if key not in deletes})
    after_writes = 1 + max(levels.values(), default=-1)
    for key, level in ordered({key: waits[key] for key in deletes}).items():
        levels[key] = after_writes + level
    placed: list[Draft] = []
    for item in drafts:
        key = item.change.key
        change = replace(item.change, level=levels[key], depends_on=tuple(sorted(waits[key])))
        placed.append(replace(item, change=replace(change, digest=change_digest(change))))
    return sorted(placed, key=lambda item: (item.change.level, item.change.kind, item.change.name))


def _references(inputs: PlanInputs, kind: str, state: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    return references_in(inputs.kinds[kind].spec, state)


def _waits_for(inputs: PlanInputs, item: Draft, changing: Mapping[tuple[str, str], Draft]) -> frozenset[str]:
    """Return the keys of the changes that must have succeeded before this one."""
    if not item.desired.absent:
        needed = (changing.get(pair) for pair in _references(inputs, item.change.kind, item.desired.state))
        return frozenset(other.change.key for other in needed if other is not None and not other.desired.absent)
    gone = (item.change.kind, item.change.id)
    return frozenset(
        other.change.key
        for other in changing.values()
        if other.observed is not None and gone in _references(inputs, other.change.kind, other.observed.state)
    )


def _check_targets(inputs: PlanInputs) -> None:
    known = {item.kind for item in inputs.desired} | {item.key for item in inputs.desired} | set(inputs.kinds)
    known |= {item.key for item in inputs.requests} | set(inputs.request_kinds)
    for option, names in (("--target", inputs.targets), ("--exclude", inputs.excluded)):
        for name in sorted(names - known):
            raise UsageError(
                f"{option} {name} names no manifest of the environment {inputs.environment}",
                next_step=f"Use KIND or KIND/NAME as in the plan, e.g. {option} EntitySync/categories.",
            )


def _check_dependencies(inputs: PlanInputs, drafts: list[Draft]) -> None:
    """With --target or --exclude: what a planned object refers to must be live or in the plan as well."""
    if not inputs.targets | inputs.excluded:
        return
    planned = {(item.change.kind, item.change.id) for item in drafts}
    for item in drafts:
        if item.desired.absent:
            continue
        for kind, live_id in _references(inputs, item.change.kind, item.desired.state):
            if inputs.is_missing(kind, live_id) and (kind, live_id) not in planned:
                raise UsageError(
                    f"{item.change.key} refers to {kind} {live_id}, which is not live and not in this plan",
                    place=item.change.place,
                    next_step=f"Let {kind} in with --target, leave it out of --exclude, or plan everything.",
                )


def _work(inputs: PlanInputs, item: Draft) -> Work:
    api = inputs.kinds[item.change.kind].api
    return Work(item.change, api, inputs.connections[api], item.desired, item.observed, item.changed)
