"""Leases in a plan: while one holds a sync, that overrides the manifest and is no change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from reconciler.kind.kind import Observed
from reconciler.ledger.config.model import Memory, PauseEvent
from reconciler.pause.holding import Last
from reconciler.pause.lease import End, Lease, Was
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.plan import Note, NoteKind
from reconciler.reconcile.work import Desired
from reconciler.words import spoken

VERIFIED = "verified"
NOT_VERIFIED = "not-verified"
LAST_RESUMES = 3


def leases_on(memory: Memory, kind: str, live_id: str, api_url: str | None = None) -> tuple[Lease, ...]:
    """Return the leases on one sync that were not lifted yet, over or not, in the order in which they were taken.

    Args:
        memory: what the ledger remembers.
        kind: of the sync.
        live_id: its live ID.
        api_url: its live side; None: any.
    """
    return tuple(
        lease
        for lease in memory.leases
        if (lease.kind, lease.id) == (kind, live_id) and (api_url is None or lease.api_url in ("", api_url))
    )


def active_leases(memory: Memory, kind: str, live_id: str, now: datetime) -> tuple[Lease, ...]:
    """Return the leases that hold one sync at a moment."""
    return tuple(lease for lease in leases_on(memory, kind, live_id) if lease.is_active(now))


def under_lease(inputs: PlanInputs, desired: Desired, observed: Observed | None) -> Desired:
    """Return the desired object with its pause left as it is while a lease holds that."""
    pause = inputs.kinds[desired.kind].pause_field
    leases = active_leases(inputs.memory, desired.kind, desired.id, inputs.now)
    if not leases or pause is None or observed is None or desired.absent:
        return desired
    return with_pause_held(desired, pause)


def with_pause_held(desired: Desired, pause: str) -> Desired:
    """Return the desired object with its pause left as it is, and remembered as its manifest has it.

    Args:
        desired: a sync.
        pause: its field that pauses it.
    """
    own = {pause: desired.state[pause]} if pause in desired.state and pause not in desired.ignore else {}
    return replace(desired, ignore=desired.ignore | {pause}, pause=None, held=own)


def held_notes(inputs: PlanInputs, desired: Desired, observed: Observed | None) -> Iterator[Note]:
    """Yield a note for each lease that holds an object; where it runs all the same, the note says that."""
    pause = inputs.kinds[desired.kind].pause_field
    if pause is None or observed is None or desired.absent:
        return
    for lease in active_leases(inputs.memory, desired.kind, desired.id, inputs.now):
        until = f"until {lease.until:%Y-%m-%d %H:%M %Z}: {lease.reason}"
        if not observed.state.get(pause):
            words = f"runs, although {lease.owner} holds it {until}; somebody has resumed it elsewhere"
            yield Note(NoteKind.NOT_PAUSED, desired.key, words, desired.place)
            continue
        words = f"held by {lease.owner} {until}"
        yield Note(NoteKind.HELD, desired.key, words, desired.place)


def lease_over(inputs: PlanInputs, desired: Desired) -> End | None:
    """Return when the last lease on a sync ended, where all are over, none is lifted, and it has to be resumed."""
    return over_since(inputs.memory, desired.kind, desired.id, inputs.now)


def over_since(memory: Memory, kind: str, live_id: str, now: datetime) -> End | None:
    """Return when the last lease on a sync ended; see `lease_over`."""
    leases = leases_on(memory, kind, live_id)
    ends = [lease.end(now) for lease in leases]
    found = [end for end in ends if end is not None]
    if not leases or len(found) < len(ends) or any(lease.was is Was.PAUSED for lease in leases):
        return None
    return max(found, key=lambda end: end.at)


def pauses_of(memory: Memory, kind: str, live_id: str) -> tuple[PauseEvent, ...]:
    """Return what we did to the pause of one sync, the newest first."""
    return tuple(event for event in memory.pauses if (event.target.kind, event.target.id) == (kind, live_id))


def last_of(events: Sequence[PauseEvent]) -> Last | None:
    """Return what we did last to the pause of a sync; None where nothing is known of that.

    Args:
        events: of that sync, the newest first.
    """
    return Last(events[0].paused, events[0].done_at) if events else None


def resumes_took(events: Iterable[PauseEvent]) -> str | None:
    """Return how long the last resumes took until what had waited was through; None where nobody verified one.

    Args:
        events: of one sync, the newest first.
    """
    seconds = [event.seconds for event in events if not event.paused and event.verdict == VERIFIED]
    last = [each for each in seconds if each is not None][:LAST_RESUMES]
    if not last:
        return None
    shortest, longest = (spoken(timedelta(seconds=each)) for each in (min(last), max(last)))
    span = shortest if shortest == longest else f"{shortest} to {longest}"
    return f"the last resume took {span}" if len(last) == 1 else f"the last {len(last)} resumes took {span}"
