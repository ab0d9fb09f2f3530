"""Views of a field change: two values side by side, or a small diff. Text here is still raw, not escaped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from reconciler.reconcile.plan import FieldChange
from reconciler.reconcile.planfile import value_to_json

Mark = Literal["+", "-", " ", "…"]
VALUE_LIMIT = 160
DIFF_LINES = 24
INLINE_LIMIT = 40
# difflib takes quadratic time in the worst case; beyond this nobody reads a diff on a page anyway.
_DIFFABLE_LINES = 400


class FieldView(Struct, frozen=True):
    """One field as it is shown: a sensitive one by its path alone, a short one by two texts, a long one as a diff.

    `before` and `after` are None where the value is absent or where `diff` says it all. `mark` says whether the field
    comes, goes or changes.
    """

    path: str
    sensitive: bool
    before: str | None
    after: str | None
    diff: tuple[tuple[Mark, str], ...] = ()
    mark: Literal["+", "-", "~"] = "~"


def _text(value: Any) -> str:
    return json.dumps(value_to_json(value), ensure_ascii=False, sort_keys=True, default=str)


def _is_long(value: Any) -> bool:
    if isinstance(value, str):
        return "\n" in value.rstrip("\n")
    return isinstance(value, (dict, list, tuple)) and len(_text(value)) > INLINE_LIMIT


def _leaves(value: Any, path: str) -> Iterator[str]:
    """Yield `path: value` for every scalar below a container, in the order of the paths."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _leaves(value[key], f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}[{number}]")
    else:
        yield f"{path}: {_text(value)}" if path else _text(value)


def _lines(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.splitlines()
    return list(_leaves(value_to_json(value), ""))


def _hunks(before: list[str], after: list[str], context: int) -> Iterator[tuple[Mark, str]]:
    from difflib import unified_diff

    lines = iter(unified_diff(before, after, n=context, lineterm=""))
    next(lines, None)  # the two lines that name the files
    next(lines, None)
    for number, line in enumerate(lines):
        if line.startswith("@@"):
            if number and context:
                yield "…", ""
        elif line.startswith("+"):
            yield "+", line[1:]
        elif line.startswith("-"):
            yield "-", line[1:]
        else:
            yield " ", line[1:]


def _diff(before: Any, after: Any) -> tuple[tuple[Mark, str], ...]:
    old, new = _lines(before), _lines(after)
    if max(len(old), len(new)) > _DIFFABLE_LINES:
        return (("-", f"({len(old):,} lines)"), ("+", f"({len(new):,} lines)"))
    # The lines of a text need their neighbours to be found; those of a container name their own path.
    context = 1 if isinstance(before, str) or isinstance(after, str) else 0
    marked = list(_hunks(old, new, context))
    rest = len(marked) - DIFF_LINES
    if rest > 1:
        return (*marked[:DIFF_LINES], ("…", f"{rest:,} more lines"))
    return tuple(marked)


def field_view(field: FieldChange, *, created: bool = False) -> FieldView:
    """Return how a field change is shown. Of a sensitive field nothing but the path survives.

    Args:
        field: what changes.
        created: whether its object is new: then its secrets are as well.
    """
    if field.sensitive:
        return FieldView(field.path, True, None, None, mark="+" if created else "~")
    mark: Literal["+", "-", "~"] = "+" if field.before is None else "-" if field.after is None else "~"
    if _is_long(field.before) or _is_long(field.after):
        diff = _diff(field.before, field.after)
        # Two texts may differ in their line ends only; then a diff by lines would be empty.
        if diff:
            return FieldView(field.path, False, None, None, diff, mark)
    before = None if field.before is None else _text(field.before)
    after = None if field.after is None else _text(field.after)
    return FieldView(field.path, False, before, after, mark=mark)
