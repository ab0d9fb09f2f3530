"""Gather what several saved plans approve of the plan made now, each change by one of them or by several. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import StalePlan
from reconciler.kind.kind import Action
from reconciler.reconcile.diff import value_at
from reconciler.reconcile.digests import digest_of, field_digest
from reconciler.reconcile.operate import not_carried_out
from reconciler.reconcile.plan import Change, ChangeResult, FieldChange, Operation, OperationResult, Outcome, Plan
from reconciler.reconcile.planfile import value_to_json
from reconciler.reconcile.work import Planned

PLAN_AGAIN = "Plan again and have the new plan reviewed."
AS_WANTED = "live is as wanted"
MOVED = "live or the manifests have moved since it was reviewed"
_FIELDS_TOLD = 5
_IN_PARTS = frozenset({Action.UPDATE, Action.PAUSE, Action.RESUME})


class Reviewed(Struct, frozen=True):
    """A saved plan as an approval.

    Args:
        plan: what was reviewed.
        file: where it stands, as it was named; empty: it was never saved.
        gated: whether nobody has reviewed it before the forge's own gate.
        passed: whether that gate is open, so that it is reviewed by now.
    """

    plan: Plan
    file: str = ""
    gated: bool = False
    passed: bool = False

    @property
    def takes_secrets(self) -> bool:
        """Whether secrets that have changed go along with it: its review left them to apply."""
        return self.plan.secrets_at_apply and (self.passed or not self.gated)


class Gathered(Struct, frozen=True):
    """What saved plans approve of the plan made now.

    Args:
        covering: digest of each change and operation that is approved, to the numbers of the plans that it takes.
        earlier: outcomes of changes that were reviewed and that need or allow no work, one for each object.
        unreviewed: changes that are pending by now and that nobody approved.
        operations: outcomes of operations that were reviewed and are not carried out now.
        waiting: operations that are due by now and that nobody approved.
        overtaken: number of a plan to the keys of its changes that another plan's change took the place of.
    """

    covering: Mapping[str, frozenset[int]]
    earlier: tuple[ChangeResult, ...] = ()
    unreviewed: tuple[Change, ...] = ()
    operations: tuple[OperationResult, ...] = ()
    waiting: tuple[Operation, ...] = ()
    overtaken: Mapping[int, tuple[str, ...]] = {}

    @property
    def approved(self) -> frozenset[str]:
        """The digests of what is approved."""
        return frozenset(self.covering)


def gather(reviewed: Sequence[Reviewed], planned: Planned) -> Gathered:
    """Match saved plans with the plan made now from this checkout and from what is live now.

    A change is approved by the first plan that has exactly it. Where none has, it is approved by all plans that change
    its object, if each of its fields was reviewed in one of them, before and after alike, and live already is as
    reviewed in the other fields: two pull requests that change one object, or one of which a part is live by now. What
    a field is may also be what another of the plans has made of it since.

    Args:
        reviewed: in the order in which they were made. A gated one approves only what the others do not.
        planned: the plan made now.
    """
    blind = {number for number, each in enumerate(reviewed) if each.plan.secrets_at_apply}
    open_ones = [number for number, each in enumerate(reviewed) if not each.gated]
    by_key: dict[str, list[tuple[int, Change]]] = {}
    asked: dict[str, tuple[int, Operation]] = {}
    due = {operation.key: operation for operation in planned.plan.operations}
    dues = {operation.digest for operation in due.values()}
    for number in sorted(range(len(reviewed)), key=lambda each: reviewed[each].gated):
        plan = reviewed[number].plan
        for change in plan.changes:
            by_key.setdefault(change.key, []).append((number, change))
        for operation in plan.operations:
            known = asked.get(operation.key)
            if known is None or known[1].digest not in dues:
                asked[operation.key] = (number, operation)
    fresh = {change.key: change for change in planned.plan.changes}
    covering: dict[str, frozenset[int]] = {}
    for key, change in fresh.items():
        changes = by_key.get(key, [])
        first = [each for each in changes if each[0] in open_ones]
        numbers = _covered(change, first, planned, blind) or _covered(change, changes, planned, blind)
        if numbers:
            covering[change.digest] = numbers
    settled = {desired.key for desired in planned.settled}
    covering |= {each.digest: frozenset((number,)) for number, each in asked.values() if each.digest in dues}
    is_open = [key for key in by_key if key not in fresh or fresh[key].digest not in covering]
    return Gathered(
        covering,
        tuple(_without_work(by_key[key], fresh.get(key), key in settled, reviewed) for key in is_open),
        tuple(change for key, change in fresh.items() if change.digest not in covering and key not in by_key),
        tuple(not_carried_out(each, planned) for _, each in asked.values() if each.digest not in covering),
        tuple(each for each in due.values() if each.digest not in covering),
        _overtaken(by_key, fresh, covering),
    )


def _covered(
    now: Change, reviewed: Sequence[tuple[int, Change]], planned: Planned, blind: Collection[int]
) -> frozenset[int]:
    """Return the numbers of the plans that approve a change: the first that has it, or several together."""
    exactly = next((number for number, old in reviewed if old.digest == now.digest), None)
    return frozenset((exactly,)) if exactly is not None else _covered_in_parts(now, reviewed, planned, blind)


def _covered_in_parts(
    now: Change, reviewed: Iterable[tuple[int, Change]], planned: Planned, blind: Collection[int]
) -> frozenset[int]:
    """Return the numbers of the plans that together have reviewed all that a change does now; empty: they have not.

    Plans that were made without secrets (`blind`) leave to apply which secrets differ.
    """
    creates = [number for number, old in reviewed if old.action is Action.CREATE]
    parts = [
        (number, old)
        for number, old in reviewed
        if _is_like(old, now, whole=number not in blind, made_by_another=len(creates) > 1)
    ]
    lenient = any(number in blind for number, _ in parts)
    known: dict[str, list[tuple[int, FieldChange]]] = {}
    for number, old in parts:
        for each in old.fields:
            known.setdefault(each.path, []).append((number, each))
    asked = [each for each in now.fields if each.path not in now.timed and not (lenient and each.sensitive)]
    numbers = [_reviewed_in(each, known.get(each.path, ())) for each in asked]
    state = planned.work[now.key].desired.state
    changing = {each.path for each in now.fields}
    rest = all(_is_live(path, known[path], state) for path in known if path not in changing)
    steps = {step for _, old in parts for step in old.steps}
    if not (rest and steps.issuperset(now.steps) and all(numbers)):
        return frozenset()
    if not numbers:
        # Where nothing is left but secrets and what a window moves, what was reviewed is live.
        return frozenset(number for number, _ in parts)
    seen = all(_reviewed_in(each, known.get(each.path, ())) for each in now.fields if each.sensitive)
    trusted = () if seen else (number for number, _ in parts if number in blind)
    return frozenset().union(*numbers, trusted)


def _reviewed_in(now: FieldChange, reviewed: Iterable[tuple[int, FieldChange]]) -> frozenset[int]:
    """Return the numbers of the plans that have reviewed what a field becomes, from what it is.

    What it is may be what another plan of the same list has made of it since.
    """
    became = {digest_of(value_to_json(old.after)) for _, old in reviewed if not old.sensitive}
    is_made = not now.sensitive and digest_of(value_to_json(now.before)) in became
    return frozenset(
        number
        for number, old in reviewed
        if field_digest(old) == field_digest(now if not is_made else replace(now, before=old.before))
    )


def _is_like(old: Change, now: Change, *, whole: bool = True, made_by_another: bool = False) -> bool:
    """Whether one change may be a part of another.

    Args:
        old: the one that was reviewed.
        now: the one that is planned now.
        whole: whether creates and renames are approved as a whole.
        made_by_another: whether several plans create the object, so that one of them may have done so since.
    """
    alike = not whole and old.action is now.action and old.action is not Action.DELETE
    in_parts = _IN_PARTS | {Action.CREATE} if made_by_another else _IN_PARTS
    is_part = old.action in in_parts and now.action in _IN_PARTS
    return (old.id, old.renamed_from) == (now.id, now.renamed_from) and (alike or is_part)


def _is_live(path: str, reviewed: Sequence[tuple[int, FieldChange]], state: Mapping[str, object]) -> bool:
    """Whether a field that does not change any more already is as one of its reviews wanted it."""
    if any(field.sensitive for _, field in reviewed):
        return True  # its value is in no plan, and none is sent
    now = digest_of(value_to_json(value_at(state, path)))
    return "[" not in path and any(now == digest_of(value_to_json(field.after)) for _, field in reviewed)


def _without_work(
    reviewed: Sequence[tuple[int, Change]], now: Change | None, is_settled: bool, plans: Sequence[Reviewed]
) -> ChangeResult:
    """Return the outcome of what was reviewed and is not carried out: of the change that was planned last."""
    number, change = max(reviewed, key=lambda each: (plans[each[0]].plan.created_at, each[0]))
    if is_settled:
        return ChangeResult(change, Outcome.ALREADY, message=AS_WANTED)
    words = MOVED + (f" in {plans[number].file}" if len(plans) > 1 else "")
    if now is not None and _is_like(change, now):
        before, after = ({field_digest(field): field.path for field in each.fields} for each in (change, now))
        moved = sorted({(before | after)[each] for each in before.keys() ^ after.keys()})
        words += f": {', '.join(moved[:_FIELDS_TOLD])}{' and more' if len(moved) > _FIELDS_TOLD else ''}"
    return ChangeResult(change, Outcome.STALE, StalePlan.code, words, PLAN_AGAIN)


def _overtaken(
    by_key: Mapping[str, Sequence[tuple[int, Change]]], fresh: Mapping[str, Change], covering: Mapping[str, object]
) -> dict[int, tuple[str, ...]]:
    """Return which changes of which plans are not made because another plan's change of the object is."""
    found: dict[int, tuple[str, ...]] = {}
    for key, reviewed in by_key.items():
        now = fresh.get(key)
        if now is None or now.digest not in covering:
            continue
        others = [(number, change) for number, change in reviewed if change.digest != now.digest]
        made = {field_digest(field) for field in now.fields} if others else set()
        for number, change in others:
            if not made.issuperset(map(field_digest, change.fields)):
                found[number] = (*found.get(number, ()), key)
    return found
