"""Problems as JUnit XML, for test reports: a test case per file."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from reconciler.errors import Problem
from reconciler.report.ci.sentence import ordered, sentence
from reconciler.report.escape import disarm, visible
from reconciler.report.words import counted


def problems_to_junit(problems: Sequence[Problem], *, checked: Sequence[str] = ()) -> str:
    """Return the problems as JUnit XML: a test case per file, failed where the file has problems.

    Args:
        problems: what is wrong.
        checked: every file that was read, so that the good ones are counted as well.
    """
    by_file: dict[str, list[Problem]] = {file: [] for file in checked}
    for problem in ordered(problems):
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
                f"{visible(str(item.place))}: [{visible(item.code)}] {visible(sentence(item))}" for item in found
            )
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode", xml_declaration=False)
    return disarm(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')
