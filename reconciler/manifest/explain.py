"""Turns pydantic's validation errors into problems that say what is wrong, where, and what to write instead."""

from __future__ import annotations

import json
import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reconciler.errors import Problem
from reconciler.kind.sensitive import masked
from reconciler.manifest.annotations import (
    annotations_at,
    choices,
    describe,
    field_names,
    is_write_only,
    models_of,
)
from reconciler.manifest.limits import MAX_PROBLEMS_PER_FILE
from reconciler.manifest.positions import Locator, Path, format_path
from reconciler.manifest.scalars import BadScalar, plain_value

_MISTAKEN_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_TYPE_ERRORS = {"literal_error", "enum", "none_required", "datetime_parsing", "datetime_from_date_parsing"}
# What each pattern of a spec asks for, and what to do about it.
PATTERNS = {
    r"^[A-Za-z0-9_-]+$": ("may hold only letters, digits, - and _", "Rename it."),
    r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$": (
        "may hold only letters, digits, ., - and _, and does not begin with a dot",
        "Rename it.",
    ),
    r"^[A-Za-z0-9][A-Za-z0-9_.-]*$": (
        "may hold only letters, digits, ., - and _, and begins with a letter or digit",
        "Rename it.",
    ),
    r"^[1-9][0-9]*(s|m|h|d|w)$": (
        "must be a duration: a number, not 0, and s, m, h, d or w",
        "Write it as 30m, 2h or 7d.",
    ),
    r"^[!-~]+$": (
        "may hold only letters, digits and signs of ASCII, without spaces",
        "Copy it from Dashboard, Settings, API.",
    ),
    r"^([^./][^/]*|\.[^./][^/]*|\.\.[^/]+)(/([^./][^/]*|\.[^./][^/]*|\.\.[^/]+))*$": (
        "is an ID that no path can hold: ., .. or nothing between two slashes",
        "Rename it.",
    ),
    r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$": ("must be the name of an HTTP header", "Write it as X-Forwarded-User."),
    r"^https?://[^\s?#@]+$": ("must be a URL without a query and a user", "Write it as https://sync.example.com."),
    r"^[A-Za-z0-9._-]{1,249}$": (
        "must be the name of a topic: up to 249 letters, digits, ., - and _",
        "Write the name that the topic has at the broker.",
    ),
    r"^[!-~]{1,255}$": (
        "must be 1 to 255 letters, digits and signs of ASCII, without spaces",
        "Write it as reconciler-live.",
    ),
    r"^(\$root|[a-z0-9](-?[a-z0-9]){2,62})$": (
        "must be the name of a container: 3 or more small letters and digits, with single hyphens between them",
        "Write the name that the container has in the storage account.",
    ),
    r"^[A-Za-z0-9_-]{1,40}$": ("must be 1 to 40 letters, digits, - and _", "Write it as live or test."),
    r"^[A-Za-z_][A-Za-z0-9_]{0,59}$": (
        "must be a name of up to 60 letters, digits and _, and does not begin with a digit",
        "Write it as items.",
    ),
    r"\S": ("must not be blank", "Write it in a few words."),
    r"^\d{4}-\d{2}-\d{2}$": ("must be a date", "Write it as 2026-05-01."),
    r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$": (
        "must be names with dots between them",
        "Write it as xp.sparkCartId.",
    ),
    r"^[A-Z]{3}$": ("must be the code of a currency: three capital letters", "Write it as GBP, EUR or USD."),
    r"^https?://.*\{ID\}": (
        "must begin with http:// or https:// and hold {ID}",
        "Write it as https://admin.example.com/products/{ID}.",
    ),
    r"^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day ([01][0-9]|2[0-3]):[0-5][0-9]$": (
        "must be a day of the week and a time in UTC",
        "Write it as Sunday 03:00.",
    ),
}
_TIME_FORM = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d))?)?", re.ASCII)
_REFERENCE = "The schema that `reconciler schema` writes says what the field takes."
_MAX_SHOWN = 60
_MAX_LISTED = 20


class BadValue(ValueError):
    """What the validator of a model refuses; the message says why, `hint` what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def nearest(word: object, known: Iterable[str]) -> str | None:
    """Return the known name that is meant, as far as that can be guessed."""
    from difflib import get_close_matches

    names = list(known)
    text = str(word)[:100]
    found = get_close_matches(text, names, 1, 0.6)
    if found:
        return found[0]
    folded = {name.lower(): name for name in names}
    found = get_close_matches(text.lower(), list(folded), 1, 0.7)
    return folded[found[0]] if found else None


def suggest(word: object, known: Sequence[str], what: str) -> str:
    """Return the next step for an unknown name: the nearest known one, else all of them."""
    close = nearest(word, known)
    if close is not None:
        return f"Did you mean {close}?"
    shown = ", ".join(known[:_MAX_LISTED])
    more = ", …" if len(known) > _MAX_LISTED else ""
    return f"Known {what}: {shown}{more}." if known else f"There are no {what}."


def shorten(value: Any) -> str:
    """Return a value as one short line, without the secrets in it."""
    if isinstance(value, str):
        text = masked(value)
    elif isinstance(value, dict | list):
        text = "{…}" if isinstance(value, dict) else "[…]"
    else:
        text = json.dumps(value)
    text = text.replace("\n", "\\n")
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def lookup(data: Any, path: Path) -> Any:
    """Return what stands at a path of plain data, or None."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def error_paths(error: ValidationError, data: Any) -> dict[Path, list[ErrorDetails]]:
    """Group errors by the path of `data` they are about.

    Pydantic names the branch of a union in its locations; those parts are no fields and are left out. Where one
    branch of a union went deeper than the others, the others' complaints say nothing and are dropped. Of very many,
    only the first are looked at.
    """
    groups: dict[Path, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False, include_input=False)[:MAX_PROBLEMS_PER_FILE]:
        groups.setdefault(_real_path(detail, data), []).append(detail)
    return {
        path: details
        for path, details in groups.items()
        if not (
            all(map(is_type_error, details))
            and any(len(other) > len(path) and other[: len(path)] == path for other in groups)
        )
    }


def _real_path(detail: ErrorDetails, data: Any) -> Path:
    path: list[str | int] = []
    location = detail["loc"]
    for position, part in enumerate(location):
        is_last = position == len(location) - 1
        if _holds(data, part):
            data = data[part]
        elif not (is_last and detail["type"] == "missing"):
            continue
        path.append(part)
    return tuple(path)


def _holds(data: Any, part: str | int) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)


def is_type_error(detail: ErrorDetails) -> bool:
    """Whether an error says that the value is of the wrong type or no allowed word, whatever its content."""
    return detail["type"].endswith("_type") or detail["type"] in _TYPE_ERRORS


def explain(
    errors: dict[Path, list[ErrorDetails]],
    model: type[BaseModel],
    data: Any,
    locator: Locator,
    *,
    subject: str,
    prefix: str = "spec",
) -> Iterator[Problem]:
    """Yield a problem for each path with errors.

    Args:
        errors: from `error_paths`.
        model: what was validated against.
        data: the plain data that was validated.
        locator: finds places below it.
        subject: the manifest, as messages name it.
        prefix: what the path is below, for messages.
    """
    for path, details in errors.items():
        detail = details[0]
        shown = ".".join(filter(None, (prefix, format_path(path))))
        if detail["type"] == "missing":
            yield _missing(path, model, locator, f"{subject}: {shown} is required")
        elif detail["type"] == "extra_forbidden":
            yield _unknown(path, model, locator, subject, shown)
        else:
            secret = is_write_only(model, path)
            value = lookup(data, path)
            code, message, hint = _about_value(details, model, path, value)
            where = locator.at(path)
            yield Problem(code, f"{subject}: {shown} {message}", where, None if secret else shorten(value), hint)


def _missing(path: Path, model: type[BaseModel], locator: Locator, message: str) -> Problem:
    taken = " or ".join(filter(None, map(describe, annotations_at(model, path)))) or "a value"
    return Problem("missing-field", message, locator.at(path[:-1]), hint=f"Add {path[-1]}: it takes {taken}.")


def _unknown(path: Path, model: type[BaseModel], locator: Locator, subject: str, shown: str) -> Problem:
    name = str(path[-1])
    parents = [found for annotation in annotations_at(model, path[:-1]) for found in models_of(annotation)]
    known = [field for parent in parents for field in field_names(parent)]
    # The value is not shown: it may be a secret under a mistyped name.
    return Problem(
        "unknown-field",
        f"{subject}: {shown} is no known field",
        locator.at(path, key=True),
        hint=suggest(name, known, "fields here"),
    )


def _about_value(details: list[ErrorDetails], model: type[BaseModel], path: Path, value: Any) -> tuple[str, str, str]:
    """Return code, predicate and next step for a value that does not fit."""
    annotations = annotations_at(model, path)
    constraint = next((detail for detail in details if not is_type_error(detail)), None)
    if constraint is not None:
        return _about_constraint(constraint)
    impossible = _impossible_time(value) if any(detail["type"].startswith("datetime_") for detail in details) else None
    if impossible is not None:
        return impossible
    words = [word for annotation in annotations for word in choices(annotation)]
    expected = ", or ".join(filter(None, map(describe, annotations))) or "another type"
    if words and isinstance(value, str):
        return "unknown-value", f"must be {expected}", suggest(value, words, "values")
    return "wrong-type", f"must be {expected}, not {_type_of(value)}", _type_hint(value, expected)


def _impossible_time(value: Any) -> tuple[str, str, str] | None:
    """Say of what has the form of a time that there is no such day, or no such time of day."""
    match = _TIME_FORM.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(number) for number in match.groups("0"))
    if not (year >= 1 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]):
        return "bad-value", "names a day that does not exist", "Correct the date; mind how long the month is."
    if hour > 23 or minute > 59 or second > 59:
        return "bad-value", "names a time of day that does not exist", "Write 00:00:00 to 23:59:59."
    return None


def _type_of(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), "this")


def _type_hint(value: Any, expected: str) -> str:
    if isinstance(value, str) and "true or false" in expected:
        meant = _MISTAKEN_BOOLEANS.get(value.lower(), value.lower() if value.lower() in ("true", "false") else None)
        return f"Write {meant}, without quotes." if meant else "Write true or false."
    if isinstance(value, str) and "number" in expected:
        return "Write the number without quotes." if _is_number(value) else "Write a number."
    if isinstance(value, bool | int | float) and "text" in expected:
        return "Put it in quotes."
    if value is None:
        return "Give it a value, or leave the field out."
    return _REFERENCE


def _is_number(text: str) -> bool:
    try:
        return isinstance(plain_value(text), int | float)
    except BadScalar:
        return False


def _about_constraint(detail: ErrorDetails) -> tuple[str, str, str]:
    context: dict[str, Any] = detail.get("ctx") or {}
    match detail["type"]:
        case "string_too_long":
            return "too-long", f"is longer than {context['max_length']} characters", "Shorten it."
        case "string_too_short" | "too_short":
            return "too-short", "must not be empty", "Give it a value, or leave the field out."
        case "string_pattern_mismatch":
            pattern = context["pattern"]
            return "bad-format", *PATTERNS.get(pattern, (f"must match {pattern}", _REFERENCE))
        case "greater_than":
            return "out-of-range", f"must be more than {context['gt']:g}", "Write a larger number."
        case "greater_than_equal":
            return "out-of-range", f"must be at least {context['ge']:g}", "Write a larger number."
        case "less_than":
            return "out-of-range", f"must be less than {context['lt']:g}", "Write a smaller number."
        case "less_than_equal":
            return "out-of-range", f"must be at most {context['le']:g}", "Write a smaller number."
        case "timezone_aware":
            return "bad-format", "needs an offset", "End it with Z (UTC) or an offset such as +01:00."
        case "value_error":
            error = context["error"]
            hint = error.hint if isinstance(error, BadValue) else _REFERENCE
            return "bad-value", f"is not valid: {error}", hint
        case _:
            return "bad-value", "is not valid", _REFERENCE
