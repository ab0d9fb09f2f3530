"""Notes of a plan: what a reviewer should know beside its changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from pydantic import BaseModel

from reconciler.hosts import host_allowed
from reconciler.kind.semantics import FieldNode, State, fields_of, semantics_by_path
from reconciler.ledger.config.model import Memory, Snapshot
from reconciler.manifest.hosts import HostForm, hosts_of
from reconciler.manifest.resolve import LITERAL
from reconciler.reconcile.diff import covers
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.plan import Note, NoteKind
from reconciler.reconcile.secrets import SecretStatus
from reconciler.reconcile.work import Desired, Work
from reconciler.secret import Secret


def secret_notes(
    desired: Desired,
    secrets: Sequence[tuple[str, Secret]],
    status: SecretStatus,
    memory: Memory,
    *,
    at_apply: bool = False,
) -> Iterator[Note]:
    """Yield a note for each secret that could not be compared, and why, at the place of the manifest.

    Where the secret itself stands would have to be looked up in the file, and there may be thousands of these.
    """
    if at_apply and not desired.absent:
        for path, secret in secrets:
            if not secret.is_set and not covers(desired.ignore, path):
                words = f"{path}: {secret.reference} is checked at apply, which compares it and checks its host"
                yield Note(NoteKind.CHECKED_AT_APPLY, desired.key, words, desired.place)
    for path, secret in status.unset if not at_apply else ():
        words = f"{path}: {secret.reference} {secret.lacks} here; it is not compared"
        yield Note(NoteKind.SECRET_UNSET, desired.key, words, desired.place)
    for path, secret in secrets:
        value = None if desired.absent else secret.value
        if value is not None and value != value.strip():
            words = f"{path}: the value of {secret.reference} begins or ends with white space, and is sent as it is"
            yield Note(NoteKind.SECRET_BLANKS, desired.key, words, desired.place)
    for path, secret in status.unknown:
        why = "there is no ledger yet" if memory.fresh else "it was never applied from this ledger"
        words = f"{path}: {secret.reference} cannot be compared, {why}; --push-secrets sends it"
        yield Note(NoteKind.SECRET_UNKNOWN, desired.key, words, desired.place)


def hidden_notes(desired: Desired, paths: Iterable[str]) -> Iterator[Note]:
    """Yield a note for each value with a secret in it that changes, which no approval covers."""
    for path in paths:
        words = f"{path}: a secret in it changes; it is not shown, and an approval does not cover it"
        yield Note(NoteKind.SECRET_CHANGES, desired.key, words, desired.place)


def unreadable_note(desired: Desired, snapshot: Snapshot | None, seen: str | None = None) -> Note:
    """Return the note on an object that the API cannot show: what it is compared with; `seen` has the words for it."""
    words = seen or (
        "the API cannot show it; nothing was applied from this ledger yet, so all of it is sent"
        if snapshot is None
        else f"the API cannot show it; it is compared with what was applied {snapshot.applied_at:%Y-%m-%d %H:%M %Z}"
    )
    return Note(NoteKind.UNREADABLE, desired.key, words, desired.place)


def uncomparable_note(desired: Desired) -> Note:
    """Return the note on an object that cannot be compared: neither the API nor a ledger says what it is like."""
    words = (
        "cannot be compared: the API cannot show it, and no lasting ledger remembers what was applied; "
        "--push-secrets sends it all the same"
    )
    return Note(NoteKind.UNREADABLE, desired.key, words, desired.place)


def forbidden_host_notes(inputs: PlanInputs) -> Iterator[Note]:
    """Yield a note for each live object that points where targetHosts forbids, whether a manifest names it or not."""
    names = {(desired.kind, desired.id): desired.name for desired in inputs.desired}
    for kind, objects in inputs.live.items():
        for live_id, observed in objects.items():
            for path, host in forbidden_hosts(inputs.kinds[kind].spec, observed.state, inputs.target_hosts):
                where = f"points at {host}" if host else "names no host that can be checked"
                words = f"live {where} in {path}, outside targetHosts"
                yield Note(NoteKind.FORBIDDEN_HOST, f"{kind}/{names.get((kind, live_id), live_id)}", words)


def forbidden_hosts(
    model: type[BaseModel], state: State, allowed: tuple[str, ...] | None
) -> Iterator[tuple[str, str | None]]:
    """Yield path and host of what a live state points at outside an allow-list; None: no host can be read.

    Args:
        model: of the spec.
        state: as live shows it.
        allowed: the environment's targetHosts, or None where it has none.
    """
    for path, value, form in _host_values(model, state) if allowed is not None else ():
        hosts = hosts_of(value, form)
        bad = [None] if hosts is None else [host for host in hosts if not host_allowed(host, allowed or ())]
        yield from ((path, host) for host in bad)


def _host_values(model: type[BaseModel], state: State, prefix: str = "") -> Iterator[tuple[str, str, HostForm]]:
    """Yield path, value and form of what says where something is; what stands in a list does not."""
    for name, node in _host_fields(model).items():
        value = state.get(name)
        if isinstance(value, str) and node.semantics.host is not None:
            yield f"{prefix}{name}", value, node.semantics.host
        elif isinstance(value, dict) and node.model is not None:
            yield from _host_values(node.model, value, f"{prefix}{name}.")


@cache
def _host_fields(model: type[BaseModel]) -> Mapping[str, FieldNode]:
    """Return the fields that say where something is, and those that hold such fields."""
    return {
        name: node
        for name, node in fields_of(model).items()
        if node.semantics.host is not None or (node.model is not None and _host_fields(node.model))
    }


def unmanaged_notes(inputs: PlanInputs, managed: set[tuple[str, str]]) -> Iterator[Note]:
    """Yield a note for each live object that no manifest names."""
    if inputs.guardrails.unmanaged == "ignore" or inputs.targets:
        return
    for kind, objects in inputs.live.items():
        records = 0
        for live_id, observed in objects.items() if kind not in inputs.excluded else ():
            if (kind, live_id) in managed:
                continue
            if observed.is_record:
                records += 1
                continue
            words = "live, and no manifest names it; it is left alone"
            yield Note(NoteKind.UNMANAGED, f"{kind}/{live_id}", words)
        if records:
            yield Note(NoteKind.REMARK, kind, f"{records:,} are records that data syncs keep, and are no configuration")


def forgotten_notes(inputs: PlanInputs, managed: set[tuple[str, str]]) -> Iterator[Note]:
    """Yield a note for each object that was applied, that no API shows and that no manifest names any more."""
    if inputs.targets:
        return
    for api_url, kind_name, live_id in sorted(inputs.memory.snapshots):
        kind = inputs.kinds.get(kind_name)
        if kind is None or kind.readable or kind.delete_limits is None or (kind_name, live_id) in managed:
            continue
        if inputs.connections.get(kind.api) == api_url and kind_name not in inputs.excluded:
            words = f"was applied, and no manifest names it any more: {kind.delete_limits}"
            yield Note(NoteKind.REMARK, f"{kind_name}/{live_id}", words)


def run_notes(inputs: PlanInputs, works: Iterable[Work]) -> Iterator[Note]:
    """Yield notes on the environment or the changes: an interrupted run, open hosts, limits of a pause."""
    unfinished = inputs.memory.unfinished
    if unfinished is not None:
        words = f"run {unfinished.id} by {unfinished.holder} was interrupted"
        yield Note(NoteKind.INTERRUPTED_RUN, inputs.environment, words)
    if inputs.target_hosts is None and any(_points_at_hosts(inputs, desired) for desired in inputs.desired):
        words = "the Environment has no targetHosts, so delivery targets may point anywhere"
        yield Note(NoteKind.TARGET_HOSTS, inputs.environment, words)
    for work in works:
        pause = inputs.kinds[work.change.kind].pause_field
        limits = inputs.kinds[work.change.kind].pause_limits
        if limits is not None and pause in work.changed and work.desired.state.get(pause or "") is True:
            yield Note(NoteKind.PAUSE_LIMITS, work.change.key, limits, work.change.place)


def literal_notes(inputs: PlanInputs, desired: Desired, secrets: Sequence[tuple[str, Secret]]) -> Iterator[Note]:
    """Yield a note for each secret that stands in a manifest itself, where the environment warns of that."""
    if inputs.guardrails.literal_secrets != "warn" or desired.absent:
        return
    for path, secret in secrets:
        if secret.reference == LITERAL:
            words = f"{path}: the value stands in the manifest itself; write ${{secret:NAME}}"
            yield Note(NoteKind.LITERAL_SECRET, desired.key, words, desired.place)


def _points_at_hosts(inputs: PlanInputs, desired: Desired) -> bool:
    semantics = semantics_by_path(inputs.kinds[desired.kind].spec)
    return not desired.absent and any(item.host is not None for item in semantics.values())
