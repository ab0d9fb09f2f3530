"""What the stand-ins of the forges take and answer is what the forges' published descriptions have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.forges.azure_devops import AzureDevOps
from support.forges.described import described, undescribed
from support.forges.github import GitHub
from support.forges.gitlab import GitLab

COVERAGE = (Path(__file__).parents[2] / "docs/api-coverage.md").read_text()
FORGES = ["github", "azure_devops", "gitlab"]


@pytest.mark.parametrize(
    ("name", "method", "path", "query", "body", "answer", "told"),
    [
        ("github", "GET", "/repos/a/b/pulls/1", {}, None, {"number": 1}, []),
        ("github", "GET", "/repos/a/b/pull/1", {}, None, None, ["GET /repos/a/b/pull/1"]),
        ("github", "PUT", "/repos/a/b/pulls/1", {}, None, None, ["PUT /repos/a/b/pulls/1"]),
        ("github", "GET", "/user", {"who": "1"}, None, None, ["GET /user?who"]),
        ("github", "POST", "/repos/a/b/issues", {}, {"title": "t", "label": "x"}, None, ["body label"]),
        ("github", "GET", "/repos/a/b/pulls/1", {}, None, {"head": {"commit": "x"}}, ["answer head.commit"]),
        ("github", "GET", "/repos/a/b/issues/1/comments", {}, None, [{"user": {"name": "x"}}], ["answer user.name"]),
        ("gitlab", "GET", "/projects/5/jobs/7/artifacts/plans/prod/plan.json", {}, None, {"any": 1}, []),
        ("gitlab", "GET", "/projects/5/pipelines/7/jobs", {}, None, [{"artifact": 1}], ["answer artifact"]),
        ("azure_devops", "GET", "/P/_apis/build/builds", {}, None, {"value": [{"triggerInfo": {"x": 1}}]}, []),
        ("azure_devops", "GET", "/P/_apis/build/builds", {}, None, {"value": [{"commit": 1}]}, ["value.commit"]),
    ],
)
def test_what_no_description_has_is_found(
    name: str, method: str, path: str, query: dict[str, str], body: Any, answer: Any, told: list[str]
) -> None:
    found = list(undescribed(name, method, path, query, body, answer))
    assert len(found) == len(told)
    assert all(words in each for words, each in zip(told, found, strict=True))


@pytest.mark.parametrize("stand_in", [GitHub, AzureDevOps, GitLab])
def test_a_test_whose_client_asks_for_what_is_not_described_fails(stand_in: Any, tmp_path: Path) -> None:
    def use() -> None:
        with stand_in(tmp_path) as running:
            httpx.get(f"{running.api_url}/nowhere")

    with pytest.raises(AssertionError, match="/nowhere"):
        use()


def inferred_names(value: Any) -> Iterator[str]:
    for name, below in value.items():
        yield from inferred_names(below) if below else [name]


@pytest.mark.parametrize("name", FORGES)
def test_what_is_inferred_is_told_in_the_documentation(name: str) -> None:
    for request in described(name):
        parts = {part: below for part, below in request.inferred.items() if part == "answer"}
        named = {*inferred_names(parts), *request.inferred.get("query", {})} - {"api-version", "id"}
        last = request.path.rpartition("/")[2]
        assert all(each in COVERAGE for each in named) or last in COVERAGE, request
