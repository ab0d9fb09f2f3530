"""Problems for machines: SARIF, JUnit and GitHub annotations, read back by their parsers."""

from __future__ import annotations

import re
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from reconciler.errors import Place, Problem
from reconciler.report.ci.azure import problems_to_azure
from reconciler.report.ci.github import problems_to_github
from reconciler.report.ci.gitlab import problems_to_gitlab
from reconciler.report.ci.junit import problems_to_junit
from reconciler.report.ci.places import in_checkout
from reconciler.report.ci.sarif import problems_to_sarif
from reconciler.report.documents.problems import problems_to_json
from reconciler.report.escape import disarm, json_text, visible
from reconciler.report.text.problems import problems_to_text
from support.report_samples import SAMPLE_PROBLEMS, hostile_problems
from support.report_strategies import hostile_text

COMMAND = re.compile(r"::error ((?:[a-z]+=[^,:\r\n]*,?)+)::([^\r\n]*)")


def test_an_annotation_names_file_line_and_column() -> None:
    assert problems_to_github(SAMPLE_PROBLEMS[:1]) == (
        "::error file=manifests/a.yaml,line=8,col=3,title=unknown-field::"
        "unknown field `enabeld` (value: enabeld). Write `enabled`.\n"
    )


def test_an_annotation_escapes_what_would_end_it() -> None:
    problem = Problem("x", "100%\r\n::error::gone", Place("C:\\a,b:c.yaml", 1))
    (line,) = problems_to_github([problem]).splitlines()
    assert line == r"::error file=C%3A\a%2Cb%3Ac.yaml,line=1,title=x::100%25\r\n::error::gone."


@given(hostile_text)
@settings(max_examples=60, deadline=None)
def test_hostile_text_cannot_add_annotations(text: str) -> None:
    lines = problems_to_github(hostile_problems(text)).split("\n")
    assert lines.pop() == ""
    assert len(lines) == 2
    for line in lines:
        assert COMMAND.fullmatch(line), line
        assert line.isprintable()


@given(hostile_text)
@settings(max_examples=60, deadline=None)
def test_junit_is_xml_with_a_case_per_file(text: str) -> None:
    root = ET.fromstring(problems_to_junit(hostile_problems(text), checked=["good.yaml"]).encode())
    assert {element.tag for element in root.iter()} == {"testsuites", "testsuite", "testcase", "failure"}
    names = {case.get("name") for case in root.iter("testcase")}
    assert {"good.yaml", disarm(f"<{visible(text)}")[1:]} <= names
    assert root.get("failures") == str(len(names) - 1)


@given(hostile_text)
@settings(max_examples=60, deadline=None)
def test_sarif_has_a_result_per_problem_and_no_links(text: str) -> None:
    log = problems_to_sarif(hostile_problems(text))
    assert json_text(log).isascii()
    (run,) = log["runs"]
    assert len(run["results"]) == 2
    ids = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    for result in run["results"]:
        assert result["ruleId"] in ids
        assert not re.search(r"(?<!\\)\]\(", result["message"]["text"])
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9._~/%-]*", uri)


def test_sarif_places_a_problem() -> None:
    result = problems_to_sarif(SAMPLE_PROBLEMS)["runs"][0]["results"][0]
    location = result["locations"][0]["physicalLocation"]
    assert unquote(location["artifactLocation"]["uri"]) == "manifests/a.yaml"
    assert location["region"] == {"startLine": 2, "startColumn": 1}


def test_warnings_are_told_and_are_no_problems() -> None:
    warning = Problem("literal-secret", "a secret is written here", Place("a.yaml", 3, 5))
    text = problems_to_text([], warnings=[warning], checked=2)
    assert "a.yaml:3:5 [warning literal-secret]" in text
    assert "No problems, 1 warning (2 manifests read)." in text
    assert problems_to_github([], warnings=[warning]).startswith("::warning file=a.yaml,line=3,col=5,")
    (result,) = problems_to_sarif([], warnings=[warning])["runs"][0]["results"]
    assert result["level"] == "warning"
    document = problems_to_json([], warnings=[warning])
    assert (document["valid"], document["summary"]["warnings"], len(document["warnings"])) == (True, 1, 1)


def test_junit_tells_warnings_of_files_without_failing_them() -> None:
    warning = Problem("no-target-hosts", "targets may point anywhere", Place("a.yaml", 3, 5))
    suite = ET.fromstring(problems_to_junit([], [warning], checked=["a.yaml", "b.yaml"]).encode())
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("2", "0")
    (out,) = suite.iter("system-out")
    assert out.text == "a.yaml:3:5: [no-target-hosts] targets may point anywhere."


def many(number: int, message: str = "wrong") -> list[Problem]:
    return [Problem("bad-value", f"{message} {line}", Place(f"{line % 3}.yaml", line)) for line in range(1, number + 1)]


def test_github_gets_no_more_annotations_than_it_shows_and_the_log_has_the_rest() -> None:
    lines = problems_to_github(many(30), many(10, "remark")).splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert sum(line.startswith("::warning ") for line in lines) == 10
    assert "::error title=more::21 more problems in 3 files; the log of this step lists them" in lines
    assert all(any(f"wrong {number}." in line for line in lines) for number in range(1, 31))


@given(text=hostile_text)
@settings(max_examples=50)
def test_no_text_breaks_out_of_an_azure_command(text: str) -> None:
    for line in problems_to_azure(hostile_problems(text)).split("\n")[:-1]:
        head, closed, message = line.partition("]")
        assert re.fullmatch(r"##vso\[task\.logissue type=error;(?:[a-z]+=[^;\]\r\n]*;)+", head)
        assert closed
        assert message.isprintable()


def test_a_code_quality_report_names_each_problem_once_wherever_it_moves() -> None:
    (first, second, warning) = problems_to_gitlab(
        [Problem("tag", "same", Place("a.yaml", 1)), Problem("tag", "same", Place("a.yaml", 9))],
        [Problem("tag", "remark", Place("a.yaml"))],
    )
    assert first["location"] == {"path": "a.yaml", "lines": {"begin": 1}}
    assert (first["severity"], warning["severity"]) == ("major", "minor")
    assert len({each["fingerprint"] for each in (first, second, warning)}) == 3
    (moved,) = problems_to_gitlab([Problem("tag", "same", Place("a.yaml", 40))])
    assert moved["fingerprint"] == first["fingerprint"]


def test_rules_of_sarif_say_what_they_mean() -> None:
    (rule,) = problems_to_sarif([Problem("tag", "x", Place("a.yaml"))])["runs"][0]["tool"]["driver"]["rules"]
    assert rule["id"] == "tag"
    assert "YAML tag" in rule["shortDescription"]["text"]


@pytest.mark.parametrize(
    ("file", "working", "expected"),
    [
        ("manifests/a.yaml", "/checkout", "manifests/a.yaml"),
        ("manifests/a.yaml", "/checkout/shop", "shop/manifests/a.yaml"),
        ("/checkout/m/a.yaml", "/elsewhere", "m/a.yaml"),
        ("/outside/a.yaml", "/checkout", "/outside/a.yaml"),
        ("../a.yaml", "/checkout/shop", "../a.yaml"),
    ],
)
def test_files_are_named_as_the_checkout_has_them(file: str, working: str, expected: str) -> None:
    (found,) = in_checkout([Problem("tag", "x", Place(file, 3))], "/checkout", working)
    assert found.place == Place(expected, 3)
