"""The Policy kind: rules of a team over its manifests, as JSON Schema. It has no live counterpart.

A rule sees `{environment, kind, metadata, spec}`: the spec after patches, with defaults filled in. Secrets are seen as
there or not there, and nothing more: a pattern could read one out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Struct
from pydantic import BaseModel, Field, StringConstraints

from reconciler.errors import Problem
from reconciler.kind.semantics import SpecModel
from reconciler.kind.sensitive import FreeText, Position, marked_paths
from reconciler.manifest.explain import shorten
from reconciler.manifest.references import BadReference, Reference, parse_text, texts_of
from reconciler.redacted import RedactedStruct
from reconciler.secret import Secret

if TYPE_CHECKING:
    from reconciler.manifest.model import Manifest, PolicyManifest
    from reconciler.manifest.partial_schema import Finding, PartialSchema

POLICY = "Policy"
_HOW = "Write JSON Schema of draft 2020-12: see `reconciler explain bad-policy`."


class PolicySpec(SpecModel):
    """A rule over manifests."""

    message: Annotated[str, StringConstraints(pattern=r"\S", max_length=500), FreeText] = Field(
        description="What the rule asks for, in one sentence: what people read where it is broken."
    )
    severity: Literal["error", "warning"] = Field(
        default="error", description="error: validate and plan fail; warning: they say so."
    )
    json_schema: dict[str, Any] = Field(
        alias="schema",
        description="JSON Schema (draft 2020-12) of {environment, kind, metadata, spec} of every manifest.",
    )


class Judged(RedactedStruct, frozen=True):
    """Manifest as policies see it.

    Args:
        manifest: where it stands.
        data: `{environment, kind, metadata, spec}`, what is not known as `UNKNOWN`.
    """

    redacted: ClassVar[tuple[str, ...]] = ("data",)

    manifest: Manifest
    data: Mapping[str, Any]


class Breaches(Struct):
    """What policies find: errors, warnings, and what they cannot judge."""

    problems: list[Problem] = []
    warnings: list[Problem] = []
    unsure: list[Problem] = []


def check_policy(policy: PolicyManifest) -> Iterator[Problem]:
    """Yield what is wrong with a policy itself."""
    from reconciler.manifest.usable_schema import BadSchema, check_schema

    for text in texts_of(policy.raw):
        if _holds_reference(text.text):
            yield Problem(
                "reference-not-allowed",
                f"Policy {policy.name}: a policy holds no references, and sees those of manifests resolved",
                policy.at(text.path),
                shorten(text.text),
                "Write the value, or $${ for the characters themselves.",
            )
            return
    try:
        check_schema(policy.spec.json_schema)
    except BadSchema as error:
        message = f"Policy {policy.name}: its schema {shorten(str(error))}"
        yield Problem("bad-policy", message, policy.at(("schema", *error.path)), hint=error.hint or _HOW)


def _holds_reference(text: str) -> bool:
    try:
        return any(isinstance(part, Reference) for part in parse_text(text))
    except BadReference:
        return False


def judged(
    manifest: Manifest,
    model: type[BaseModel],
    environment: str | None,
    resolved: tuple[SpecModel | None, Mapping[str, Any]] | None = None,
) -> Judged:
    """Return a manifest as policies see it.

    Args:
        manifest: patches merged.
        model: of its spec.
        environment: its name; None where the folder has none.
        resolved: typed spec and state with `Secret` objects, references resolved; left out: not resolved yet.
    """
    from reconciler.manifest.partial_schema import UNKNOWN

    spec, said = (manifest.spec, manifest.raw) if resolved is None else resolved
    typed = {} if spec is None else spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    marked = marked_paths(manifest.metadata.sensitive)
    data = {
        "environment": UNKNOWN if environment is None else environment,
        "kind": manifest.kind,
        "metadata": manifest.metadata.model_dump(mode="json", by_alias=True, exclude_none=True),
        "spec": _seen(typed, said, Position(model), marked, unresolved=resolved is None),
    }
    return Judged(manifest, data)


def _seen(typed: Any, said: Any, position: Position, marked: frozenset[str], *, unresolved: bool) -> Any:
    """Return a value with its defaults, and nothing in it that is secret or waits for a reference."""
    from reconciler.manifest.partial_schema import UNKNOWN

    if isinstance(said, Secret) or (position.write_only and (typed is not None or said is not None)):
        return UNKNOWN
    if isinstance(said, Mapping):
        known: Mapping[str, Any] = typed if isinstance(typed, Mapping) else {}
        return {
            name: _seen(known.get(name), said.get(name), position.below(name, marked), marked, unresolved=unresolved)
            for name in dict.fromkeys((*known, *said))
            if not (known.get(name) is None and said.get(name) is None)
        }
    if isinstance(said, list):
        known_too = typed if isinstance(typed, list) and len(typed) == len(said) else [None] * len(said)
        return [
            _seen(one, other, position.entry(said, index), marked, unresolved=unresolved)
            for index, (one, other) in enumerate(zip(known_too, said, strict=True))
        ]
    value = said if typed is None or (unresolved and _waits(said)) else typed
    if isinstance(value, Mapping | list):
        return _seen(value, value, position, marked, unresolved=unresolved)
    if isinstance(value, str):
        hidden = (unresolved and "${" in value) or position.spans(value)
        return UNKNOWN if hidden else value
    return UNKNOWN if position.whole and value is not None else value


def _waits(said: Any) -> bool:
    return isinstance(said, str) and "${" in said


def judge(policies: Iterable[PolicyManifest], subjects: Iterable[Judged], environment: str | None) -> Breaches:
    """Judge the manifests of one environment.

    Args:
        policies: that `check_policy` finds nothing wrong with; those of other environments are left out.
        subjects: the manifests.
        environment: its name; None where the folder has none.
    """
    found = Breaches()
    subjects = tuple(subjects)
    for policy in policies:
        limits = policy.metadata.environments
        if limits is None or environment in limits:
            _judge(policy, subjects, found)
    return found


def _judge(policy: PolicyManifest, subjects: tuple[Judged, ...], found: Breaches) -> None:
    from reconciler.manifest.partial_schema import Budget, PartialSchema, TooMuch

    schema: PartialSchema = PartialSchema(policy.spec.json_schema, Budget())
    broken = found.problems if policy.spec.severity == "error" else found.warnings
    for subject in subjects:
        try:
            finding = schema.judge(subject.data)
        except TooMuch:
            message = f"Policy {policy.name} takes too long to judge {subject.manifest.key}"
            hint = "Make its patterns and references simpler: each has to end within a second for all manifests."
            found.problems.append(Problem("policy-too-slow", message, policy.at(("schema",)), hint=hint))
            return
        if finding is not None:
            (found.unsure if finding.unsure else broken).append(_problem(policy, subject.manifest, finding))


def _problem(policy: PolicyManifest, manifest: Manifest, finding: Finding) -> Problem:
    first, rest = (finding.path[0], finding.path[1:]) if finding.path else (None, ())
    if first == "spec":
        place = manifest.at(rest)
    elif first == "metadata":
        place = manifest.metadata_at(*rest)
    else:
        place = manifest.place()
    if finding.unsure:
        message = f"{manifest.kind} {manifest.name}: Policy {policy.name} cannot be judged: it depends on a secret"
        return Problem("policy-breach", message, place)
    message = f"{manifest.kind} {manifest.name}: {policy.spec.message}"
    where = ".".join(map(str, finding.path)) or "it"
    hint = f"Policy {policy.name} ({policy.place()}): {shorten(where)} {shorten(finding.reason)}"
    return Problem("policy-breach", message, place, hint=hint)
