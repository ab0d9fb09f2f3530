"""Problems as a SARIF 2.1.0 log, for code scanning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from reconciler import __version__
from reconciler.errors import Place, Problem
from reconciler.report.ci.sentence import ordered, sentence
from reconciler.report.codes.lookup import plain
from reconciler.report.codes.problems import PROBLEMS
from reconciler.report.escape import sarif, visible

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def problems_to_sarif(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> dict[str, Any]:
    """Return problems and warnings as a SARIF 2.1.0 log, for code scanning."""
    rules = sorted({visible(problem.code) for problem in (*problems, *warnings)})
    driver = {"name": "reconciler", "version": __version__, "rules": [_rule(rule) for rule in rules]}
    results = [_result("error", problem) for problem in ordered(problems)]
    results += [_result("warning", warning) for warning in ordered(warnings)]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _rule(code: str) -> dict[str, Any]:
    """Return a rule with what its code means, which a viewer shows beside each result."""
    meaning = PROBLEMS.get(code)
    if meaning is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": plain(meaning)},
        "help": {"text": plain(meaning), "markdown": meaning},
    }


def _result(level: str, problem: Problem) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(problem.place.file)}}
    if problem.place.line:
        location["region"] = _region(problem.place)
    return {
        "ruleId": visible(problem.code),
        "level": level,
        "message": {"text": sarif(sentence(problem))},
        "locations": [{"physicalLocation": location}],
    }


def _region(place: Place) -> dict[str, int]:
    region = {"startLine": place.line, "startColumn": place.column}
    return {name: number for name, number in region.items() if number}


def _uri(file: str) -> str:
    """A relative or absolute file name as a URI reference, percent-encoded, so that it can only name a file."""
    return quote(visible(file).replace("\\", "/"), safe="/~")
