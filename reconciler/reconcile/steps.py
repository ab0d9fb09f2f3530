"""Steps of a change: a running sync is paused while its target changes, and gets only one that answers. Pure.

A bracket is the steps pause, probe, change, resume. A plan shows them, its digests cover them, and apply carries out
the same value.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from reconciler.kind.kind import Action
from reconciler.reconcile.changes import Draft
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.leased import active_leases, with_pause_held
from reconciler.reconcile.pausing import Sync, pausable
from reconciler.reconcile.plan import STILL_PAUSED, Note, NoteKind, Step, StepAction
from reconciler.reconcile.references import references_in
from reconciler.reconcile.work import Work
from reconciler.reconcile.write import Verdict

_LIFT = "The next command that may write resumes it, e.g. `reconciler apply` or `reconciler resume`."


class Entered(Struct):
    """A bracket while it is open, and what it left once it is closed.

    Args:
        hindrance: why the change must not be sent; None: its syncs stand still, and nothing speaks against it.
        left: what is still paused and why; None: all that was paused is resumed, or held by something else.
    """

    hindrance: Verdict | None = None
    left: str | None = None


class Brackets(Protocol):
    """Carries out the steps around a change."""

    def around(self, work: Work) -> AbstractAsyncContextManager[Entered]:
        """Within, the syncs of a change's steps are paused. What was paused is resumed, whatever happens within."""


async def in_steps(
    work: Work,
    pause: str | None,
    brackets: Brackets,
    send: Callable[[Work], Awaitable[Verdict]],
    stopped: Callable[[], Verdict | None],
) -> Verdict:
    """Carry out a change with its syncs paused around it, and say what is still paused then.

    Args:
        work: a change with steps.
        pause: the field that pauses an object of its kind; None where it cannot be paused.
        brackets: carries out the steps around it.
        send: carries out the change itself.
        stopped: says why nothing new may be sent, or None.
    """
    async with brackets.around(work) as bracket:
        verdict = bracket.hindrance or stopped()
        if verdict is None:
            # A sync that is paused around its own change is found paused: nothing is wrong with that.
            held = work if pause is None else replace(work, desired=with_pause_held(work.desired, pause))
            verdict = await send(held)
    if bracket.left is None:
        return verdict
    words = "; ".join(filter(None, (verdict.message, bracket.left)))
    return replace(verdict, message=words, code=STILL_PAUSED, next_step=_LIFT)


def bracketed(inputs: PlanInputs, drafts: Sequence[Draft]) -> tuple[list[Draft], list[Note]]:
    """Return changes with their steps, and what to know where a sync goes on while its target changes.

    Args:
        inputs: of the plan.
        drafts: its changes.
    """
    if not inputs.bracket:
        return list(drafts), []
    switching = {item.change.key for item in drafts if _switches(inputs, item)}
    found: list[Draft] = []
    notes: list[Note] = []
    unread = sorted(kind.name for kind in inputs.kinds.values() if kind.pause_field and kind.name not in inputs.live)
    for item in drafts:
        if unread and _moves_targets(inputs, item):
            words = f"which {' and '.join(unread)} sends there was not read (--target): none is paused for it"
            notes.append(_note(item, words))
        paused, goes_on = _touched(inputs, item, switching)
        notes.extend(_note(item, f"{key} cannot be paused: it goes on while its target changes") for key in goes_on)
        if paused and not inputs.lasting:
            words = f"{', '.join(paused)} goes on meanwhile: pausing it around the change needs a ledger that lasts"
            notes.append(_note(item, words))
            paused = ()
        steps = tuple(_steps(item, paused, _probed(inputs, item))) if paused else ()
        found.append(replace(item, change=replace(item.change, steps=steps)))
    return found, notes


def _note(item: Draft, words: str) -> Note:
    return Note(NoteKind.REMARK, item.change.key, words, item.change.place)


def _steps(item: Draft, paused: Iterable[str], probed: Iterable[str]) -> Iterator[Step]:
    """Yield the steps: nothing is sent to a target that refuses, so it is asked before the change."""
    yield from (Step(StepAction.PAUSE, key) for key in paused)
    yield from (Step(StepAction.PROBE, key) for key in probed)
    yield Step(StepAction.CHANGE, item.change.key)
    yield from (Step(StepAction.RESUME, key) for key in paused)


def _touched(inputs: PlanInputs, item: Draft, switching: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys of the running syncs whose target an update moves: those to be paused, and those that go on.

    Args:
        inputs: of the plan.
        item: the update.
        switching: keys of the syncs that get another target by a change of their own.
    """
    if item.change.key in switching:
        sync = _sync_of(inputs, item)
        # A change that pauses it as well needs no pause around it.
        stays_paused = item.desired.pause is not None and item.desired.pause.holds_without_windows(inputs.now)
        return ((item.change.key,), ()) if sync is not None and _runs(inputs, sync) and not stays_paused else ((), ())
    if not _moves_targets(inputs, item) or item.observed is None:
        return (), ()
    target = (item.change.kind, item.observed.id)
    syncs = [sync for sync in pausable(inputs) if sync.key not in switching and _runs(inputs, sync)]
    sent_to = {sync.key: _references(inputs, sync.observed.kind, sync.observed.state) for sync in syncs}
    stops = tuple(sorted(key for key, references in sent_to.items() if target in references))
    return stops, tuple(sorted(_without_pause(inputs, target)))


def _without_pause(inputs: PlanInputs, target: tuple[str, str]) -> Iterator[str]:
    """Yield the live objects that send to a target and that the API has no pause for."""
    names = {(item.kind, item.id): item.key for item in inputs.desired}
    for kind, objects in inputs.live.items():
        if inputs.kinds[kind].pause_field is None and kind != target[0]:
            for live_id, observed in objects.items():
                if target in _references(inputs, kind, observed.state):
                    yield names.get((kind, live_id), f"{kind}/{live_id}")


def _sync_of(inputs: PlanInputs, item: Draft) -> Sync | None:
    pair = (item.change.kind, item.change.id)
    return next((sync for sync in pausable(inputs) if (sync.observed.kind, sync.observed.id) == pair), None)


def _runs(inputs: PlanInputs, sync: Sync) -> bool:
    """Whether a sync has to be paused for a change. A window or a lease that holds it now may not hold it then."""
    if not sync.paused:
        return True
    if active_leases(inputs.memory, sync.observed.kind, sync.observed.id, inputs.now):
        return True
    declared = sync.declared
    return declared is not None and declared.windows is not None and not declared.holds_without_windows(inputs.now)


def _switches(inputs: PlanInputs, item: Draft) -> bool:
    """Whether an update gives a sync another target."""
    kind = inputs.kinds[item.change.kind]
    if kind.pause_field is None or item.observed is None or item.desired.absent:
        return False
    before, after = (_targets(inputs, item, state) for state in (item.observed.state, item.desired.state))
    return bool(before) and before != after


def _moves_targets(inputs: PlanInputs, item: Draft) -> bool:
    """Whether an update changes where an object sends."""
    paths = inputs.kinds[item.change.kind].target_paths
    if item.observed is None or item.desired.absent or item.change.action is Action.DELETE:
        return False
    return any(path == each or path.startswith(f"{each}.") for path in item.changed for each in paths)


def _targets(inputs: PlanInputs, item: Draft, state: dict[str, object]) -> list[tuple[str, str]]:
    found = _references(inputs, item.change.kind, state)
    return sorted(pair for pair in found if inputs.kinds[pair[0]].target_paths)


def _probed(inputs: PlanInputs, item: Draft) -> tuple[str, ...]:
    """Return the keys of the objects whose targets have to answer before the change: as the manifests want them."""
    pairs = [(item.change.kind, item.change.id)]
    if not inputs.kinds[item.change.kind].target_paths:
        pairs = _targets(inputs, item, item.desired.state)
    return tuple(each.key for each in inputs.desired if (each.kind, each.id) in pairs and not each.absent)


def _references(inputs: PlanInputs, kind: str, state: dict[str, object]) -> list[tuple[str, str]]:
    return list(references_in(inputs.kinds[kind].spec, state))
