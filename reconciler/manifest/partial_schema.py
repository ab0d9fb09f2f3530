"""JSON Schema over data that is known in part: a rule is kept, broken, or not to be told yet.

What is not known (a reference before it is resolved, a secret always) stands as `UNKNOWN`: it is there, and its value
decides nothing. So each keyword answers with a third value where it would have to look at one, and what combines
schemas (`not`, `if`, `anyOf`, …) hands that on. No reference leaves the document, and patterns and steps are counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import combinations
from typing import Any, Final

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from msgspec import Struct
from referencing import Registry

MAX_STEPS = 100_000
MAX_SECONDS = 1.0
_UNSURE = "unsure"
# They look at other schemas before they look at the value.
_COMBINING = frozenset({"$ref", "allOf", "anyOf", "oneOf", "not", "if"})
Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]


class Unknown(Enum):
    """A value that is there and not known."""

    UNKNOWN = "…"

    def __repr__(self) -> str:
        """Write it so that a message that quotes it says so."""
        return "(not known)"


UNKNOWN: Final = Unknown.UNKNOWN


class TooMuch(Exception):
    """Judging takes more steps, or its patterns more time, than it may."""


class Finding(Struct, frozen=True):
    """What is wrong with data.

    Args:
        path: to what is wrong.
        reason: in words.
        unsure: whether it may be right, depending on values that are not known.
    """

    path: tuple[str | int, ...] = ()
    reason: str = ""
    unsure: bool = False


class Budget:
    """Steps and seconds that judging may still take; shared by all data that one rule judges.

    Args:
        steps: keywords looked at for one piece of data.
        seconds: spent in patterns, all in all.
    """

    def __init__(self, steps: int = MAX_STEPS, seconds: float = MAX_SECONDS) -> None:
        self._steps = self._left = steps
        self._seconds = seconds

    def renew(self) -> None:
        """Begin with another piece of data."""
        self._left = self._steps

    def step(self, number: int = 1) -> None:
        """Take a step.

        Raises:
            TooMuch: there are none left.
        """
        self._left -= number
        if self._left < 0:
            raise TooMuch

    def search(self, pattern: str, text: str) -> bool:
        """Return whether a pattern is found in a text.

        Raises:
            TooMuch: it takes too long.
        """
        started = time.monotonic()
        try:
            return regex.search(pattern, text, timeout=max(self._seconds, 0.001)) is not None
        except TimeoutError:
            raise TooMuch from None
        finally:
            self._seconds -= time.monotonic() - started


class PartialSchema:
    """A schema that judges data which is known in part.

    Args:
        schema: that `usable_schema.check_schema` lets through.
        budget: of all that it judges.
    """

    def __init__(self, schema: Mapping[str, Any], budget: Budget) -> None:
        self._budget = budget
        keywords = {**Draft202012Validator.VALIDATORS, **_own_keywords(budget)}
        wrapped = {name: _third_value(name, function, budget) for name, function in keywords.items()}
        make: Any = extend  # which the library leaves untyped
        self._validator: Any = make(Draft202012Validator, wrapped)(dict(schema), registry=Registry())

    def judge(self, data: object) -> Finding | None:
        """Return what is wrong with data, the deepest first; None where all is right.

        Raises:
            TooMuch: it takes too many steps, or too long.
        """
        self._budget.renew()
        try:
            errors = list(self._validator.iter_errors(data))
        except RecursionError:
            raise TooMuch from None
        sure = [error for error in errors if error.validator != _UNSURE]
        if not sure:
            return Finding(unsure=True) if errors else None
        worst = max(map(_deepest, sure), key=lambda error: len(error.absolute_path))
        return Finding(tuple(worst.absolute_path), worst.message)


def _deepest(error: ValidationError) -> ValidationError:
    """Return the reason for an error among alternatives where there is only one."""
    causes = [cause for cause in error.context or () if cause.validator != _UNSURE]
    return _deepest(causes[0]) if len(causes) == 1 else error


def _third_value(name: str, function: Keyword, budget: Budget) -> Keyword:
    def judged(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        budget.step()
        if instance is UNKNOWN and name not in _COMBINING:
            if name != "format":
                yield _unsure()
            return
        yield from function(validator, value, instance, schema)

    return judged


def _unsure() -> ValidationError:
    return ValidationError("depends on what is not known", validator=_UNSURE)


def _ask(validator: Any, instance: Any, schema: Any) -> bool | None:
    """Return whether data fits a schema; None where that depends on what is not known."""
    errors = list(validator.descend(instance, schema))
    if any(error.validator != _UNSURE for error in errors):
        return False
    return None if errors else True


def _not(validator: Any, schema: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    match _ask(validator, instance, schema):
        case True:
            yield ValidationError("is what it must not be")
        case None:
            yield _unsure()


def _if(validator: Any, condition: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    branches = [schema.get("then", True), schema.get("else", True)]
    match _ask(validator, instance, condition):
        case True:
            yield from validator.descend(instance, branches[0], schema_path="then")
        case False:
            yield from validator.descend(instance, branches[1], schema_path="else")
        case None:
            answers = [_ask(validator, instance, branch) for branch in branches]
            if answers == [False, False]:
                yield from validator.descend(instance, branches[0], schema_path="then")
            elif answers != [True, True]:
                yield _unsure()


def _any_of(validator: Any, schemas: Sequence[Any], instance: Any, _: Any) -> Iterator[ValidationError]:
    causes: list[ValidationError] = []
    unsure = False
    for number, schema in enumerate(schemas):
        errors = list(validator.descend(instance, schema, schema_path=number))
        if not errors:
            return
        unsure = unsure or all(error.validator == _UNSURE for error in errors)
        causes.extend(errors)
    yield _unsure() if unsure else ValidationError("fits none of what is allowed", context=causes)


def _one_of(validator: Any, schemas: Sequence[Any], instance: Any, _: Any) -> Iterator[ValidationError]:
    answers = [_ask(validator, instance, schema) for schema in schemas]
    fitting = answers.count(True)
    if fitting > 1:
        yield ValidationError("fits more than one of what is allowed")
    elif None in answers:
        yield _unsure()
    elif not fitting:
        yield ValidationError("fits none of what is allowed")


def _contains(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, list):
        return
    answers = [_ask(validator, item, wanted) for item in instance]
    least, most = schema.get("minContains", 1), schema.get("maxContains", len(answers))
    sure, possible = answers.count(True), answers.count(True) + answers.count(None)
    if sure > most:
        yield ValidationError("has too many entries of a kind")
    elif possible < least:
        yield ValidationError("lacks an entry")
    elif sure < least or possible > most:
        yield _unsure()


def _same(wanted: Any, seen: Any) -> bool | None:
    """Return whether two values are equal as JSON; None where that depends on what is not known."""
    if wanted is UNKNOWN or seen is UNKNOWN:
        return None
    if isinstance(wanted, dict) and isinstance(seen, dict):
        if wanted.keys() != seen.keys():
            return False
        return _all(_same(value, seen[name]) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(seen, list):
        if len(wanted) != len(seen):
            return False
        return _all(_same(*pair) for pair in zip(wanted, seen, strict=True))
    return isinstance(wanted, bool) == isinstance(seen, bool) and bool(wanted == seen)


def _all(answers: Iterator[bool | None]) -> bool | None:
    found = list(answers)
    if False in found:
        return False
    return None if None in found else True


def _enum(_: Any, allowed: Sequence[Any], instance: Any, __: Any) -> Iterator[ValidationError]:
    answers = [_same(each, instance) for each in allowed]
    if True in answers:
        return
    yield _unsure() if None in answers else ValidationError(f"{instance!r} is not one of {list(allowed)!r}")


def _const(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    match _same(wanted, instance):
        case False:
            yield ValidationError(f"{instance!r} is not {wanted!r}")
        case None:
            yield _unsure()


def _own_keywords(budget: Budget) -> dict[str, Keyword]:
    """Return the keywords that have a third answer of their own, or look at patterns."""

    def pattern(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(instance, str) and not budget.search(wanted, instance):
            yield ValidationError(f"{instance!r} does not match {wanted!r}")

    def pattern_properties(validator: Any, wanted: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
        for each, schema in wanted.items() if isinstance(instance, dict) else ():
            for name, value in instance.items():
                if budget.search(each, name):
                    yield from validator.descend(value, schema, path=name, schema_path=each)

    def additional(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, value in instance.items() if isinstance(instance, dict) else ():
            if name in named or any(budget.search(each, name) for each in patterns):
                continue
            if wanted is False:
                yield ValidationError(f"{name!r} is not allowed", path=[name])
            else:
                yield from validator.descend(value, wanted, path=name)

    def unique(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
        if not wanted or not isinstance(instance, list):
            return
        if all(isinstance(each, str) for each in instance):
            answers: set[bool | None] = {len(set(instance)) < len(instance)}
            pairs: Iterator[tuple[Any, Any]] = iter(())
        else:
            answers, pairs = set(), combinations(instance, 2)
        for one, other in pairs:
            budget.step()
            answers.add(_same(one, other))
        if True in answers:
            yield ValidationError("has an entry twice")
        elif None in answers:
            yield _unsure()

    return {
        "pattern": pattern,
        "patternProperties": pattern_properties,
        "additionalProperties": additional,
        "uniqueItems": unique,
        "not": _not,
        "if": _if,
        "anyOf": _any_of,
        "oneOf": _one_of,
        "contains": _contains,
        "enum": _enum,
        "const": _const,
    }
