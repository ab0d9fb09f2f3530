"""The problems that `validate` finds: as text, SARIF 2.1.0, JUnit XML and GitHub annotations. JSON: documents.py."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from reconciler import __version__
from reconciler.errors import Place, Problem
from reconciler.report.escape import clip, command_data, command_property, disarm, sarif, visible
from reconciler.report.style import BOLD, DIM, GREEN, RED, YELLOW, Style
from reconciler.report.words import counted

MESSAGE_LIMIT = 600
_SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def _ordered(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.place, problem.code, problem.message))


def _shown(text: str) -> str:
    return clip(visible(text), MESSAGE_LIMIT)


def _sentence(problem: Problem) -> str:
    """Message, offending value and advice as one raw text, for formats that have one slot."""
    value = f" (value: {clip(problem.value, MESSAGE_LIMIT)})" if problem.value is not None else ""
    hint = f" {clip(problem.hint, MESSAGE_LIMIT)}" if problem.hint else ""
    return f"{clip(problem.message, MESSAGE_LIMIT)}{value}.{hint}".replace("..", ".")


def problems_to_text(
    problems: Sequence[Problem],
    style: Style | None = None,
    *,
    warnings: Sequence[Problem] = (),
    checked: int | None = None,
) -> str:
    """Return the problems as text, grouped by file, the counts last, where the eye is.

    Args:
        problems: what is wrong; none: the text says that all is well.
        warnings: what stands in nobody's way and should be known; listed first.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
        checked: how many manifests were read, when the caller knows.
    """
    style = style or Style()
    read = f" ({counted(checked, 'manifest')} read)" if checked is not None else ""
    lines = [*_listed(warnings, style, YELLOW, "warning "), *_listed(problems, style, RED)]
    beside = f", {counted(len(warnings), 'warning')}" if warnings else ""
    if problems:
        files = len({problem.place.file for problem in problems})
        head = f"✗ {counted(len(problems), 'problem')} in {counted(files, 'file')}"
        lines.extend(style.wrap(f"{head}{beside}{read}.", 0, BOLD, RED))
    else:
        lines.extend(style.wrap(f"✓ No problems{beside}{read}.", 0, GREEN))
    return style.finish(lines)


def _listed(problems: Sequence[Problem], style: Style, color: str, mark: str = "") -> list[str]:
    lines: list[str] = []
    for file, group in groupby(_ordered(problems), key=lambda problem: problem.place.file):
        lines.append(style.paint(clip(visible(file), MESSAGE_LIMIT), BOLD))
        for problem in group:
            # The place stays in one piece on its own line: terminals and editors make it clickable.
            place = clip(visible(str(problem.place)), MESSAGE_LIMIT)
            lines.append(f"  {style.paint(place, color)} {style.paint(f'[{mark}{visible(problem.code)}]', DIM)}")
            lines.extend(style.wrap(_shown(problem.message), 6))
            if problem.value is not None:
                lines.extend(style.wrap(f"value: {_shown(problem.value)}", 6, hanging=2))
            if problem.hint:
                lines.extend(style.wrap(f"→ {_shown(problem.hint)}", 6, DIM, hanging=2))
        lines.append("")
    return lines


def problems_to_github(problems: Sequence[Problem], *, warnings: Sequence[Problem] = ()) -> str:
    """Return problems and warnings as GitHub workflow commands, one annotation a line."""
    return _annotations("error", problems) + _annotations("warning", warnings)


def _annotations(level: str, problems: Sequence[Problem]) -> str:
    lines = []
    for problem in _ordered(problems):
        where = {"file": problem.place.file, "line": problem.place.line, "col": problem.place.column}
        given = {name: str(value) for name, value in where.items() if value} | {"title": problem.code}
        properties = ",".join(f"{name}={command_property(value)}" for name, value in given.items())
        lines.append(f"::{level} {properties}::{command_data(_sentence(problem))}\n")
    return "".join(lines)


def _region(place: Place) -> dict[str, int]:
    region = {"startLine": place.line, "startColumn": place.column}
    return {name: number for name, number in region.items() if number}


def _sarif_result(level: str, problem: Problem) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(problem.place.file)}}
    if problem.place.line:
        location["region"] = _region(problem.place)
    return {
        "ruleId": visible(problem.code),
        "level": level,
        "message": {"text": sarif(_sentence(problem))},
        "locations": [{"physicalLocation": location}],
    }


def _uri(file: str) -> str:
    """A relative or absolute file name as a URI reference, percent-encoded, so that it can only name a file."""
    return quote(visible(file).replace("\\", "/"), safe="/~")


def problems_to_sarif(problems: Sequence[Problem], *, warnings: Sequence[Problem] = ()) -> dict[str, Any]:
    """Return problems and warnings as a SARIF 2.1.0 log, for code scanning."""
    rules = sorted({visible(problem.code) for problem in (*problems, *warnings)})
    driver = {"name": "reconciler", "version": __version__, "rules": [{"id": rule} for rule in rules]}
    results = [_sarif_result("error", problem) for problem in _ordered(problems)]
    results += [_sarif_result("warning", warning) for warning in _ordered(warnings)]
    return {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def problems_to_junit(problems: Sequence[Problem], *, checked: Sequence[str] = ()) -> str:
    """Return the problems as JUnit XML: a test case per file, failed where the file has problems.

    Args:
        problems: what is wrong.
        checked: every file that was read, so that the good ones are counted as well.
    """
    by_file: dict[str, list[Problem]] = {file: [] for file in checked}
    for problem in _ordered(problems):
        by_file.setdefault(problem.place.file, []).append(problem)
    counts = {"tests": str(len(by_file)), "failures": str(sum(bool(found) for found in by_file.values()))}
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": "reconciler validate", **counts})
    for file in sorted(by_file):
        case = ET.SubElement(suite, "testcase", {"classname": "manifests", "name": visible(file)})
        found = by_file[file]
        if found:
            message = counted(len(found), "problem")
            failure = ET.SubElement(case, "failure", {"message": message, "type": "invalid-manifests"})
            failure.text = "\n".join(
                f"{visible(str(item.place))}: [{visible(item.code)}] {visible(_sentence(item))}" for item in found
            )
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode", xml_declaration=False)
    return disarm(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')
