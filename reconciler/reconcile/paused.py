"""Paused syncs: which stand still, until when, by whom and why, whether a manifest says so or not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from reconciler.ledger.config.model import Memory
from reconciler.pause.declared import DeclaredPause
from reconciler.pause.lease import Lease
from reconciler.pause.window import HORIZON
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.leased import active_leases, lease_over, over_since, pauses_of, resumes_took
from reconciler.reconcile.moved import last_move, move_words
from reconciler.reconcile.plan import Note, NoteKind
from reconciler.reconcile.work import Desired
from reconciler.words import spoken


class PausedNow(Struct, frozen=True):
    """What is paused in an environment.

    Args:
        notes: one for each sync that is paused, or that runs although a lease holds it.
        unseen: why live was not seen, so that the notes are what manifests and ledger tell; None: it was.
    """

    notes: tuple[Note, ...] = ()
    unseen: str | None = None


NOTHING_PAUSED = PausedNow()


def paused_live(inputs: PlanInputs) -> Iterator[Note]:
    """Yield what is paused live, declared or not, managed or not.

    Args:
        inputs: of a plan; what it leaves out is left out here as well.
    """
    for kind_name, objects in inputs.live.items():
        pause = inputs.kinds[kind_name].pause_field
        for live_id, observed in objects.items() if pause is not None else ():
            if not observed.state.get(pause or ""):
                continue
            desired = _desired(inputs.desired, kind_name, live_id)
            if not inputs.in_target(kind_name, live_id if desired is None else desired.name):
                continue
            leases = active_leases(inputs.memory, kind_name, live_id, inputs.now)
            took = resumes_took(pauses_of(inputs.memory, kind_name, live_id))
            if leases:
                words = "; ".join(filter(None, (*map(_leased, leases), took)))
                yield _note(desired, f"{kind_name}/{live_id}" if desired is None else desired.key, words)
            elif desired is None:
                who = _who(inputs, kind_name, live_id)
                words = f"without an end that is known: no manifest names it, {who}"
                yield _note(None, f"{kind_name}/{live_id}", words)
            else:
                words = _by_manifest(desired, pause or "", inputs)
                yield _note(desired, desired.key, "; ".join(filter(None, (words, took))))


def paused_as_known(desired: Iterable[Desired], memory: Memory, now: datetime) -> Iterator[Note]:
    """Yield what is paused by the manifests and by leases, without a look at live.

    Args:
        desired: what the manifests want.
        memory: what the ledger remembers.
        now: the moment that this is about.
    """
    for item in desired:
        leases = active_leases(memory, item.kind, item.id, now)
        if leases:
            yield _note(item, item.key, "; ".join(map(_leased, leases)))
        elif item.pause is not None and item.pause.is_active(now) and not item.absent:
            yield _note(item, item.key, _declared(item.pause, now))
        elif (over := over_since(memory, item.kind, item.id, now)) is not None:
            words = f"the last lease on it ended {moment_words(over.at)}; the next command that may write resumes it"
            yield _note(item, item.key, words)


def _by_manifest(desired: Desired, pause: str, inputs: PlanInputs) -> str:
    now, over = inputs.now, lease_over(inputs, desired)
    if over is not None and (desired.pause is None or not desired.pause.is_active(now)):
        return f"the last lease on it ended {moment_words(over.at)}, and nothing has resumed it"
    ended = None if desired.pause is None else desired.pause.ended(now)
    if desired.pause is not None and desired.pause.is_overdue(now):
        return f"its pause ended {moment_words(ended)}, and nothing has resumed it"
    if ended is not None and pause not in desired.ignore:
        return f"no window of it is open; the last ended {moment_words(ended)}"
    if pause in desired.ignore:
        return "without an end that is known: its manifest leaves the pause to others"
    if desired.absent or desired.pause is None or not desired.pause.is_active(now):
        who = _who(inputs, desired.kind, desired.id)
        return f"without an end that is known: no manifest declares it, {who}"
    return _declared(desired.pause, now)


def _who(inputs: PlanInputs, kind_name: str, live_id: str) -> str:
    """Return who wrote a sync last, as far as a webhook told."""
    kind = inputs.kinds[kind_name]
    move = last_move(inputs.memory, kind, inputs.connections[kind.api], live_id)
    return "so by whom and why is not known" if move is None else f"and who wrote it last is {move_words(move)}"


def _declared(pause: DeclaredPause, now: datetime) -> str:
    by = f"by {pause.owner}" if pause.owner else "by nobody named"
    return f"{_end(pause, now)}, {by}: {pause.reason_at(now) or 'no reason given'}"


def pause_words(pause: DeclaredPause, now: datetime) -> str:
    """Return until when a declared pause holds at a moment, why and by whom; before a window, when it will."""
    following = pause.windows.next(now, 1) if pause.windows is not None and not pause.is_active(now) else ()
    if following:
        words, reason = f"in windows, the next from {moment_words(following[0].start)}", following[0].reason
    else:
        words, reason = _end(pause, now), pause.reason_at(now) or ""
    words = ": ".join(filter(None, (words, reason)))
    return f"{words} ({pause.owner})" if pause.owner else words


def _end(pause: DeclaredPause, now: datetime) -> str:
    end = pause.active_until(now)
    if end is None:
        return "without an end" if pause.until is None else f"until {moment_words(pause.until)}"
    if pause.windows is not None and end > now + HORIZON:
        return f"for longer than {spoken(HORIZON)}"
    return f"until {moment_words(end)}"


def _leased(lease: Lease) -> str:
    return f"until {moment_words(lease.until)}, by {lease.owner}: {lease.reason}"


def _desired(desired: Iterable[Desired], kind: str, live_id: str) -> Desired | None:
    of_kind = (item for item in desired if item.kind == kind)
    return next((item for item in of_kind if live_id == item.id or live_id in item.renamed_from), None)


def _note(desired: Desired | None, subject: str, words: str) -> Note:
    return Note(NoteKind.PAUSED, subject, words, None if desired is None else desired.place)


def moment_words(moment: datetime | None) -> str:
    """Return a moment to the minute, or `never`."""
    return "never" if moment is None else moment.strftime("%Y-%m-%d %H:%M %Z")
