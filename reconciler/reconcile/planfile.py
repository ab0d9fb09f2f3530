"""Plan file: a plan as JSON, the shape that `plan --format json` prints, `plan --save` writes and `apply` reads.

The models below are that shape: reading (`planread.py`) checks against them, and schemas/plan.schema.json is generated
from them. A sensitive field has neither value here, whatever the plan object carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from reconciler.errors import ApiError, ManifestErrors, MissingRole, Place, Problem, ReconcilerError
from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import Cause, Change, FieldChange, Note, NoteKind, Operation, Plan, Step, StepAction
from reconciler.secret import MASK, Secret

if TYPE_CHECKING:
    from reconciler.manifest.rule_changes import RuleChange


def _parsed_time(value: object) -> datetime:
    """Read an RFC 3339 time with an offset; anything else is refused."""
    if not isinstance(value, str):
        raise ValueError("a time is a string")  # noqa: TRY004 - pydantic turns only ValueError into a finding
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("a time is written as 2026-12-01T06:00:00Z") from None  # the other's words repeat the value
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset, e.g. Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time is within the calendar") from None


def _comparable(value: object) -> object:
    """Refuse a value of which no digest can be made: too deep, beyond 64 bits, or half a character in it."""
    try:
        orjson.dumps([[[[value]]]])
    except TypeError:
        raise ValueError("this is nested too deeply, or holds a number or a text that no plan can hold") from None
    return value


Time = Annotated[datetime, BeforeValidator(_parsed_time)]
Value = Annotated[Any, BeforeValidator(_comparable)]
Count = Annotated[int, Field(ge=0)]


class Document(BaseModel):
    """Base of every JSON shape that we publish: no unknown members, no coercion."""

    # Most commands write such shapes and read none: the validator is built when one is read.
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True)


class SourceDocument(Document):
    """Where in the manifests something stands; line and column count from 1, 0 means not known."""

    file: str = Field(description="File as the user named it.")
    line: Count
    column: Count


class FieldDocument(Document):
    """One field that differs; null stands for absent. A sensitive field has neither value."""

    path: str = Field(description="Dotted path below spec.")
    before: Value = Field(description="Live value.")
    after: Value = Field(description="Value that the manifests ask for.")
    sensitive: bool = Field(description="The field holds a secret; its values are never shown.")


class StepDocument(Document):
    """One step of a change."""

    action: Annotated[StepAction, Field(strict=False)]
    object: str = Field(description="What it is about, as Kind/name.")


class ChangeDocument(Document):
    """One live object that has to change."""

    kind: str
    name: str = Field(description="metadata.name of the manifest.")
    id: str = Field(description="What the API calls the object; after a rename, the new ID.")
    action: Annotated[Action, Field(strict=False)]
    risk: Annotated[Risk, Field(strict=False)] = Field(description="What the change can do to the business.")
    cause: Annotated[Cause, Field(strict=False)] = Field(description="Who moved, as far as can be known.")
    detail: str | None = Field(description="One sentence for people, e.g. the reason of a pause.")
    renamed_from: str | None = Field(description="The old ID of a rename.")
    source: SourceDocument
    fields: list[FieldDocument]
    level: Count = Field(description="Changes of one level are carried out side by side, level by level.")
    depends_on: list[str] = Field(description="Changes (Kind/name) that must have succeeded before.")
    precondition: str = Field(description="Digest of what live looked like.")
    digest: str = Field(description="What an approval of this change approves.")
    timed: list[str] = Field(
        default=[], description="Paths that a window moves; it was reviewed with its manifest, so no approval is asked."
    )
    steps: list[StepDocument] = Field(default=[], description="How it is carried out; empty: by itself.")


class NoteDocument(Document):
    """Something to know that is no change."""

    kind: Annotated[NoteKind, Field(strict=False)]
    subject: str
    message: str
    source: SourceDocument | None


class OperationDocument(Document):
    """Something that is done once because a manifest asks for it, after the changes."""

    kind: str
    name: str = Field(description="metadata.name of the manifest.")
    id: str = Field(description="Made of its name and content; the ledger knows it by this.")
    does: str = Field(description="What it does, in words.")
    reason: str | None = Field(description="Why, as the manifest says.")
    steps: list[str] = Field(description="What carrying it out takes, in order.")
    not_after: Time = Field(description="When it is over, done or not.")
    source: SourceDocument
    depends_on: list[str] = Field(description="Changes (Kind/name) that must have succeeded before.")
    unsure: bool = Field(description="Whether it may have been carried out before, as far as the ledger can know.")
    digest: str = Field(description="What an approval of it approves.")


class BreachDocument(Document):
    """A guardrail that is not kept; `overridden` holds the reason of an override, null while it stands."""

    rule: str
    message: str
    changes: list[str]
    overridden: str | None


class RuleChangeDocument(Document):
    """One rule that is not as it was in the base; null stands for absent. Secrets are masked."""

    kind: str
    name: str = Field(description="metadata.name of the manifest that says it.")
    path: str = Field(description="Dotted, from spec or metadata; empty: the manifest as a whole.")
    before: str | None = Field(description="Old value, as text.")
    after: str | None = Field(description="New value, as text.")
    source: SourceDocument


class SummaryDocument(Document):
    """Counts by action, and of what needs no change."""

    create: Count
    update: Count
    delete: Count
    rename: Count
    pause: Count
    resume: Count
    unchanged: Count
    unmanaged: Count


class ProblemDocument(Document):
    """One thing wrong with one manifest."""

    code: str = Field(description="Stable; `reconciler explain` says what it means.")
    message: str
    source: SourceDocument
    value: str | None = Field(description="The offending value, cut short, never a secret.")
    hint: str | None = Field(description="What to do.")


class ErrorBodyDocument(Document):
    """What went wrong, where, and what to do now."""

    code: str = Field(description="Stable; `reconciler explain` says what it means.")
    message: str
    source: SourceDocument | None
    next_step: str | None
    exit_status: Count
    status: int | None = Field(description="HTTP status, where an API answered.")
    vendor_code: str | None = Field(description="The vendor's own code, where an API answered with one.")
    request: str | None = Field(description="METHOD path of the request, without query.")
    roles: list[str] = Field(description="Roles that are missing.")
    problems: list[ProblemDocument]


class PlanDocument(Document):
    """What would be done to one environment: printed by `reconciler plan --format json`, saved by `--save`."""

    format_version: Literal[1]
    environment: str
    connections: dict[str, str] = Field(description="Provider to the base URL that was read.")
    created_at: Time = Field(description="When live was read.")
    expires_at: Time = Field(description="After this, the plan approves nothing.")
    targets: list[str] = Field(description="What the plan was limited to; empty: everything.")
    excluded: list[str] = Field(default=[], description="What was left out of the plan.")
    push_secrets: bool = Field(description="Whether every secret is to be sent.")
    summary: SummaryDocument
    changes: list[ChangeDocument] = Field(description="In the order of apply.")
    operations: list[OperationDocument] = Field(
        default=[], description="What is done once, after the changes; no live object becomes as they say."
    )
    notes: list[NoteDocument]
    breaches: list[BreachDocument]
    base: str | None = Field(default=None, description="What the rules were compared with: a folder, or a commit.")
    rules_changed: list[RuleChangeDocument] = Field(
        default=[], description="Rules that differ from the base. The digest does not cover them."
    )
    digest: str = Field(description="Covers the whole plan; a file that was changed by mistake does not match it.")
    signature: str | None = Field(
        default=None, description="HMAC-SHA256 of the digest with RECONCILER_PLAN_KEY, where it was set."
    )
    approves: str | None = Field(
        default=None,
        description="Digest of its changes and operations alone: the same for every plan that would do the same.",
    )
    status: Literal["planned", "refused", "failed"] = Field(
        default="planned", description="What is refused by a guardrail or failed approves nothing."
    )
    error: ErrorBodyDocument | None = Field(default=None, description="Why planning failed.")
    commit: str | None = Field(default=None, description="What the manifests stood at in git, where that is known.")
    secrets_at_apply: bool = Field(
        default=False, description="Whether it was made without the secrets of targets: apply compares and checks them."
    )


def time_to_json(moment: datetime) -> str:
    """Return a timezone-aware time as RFC 3339 in UTC, e.g. `2026-12-01T06:00:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def value_to_json(value: Any) -> Any:
    """Return a value as plain JSON data. A `Secret` becomes a mask, at any depth."""
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, Mapping):
        return {str(key): value_to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [value_to_json(item) for item in value]
    return value


def place_to_json(place: Place) -> dict[str, Any]:
    """Return a place in the shape of `SourceDocument`."""
    return {"file": place.file, "line": place.line, "column": place.column}


def field_to_json(field: FieldChange) -> dict[str, Any]:
    """Return a field change in the shape of `FieldDocument`; values of a sensitive one are left out."""
    return {
        "path": field.path,
        "before": None if field.sensitive else value_to_json(field.before),
        "after": None if field.sensitive else value_to_json(field.after),
        "sensitive": field.sensitive,
    }


def _step_to_json(step: Step) -> dict[str, str]:
    return {"action": step.action.value, "object": step.key}


def change_to_json(change: Change) -> dict[str, Any]:
    """Return a change in the shape of `ChangeDocument`."""
    return {
        "kind": change.kind,
        "name": change.name,
        "id": change.id,
        "action": change.action.value,
        "risk": change.risk.value,
        "cause": change.cause.value,
        "detail": change.detail,
        "renamed_from": change.renamed_from,
        "source": place_to_json(change.place),
        "fields": [field_to_json(field) for field in change.fields],
        "level": change.level,
        "depends_on": list(change.depends_on),
        "precondition": change.precondition,
        "digest": change.digest,
        **({"timed": list(change.timed)} if change.timed else {}),
        **({"steps": [_step_to_json(step) for step in change.steps]} if change.steps else {}),
    }


def operation_to_json(operation: Operation) -> dict[str, Any]:
    """Return an operation in the shape of `OperationDocument`."""
    return {
        "kind": operation.kind,
        "name": operation.name,
        "id": operation.id,
        "does": operation.does,
        "reason": operation.reason,
        "steps": list(operation.steps),
        "not_after": time_to_json(operation.not_after),
        "source": place_to_json(operation.place),
        "depends_on": list(operation.depends_on),
        "unsure": operation.unsure,
        "digest": operation.digest,
    }


def note_to_json(note: Note) -> dict[str, Any]:
    """Return a note in the shape of `NoteDocument`."""
    return {
        "kind": note.kind.value,
        "subject": note.subject,
        "message": note.message,
        "source": place_to_json(note.place) if note.place else None,
    }


def _rule_to_json(rule: RuleChange) -> dict[str, Any]:
    return {
        "kind": rule.kind,
        "name": rule.name,
        "path": rule.path,
        "before": rule.before,
        "after": rule.after,
        "source": place_to_json(rule.place),
    }


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Return a plan in the shape of `PlanDocument`: plain data, no secret in it."""
    return {
        "format_version": plan.format_version,
        "environment": plan.environment,
        "connections": dict(plan.connections),
        "created_at": time_to_json(plan.created_at),
        "expires_at": time_to_json(plan.expires_at),
        "targets": list(plan.targets),
        "excluded": list(plan.excluded),
        "push_secrets": plan.push_secrets,
        "summary": plan.summary,
        "changes": [change_to_json(change) for change in plan.changes],
        "operations": [operation_to_json(operation) for operation in plan.operations],
        "notes": [note_to_json(note) for note in plan.notes],
        "breaches": [
            {
                "rule": breach.rule,
                "message": breach.message,
                "changes": list(breach.changes),
                "overridden": breach.overridden,
            }
            for breach in plan.breaches
        ],
        **(
            {} if plan.base is None else {"base": plan.base, "rules_changed": [*map(_rule_to_json, plan.rules_changed)]}
        ),
        "digest": plan.digest,
        **({} if plan.signature is None else {"signature": plan.signature}),
        "approves": plan.approves,
        "status": plan.status,
        "error": plan.error,
        "commit": plan.commit,
        **({"secrets_at_apply": True} if plan.secrets_at_apply else {}),
    }


def error_body(error: ReconcilerError) -> dict[str, Any]:
    """Return an error in the shape of `ErrorBodyDocument`."""
    answer = error if isinstance(error, ApiError) else None
    return {
        "code": error.code,
        "message": error.message,
        "source": place_to_json(error.place) if error.place else None,
        "next_step": error.next_step,
        "exit_status": error.exit_status,
        "status": answer.status if answer else None,
        "vendor_code": answer.vendor_code if answer else None,
        "request": answer.request if answer else None,
        "roles": list(error.roles) if isinstance(error, MissingRole) else [],
        "problems": [problem_to_json(each) for each in error.problems] if isinstance(error, ManifestErrors) else [],
    }


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """Return one problem in the shape of `ProblemDocument`."""
    return {
        "code": problem.code,
        "message": problem.message,
        "source": place_to_json(problem.place),
        "value": problem.value,
        "hint": problem.hint,
    }
