"""The typed spec of a manifest, as far as it can be known before references are resolved."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from reconciler.errors import Problem
from reconciler.kind.semantics import SpecModel, fields_of
from reconciler.manifest.explain import error_paths, explain, is_type_error, lookup
from reconciler.manifest.positions import Locator, Path
from reconciler.manifest.references import has_reference, is_whole_reference

Errors = dict[Path, list[ErrorDetails]]
_REMOVED = object()


def read_spec(
    model: type[SpecModel], raw: dict[str, Any], locator: Locator, *, subject: str, references: bool, absent: bool
) -> tuple[SpecModel | type[SpecModel] | None, list[Problem]]:
    """Validate a spec.

    What only a reference can say is not held against it: such a field has its default until references are resolved.

    Args:
        model: what it has to be.
        raw: the spec as plain data.
        locator: finds places below it.
        subject: the manifest, as messages name it.
        references: whether there may be references in it.
        absent: whether the manifest says `state: absent`; then nothing is required.

    Returns:
        The model, where the spec fits it as it is; else the typed spec, what does not fit or waits for references
        replaced or left out, for cross-checks; None where that leaves none, or where it is absent. And the problems.
    """
    try:
        model.model_validate(raw)
    except ValidationError as error:
        errors = error_paths(error, raw)
    else:
        return model, []
    if absent:
        errors = {path: details for path, details in errors.items() if details[0]["type"] != "missing"}
    waiting = {path for path, details in errors.items() if _waits(details, lookup(raw, path))} if references else set()
    problems = [
        _pause_problem(problem, model, path, subject) or problem
        for path, details in errors.items()
        if path not in waiting
        for problem in explain({path: details}, model, raw, locator, subject=subject)
    ]
    if (absent and problems) or not (problems or waiting):
        return None, problems
    unknown = {path for path, details in errors.items() if details[0]["type"] == "extra_forbidden"}
    return _stand_in(model, raw, errors.keys() - unknown, unknown), problems


def _waits(details: list[ErrorDetails], value: Any) -> bool:
    """Whether only the value of a reference can tell."""
    if all(map(is_type_error, details)):
        return is_whole_reference(value)
    return has_reference(value)


def _stand_in(model: type[SpecModel], raw: dict[str, Any], unfit: set[Path], unknown: set[Path]) -> SpecModel | None:
    """Return the spec without unknown fields, each unfit value replaced by a text that fits, or else left out."""
    for value in ("x", _REMOVED):
        candidate: Any = raw
        # From the last to the first: removing an item moves those after it.
        for path in sorted(unfit | unknown, key=str, reverse=True):
            candidate = _replaced(candidate, path, _REMOVED if path in unknown else value)
        try:
            return model.model_validate(candidate)
        except ValidationError:
            continue
    return None


def _replaced(data: Any, path: Path, value: object) -> Any:
    if not path:
        return value
    copy: Any = dict(data) if isinstance(data, dict) else list(data)
    part = path[0]
    if len(path) == 1 and value is _REMOVED:
        # A required field that is missing is not there to be removed.
        if not isinstance(copy, dict) or part in copy:
            del copy[part]
    elif len(path) == 1:
        copy[part] = value
    else:
        copy[part] = _replaced(copy[part], path[1:], value)
    return copy


def _pause_problem(problem: Problem, model: type[SpecModel], path: Path, subject: str) -> Problem | None:
    """Say it plainly where somebody pauses what the API cannot pause."""
    if problem.code != "unknown-field" or path not in (("pause",), ("paused",)):
        return None
    kind = subject.partition(" ")[0]
    if any(node.semantics.pause for node in fields_of(model).values()):
        return None
    return Problem(
        "not-pausable",
        f"{subject}: {kind} cannot be paused: the API has no Paused member there",
        problem.place,
        problem.value,
        "Pause the syncs that can be paused, or set enabled: false on the DeliveryConfig it points at.",
    )
