"""Plan file: a plan as JSON, and back, its shape checked: what `plan` writes and `apply` reads.

The models below are that shape: reading checks against them, and schemas/plan.schema.json is generated from them.
A sensitive field has neither value here, whatever the plan object carries. Whether a plan may be used (digests,
signature, age) is checked in `approval.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reconciler.errors import Place, PlanFileError
from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import FORMAT_VERSION, Breach, Cause, Change, FieldChange, Note, NoteKind, Plan
from reconciler.secret import MASK, Secret

# A plan of 50,000 changes with long values is a tenth of this.
LARGEST_BYTES = 256 * 2**20
NEXT_STEP = "Make a new one with `reconciler plan --save plan.json` and have it reviewed."


def _parsed_time(value: object) -> datetime:
    """Read an RFC 3339 time with an offset; anything else is refused."""
    if not isinstance(value, str):
        raise ValueError("a time is a string")  # noqa: TRY004 - pydantic turns only ValueError into a finding
    moment = datetime.fromisoformat(value)
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

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


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


class NoteDocument(Document):
    """Something to know that is no change."""

    kind: Annotated[NoteKind, Field(strict=False)]
    subject: str
    message: str
    source: SourceDocument | None


class BreachDocument(Document):
    """A guardrail that is not kept; `overridden` holds the reason of an override, null while it stands."""

    rule: str
    message: str
    changes: list[str]
    overridden: str | None


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
    notes: list[NoteDocument]
    breaches: list[BreachDocument]
    digest: str = Field(description="Covers the whole plan; a file that was changed by mistake does not match it.")
    signature: str | None = Field(
        default=None, description="HMAC-SHA256 of the digest with RECONCILER_PLAN_KEY, where it was set."
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
    }


def note_to_json(note: Note) -> dict[str, Any]:
    """Return a note in the shape of `NoteDocument`."""
    return {
        "kind": note.kind.value,
        "subject": note.subject,
        "message": note.message,
        "source": place_to_json(note.place) if note.place else None,
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
        "digest": plan.digest,
        **({} if plan.signature is None else {"signature": plan.signature}),
    }


def place_from_json(source: SourceDocument) -> Place:
    """Return a place that was read back."""
    return Place(source.file, source.line, source.column)


def change_from_json(document: ChangeDocument) -> Change:
    """Return a change that was read back."""
    return Change(
        kind=document.kind,
        name=document.name,
        id=document.id,
        action=document.action,
        risk=document.risk,
        fields=tuple(FieldChange(item.path, item.before, item.after, item.sensitive) for item in document.fields),
        place=place_from_json(document.source),
        level=document.level,
        depends_on=tuple(document.depends_on),
        precondition=document.precondition,
        digest=document.digest,
        cause=document.cause,
        renamed_from=document.renamed_from,
        detail=document.detail,
        timed=tuple(document.timed),
    )


def note_from_json(document: NoteDocument) -> Note:
    """Return a note that was read back."""
    place = place_from_json(document.source) if document.source else None
    return Note(document.kind, document.subject, document.message, place)


def explained(error: ValidationError) -> str:
    """Return the first finding, with its path in the file and without its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    return f"{path}: {first['msg']}"


def broken_rule(data: object, model: type[Document]) -> str | None:
    """Return path and rule of the first thing in which a document does not keep its published schema, or None.

    The value is not repeated: a document from elsewhere may hold anything.

    Args:
        data: decoded JSON.
        model: of the document.
    """
    from jsonschema import Draft202012Validator  # only where a document is read back

    error = next(iter(Draft202012Validator(model.model_json_schema()).iter_errors(data)), None)
    if error is None:
        return None
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    return f"{path[:200] or 'the document'} breaks the rule {error.validator} of its schema"


def plan_from_json(data: object, *, file: str | None = None) -> Plan:
    """Read a plan back from decoded JSON. Digests are read, not checked.

    Args:
        data: what `plan_to_json` returned, after a trip through a file.
        file: the file's name, for the error.

    Raises:
        PlanFileError: it is no plan, of another format version, or some member is missing, unknown or of a wrong type.
    """
    place = Place(file) if file else None
    if not isinstance(data, dict) or "format_version" not in data:
        raise PlanFileError("this is not a saved plan: it has no format_version", place=place, next_step=NEXT_STEP)
    version = data["format_version"]
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise PlanFileError(
            f"this plan has another format version; this reconciler reads version {FORMAT_VERSION}",
            place=place,
            next_step=NEXT_STEP,
        )
    broken = broken_rule(data, PlanDocument)
    if broken is not None:
        raise PlanFileError(f"this is not a valid plan: {broken}", place=place, next_step=NEXT_STEP)
    try:
        document = PlanDocument.model_validate(data)
    except ValidationError as error:
        raise PlanFileError(f"this is not a valid plan: {explained(error)}", place=place, next_step=NEXT_STEP) from None
    plan = Plan(
        environment=document.environment,
        connections=tuple(document.connections.items()),
        created_at=document.created_at,
        expires_at=document.expires_at,
        changes=tuple(change_from_json(item) for item in document.changes),
        notes=tuple(note_from_json(item) for item in document.notes),
        breaches=tuple(
            Breach(item.rule, item.message, tuple(item.changes), item.overridden) for item in document.breaches
        ),
        unchanged=document.summary.unchanged,
        targets=tuple(document.targets),
        excluded=tuple(document.excluded),
        push_secrets=document.push_secrets,
        digest=document.digest,
        signature=document.signature,
    )
    if document.summary.model_dump() != plan.summary:
        raise PlanFileError("the summary does not match the changes", place=place, next_step=NEXT_STEP)
    return plan


def plan_from_text(text: str | bytes, *, file: str | None = None) -> Plan:
    """Read a plan back from the bytes of its file.

    Raises:
        PlanFileError: it is not JSON, or `plan_from_json` refuses it.
    """
    return plan_from_json(json_from_text(text, file=file), file=file)


def json_from_text(text: str | bytes, *, file: str | None = None) -> object:
    """Read the JSON of a file that reconciler wrote.

    Raises:
        PlanFileError: it is not JSON.
    """
    try:
        return orjson.loads(text)  # which takes no lone surrogate, no NaN and no endless nesting
    except ValueError:
        raise PlanFileError(
            "this is not a saved plan: it is not JSON", place=Place(file) if file else None, next_step=NEXT_STEP
        ) from None


def read_saved(path: Path) -> bytes:
    """Read a file that reconciler wrote, up to a size that no such file has.

    Raises:
        PlanFileError: it cannot be read, or is larger.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise PlanFileError(
            f"the saved plan cannot be read: {error.strerror}", place=Place(str(path)), next_step=NEXT_STEP
        ) from None
    if len(content) > LARGEST_BYTES:
        raise PlanFileError(
            f"this is not a saved plan: it is larger than {LARGEST_BYTES // 2**20} MiB",
            place=Place(str(path)),
            next_step=NEXT_STEP,
        )
    return content


def read_plan(path: Path) -> Plan:
    """Read a saved plan, no more of a file than a plan can be.

    Raises:
        PlanFileError: the file cannot be read, is too large, or is no plan.
    """
    return plan_from_text(read_saved(path), file=str(path))
