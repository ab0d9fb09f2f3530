"""What the formats of CI systems share: the order of problems, and one sentence for each."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import Problem
from reconciler.report.escape import clip

MESSAGE_LIMIT = 600


def ordered(problems: Sequence[Problem]) -> list[Problem]:
    """Sort problems by place."""
    return sorted(problems, key=lambda problem: (problem.place, problem.code, problem.message))


def sentence(problem: Problem) -> str:
    """Join message, offending value and advice into one raw text, for formats that have one slot."""
    value = f" (value: {clip(problem.value, MESSAGE_LIMIT)})" if problem.value is not None else ""
    hint = f" {clip(problem.hint, MESSAGE_LIMIT)}" if problem.hint else ""
    return f"{clip(problem.message, MESSAGE_LIMIT)}{value}.{hint}".replace("..", ".")
