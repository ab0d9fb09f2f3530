"""Look a code up: what it means, what to do, and which exit status it leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from reconciler.errors import ReconcilerError
from reconciler.report.codes.causes import CAUSES
from reconciler.report.codes.environment import ENVIRONMENT, ENVIRONMENT_FILE, ENVIRONMENT_STEP
from reconciler.report.codes.errors import ERRORS
from reconciler.report.codes.guardrails import GUARDRAILS
from reconciler.report.codes.problems import PROBLEMS
from reconciler.report.codes.records import RECORDS

_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


class Meaning(Struct, frozen=True):
    """What a code means.

    Args:
        code: as it is printed.
        what: whose code it is: `error`, `problem of a manifest`, `problem of a record` and so on.
        paragraphs: what it means, as Markdown.
        next_step: what to do; None where the paragraphs say it.
        exit_status: what a command ends with; None where that depends.
        example: a file to copy.
    """

    code: str
    what: str
    paragraphs: tuple[str, ...]
    next_step: str | None = None
    exit_status: int | None = None
    example: str | None = None


def meanings(code: str) -> tuple[Meaning, ...]:
    """Return what a code means; several things where an error and a guardrail have one name, none where nothing has.

    `Environment` is no code: it shows the manifest that everything begins with, where no page is at hand.
    """
    return tuple(meaning for meaning in all_meanings() if meaning.code.lower() == code.lower())


def codes() -> tuple[str, ...]:
    """Return every code."""
    return tuple(dict.fromkeys(meaning.code for meaning in all_meanings()))


def exit_statuses() -> dict[str, int]:
    """Return the exit status of every error code."""
    return {error.code: error.exit_status for error in _tree(ReconcilerError)}


def plain(markdown: str) -> str:
    """Return a text of ours without its links, for formats that have none."""
    return _LINK.sub(r"\1", markdown)


def _tree(error: type[ReconcilerError]) -> Iterator[type[ReconcilerError]]:
    yield error
    for child in error.__subclasses__():
        yield from _tree(child)


def all_meanings() -> tuple[Meaning, ...]:
    """Return what every code means, those of one sort together."""
    return tuple(_all())


def _all() -> Iterator[Meaning]:
    statuses = exit_statuses()
    for code, (text, step) in ERRORS.items():
        yield Meaning(code, "error", (text,), step, statuses[code])
    for code, text in PROBLEMS.items():
        yield Meaning(code, "problem of a manifest", (text,))
    for rule, paragraphs in GUARDRAILS.items():
        yield Meaning(rule, "guardrail", paragraphs)
    for cause, (text, step) in CAUSES.items():
        yield Meaning(cause.value, "cause of drift", (text,), step)
    for code, (text, part) in RECORDS.items():
        yield Meaning(
            code, "problem of a record", (f"The merchant reads: {text}", f"What does not go through: {part}.")
        )
    yield Meaning("Environment", "the first manifest", ENVIRONMENT, ENVIRONMENT_STEP, example=ENVIRONMENT_FILE)
