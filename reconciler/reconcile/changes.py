"""Change of one object with its cause, or none: made from its desired state and its live counterpart. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.kind.kind import Action, Kind, Observed, Volume
from reconciler.kind.semantics import SpecModel, write_only_paths
from reconciler.kind.sensitive import Position, without_secrets
from reconciler.ledger.config.model import LiveObject, Memory, Snapshot
from reconciler.pause.lease import End
from reconciler.reconcile.diff import (
    differences,
    hide,
    hides_change,
    opened,
    risk_of,
    secrets_in,
    value_at,
    with_ignored,
    without,
)
from reconciler.reconcile.digests import ABSENT, precondition_of_delete, precondition_of_update
from reconciler.reconcile.paused import moment_words, pause_words
from reconciler.reconcile.plan import Cause, Change, FieldChange
from reconciler.reconcile.work import Desired


class Draft(Struct, frozen=True):
    """A change before the plan has placed it: no level, dependencies or digest yet.

    `hidden` are the paths whose value is shown in part and changes in its secret parts.
    """

    change: Change
    desired: Desired
    observed: Observed | None
    changed: frozenset[str]
    hidden: tuple[str, ...] = ()


def draft(
    kind: Kind[Any],
    desired: Desired,
    observed: Observed | None,
    *,
    memory: Memory,
    api_url: str,
    moved_secrets: frozenset[str],
    restored: bool,
    now: datetime,
    restored_at: datetime | None = None,
    over: End | None = None,
    at_apply: bool = False,
) -> Draft | None:
    """Return the change that makes live as desired, or None where it already is.

    Args:
        kind: the object's kind.
        desired: what the manifests want.
        observed: the live object, under its old ID where it has to be renamed; None where there is none.
        memory: tells who moved.
        api_url: base URL of the connection, part of the memory's keys.
        moved_secrets: write-only paths to be sent although nothing else says so.
        restored: whether those are sent because staging was restored.
        now: the moment of planning.
        restored_at: when live was last overwritten from elsewhere, or None where that does not happen.
        over: the end of the last lease on it, where leases are over and nobody has resumed it since.
        at_apply: whether secrets that are not set here are there when it is applied.
    """
    if desired.absent:
        snapshot = memory.snapshots.get((api_url, desired.kind, desired.id))
        return None if observed is None else _delete(kind, desired, observed, snapshot)
    if observed is None:
        return _create(kind, desired, memory, api_url, now, restored_at, at_apply=at_apply)
    before = without(observed.state, desired.ignore) if desired.ignore else observed.state
    after = without(desired.state, desired.ignore) if desired.ignore else desired.state
    shown = opened(after, before, readable=kind.readable, at_apply=at_apply)
    found = tuple(differences(kind.spec, shown, before, moved_secrets))
    if at_apply:
        found = tuple(field for field in found if not _differs_unseen(kind.spec, field, desired))
    if not kind.readable:
        told = {field.path for field in found}
        model: type[SpecModel] = kind.spec
        unseen = sorted(moved_secrets - told - write_only_paths(model))
        found = (*found, *(FieldChange(path, None, None, sensitive=True) for path in unseen))
    fields = tuple(hide(kind.spec, field, desired.sensitive) for field in found)
    renamed_from = observed.id if observed.id != desired.id else None
    timed = _timed(kind, fields, desired, LiveObject(api_url, desired.kind, observed.id), memory, now)
    identity = kind.id_field or "id"
    if renamed_from is not None and not any(field.path == identity for field in fields):
        fields = (FieldChange(identity, observed.id, desired.id), *fields)
    if not fields:
        return None
    wanted = replace(desired, state=with_ignored(desired.state, observed.state, desired.ignore))
    changed = frozenset(field.path for field in fields)
    snapshot = memory.snapshots.get((api_url, desired.kind, observed.id))
    resends = kind.resends(wanted.state, observed, changed, _volume(memory, api_url, desired.id, observed.id))
    change = Change(
        kind=desired.kind,
        name=desired.name,
        id=desired.id,
        action=_action(kind, changed, wanted, renamed_from),
        risk=risk_of(kind.spec, found, wanted.state),
        fields=fields,
        place=desired.place,
        level=0,
        depends_on=(),
        precondition=precondition_of_update(fields, timed),
        digest="",
        cause=_cause(
            kind, fields, desired, snapshot, restored=restored, now=now, restored_at=restored_at, timed=timed, over=over
        ),
        renamed_from=renamed_from,
        detail="; ".join(filter(None, (_detail(kind, changed, desired, now, timed, over), resends))) or None,
        timed=timed,
    )
    hidden = tuple(
        field.path
        for field in found
        if not (at_apply and _has_unset(field, desired)) and hides_change(kind.spec, field, desired.sensitive)
    )
    return Draft(change, wanted, observed, changed, hidden)


def _differs_unseen(model: type[SpecModel], field: FieldChange, desired: Desired) -> bool:
    """Whether a value with a secret in it that is not set here differs from live in nothing that can be seen."""
    if field.sensitive or field.before is None or not _has_unset(field, desired):
        return False
    return hide(model, field, desired.sensitive).sensitive


def _has_unset(field: FieldChange, desired: Desired) -> bool:
    """Whether a secret in a field is not set here."""
    secrets = secrets_in(desired.state)
    below = (f"{field.path}.", f"{field.path}[")
    unset = (path for path, secret in secrets if secret.shown is not None and not secret.is_set)
    return any(path == field.path or path.startswith(below) for path in unset)


def _volume(memory: Memory, api_url: str, *live_ids: str) -> Volume | None:
    """Return what is known to flow by the first of these IDs by which anything is."""
    found = (memory.volumes.get((api_url, live_id)) for live_id in live_ids)
    return next((volume for volume in found if volume is not None), None)


def _create(
    kind: Kind[Any],
    desired: Desired,
    memory: Memory,
    api_url: str,
    now: datetime,
    restored_at: datetime | None,
    *,
    at_apply: bool,
) -> Draft:
    snapshot = memory.snapshots.get((api_url, desired.kind, desired.id))
    paused = pause_words(desired.pause, now) if desired.pause is not None and desired.pause.paused else None
    state = without(desired.state, desired.ignore)
    held = frozenset(path for path, secret in secrets_in(state) if secret.shown is None)
    found = differences(kind.spec, opened(state, {}, at_apply=at_apply), {}, held)
    fields = tuple(hide(kind.spec, field, desired.sensitive) for field in found)
    change = Change(
        kind=desired.kind,
        name=desired.name,
        id=desired.id,
        action=Action.CREATE,
        risk=kind.create_risk,
        fields=fields,
        place=desired.place,
        level=0,
        depends_on=(),
        precondition=ABSENT,
        digest="",
        cause=Cause.GIT_MOVED
        if snapshot is None
        else Cause.RESTORED
        if _is_before(snapshot, restored_at)
        else Cause.LIVE_MOVED,
        detail="; ".join(filter(None, (paused, kind.sends(state, _volume(memory, api_url, desired.id))))) or None,
        timed=() if kind.pause_field is None or not _goes_by_windows(desired, now) else (kind.pause_field,),
    )
    return Draft(change, desired, None, frozenset(field.path for field in fields))


def _delete(kind: Kind[Any], desired: Desired, observed: Observed, snapshot: Snapshot | None) -> Draft:
    shown = without_secrets(observed.state, Position(kind.spec), desired.sensitive)
    fields = tuple(FieldChange(name, value, None) for name, value in shown.items())
    change = Change(
        kind=desired.kind,
        name=desired.name,
        id=observed.id,
        action=Action.DELETE,
        risk=kind.delete_risk,
        fields=fields,
        place=desired.place,
        level=0,
        depends_on=(),
        precondition=precondition_of_delete(shown),
        digest="",
        cause=Cause.DIFFERS if snapshot is None else Cause.GIT_MOVED,
    )
    return Draft(change, desired, observed, frozenset())


def _action(kind: Kind[Any], changed: frozenset[str], wanted: Desired, renamed_from: str | None) -> Action:
    if renamed_from is not None:
        return Action.RENAME
    pause = kind.pause_field
    if pause is not None and changed == {pause}:
        return Action.PAUSE if wanted.state[pause] else Action.RESUME
    return Action.UPDATE


def _cause(
    kind: Kind[Any],
    fields: tuple[FieldChange, ...],
    desired: Desired,
    snapshot: Snapshot | None,
    *,
    restored: bool,
    now: datetime,
    restored_at: datetime | None = None,
    timed: tuple[str, ...] = (),
    over: End | None = None,
) -> Cause:
    """Decide who moved: the first row that holds. What a window moves counts only where nothing else does."""
    if timed:
        fields = tuple(field for field in fields if field.path not in timed)
    pause = kind.pause_field
    resumes = any(field.path == pause and field.before is True for field in fields)
    paused_by_us = snapshot is not None and snapshot.state.get(pause or "") is True
    git, live = _who_moved(kind, fields, snapshot)
    decisions = (
        (not fields, Cause.WINDOW),
        (resumes and (over is not None or _is_overdue(desired, now)), Cause.OVERDUE),
        (restored and all(field.sensitive for field in fields), Cause.RESTORED),
        (live and _is_before(snapshot, restored_at), Cause.RESTORED),
        (resumes and not paused_by_us, Cause.UNDECLARED_PAUSE),
        (not git and not live, Cause.DIFFERS),
        (git and live, Cause.BOTH_MOVED),
        (live, Cause.LIVE_MOVED),
        (True, Cause.GIT_MOVED),
    )
    return next(cause for holds, cause in decisions if holds)


def _is_before(snapshot: Snapshot | None, restored_at: datetime | None) -> bool:
    """Whether what is remembered was there before live was overwritten from elsewhere."""
    return snapshot is not None and restored_at is not None and snapshot.applied_at < restored_at


def _who_moved(kind: Kind[Any], fields: tuple[FieldChange, ...], snapshot: Snapshot | None) -> tuple[bool, bool]:
    """Return whether the manifests and whether live differ from what was applied last."""
    if snapshot is None:
        return False, False
    model: type[SpecModel] = kind.spec
    write_only = write_only_paths(model)
    visible = [field for field in fields if not field.sensitive]
    # What was applied is remembered without its secrets, and a fingerprint tells of write-only ones alone.
    sent = any(field.sensitive and (field.path in write_only or not kind.readable) for field in fields)
    git = sent or any(value_at(snapshot.state, field.path) != field.after for field in visible)
    live = any(value_at(snapshot.state, field.path) != field.before for field in visible)
    return git, live


def _goes_by_windows(desired: Desired, now: datetime) -> bool:
    """Whether it is the windows that say now if the sync is paused."""
    pause = desired.pause
    return pause is not None and pause.windows is not None and not pause.holds_without_windows(now)


def _timed(
    kind: Kind[Any],
    fields: tuple[FieldChange, ...],
    desired: Desired,
    target: LiveObject,
    memory: Memory,
    now: datetime,
) -> tuple[str, ...]:
    """Return the path of the pause where a window that begins or ends moves it, and nobody's hand, as far as is known.

    What was resumed by hand while the window was open, or paused by hand when it was over, is no window's.
    """
    field = next((field for field in fields if field.path == kind.pause_field), None)
    if field is None or desired.pause is None or not _goes_by_windows(desired, now):
        return ()
    snapshot = memory.snapshots.get((target.api_url, target.kind, target.id))
    was_paused = None if snapshot is None else snapshot.state.get(field.path) is True
    # A lease may have paused it, which is no part of what was applied.
    newest = next((event for event in memory.pauses if event.target == target), None)
    if snapshot is not None and newest is not None and newest.done_at > snapshot.applied_at:
        was_paused = newest.paused
    if field.after is True:
        opened = min(each.start for each in desired.pause.windows.active(now)) if desired.pause.windows else now
        by_hand = was_paused is True and snapshot is not None and snapshot.applied_at >= opened
    else:
        by_hand = was_paused is False or desired.pause.is_overdue(now) or desired.pause.ended(now) is None
    return () if by_hand else (field.path,)


def _is_overdue(desired: Desired, now: datetime) -> bool:
    return desired.pause is not None and desired.pause.is_overdue(now)


def _detail(
    kind: Kind[Any],
    changed: frozenset[str],
    desired: Desired,
    now: datetime,
    timed: tuple[str, ...],
    over: End | None,
) -> str | None:
    if kind.pause_field in changed and over is not None and not desired.state.get(kind.pause_field or ""):
        return f"the last lease on it ended {moment_words(over.at)}"
    if kind.pause_field not in changed or desired.pause is None or not desired.pause.paused:
        return None
    if desired.pause.is_active(now):
        return pause_words(desired.pause, now)
    if timed or desired.pause.is_overdue(now):
        return f"the {'window' if timed else 'pause'} ended {moment_words(desired.pause.ended(now))}"
    return None
