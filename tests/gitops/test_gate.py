"""The gate before what nobody has reviewed: whatever is not a clear yes is a no."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from reconciler.gitops.gate import forge_gate
from reconciler.http.observe import Silent
from support.forges.azure_devops import AzureDevOps
from support.forges.github import GitHub
from support.forges.gitlab import GitLab


def ask(environ: dict[str, str], environment: str = "prod") -> str | None:
    return asyncio.run(forge_gate(environ, Silent())(environment))


@pytest.fixture
def forge(tmp_path: Path):
    with GitHub(tmp_path) as running:
        running.commit("main", {"a.yaml": "1"}, "begin")
        yield running


def test_required_reviewers_open_it(forge: GitHub) -> None:
    forge.protect("prod")
    assert ask(forge.environ()) is None


@pytest.mark.parametrize(("stand_in", "variable"), [(AzureDevOps, "ENVIRONMENT_NAME"), (GitLab, "CI_ENVIRONMENT_NAME")])
def test_a_job_in_another_environment_keeps_it_closed(stand_in: Any, variable: str, tmp_path: Path) -> None:
    with stand_in(tmp_path) as forge:
        forge.commit("main", {"a.yaml": "1"}, "begin")
        forge.protect("prod")
        assert ask(forge.environ(**{variable: "prod"})) is None
        closed = "this job runs in the environment test of the forge, and not in prod"
        assert ask(forge.environ(**{variable: "test"})) == closed


def test_at_gitlab_a_token_of_its_own_is_asked_and_without_it_the_gate_stays_closed(tmp_path: Path) -> None:
    with GitLab(tmp_path) as forge:
        forge.commit("main", {"a.yaml": "1"}, "begin")
        forge.protect("prod")
        environ = forge.environ()
        assert ask(environ) is None
        assert {seen.headers["authorization"] for seen in forge.requests} == {f"Bearer {forge.gate_token}"}
        # A Maintainer's token in the other variable would be in reach of whoever may push.
        environ |= {"GITLAB_TOKEN": environ.pop("GITLAB_GATE_TOKEN")}
        closed = ask(environ) or ""
    assert "GITLAB_GATE_TOKEN is not set" in closed
    assert "role Maintainer" in closed


def test_anything_else_keeps_it_closed_and_says_why(forge: GitHub) -> None:
    forge.protect("prod", reviewers=False)
    assert ask(forge.environ()) == "the environment prod of GitHub has no required reviewers"
    forge.environments["prod"] = [{"type": "required_reviewers", "reviewers": []}]
    assert ask(forge.environ()) == "the environment prod of GitHub has no required reviewers"
    assert "no environment other" in (ask(forge.environ(), "other") or "")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {"message": "Bad credentials"}, {}), "cannot be asked"),
        ((403, {"message": "Resource not accessible by integration"}, {}), "does not tell this token"),
        ((200, b"<html>", {"content-type": "text/html"}), "cannot be asked"),
        ((200, [], {}), "no required reviewers"),
        ((200, {"protection_rules": "required_reviewers"}, {}), "no required reviewers"),
        ((302, b"", {"location": "/elsewhere"}), "cannot be asked"),
    ],
)
def test_a_forge_that_does_not_say_so_keeps_it_closed(forge: GitHub, answer: tuple, words: str) -> None:
    forge.protect("prod")
    forge.refuse = lambda _seen: answer
    assert words in (ask(forge.environ()) or "")


@pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "GITHUB_REPOSITORY"])
def test_without_a_forge_or_a_token_it_stays_closed(forge: GitHub, missing: str) -> None:
    forge.protect("prod")
    environ = forge.environ()
    del environ[missing]
    assert "cannot be asked" in (ask(environ) or "")


def test_a_name_that_is_a_path_asks_for_that_name_alone(forge: GitHub) -> None:
    forge.protect("prod")
    assert ask(forge.environ(), "other/../prod") is not None
