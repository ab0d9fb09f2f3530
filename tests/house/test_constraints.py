"""constraints.txt pins what is installed for tests, demo and CI; the oldest versions follow from pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINES = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
NEEDED = [Requirement(each) for each in PYPROJECT["project"]["dependencies"]]
EXTRAS = [
    requirement
    for extra in PYPROJECT["project"]["optional-dependencies"].values()
    for requirement in map(Requirement, extra)
    if requirement.name != PYPROJECT["project"]["name"]
]
TOOLS = [Requirement(each) for each in PYPROJECT["dependency-groups"]["dev"]]


@pytest.mark.parametrize("line", LINES)
def test_a_constraint_is_a_name_and_a_version_and_no_url(line: str) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+==[a-z0-9.]+( ; [a-z_]+ .*)?", line)
    assert Requirement(line).url is None


def test_all_that_is_installed_is_pinned_to_a_version_that_the_package_allows() -> None:
    pinned = [Requirement(line) for line in LINES]
    for needed in [*NEEDED, *EXTRAS, *TOOLS, Requirement("pip")]:
        versions = [
            next(iter(each.specifier)).version
            for each in pinned
            if canonicalize_name(each.name) == canonicalize_name(needed.name)
        ]
        assert versions, f"{needed.name} is not in constraints.txt: make constraints"
        assert all(needed.specifier.contains(version) for version in versions), needed


def test_the_oldest_versions_are_the_lower_bounds_of_the_package_and_the_pinned_tools() -> None:
    command = [sys.executable, str(ROOT / "tools" / "versions.py"), "oldest"]
    oldest = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    for needed in [*NEEDED, *EXTRAS]:
        (bound,) = [each.version for each in needed.specifier if each.operator == ">="]
        assert f"{canonicalize_name(needed.name)}=={bound}" in oldest
    pinned_tools = {canonicalize_name(tool.name) for tool in TOOLS}
    rest = {line.partition("==")[0] for line in oldest} - {canonicalize_name(each.name) for each in [*NEEDED, *EXTRAS]}
    assert rest == pinned_tools
