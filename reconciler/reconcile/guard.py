"""Guardrails: what a plan may do. They judge changes, not the state that is there. Pure.

Every rule has an ID, its name in `guardrails` or one of the fixed ones below, and a section in docs/guardrails.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import TypeVar

from pydantic import BaseModel

from reconciler.errors import UsageError
from reconciler.hosts import host_allowed
from reconciler.kind.kind import Action, Observed
from reconciler.kind.request import LONGEST_AHEAD
from reconciler.kind.semantics import semantics_by_path
from reconciler.manifest.hosts import HostForm, hosts_of
from reconciler.manifest.resolve import LITERAL
from reconciler.reconcile.diff import covers, secrets_in, value_at
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.plan import FIXED_RULES, Breach
from reconciler.reconcile.references import references_in
from reconciler.reconcile.requests import Task
from reconciler.reconcile.work import Work
from reconciler.secret import Secret
from reconciler.words import parse_duration

Finding = tuple[str, tuple[str, ...]]
Rule = Callable[[PlanInputs, Sequence[Work]], Iterator[Finding]]
_Item = TypeVar("_Item", Work, Task)
_Judge = Callable[[PlanInputs, Sequence[_Item]], Iterator[Finding]]


def breaches(inputs: PlanInputs, works: Sequence[Work], tasks: Sequence[Task] = ()) -> tuple[Breach, ...]:
    """Return every breach of every rule by these changes and operations, those marked that this run overrides.

    Args:
        inputs: limits, live side and overrides.
        works: the changes to judge: those of a whole plan, or those that an approval covers.
        tasks: the operations to judge, likewise.

    Raises:
        UsageError: an override names no rule, or one that cannot be overridden.
    """
    for rule in inputs.overrides:
        if rule not in OVERRIDABLE:
            fixed = " cannot be overridden" if rule in FIXED_RULES else " is no guardrail"
            raise UsageError(
                f"--override {rule}: {rule}{fixed}", next_step=f"The rules are {', '.join(sorted(OVERRIDABLE))}."
            )
    return (*_found(inputs, works, RULES), *_found(inputs, tasks, REQUEST_RULES))


def _found(inputs: PlanInputs, items: Sequence[_Item], rules: Mapping[str, _Judge[_Item]]) -> Iterator[Breach]:
    for rule, judge in rules.items():
        for message, keys in judge(inputs, items):
            overridden = inputs.overrides.get(rule) if rule in OVERRIDABLE else None
            yield Breach(rule, message, keys, overridden or _reviewed(inputs, items, rule, judge, keys))


def _reviewed(
    inputs: PlanInputs, works: Sequence[_Item], rule: str, judge: _Judge[_Item], keys: Collection[str]
) -> str | None:
    """Return why a breach need not stand, by the overrides that were reviewed with the manifests, or None."""
    entries = [entry for entry in inputs.guardrails.overrides if entry.rule == rule and inputs.now < entry.until]
    covered = {key for entry in entries for key in entry.objects}
    if not covered & set(keys):
        return None
    # A limit counts what no entry names; any other rule is kept by each object for itself.
    rest = tuple(item for item in works if item.key not in covered)
    stands = any(judge(inputs, rest)) if rule in COUNTING else not covered.issuperset(keys)
    if rule not in OVERRIDABLE or stands:
        return None
    used = [entry for entry in entries if not set(entry.objects).isdisjoint(keys)]
    return "; ".join(f"{entry.reason} (guardrails.overrides, until {entry.until:%Y-%m-%d %H:%M %Z})" for entry in used)


def _max_deletes(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    keys = tuple(item.change.key for item in works if item.change.action is Action.DELETE)
    limit = inputs.guardrails.max_deletes
    if len(keys) > limit:
        yield f"{len(keys)} delete{'s' * (len(keys) != 1)} in one plan; the limit is {limit}", keys


def _max_changes(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    limit = inputs.guardrails.max_changes
    if len(works) > limit:
        yield f"{len(works)} changes in one plan; the limit is {limit}", tuple(item.change.key for item in works)


def _protect(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:  # noqa: ARG001 - a Rule
    for item in works:
        if item.change.action is Action.DELETE and item.desired.protect:
            yield f"{item.change.key} is protected (metadata.protect) and would be deleted", (item.change.key,)


def _newly_paused(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Work]:
    for item in works:
        pause = inputs.kinds[item.change.kind].pause_field
        if pause in item.changed and item.desired.state.get(pause or "") is True:
            yield item


def _require_pause_end(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    if not inputs.guardrails.require_pause_end:
        return
    for item in _newly_paused(inputs, works):
        pause = item.desired.pause
        if pause is None or (pause.until is None and pause.windows is None):
            yield (
                f"{item.change.key} would be paused without an end; write pause: {{until: …, reason: …}}",
                (item.change.key,),
            )


def _max_pause(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    limit = parse_duration(inputs.guardrails.max_pause)
    for item in _newly_paused(inputs, works):
        remaining = item.desired.pause.remaining(inputs.now, limit) if item.desired.pause else None
        if remaining is not None and remaining > limit:
            days = f"{remaining.total_seconds() / 86_400:.1f} days"
            if item.desired.pause is not None and item.desired.pause.windows is not None:
                days += " or more, window after window"
            yield (
                f"{item.change.key} would be paused for {days}; the limit is {inputs.guardrails.max_pause}",
                (item.change.key,),
            )


def _stop_all(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    if inputs.guardrails.stop_all == "allow":
        return
    running: set[tuple[str, str]] = set()
    for name, objects in inputs.live.items():
        pause = inputs.kinds[name].pause_field
        if pause is not None:
            running |= {(name, live_id) for live_id, item in objects.items() if not item.state.get(pause)}
    paused = {item.change.key for item in _newly_paused(inputs, works)}
    stopped = {
        (item.change.kind, item.observed.id): item.change.key
        for item in works
        if item.observed is not None and (item.change.action is Action.DELETE or item.change.key in paused)
    }
    if len(running) > 1 and running <= stopped.keys():
        yield (
            f"all {len(running)} running syncs would be paused or removed at once",
            tuple(sorted(stopped[key] for key in running)),
        )


def _loses_data(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    for item in works:
        if item.change.action is Action.DELETE:
            continue
        kind = inputs.kinds[item.change.kind]
        refusals = (
            kind.create_refusals(item.desired.state)
            if item.observed is None
            else kind.refusals(item.desired.state, item.observed, item.changed, item.desired.ignore)
        )
        for refusal in refusals:
            at_risk = inputs.at_risk.get(item.change.key)
            more = "" if at_risk is None else f"; {at_risk}"
            yield f"{item.change.key}: {refusal.message}{more}", (item.change.key,)


def _target_hosts(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    allowed = inputs.target_hosts
    if allowed is None:
        return
    for item in works:
        if item.change.action is Action.DELETE:
            continue
        for path, form in _host_paths(inputs.kinds[item.change.kind].spec):
            value = value_at(item.desired.state, path)
            if value is None or covers(item.desired.ignore, path):
                continue
            # Where a secret in a URL is not set here, the rest of the URL says where it points.
            text = (value.value or value.shown) if isinstance(value, Secret) else value
            if not isinstance(text, str):
                continue
            hosts = hosts_of(text, form)
            # No message echoes the value: it may be a connection string.
            if hosts is None:
                yield f"{item.change.key}: no host can be read from {path}, so it cannot be checked", (item.change.key,)
            elif not all(host_allowed(host, allowed) for host in hosts):
                yield f"{item.change.key}: {path} points outside targetHosts", (item.change.key,)


@cache
def _host_paths(spec: type[BaseModel]) -> tuple[tuple[str, HostForm], ...]:
    """Return the paths of a spec that point at a host, and how each says which."""
    found = ((path, semantics.host) for path, semantics in semantics_by_path(spec).items())
    return tuple((path, form) for path, form in found if form is not None)


def _literal_secrets(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    if inputs.guardrails.literal_secrets != "forbid":
        return
    for item in works:
        if item.change.action is not Action.DELETE:
            for path, secret in secrets_in(item.desired.state):
                if secret.reference == LITERAL:
                    yield f"{item.change.key}: the value of {path} stands in the manifest itself", (item.change.key,)


def _in_use(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    """What a live object will still refer to after this plan, and what goes or gets another ID."""
    after: Mapping[tuple[str, str], Work] = {
        (item.change.kind, item.observed.id): item for item in works if item.observed is not None
    }
    leaving = [item for item in works if item.change.action in (Action.DELETE, Action.RENAME)]
    users_of: dict[tuple[str, str], list[str]] = {}
    for name, objects in inputs.live.items() if leaving else ():
        for live_id, observed in objects.items():
            for target in _references_after(inputs, after.get((name, live_id)), observed):
                users_of.setdefault(target, []).append(f"{name}/{live_id}")
    for item in leaving:
        if item.observed is None:
            continue
        users = sorted(users_of.get((item.change.kind, item.observed.id), ()))
        if users and item.change.action is Action.DELETE:
            yield f"{item.change.key} is still used by {', '.join(users)}", (item.change.key,)
        elif users:
            # inferred: whether what refers to a renamed object follows it is not known.
            words = f"{item.change.key} is used under its old ID by {', '.join(users)}, which this plan does not change"
            yield words, (item.change.key,)


def _references_after(inputs: PlanInputs, item: Work | None, observed: Observed) -> frozenset[tuple[str, str]]:
    """What a live object refers to once its change, if it has one, is carried out."""
    if item is not None and item.desired.absent:
        return frozenset()
    state = observed.state if item is None else item.desired.state
    return frozenset(references_in(inputs.kinds[observed.kind].spec, state))


def _missing_reference(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    """What a change would refer to that neither live has nor the manifests make."""
    made = {(desired.kind, desired.id) for desired in inputs.desired if not desired.absent}
    for item in works:
        if item.desired.absent:
            continue
        for kind, live_id in references_in(inputs.kinds[item.change.kind].spec, item.desired.state, needed=True):
            if inputs.is_missing(kind, live_id) and (kind, live_id) not in made:
                yield f"{item.change.key} refers to {kind} {live_id}, which is not live", (item.change.key,)


def _unsupported(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    """What the API has no way to do."""
    for item in works:
        kind = inputs.kinds[item.change.kind]
        if item.change.action is Action.DELETE:
            if not kind.deletable:
                yield f"{item.change.key} would be deleted, and the API cannot delete a {kind.name}", (item.change.key,)
            for words in kind.delete_refusals(item.desired.state):
                yield f"{item.change.key} would be deleted: {words}", (item.change.key,)
            continue
        for field in item.change.fields if item.observed is not None else ():
            set_already = field.before is not None and field.after is not None
            if set_already and _is_immutable(kind.spec, field.path):
                what = f"{field.path} is {_shown(field.before)} and would become {_shown(field.after)}"
                yield f"{item.change.key}: {what}, and the API cannot change it any more", (item.change.key,)


def _is_immutable(model: type[BaseModel], path: str) -> bool:
    semantics = semantics_by_path(model).get(path)
    return semantics is not None and semantics.immutable


def _shown(value: object) -> str:
    return str(value)[:60]


def _needs_missing(inputs: PlanInputs, tasks: Sequence[Task]) -> Iterator[Finding]:
    """What a request needs that neither live has nor the manifests make."""
    made = {(desired.kind, desired.id) for desired in inputs.desired if not desired.absent}
    for task in tasks:
        for kind, live_id in task.needs:
            if inputs.is_missing(kind, live_id) and (kind, live_id) not in made:
                yield f"{task.key} needs {kind} {live_id}, which is not configured", (task.key,)


def _not_after(inputs: PlanInputs, tasks: Sequence[Task]) -> Iterator[Finding]:
    for task in tasks:
        if task.operation.not_after - inputs.now > LONGEST_AHEAD:
            end = f"{task.operation.not_after:%Y-%m-%d %H:%M %Z}"
            yield f"{task.key}: notAfter is {end}, more than {LONGEST_AHEAD.days} days ahead", (task.key,)


def _resync_max(inputs: PlanInputs, tasks: Sequence[Task]) -> Iterator[Finding]:
    weighing = tuple(task for task in tasks if task.weight)
    limit, records = inputs.guardrails.resync_max, sum(task.weight for task in weighing)
    if records > limit:
        instead = " ".join(dict.fromkeys(task.instead for task in weighing))
        yield over_the_limit(records, limit, "one plan", instead), tuple(task.key for task in weighing)


def over_the_limit(records: int, limit: int, where: str, instead: str) -> str:
    """Return why so many records must not be sent again one by one, and the right way instead."""
    return f"{records:,} records would be sent again in {where}; the limit is {limit:,}. {instead}"


RULES: Mapping[str, Rule] = {
    "in-use": _in_use,
    "missing-reference": _missing_reference,
    "unsupported": _unsupported,
    "protect": _protect,
    "loses-data": _loses_data,
    "stopAll": _stop_all,
    "maxDeletes": _max_deletes,
    "maxChanges": _max_changes,
    "requirePauseEnd": _require_pause_end,
    "maxPause": _max_pause,
    "targetHosts": _target_hosts,
    "literalSecrets": _literal_secrets,
}
REQUEST_RULES: Mapping[str, _Judge[Task]] = {
    "missing-reference": _needs_missing,
    "notAfter": _not_after,
    "resyncMax": _resync_max,
}
OVERRIDABLE = (frozenset(RULES) | frozenset(REQUEST_RULES)) - FIXED_RULES
COUNTING = frozenset({"maxDeletes", "maxChanges", "resyncMax"})
