"""The codes of problems: those that the docs explain, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.report.codes.records import RECORDS
from reconciler.sync.monitor.problems import CODES

ROOT = Path(__file__).resolve().parents[2]


def test_every_code_is_explained() -> None:
    sections = re.split(r"^##+ ", (ROOT / "docs" / "sync.md").read_text(), flags=re.MULTILINE)
    rows = [
        re.findall(r"^\| `([a-z-]+)` \| .* \| .* \|$", section, re.MULTILINE)
        for section in sections
        if section.startswith("Problems")
    ]
    assert tuple(code for listed in rows for code in listed) == CODES


def test_the_page_and_the_command_say_the_same() -> None:
    page = (ROOT / "docs" / "sync.md").read_text()
    assert tuple(RECORDS) == CODES
    for code, (text, part) in RECORDS.items():
        assert f"| `{code}` | {text} | {part} |" in page


def test_every_code_that_the_engine_gives_is_known() -> None:
    known = set(CODES)
    given = {
        code
        for file in (ROOT / "reconciler" / "sync").rglob("*.py")
        for code in re.findall(r'(?:Unfit|RecordProblem)\([^()]*?"([a-z]+(?:-[a-z]+)+)"', file.read_text())
    }
    assert given
    assert given <= known
