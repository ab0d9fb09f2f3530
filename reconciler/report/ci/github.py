"""Problems as annotations of a GitHub workflow run."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import Problem
from reconciler.report.ci.sentence import ordered, sentence
from reconciler.report.escape import command_data, command_property, terminal
from reconciler.words import counted

# GitHub shows ten annotations of each level for a step, and drops the others without a word.
SHOWN = 10


def problems_to_github(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> str:
    """Return problems and warnings as GitHub workflow commands, one annotation a line.

    Of more than GitHub shows, the last annotation says how many more there are, and the log has them as plain lines.
    """
    return _annotations("error", "problem", problems) + _annotations("warning", "warning", warnings)


def _annotations(level: str, noun: str, problems: Sequence[Problem]) -> str:
    listed = ordered(problems)
    shown = listed if len(listed) <= SHOWN else listed[: SHOWN - 1]
    lines = [_annotation(level, problem) for problem in shown]
    if rest := listed[len(shown) :]:
        files = counted(len({problem.place.file for problem in rest}), "file")
        lines.append(f"::{level} title=more::{len(rest):,} more {noun}s in {files}; the log of this step lists them\n")
        lines.extend(terminal(f"{problem.place} [{problem.code}] {sentence(problem)}") + "\n" for problem in rest)
    return "".join(lines)


def _annotation(level: str, problem: Problem) -> str:
    where = {"file": problem.place.file, "line": problem.place.line, "col": problem.place.column}
    given = {name: str(value) for name, value in where.items() if value} | {"title": problem.code}
    properties = ",".join(f"{name}={command_property(value)}" for name, value in given.items())
    return f"::{level} {properties}::{command_data(sentence(problem))}\n"
