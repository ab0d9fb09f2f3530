"""Problems as annotations of a GitHub workflow run."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import Problem
from reconciler.report.ci.sentence import ordered, sentence
from reconciler.report.escape import command_data, command_property


def problems_to_github(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> str:
    """Return problems and warnings as GitHub workflow commands, one annotation a line."""
    return _annotations("error", problems) + _annotations("warning", warnings)


def _annotations(level: str, problems: Sequence[Problem]) -> str:
    lines = []
    for problem in ordered(problems):
        where = {"file": problem.place.file, "line": problem.place.line, "col": problem.place.column}
        given = {name: str(value) for name, value in where.items() if value} | {"title": problem.code}
        properties = ",".join(f"{name}={command_property(value)}" for name, value in given.items())
        lines.append(f"::{level} {properties}::{command_data(sentence(problem))}\n")
    return "".join(lines)
