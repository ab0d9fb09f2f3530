"""Guardrails: what a plan may do. They judge changes, not the state that is there. Pure.

Every rule has an ID, its name in `guardrails` or one of the fixed ones below, and a section in docs/guardrails.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from reconciler.duration import parse_duration
from reconciler.errors import UsageError
from reconciler.kind import Action, fields_of, semantics_by_path
from reconciler.manifest.hosts import host_allowed, hosts_of
from reconciler.manifest.resolve import LITERAL
from reconciler.reconcile.diff import covers, secrets_in, value_at
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.plan import FIXED_RULES, Breach
from reconciler.reconcile.work import Work
from reconciler.secret import Secret

Finding = tuple[str, tuple[str, ...]]
Rule = Callable[[PlanInputs, Sequence[Work]], Iterator[Finding]]


def breaches(inputs: PlanInputs, works: Sequence[Work]) -> tuple[Breach, ...]:
    """Return every breach of every rule by these changes, those marked that this run overrides.

    Args:
        inputs: limits, live side and overrides.
        works: the changes to judge: those of a whole plan, or those that an approval covers.

    Raises:
        UsageError: an override names no rule, or one that cannot be overridden.
    """
    for rule in inputs.overrides:
        if rule not in OVERRIDABLE:
            fixed = " cannot be overridden" if rule in RULES else " is no guardrail"
            raise UsageError(
                f"--override {rule}: {rule}{fixed}", next_step=f"The rules are {', '.join(sorted(OVERRIDABLE))}."
            )
    return tuple(
        Breach(rule, message, keys, inputs.overrides.get(rule))
        for rule, judge in RULES.items()
        for message, keys in judge(inputs, works)
    )


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
        if item.desired.pause is None or item.desired.pause.until is None:
            yield (
                f"{item.change.key} would be paused without an end; write pause: {{until: …, reason: …}}",
                (item.change.key,),
            )


def _max_pause(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    limit = parse_duration(inputs.guardrails.max_pause)
    for item in _newly_paused(inputs, works):
        remaining = item.desired.pause.remaining(inputs.now) if item.desired.pause else None
        if remaining is not None and remaining > limit:
            days = remaining.total_seconds() / 86_400
            yield (
                f"{item.change.key} would be paused for {days:.1f} days; the limit is {inputs.guardrails.max_pause}",
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
        if item.observed is None or item.change.action is Action.DELETE:
            continue
        kind = inputs.kinds[item.change.kind]
        for refusal in kind.refusals(item.desired.state, item.observed, item.changed, item.desired.ignore):
            yield f"{item.change.key}: {refusal.message}", (item.change.key,)


def _target_hosts(inputs: PlanInputs, works: Sequence[Work]) -> Iterator[Finding]:
    allowed = inputs.target_hosts
    if allowed is None:
        return
    for item in works:
        if item.change.action is Action.DELETE:
            continue
        for path, semantics in semantics_by_path(inputs.kinds[item.change.kind].spec).items():
            value = value_at(item.desired.state, path)
            if semantics.host is None or value is None or covers(item.desired.ignore, path):
                continue
            text = value.value if isinstance(value, Secret) else value
            if not isinstance(text, str):
                continue
            hosts = hosts_of(text, semantics.host)
            # No message echoes the value: it may be a connection string.
            if hosts is None:
                yield f"{item.change.key}: no host can be read from {path}, so it cannot be checked", (item.change.key,)
            elif not all(host_allowed(host, allowed) for host in hosts):
                yield f"{item.change.key}: {path} points outside targetHosts", (item.change.key,)


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
    for item in works:
        if item.observed is None or item.change.action not in (Action.DELETE, Action.RENAME):
            continue
        users = sorted(
            f"{name}/{live_id}"
            for name, objects in inputs.live.items()
            for live_id, observed in objects.items()
            for field, node in fields_of(inputs.kinds[name].spec).items()
            if node.semantics.references == item.change.kind
            and _value_after(after.get((name, live_id)), field, observed.state.get(field)) == item.observed.id
        )
        if users and item.change.action is Action.DELETE:
            yield f"{item.change.key} is still used by {', '.join(users)}", (item.change.key,)
        elif users:
            # inferred: whether what refers to a renamed object follows it is not known.
            words = f"{item.change.key} is used under its old ID by {', '.join(users)}, which this plan does not change"
            yield words, (item.change.key,)


def _value_after(item: Work | None, field: str, before: object) -> object:
    if item is None:
        return before
    return None if item.desired.absent else item.desired.state.get(field)


RULES: Mapping[str, Rule] = {
    "in-use": _in_use,
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
OVERRIDABLE = frozenset(RULES) - FIXED_RULES
