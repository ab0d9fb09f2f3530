"""The Plan: a frozen value that says what would be done and why. No I/O, no clock of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconciler.errors import Place
from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.reconcile.verdict import PlanVerdict

if TYPE_CHECKING:
    from reconciler.manifest.rule_changes import RuleChange

FORMAT_VERSION = 1
# Guardrail rules that no --override lifts.
FIXED_RULES = frozenset({"in-use", "protect", "missing-reference", "unsupported", "notAfter"})


class Cause(StrEnum):
    """Who moved, as far as can be known."""

    FORBIDDEN_HOST = "forbidden-host"
    GIT_MOVED = "git-moved"
    LIVE_MOVED = "live-moved"
    BOTH_MOVED = "both-moved"
    DIFFERS = "differs"
    OVERDUE = "overdue"
    WINDOW = "window"
    LEASE = "lease"
    UNDECLARED_PAUSE = "undeclared-pause"
    RESTORED = "restored"
    UNMANAGED = "unmanaged"
    DATA_STALE = "data-stale"
    HELD_BACK = "held-back"
    DATA_STOPPED = "data-stopped"
    UNREMOVED = "unremoved"
    OPEN_PROBLEMS = "open-problems"
    FOREIGN_SYNC_LOG = "foreign-sync-log"
    DISCONNECTED = "disconnected"
    UNREACHABLE = "unreachable"


class FieldChange(Struct, frozen=True):
    """One field that differs. None stands for absent. A sensitive field has neither value, only the fact."""

    path: str
    before: Any
    after: Any
    sensitive: bool = False


class StepAction(StrEnum):
    """What a step of a change does."""

    PAUSE = "pause"
    PROBE = "probe"
    CHANGE = "change"
    RESUME = "resume"


class Step(Struct, frozen=True):
    """One step of a change, and the object that it is about, as `Kind/name`."""

    action: StepAction
    key: str


class Change(Struct, frozen=True):
    """One live object that has to change, and everything a reviewer needs to judge it.

    `id` is what live calls the object (after a rename: the new ID; `renamed_from` the old one). `depends_on` holds
    the `key` of changes that must have succeeded before. `digest` covers kind, name, ID, action, fields and
    precondition: it is what an approval approves. `detail` is one sentence for people, e.g. a pause's reason.
    `timed` are the paths that a window moves, which was reviewed with its manifest: digest and precondition leave
    them out, so that an approval holds whether the window is open or not. `steps` is how it is carried out; empty: by
    itself.
    """

    kind: str
    name: str
    id: str
    action: Action
    risk: Risk
    fields: tuple[FieldChange, ...]
    place: Place
    level: int
    depends_on: tuple[str, ...]
    precondition: str
    digest: str
    cause: Cause = Cause.DIFFERS
    renamed_from: str | None = None
    detail: str | None = None
    timed: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def key(self) -> str:
        """`Kind/name`, unique in a plan and accepted by --target."""
        return f"{self.kind}/{self.name}"


class Operation(Struct, frozen=True):
    """Something that is done once because a manifest asks for it; no live object becomes as it says.

    Args:
        kind: of the manifest.
        name: of the manifest.
        id: made of its name and content: what the ledger knows it by.
        does: what it does, in words.
        reason: why, as the manifest says.
        steps: what carrying it out takes, in words, in order.
        not_after: when it is over (timezone-aware).
        place: of the manifest.
        depends_on: keys of the changes that must have succeeded before.
        unsure: whether it may have been carried out before, as far as the ledger can know.
        digest: of all of this but `place`, `depends_on` and `unsure`: what an approval of it approves.
    """

    kind: str
    name: str
    id: str
    does: str
    reason: str | None
    steps: tuple[str, ...]
    not_after: datetime
    place: Place
    depends_on: tuple[str, ...] = ()
    unsure: bool = False
    digest: str = ""

    @property
    def key(self) -> str:
        """`Kind/name`, unique in a plan and accepted by --target."""
        return f"{self.kind}/{self.name}"


class NoteKind(StrEnum):
    """What a note is about."""

    FORBIDDEN_HOST = "forbidden-host"
    PAUSED = "paused"
    SECRET_UNSET = "secret-unset"
    CHECKED_AT_APPLY = "checked-at-apply"
    SECRET_UNKNOWN = "secret-unknown"
    SECRET_CHANGES = "secret-changes"
    SECRET_BLANKS = "secret-blanks"
    UNMANAGED = "unmanaged"
    UNKNOWN_MEMBER = "unknown-member"
    TARGET_HOSTS = "target-hosts"
    LITERAL_SECRET = "literal-secret"
    NOT_PAUSED = "not-paused"
    HELD = "held"
    PAUSE_LIMITS = "pause-limits"
    INTERRUPTED_RUN = "interrupted-run"
    UNREADABLE = "unreadable"
    REMARK = "remark"
    REQUEST = "request"
    POLICY = "policy"


class Note(Struct, frozen=True):
    """Something to know that is no change."""

    kind: NoteKind
    subject: str
    message: str
    place: Place | None = None


class Breach(Struct, frozen=True):
    """A guardrail that a change, or the plan as a whole, does not keep.

    `overridden` holds the reason given with --override RULE --reason TEXT, or None while the breach stands.
    """

    rule: str
    message: str
    changes: tuple[str, ...]
    overridden: str | None = None


class Plan(Struct, frozen=True):
    """Plan of one environment: the changes that an apply would make.

    Args:
        environment: name of the Environment manifest.
        connections: provider name to base URL: the live side that was read.
        created_at: when live was read (timezone-aware).
        expires_at: after this, the plan approves nothing.
        changes: in the order of apply.
        unchanged: how many managed objects already are as desired.
        targets: what the plan was limited to; apply limits itself to the same.
        excluded: what was left out; apply leaves out the same.
        push_secrets: whether every secret was asked for; apply asks the same.
        digest: covers all of it; a file that was changed by mistake does not match it.
        signature: of the digest, by who holds RECONCILER_PLAN_KEY; None: nobody signed it.
        operations: what is done once, after the changes, in order.
        base: what the rules were compared with, a folder or a commit; None: with nothing.
        rules_changed: how they differ from it; no part of the digest.
        approves: digest of changes and operations alone, the same for every plan that would do the same.
        commit: what the manifests stood at in git; None: not known.
        error: why planning failed, in the shape of the JSON of an error; the plan has no changes then.
        secrets_at_apply: whether it was made without the secrets of targets, which apply compares and checks.
    """

    environment: str
    connections: tuple[tuple[str, str], ...]
    created_at: datetime
    expires_at: datetime
    changes: tuple[Change, ...]
    notes: tuple[Note, ...]
    breaches: tuple[Breach, ...]
    unchanged: int
    digest: str
    targets: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    push_secrets: bool = False
    format_version: int = FORMAT_VERSION
    signature: str | None = None
    operations: tuple[Operation, ...] = ()
    base: str | None = None
    rules_changed: tuple[RuleChange, ...] = ()
    approves: str | None = None
    commit: str | None = None
    error: Mapping[str, Any] | None = None
    secrets_at_apply: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether an apply would have nothing to do, as far as is known."""
        return not self.changes and not self.operations and self.error is None

    @property
    def leaves_secrets(self) -> bool:
        """Whether secret values are made otherwise than at the base, which apply compares as this plan had none."""
        return self.secrets_at_apply and any(rule.is_of_secret for rule in self.rules_changed)

    @property
    def status(self) -> str:
        """`planned`; `refused` by a guardrail or `failed`: then it approves nothing."""
        return "failed" if self.error is not None else "refused" if self.refused else "planned"

    @property
    def summary(self) -> dict[str, int]:
        """Count of changes by action, every action named, and of what is unchanged and unmanaged."""
        counts = Counter(change.action for change in self.changes)
        summary = {action.value: counts[action] for action in Action}
        summary["unchanged"] = self.unchanged
        summary["unmanaged"] = sum(note.kind is NoteKind.UNMANAGED for note in self.notes)
        return summary

    @property
    def refused(self) -> tuple[Breach, ...]:
        """The breaches that nobody has overridden."""
        return tuple(breach for breach in self.breaches if breach.overridden is None)


STILL_PAUSED = "still-paused"
"""Code of a result whose change has come to its end, and a sync that was paused around it has not been resumed."""


class Outcome(StrEnum):
    """Outcome of one change. `unknown`: it was sent, and whether it took effect could not be found out."""

    APPLIED = "applied"
    ALREADY = "already"
    FAILED = "failed"
    SKIPPED = "skipped"
    STALE = "stale"
    UNKNOWN = "unknown"


DONE = frozenset({Outcome.APPLIED, Outcome.ALREADY})


class ChangeResult(Struct, frozen=True):
    """The true outcome of one change of an apply, with the error's code, words and next step where it has one."""

    change: Change
    outcome: Outcome
    code: str | None = None
    message: str | None = None
    next_step: str | None = None


class StepResult(Struct, frozen=True):
    """The true outcome of one step of an operation."""

    does: str
    outcome: Outcome
    message: str | None = None


class OperationResult(Struct, frozen=True):
    """The true outcome of one operation: the worst of its steps."""

    operation: Operation
    outcome: Outcome
    steps: tuple[StepResult, ...] = ()
    code: str | None = None
    message: str | None = None
    next_step: str | None = None

    @property
    def is_part(self) -> bool:
        """Whether a part was carried out and a part was not, or may not have been."""
        return self.outcome not in DONE and any(step.outcome in DONE for step in self.steps)

    @property
    def was_refused_before(self) -> bool:
        """Whether an earlier run carried out a part, and this one nothing: what was refused then is no error of it."""
        taken = any(step.outcome in (Outcome.APPLIED, Outcome.UNKNOWN) for step in self.steps)
        return self.is_part and not taken


class ApplyReport(Struct, frozen=True):
    """Report of an apply, change by change. `stale` names approved changes that live or the manifests overtook.

    `ledger_problem` says that the ledger could not be written any more: this report is all that knows of the run.
    `plans`: what became of each saved plan that was to be applied.
    """

    environment: str
    run: str | None
    results: tuple[ChangeResult, ...]
    resumed: bool = False
    interrupted: bool = False
    ledger_problem: str | None = None
    operations: tuple[OperationResult, ...] = ()
    plans: tuple[PlanVerdict, ...] = ()

    @property
    def outcomes(self) -> frozenset[Outcome]:
        """The outcomes of changes and operations that occur."""
        of_changes = {result.outcome for result in self.results}
        return frozenset(of_changes | {result.outcome for result in self.operations})

    @property
    def summary(self) -> dict[str, int]:
        """Count of changes by outcome, every outcome named."""
        counts = Counter(result.outcome for result in self.results)
        return {outcome.value: counts[outcome] for outcome in Outcome}


class DriftItem(Struct, frozen=True):
    """One live object that is not as desired, why, and what to do about it.

    `snoozed_until` mutes it for now. `not_healed`: why `drift --heal` left it, where a rule names its cause.
    """

    kind: str
    name: str
    id: str
    cause: Cause
    change: Change | None
    next_steps: tuple[str, ...]
    snoozed_until: datetime | None = None
    snooze_reason: str | None = None
    message: str | None = None
    not_healed: str | None = None


class DriftReport(Struct, frozen=True):
    """Report of `drift` on one environment. `healed` is what was put right before it was looked at."""

    environment: str
    checked_at: datetime
    items: tuple[DriftItem, ...]
    notes: tuple[Note, ...]
    unchanged: int
    healed: tuple[ChangeResult, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether anything differs that is not snoozed."""
        return any(item.snoozed_until is None for item in self.items)
