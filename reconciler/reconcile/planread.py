"""Plan file, read back and its shape checked; `approval.py` checks whether it may be used (digests, signature, age)."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import orjson
from pydantic import ValidationError

from reconciler.errors import Place, PlanFileError
from reconciler.manifest.rule_changes import RuleChange
from reconciler.reconcile.plan import FORMAT_VERSION, Breach, Change, FieldChange, Note, Operation, Plan, Step
from reconciler.reconcile.planfile import (
    ChangeDocument,
    Document,
    NoteDocument,
    OperationDocument,
    PlanDocument,
    SourceDocument,
)

# A plan of 50,000 changes with long values is a tenth of this.
LARGEST_BYTES = 256 * 2**20
# As bytes say little of the memory that values take: `[],` is 3 of them, and 64 in memory.
MOST_VALUES = 10_000_000
NEXT_STEP = "Make a new one with `reconciler plan --save plan.json` and have it reviewed."


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
        steps=tuple(Step(item.action, item.object) for item in document.steps),
    )


def operation_from_json(document: OperationDocument) -> Operation:
    """Return an operation that was read back."""
    return Operation(
        kind=document.kind,
        name=document.name,
        id=document.id,
        does=document.does,
        reason=document.reason,
        steps=tuple(document.steps),
        not_after=document.not_after,
        place=place_from_json(document.source),
        depends_on=tuple(document.depends_on),
        unsure=document.unsure,
        digest=document.digest,
    )


def note_from_json(document: NoteDocument) -> Note:
    """Return a note that was read back."""
    place = place_from_json(document.source) if document.source else None
    return Note(document.kind, document.subject, document.message, place)


def explained(error: ValidationError) -> str:
    """Return the first finding, with its path in the file and without its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    return f"{path}: {first['msg'].removeprefix('Value error, ')}"


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


def plan_from_json(data: object, *, file: str | None = None, by_schema: bool = True) -> Plan:
    """Read a plan back from decoded JSON. Digests are read, not checked.

    Args:
        data: what `plan_to_json` returned, after a trip through a file.
        file: the file's name, for the error.
        by_schema: whether it has to keep the published schema too, and not the models alone, which is slow.

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
    broken = broken_rule(data, PlanDocument) if by_schema else None
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
        base=document.base,
        rules_changed=tuple(
            RuleChange(item.kind, item.name, place_from_json(item.source), item.path, item.before, item.after)
            for item in document.rules_changed
        ),
        unchanged=document.summary.unchanged,
        targets=tuple(document.targets),
        excluded=tuple(document.excluded),
        push_secrets=document.push_secrets,
        digest=document.digest,
        signature=document.signature,
        operations=tuple(operation_from_json(item) for item in document.operations),
        approves=document.approves,
        commit=document.commit,
        error=document.error.model_dump(mode="json") if document.error is not None else None,
        secrets_at_apply=document.secrets_at_apply,
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
    """Read the JSON of a file that reconciler wrote. A byte order mark, which an editor may have put there, is skipped.

    Raises:
        PlanFileError: it is no JSON that can be read, or holds more values than any such file.
    """
    if isinstance(text, bytes):
        text = text.removeprefix(codecs.BOM_UTF8)
    commas = text.count(",") if isinstance(text, str) else text.count(b",")
    if commas > MOST_VALUES:
        raise PlanFileError(
            f"this is not a saved plan: it holds more than {MOST_VALUES:,} values",
            place=Place(file) if file else None,
            next_step=NEXT_STEP,
        )
    try:
        return orjson.loads(text)  # which takes no lone surrogate, no NaN and no endless nesting
    except ValueError:
        raise PlanFileError(
            f"this is not a saved plan: {_why_unread(text)}", place=Place(file) if file else None, next_step=NEXT_STEP
        ) from None


def _why_unread(text: str | bytes) -> str:
    try:
        json.loads(text if isinstance(text, str) else text.decode())  # which takes what we do not
    except RecursionError:
        return "it is nested too deeply"
    except UnicodeDecodeError:
        return "it is not JSON in UTF-8"
    except ValueError:
        return "it is not JSON"
    return "it holds half a character, or a number that is none"


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
