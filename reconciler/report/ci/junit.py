"""Problems as JUnit XML, for test reports: a test case per file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from reconciler.errors import Problem
from reconciler.report.ci.sentence import ordered, sentence
from reconciler.report.escape import disarm, visible
from reconciler.report.words import counted


def problems_to_junit(
    problems: Sequence[Problem], warnings: Sequence[Problem] = (), *, checked: Sequence[str] = ()
) -> str:
    """Return problems and warnings as JUnit XML: a test case per file, failed where the file has problems.

    Args:
        problems: what is wrong.
        warnings: what stands in nobody's way and should be known: output of a test case.
        checked: every file that was read, so that the good ones are counted as well.
    """
    found, remarks = _by_file(problems), _by_file(warnings)
    files = sorted({*checked, *found, *remarks})
    counts = {"tests": str(len(files)), "failures": str(len(found))}
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": "reconciler validate", **counts})
    for file in files:
        case = ET.SubElement(suite, "testcase", {"classname": "manifests", "name": visible(file)})
        if wrong := found.get(file):
            attributes = {"message": counted(len(wrong), "problem"), "type": "invalid-manifests"}
            ET.SubElement(case, "failure", attributes).text = _lines(wrong)
        if known := remarks.get(file):
            ET.SubElement(case, "system-out").text = _lines(known)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode", xml_declaration=False)
    return disarm(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')


def _by_file(problems: Sequence[Problem]) -> dict[str, list[Problem]]:
    return {file: list(group) for file, group in groupby(ordered(problems), key=lambda each: each.place.file)}


def _lines(problems: Sequence[Problem]) -> str:
    return "\n".join(
        f"{visible(str(each.place))}: [{visible(each.code)}] {visible(sentence(each))}" for each in problems
    )
