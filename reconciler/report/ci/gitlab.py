"""Problems as a GitLab code quality report."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.errors import Problem
from reconciler.report.ci.sentence import ordered, sentence
from reconciler.report.escape import visible


def problems_to_gitlab(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> list[dict[str, Any]]:
    """Return problems and warnings as a code quality report: an artifact that a merge request shows."""
    return [*_issues("major", problems), *_issues("minor", warnings)]


def _issues(severity: str, problems: Sequence[Problem]) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    for problem in ordered(problems):
        # Without the line: what only moves within its file is not a new problem of the merge request.
        facts = f"{problem.place.file}\n{problem.code}\n{problem.message}"
        seen[facts] += 1
        yield {
            "description": visible(sentence(problem)),
            "check_name": visible(problem.code),
            "fingerprint": hashlib.sha256(f"{facts}\n{seen[facts]}".encode(errors="backslashreplace")).hexdigest(),
            "severity": severity,
            "location": {"path": visible(problem.place.file), "lines": {"begin": max(problem.place.line, 1)}},
        }
