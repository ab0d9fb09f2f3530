"""Problems as issues of an Azure Pipelines run."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import Problem
from reconciler.report.ci.sentence import ordered, sentence
from reconciler.report.escape import azure_data, azure_property


def problems_to_azure(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> str:
    """Return problems and warnings as Azure Pipelines logging commands, one issue a line."""
    lines = [_issue("error", problem) for problem in ordered(problems)]
    return "".join([*lines, *(_issue("warning", warning) for warning in ordered(warnings))])


def _issue(kind: str, problem: Problem) -> str:
    place = problem.place
    where = {"sourcepath": place.file, "linenumber": place.line, "columnnumber": place.column, "code": problem.code}
    properties = "".join(f"{name}={azure_property(str(value))};" for name, value in where.items() if value)
    return f"##vso[task.logissue type={kind};{properties}]{azure_data(sentence(problem))}\n"
