"""Vocabulary of all renderers: words for risks, causes and notes, and how to count and order them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from reconciler.errors import Place
from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.manifest.rule_changes import ADDED, MANAGED, RuleChange
from reconciler.reconcile.plan import (
    FIXED_RULES,
    ApplyReport,
    Cause,
    Change,
    ChangeResult,
    DriftItem,
    DriftReport,
    Note,
    NoteKind,
    Outcome,
    Plan,
    StepAction,
)
from reconciler.report.escape import visible
from reconciler.words import counted as counted

RISKS = {
    Risk.LOSES_DATA: "Loses data",
    Risk.STOPS_SYNC: "Stops sync",
    Risk.RE_SYNCS: "Re-syncs",
    Risk.COSMETIC: "Cosmetic",
}
RISK_MEANINGS = {
    Risk.LOSES_DATA: "what is lost cannot be read back from the API",
    Risk.STOPS_SYNC: "a sync stops, or has nowhere to deliver to",
    Risk.RE_SYNCS: "records are sent again",
    Risk.COSMETIC: "no sync stops, no record is sent again",
}
CAUSES = {
    Cause.GIT_MOVED: "git moved",
    Cause.LIVE_MOVED: "live moved",
    Cause.BOTH_MOVED: "git and live both moved",
    Cause.DIFFERS: "differs",
    Cause.FORBIDDEN_HOST: "live sends to a forbidden host",
    Cause.OVERDUE: "pause overdue",
    Cause.WINDOW: "window",
    Cause.LEASE: "pause taken by hand",
    Cause.UNDECLARED_PAUSE: "pause that nobody declared",
    Cause.RESTORED: "live was restored from production",
    Cause.UNMANAGED: "unmanaged",
    Cause.DATA_STALE: "data stale",
    Cause.HELD_BACK: "too many records held back",
    Cause.DATA_STOPPED: "data sync stopped",
    Cause.UNREMOVED: "removed data sync not discontinued",
    Cause.OPEN_PROBLEMS: "too many open problems",
    Cause.FOREIGN_SYNC_LOG: "sync log that is not ours",
    Cause.DISCONNECTED: "site disconnected",
    Cause.UNREACHABLE: "unreachable",
}
# One note, several notes. The count stands before.
NOTES = {
    NoteKind.PAUSED: ("sync is paused", "syncs are paused"),
    NoteKind.SECRET_UNSET: ("secret is not set here", "secrets are not set here"),
    NoteKind.CHECKED_AT_APPLY: ("secret is checked at apply", "secrets are checked at apply"),
    NoteKind.SECRET_UNKNOWN: ("secret is unknown to the ledger", "secrets are unknown to the ledger"),
    NoteKind.FORBIDDEN_HOST: ("live object sends to a forbidden host", "live objects send to forbidden hosts"),
    NoteKind.SECRET_CHANGES: ("value changes in a secret part", "values change in secret parts"),
    NoteKind.SECRET_BLANKS: ("secret has white space around it", "secrets have white space around them"),
    NoteKind.UNMANAGED: ("live object is in no manifest", "live objects are in no manifest"),
    NoteKind.UNKNOWN_MEMBER: ("live member is unknown to this version", "live members are unknown to this version"),
    NoteKind.TARGET_HOSTS: ("note on target hosts", "notes on target hosts"),
    NoteKind.LITERAL_SECRET: ("secret is written into a manifest", "secrets are written into manifests"),
    NoteKind.NOT_PAUSED: ("sync runs although a lease holds it", "syncs run although leases hold them"),
    NoteKind.HELD: ("sync is paused by a lease", "syncs are paused by leases"),
    NoteKind.PAUSE_LIMITS: ("note on what a pause does not do", "notes on what a pause does not do"),
    NoteKind.INTERRUPTED_RUN: ("earlier run was interrupted", "earlier runs were interrupted"),
    NoteKind.UNREADABLE: ("object that the API cannot show", "objects that the API cannot show"),
    NoteKind.REMARK: ("remark on a change", "remarks on changes"),
    NoteKind.REQUEST: ("note on a request", "notes on requests"),
    NoteKind.POLICY: ("note of a policy", "notes of policies"),
}
# Of these the names are enough.
NAMES_ARE_ENOUGH = frozenset({NoteKind.UNMANAGED})
# Of these each message says something that the words for its kind do not.
EACH_TELLS = frozenset(
    {
        NoteKind.REMARK,
        NoteKind.NOT_PAUSED,
        NoteKind.HELD,
        NoteKind.INTERRUPTED_RUN,
        NoteKind.TARGET_HOSTS,
        NoteKind.PAUSE_LIMITS,
    }
)
SYMBOLS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DELETE: "-",
    Action.RENAME: "→",
    Action.PAUSE: "‖",
    Action.RESUME: "▶",
}
# Within one risk, what takes away comes first.
_ACTION_ORDER = (Action.DELETE, Action.PAUSE, Action.RENAME, Action.UPDATE, Action.RESUME, Action.CREATE)
# What somebody has to look at comes first.
OUTCOME_ORDER = (
    Outcome.UNKNOWN,
    Outcome.FAILED,
    Outcome.STALE,
    Outcome.SKIPPED,
    Outcome.APPLIED,
    Outcome.ALREADY,
)
OUTCOMES = {
    Outcome.UNKNOWN: "unknown",
    Outcome.FAILED: "failed",
    Outcome.STALE: "refused as stale",
    Outcome.SKIPPED: "skipped",
    Outcome.APPLIED: "applied",
    Outcome.ALREADY: "already as desired",
}
# So many objects that are missing, and nothing else that differs, are told in one line.
_FOLDED = 5
_OVERTAKEN_SHOWN = 8
OPERATION_OUTCOMES = {
    Outcome.UNKNOWN: "unknown",
    Outcome.FAILED: "failed",
    Outcome.STALE: "refused as stale",
    Outcome.SKIPPED: "skipped",
    Outcome.APPLIED: "carried out",
    Outcome.ALREADY: "carried out before",
}
_NOTHING = "Nothing to do: live is as the manifests say."


def override_flags(rule: str) -> str | None:
    """Return the flags that override a guardrail, or None for one that cannot be overridden; raw text."""
    return None if rule in FIXED_RULES else f"--override {rule} --reason TEXT"


def overrides_again(plan: Plan) -> str:
    """Return the flags that a plan was made with, for its apply, which needs them as well; empty: none; raw text."""
    given = {breach.rule: breach.overridden for breach in plan.breaches if breach.overridden is not None}
    reason = next(iter(given.values()), "")
    # What would not stand on a line between backticks is not written out.
    quoted = shlex.quote(reason) if reason.isprintable() and "`" not in reason else "TEXT"
    return " ".join([*(f"--override {rule}" for rule in given), f"--reason {quoted}"]) if given else ""


def rule_docs(rule: str) -> str:
    """Return the command that explains a guardrail; raw text."""
    return f"reconciler explain {rule}"


def moment(time: datetime) -> str:
    """Return a time for people: UTC, to the minute."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def told_cause(change: Change) -> str | None:
    """Return the cause of a change, where it is worth a word: a new object comes from git, of course."""
    if change.cause is Cause.DIFFERS or (change.cause is Cause.GIT_MOVED and change.action is Action.CREATE):
        return None
    return CAUSES[change.cause]


def steps_told(change: Change) -> str | None:
    """Return the steps of a change in a few words; None where it is carried out by itself."""
    if not change.steps:
        return None
    words = (
        step.action.value if step.action is StepAction.CHANGE else f"{step.action.value} {step.key}"
        for step in change.steps
    )
    return f"in steps: {', '.join(words)}"


def where(place: Place) -> str:
    """Return `file:line`, the clickable form, on one line."""
    return visible(str(Place(place.file, place.line)))


def rule_subject(rule: RuleChange) -> str:
    """Return which rule it is: `Environment/production spec.guardrails.maxChanges`."""
    return f"{rule.kind}/{rule.name} {rule.path}".rstrip()


def rule_words(rule: RuleChange, show: Callable[[str], str] = str) -> str:
    """Return the old and the new value of a rule, each as `show` makes of it; by default raw text."""
    if not rule.path and rule.before == MANAGED:
        return "the manifest is gone: live stays as it is, and nobody watches it"
    if rule.before is None:
        return f"new, {show(rule.after or '')}" if rule.after != ADDED else "new"
    return f"{show(rule.before)} → {'not there' if rule.after is None else show(rule.after)}"


def by_risk(changes: Iterable[Change]) -> list[tuple[Risk, list[Change]]]:
    """Group changes by risk, worst first; within a risk what takes away comes first, then the order of apply."""
    ordered = sorted(changes, key=lambda change: _ACTION_ORDER.index(change.action))
    groups = [(risk, [change for change in ordered if change.risk is risk]) for risk in Risk]
    return [(risk, group) for risk, group in groups if group]


def by_cause(items: Iterable[DriftItem]) -> list[tuple[Cause, list[DriftItem]]]:
    """Group what is not snoozed by cause, in the order of `Cause`."""
    shown = [item for item in items if item.snoozed_until is None]
    groups = [(cause, [item for item in shown if item.cause is cause]) for cause in Cause]
    return [(cause, group) for cause, group in groups if group]


def alarms(notes: Iterable[Note]) -> list[Note]:
    """Return the notes that stand before everything else: what live does now and must not."""
    return [note for note in notes if note.kind is NoteKind.FORBIDDEN_HOST]


def pauses(notes: Iterable[Note]) -> list[Note]:
    """Return the notes on what is paused: they stand at the beginning, below the alarms."""
    return [note for note in notes if note.kind is NoteKind.PAUSED]


def not_paused(notes: Iterable[Note]) -> list[Note]:
    """Return the notes on syncs that run although a lease holds them."""
    return [note for note in notes if note.kind is NoteKind.NOT_PAUSED]


def notes_by_kind(notes: Iterable[Note]) -> list[tuple[NoteKind, list[Note]]]:
    """Group notes by what they are about, in the order of `NoteKind`; alarms and pauses stand elsewhere."""
    listed = [note for note in notes if note.kind not in (NoteKind.FORBIDDEN_HOST, NoteKind.PAUSED)]
    groups = [(kind, [note for note in listed if note.kind is kind]) for kind in NoteKind]
    return [(kind, group) for kind, group in groups if group]


def note_lines(kind: NoteKind, notes: Sequence[Note], at_most: int) -> list[str]:
    """Return what to list under a folded note: names, or whole messages; cut after `at_most`, raw text."""
    lines = [
        note.subject
        if kind in NAMES_ARE_ENOUGH
        else (note.message if note.subject in note.message else f"{note.subject}: {note.message}")
        for note in notes[:at_most]
    ]
    rest = len(notes) - len(lines)
    return [*lines, f"and {rest:,} more"] if rest else lines


def note_step(kind: NoteKind, environment: str) -> str | None:
    """Return the command that leads on from notes of a kind, or None; raw text."""
    steps = {
        NoteKind.UNMANAGED: f"reconciler import -e {environment}",
        NoteKind.INTERRUPTED_RUN: f"reconciler apply --resume -e {environment}",
    }
    return steps.get(kind)


def why_failed(plan: Plan) -> tuple[str, str | None] | None:
    """Return why planning failed and what to do now, or None where it did not; raw text."""
    if plan.error is None:
        return None
    more = f" ({len(plan.error['problems'])} listed in the plan's JSON)" if plan.error["problems"] else ""
    place = f" at {plan.error['source']['file']}" if plan.error["source"] else ""
    return f"{plan.error['code']}: {plan.error['message']}{place}{more}", plan.error["next_step"]


def plan_counts(plan: Plan) -> str:
    """Return `2 to create, 1 to pause; 14 unchanged`, or `14 unchanged`."""
    if plan.error is not None:
        return "planning failed; nothing is known"
    summary = plan.summary
    parts = [f"{summary[action.value]:,} to {action.value}" for action in Action if summary[action.value]]
    if plan.operations:
        parts.append(f"{counted(len(plan.operations), 'request')} to carry out")
    return "; ".join(filter(None, (", ".join(parts), f"{plan.unchanged:,} unchanged")))


def apply_counts(report: ApplyReport) -> str:
    """Return `3 applied, 1 failed`, counted from the results themselves."""
    summary: Mapping[str, int] = report.summary
    parts = [f"{summary[outcome.value]:,} {OUTCOMES[outcome]}" for outcome in Outcome if summary[outcome.value]]
    done = Counter(result.outcome for result in report.operations)
    parts += [
        f"{counted(done[outcome], 'request')} {OPERATION_OUTCOMES[outcome]}" for outcome in Outcome if done[outcome]
    ]
    nothing = "nothing applied" if any(plan.code for plan in report.plans) else "nothing to do"
    return ", ".join(parts) or nothing


def plan_verdicts(report: ApplyReport) -> list[tuple[str, str | None, str | None]]:
    """Return a sentence on each saved plan that was not applied as it is, its code and what to do; raw text."""
    found: list[tuple[str, str | None, str | None]] = []
    for plan in report.plans:
        if plan.message is not None:
            tail = "" if plan.code else "; all that is pending is approved all the same"
            found.append((f"{plan.file} is left out: {plan.message}{tail}", plan.code, plan.next_step))
        if plan.overtaken:
            keys = ", ".join(plan.overtaken[:_OVERTAKEN_SHOWN])
            more = len(plan.overtaken) - _OVERTAKEN_SHOWN
            keys += f" and {more:,} more" if more > 0 else ""
            found.append((f"{plan.file}: changed as another plan says, and not as this one: {keys}", None, None))
    return found


def apply_closing(report: ApplyReport) -> str:
    """Return the sentence that says how to go on, or nothing where nothing was done; raw text."""
    outcomes = report.outcomes
    environment = report.environment
    if not report.results and not report.operations and not report.interrupted:
        return ""
    if report.interrupted:
        return f"Carry on with `reconciler apply --resume -e {environment}`; it looks before it writes."
    begun = [result for result in report.operations if result.is_part]
    whole = {result.outcome for result in report.results}
    whole |= {result.outcome for result in report.operations if not result.is_part}
    if whole & {Outcome.UNKNOWN, Outcome.FAILED}:
        return f"Mend what failed; `reconciler plan -e {environment}` shows what is left, and apply carries it out."
    if begun:
        what = "What is left of a request that was begun has to be asked for in another one"
        return f"{what}; `reconciler plan -e {environment}` shows what else is left."
    if outcomes & {Outcome.STALE, Outcome.SKIPPED} or any(plan.code for plan in report.plans):
        return f"Plan again with `reconciler plan -e {environment}` and have what was refused reviewed."
    return f"Done. `reconciler plan -e {environment} --exit-code` shows whether anything is left."


def drift_counts(report: DriftReport) -> str:
    """Return `2 live moved, 1 pause overdue, 1 snoozed; 14 as declared`, or `14 as declared`."""
    causes = Counter(item.cause for item in report.items if item.snoozed_until is None)
    parts = [f"{causes[cause]:,} {CAUSES[cause]}" for cause in Cause if causes[cause]]
    snoozed = sum(item.snoozed_until is not None for item in report.items)
    if snoozed:
        parts.append(f"{snoozed:,} snoozed")
    healed = sum(result.outcome is Outcome.APPLIED for result in report.healed)
    if healed:
        parts.append(f"{healed:,} healed")
    return "; ".join(filter(None, (", ".join(parts), f"{report.unchanged:,} as declared")))


def folds(items: Sequence[DriftItem], report: DriftReport) -> bool:
    """Whether the items of one cause are told as one: nothing differs but that many objects are not there.

    That is what a site that was emptied looks like, or one that nothing was applied to yet.
    """
    changes = [item.change for item in report.items if item.change is not None and item.snoozed_until is None]
    missing = all(change.action is Action.CREATE for change in changes)
    return missing and len(items) >= _FOLDED and all(item.change is not None for item in items)


def healed_words(result: ChangeResult) -> str:
    """Return what became of drift that was healed: its cause, the outcome, what the change was about; raw text."""
    words = f"{CAUSES[result.change.cause]}: {result.outcome}"
    return f"{words}; {result.change.detail}" if result.change.detail else words


def nothing_to_do(plan: Plan) -> str:
    """Return what a plan without changes says: no more than it has looked at."""
    if plan.leaves_secrets:
        return "Nothing else changes: apply compares the secrets that git changed, and sends what differs."
    limits = plan_limits(plan)
    return f"Nothing to do in what the plan is limited to ({limits})." if limits else _NOTHING


def plan_limits(plan: Plan) -> str:
    """Return the options that a plan was limited with, as they are written; empty: it covers everything."""
    options = (("--target", plan.targets), ("--exclude", plan.excluded))
    return " ".join(f"{option} {name}" for option, names in options for name in names)
