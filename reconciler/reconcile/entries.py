"""Entries of a run's journal, made of its changes and of what became of them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reconciler.kind.kind import Kind
from reconciler.ledger.config.entries import Done, Noted, Sent
from reconciler.ledger.config.model import LiveObject, PauseEvent
from reconciler.reconcile.diff import secrets_in
from reconciler.reconcile.plan import DONE
from reconciler.reconcile.work import Work
from reconciler.reconcile.write import Request, Verdict, plain_state


def sent_entry(work: Work, kind: Kind[Any], request: Request) -> Sent:
    """Return what is written before the request of a change goes out."""
    # A delete of what cannot be read is sent again as long as nobody recorded that it was done.
    readable = kind.readable or work.desired.absent
    return Sent(work.change.key, _targets(work), tuple(request.secrets), readable)


def noted_entry(work: Work, verdict: Verdict, pause: PauseEvent | None = None) -> Noted:
    """Return what is written of a change of which nothing is remembered."""
    untouched = _targets(work) if verdict.untouched else ()
    return Noted(work.change.key, verdict.outcome, verdict.message, untouched, pause)


def done_entry(
    work: Work, kind: Kind[Any], verdict: Verdict, request: Request, pause: PauseEvent | None = None
) -> Done:
    """Return what is written of a change that is live, with all that is remembered of its object."""
    change, desired = work.change, work.desired
    held = _held_secrets(work, kind)
    return Done(
        change.key,
        verdict.outcome,
        verdict.message,
        LiveObject(work.api_url, change.kind, change.id),
        state=None if desired.absent else plain_state(desired, kind.spec),
        secrets=dict.fromkeys(request.unseen - held.keys()) | sent_values(request),
        renamed_from=change.renamed_from,
        held=held if change.renamed_from is not None else {},
        leaves=kind.leaves(desired.state, work.observed.state) if desired.absent and work.observed else None,
        pause=pause,
    )


def pause_event(
    work: Work, kind: Kind[Any], verdict: Verdict, now: datetime, *, by: str, environment: str
) -> PauseEvent | None:
    """Return that a change paused or resumed a sync; None where it did not.

    Args:
        work: the change.
        kind: its kind.
        verdict: what became of it.
        now: the time of the plan, by which a declared pause began or ended (timezone-aware).
        by: who applies, for people.
        environment: its name.
    """
    change, desired, pause = work.change, work.desired, kind.pause_field
    paused = desired.state.get(pause or "") is True
    touched = pause in work.changed and not desired.absent and (paused or work.observed is not None)
    if not touched or verdict.outcome not in DONE:
        return None
    declared = desired.pause
    due = None if declared is None else declared.began(now) if paused else declared.ended(now)
    target = LiveObject(work.api_url, change.kind, change.id)
    return PauseEvent(target, paused, change.cause, by, now, due, environment=environment)


def sent_values(request: Request) -> dict[str, str]:
    """Return the value of each secret that a request carries, by path."""
    return {path: secret.reveal() for path, secret in request.secrets.items()}


def _targets(work: Work) -> tuple[LiveObject, ...]:
    """The live object under each ID that it has before and after the change."""
    ids = dict.fromkeys((work.change.id, work.change.renamed_from or work.change.id))
    return tuple(LiveObject(work.api_url, work.change.kind, live_id) for live_id in ids)


def _held_secrets(work: Work, kind: Kind[Any]) -> dict[str, str]:
    """Return the value of every secret that the manifest holds, that is set and that live does not show, by path."""
    secrets = secrets_in(work.desired.state)
    found = ((path, secret.value) for path, secret in secrets if secret.shown is None or not kind.readable)
    return {path: value for path, value in found if value is not None}
