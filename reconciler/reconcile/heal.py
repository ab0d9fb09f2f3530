"""Healing: which drift may be put right without asking, and why the rest of it is left. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import SecretUnset, SeveralUnset
from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk, fields_of
from reconciler.manifest.environment import HealRule
from reconciler.reconcile.diff import risk_of
from reconciler.reconcile.digests import change_digest, precondition_of_update
from reconciler.reconcile.drift import snooze_of
from reconciler.reconcile.guard import breaches
from reconciler.reconcile.plan import Breach, Cause, Change
from reconciler.reconcile.planner import require_secrets
from reconciler.reconcile.session import Comparison
from reconciler.reconcile.work import Planned, Work
from reconciler.reconcile.write import plain_state
from reconciler.words import parse_duration, spoken

CAUSES: Mapping[str, Cause] = {
    "overdue-pause": Cause.OVERDUE,
    "undeclared-pause": Cause.UNDECLARED_PAUSE,
    "window": Cause.WINDOW,
    "live-moved": Cause.LIVE_MOVED,
    "restored": Cause.RESTORED,
}
"""Causes of drift by the names that `drift.heal` has for them."""
BY_THE_CLOCK = frozenset({Cause.OVERDUE, Cause.WINDOW})
"""What the clock does with what was reviewed: it needs no memory, and may be done as often as it comes."""
MOST_A_DAY = 2
DAY = timedelta(hours=24)
_PATIENCE = {Cause.UNDECLARED_PAUSE: timedelta(minutes=30)}
PAUSES: Mapping[Cause, frozenset[Action]] = {
    Cause.OVERDUE: frozenset({Action.RESUME}),
    Cause.UNDECLARED_PAUSE: frozenset({Action.RESUME}),
    Cause.WINDOW: frozenset({Action.PAUSE, Action.RESUME}),
}


class HealPast(Struct, frozen=True):
    """What the ledger remembers of drift and of healing.

    Args:
        now: by the clock that it was remembered by.
        seen: object and cause to since when that drift is seen without a break.
        healed: object to how often it was healed within the last day, what goes by the clock left out.
    """

    now: datetime
    seen: Mapping[tuple[str, Cause], datetime] = {}
    healed: Mapping[str, int] = {}


class Choice(Struct, frozen=True):
    """What is healed, by key of the change, and why the rest of what the rules name is left."""

    healed: Mapping[str, Work]
    left: Mapping[str, str]
    refused: tuple[Breach, ...] = ()


def named(comparison: Comparison, rules: Sequence[HealRule]) -> tuple[tuple[Work, HealRule], ...]:
    """Return the work whose cause a rule names, each with the first such rule.

    Where more of an object differs than its pause, what a rule says of pauses is about the pause alone.
    """
    by_cause = {CAUSES[rule.cause]: rule for rule in reversed(rules)}
    found: list[tuple[Work, HealRule]] = []
    for change in comparison.planned.plan.changes:
        work = comparison.planned.work[change.key]
        cause = Cause.WINDOW if change.timed and Cause.WINDOW in by_cause else change.cause
        if cause not in by_cause:
            continue
        if cause in PAUSES and change.action is Action.UPDATE:
            work = _pause_alone(comparison, work, cause)
        found.append((work, by_cause[cause]))
    return tuple(found)


def _pause_alone(comparison: Comparison, work: Work, cause: Cause) -> Work:
    """Return the part of a change that is about the pause."""
    kind = comparison.inputs.kinds[work.change.kind]
    path = kind.pause_field or ""
    field = next(field for field in work.change.fields if field.path == path)
    live = {} if work.observed is None else work.observed.state
    state = live | {path: field.after}
    change = replace(
        work.change,
        action=Action.PAUSE if field.after else Action.RESUME,
        risk=risk_of(kind.spec, (field,), state),
        fields=(field,),
        depends_on=(),
        precondition=precondition_of_update((field,), work.change.timed),
        cause=cause,
    )
    ignored = frozenset(fields_of(kind.spec)) - {path}
    return replace(
        work,
        change=replace(change, digest=change_digest(change)),
        desired=replace(work.desired, state=state, ignore=ignored),
        changed=frozenset({path}),
        pause_alone=True,
    )


def choose(
    comparison: Comparison,
    rules: Sequence[HealRule],
    past: HealPast,
    touched: Callable[[Work], str | None],
    *,
    lasting: bool,
) -> Choice:
    """Decide what is healed: what a rule names, nothing stands against and no guardrail refuses.

    Args:
        comparison: the plan made now, and what it was made from.
        rules: of the Environment.
        past: what the ledger remembers; empty where it is not lasting.
        touched: why an object may have been touched by what was merged and not applied yet, or None.
        lasting: whether the ledger is there for the next run.
    """
    work = comparison.planned.work
    left: dict[str, str] = {}
    chosen: dict[str, Work] = {}
    for item, rule in named(comparison, rules):
        key = item.change.key
        why = _against(comparison, item, rule, past, partial(touched, work[key]), lasting=lasting)
        if why is None:
            chosen[key] = item
        else:
            left[key] = why
    refused: list[Breach] = []
    while chosen and (breach := _standing(comparison, tuple(chosen.values()))) is not None:
        refused.append(breach)
        for key in chosen.keys() & set(breach.changes) or set(chosen):
            del chosen[key]
            left[key] = f"the guardrail {breach.rule} refuses it: {breach.message}"
    return Choice(chosen, left, tuple(refused))


def planned_healing(planned: Planned, chosen: Choice) -> tuple[Planned, frozenset[str]]:
    """Return a plan with what is healed in place of what was planned of it, and the digests of that."""
    work = {**planned.work, **chosen.healed}
    changes = tuple(work[change.key].change for change in planned.plan.changes)
    digests = frozenset(each.change.digest for each in chosen.healed.values())
    return replace(planned, plan=replace(planned.plan, changes=changes), work=work), digests


def _standing(comparison: Comparison, works: Sequence[Work]) -> Breach | None:
    found = breaches(comparison.inputs, works)
    return next((breach for breach in found if breach.overridden is None), None)


def _against(
    comparison: Comparison,
    work: Work,
    rule: HealRule,
    past: HealPast,
    touched: Callable[[], str | None],
    *,
    lasting: bool,
) -> str | None:
    """Return the first thing that stands against healing a change, or None."""
    change, inputs = work.change, comparison.inputs
    snooze = snooze_of(inputs.memory, change.kind, change.name, inputs.now)
    by_clock = change.cause in BY_THE_CLOCK
    checks: tuple[Callable[[], str | None], ...] = (
        lambda: _too_much(change, rule),
        lambda: None if lasting or by_clock else "no lasting ledger tells since when, how often and by whose hand",
        lambda: None if snooze is None else f"it is snoozed until {snooze.until:%Y-%m-%d %H:%M %Z}: {snooze.reason}",
        lambda: _leased(comparison, change),
        touched,
        lambda: _too_early(change, rule, past),
        lambda: None if by_clock else _too_often(change, past),
        lambda: _unset(comparison, work),
    )
    return next((why for check in checks if (why := check()) is not None), None)


def _too_much(change: Change, rule: HealRule) -> str | None:
    if change.action in (Action.DELETE, Action.RENAME):
        return f"healing never does a {change.action}"
    if change.action not in PAUSES.get(change.cause, Action):
        return f"healing does no {change.action} for this cause"
    if change.risk is Risk.LOSES_DATA:
        return "healing never loses data"
    if rule.risks is not None and change.risk.value not in rule.risks:
        return f"its risk is {change.risk}, and drift.heal allows {', '.join(rule.risks)}"
    return None


def _leased(comparison: Comparison, change: Change) -> str | None:
    inputs = comparison.inputs
    held = (lease for lease in inputs.memory.leases if (lease.kind, lease.id) == (change.kind, change.id))
    lease = next((lease for lease in held if lease.is_active(inputs.now)), None)
    return None if lease is None else f"it is paused by hand until {lease.until:%Y-%m-%d %H:%M %Z}: {lease.reason}"


def _too_early(change: Change, rule: HealRule, past: HealPast) -> str | None:
    patience = _PATIENCE.get(change.cause, timedelta(0)) if rule.after is None else parse_duration(rule.after)
    since = past.seen.get((change.key, change.cause), past.now)
    if past.now - since >= patience:
        return None
    return f"seen since {since:%Y-%m-%d %H:%M %Z}; it is healed once that is {spoken(patience)}"


def _too_often(change: Change, past: HealPast) -> str | None:
    if past.healed.get(change.key, 0) < MOST_A_DAY:
        return None
    return "it was healed twice in the last 24 hours, and something moves it again: find out who"


def _unset(comparison: Comparison, work: Work) -> str | None:
    try:
        require_secrets(comparison.inputs, (work,))
    except SecretUnset as error:
        return error.message
    except SeveralUnset as several:
        return "; ".join(problem.message for problem in several.problems)
    return None


def differs_from_applied(comparison: Comparison, work: Work) -> str | None:
    """Return why an object may have been touched where no commit is known: its manifest is not what was applied last.

    A pause goes by the clock, so it is left out. Where nothing was ever applied from this ledger, only what the clock
    does may go on.
    """
    kind = comparison.inputs.kinds[work.change.kind]
    snapshot = comparison.inputs.memory.snapshots.get((work.api_url, work.change.kind, work.change.id))
    if snapshot is None:
        return None if work.change.cause in BY_THE_CLOCK else "nothing of it was applied from this ledger yet"

    def rest(state: Mapping[str, object]) -> dict[str, object]:
        return {name: value for name, value in state.items() if name != kind.pause_field}

    if rest(plain_state(work.desired, kind.spec)) == rest(snapshot.state):
        return None
    return "its manifest is not what was applied last"
