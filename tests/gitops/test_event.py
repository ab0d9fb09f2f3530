"""What a pipeline says of itself, read from its variables and its event file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import LoadError, UsageError
from reconciler.gitops.event import Event, read_event
from reconciler.gitops.forge_names import ForgeName

HEAD, MERGE, OTHER = "a" * 40, "b" * 40, "c" * 40
GITHUB = {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_SHA": MERGE, "GITHUB_TOKEN": "t", "GITHUB_REF": "refs/heads/main"}
AZURE = {
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
    "SYSTEM_TEAMPROJECT": "shop",
    "BUILD_REPOSITORY_ID": "9f1c",
    "BUILD_SOURCEVERSION": MERGE,
    "BUILD_SOURCEBRANCH": "refs/heads/main",
    "SYSTEM_ACCESSTOKEN": "t",
}
GITLAB = {
    "CI_API_V4_URL": "https://gitlab.example/api/v4",
    "CI_PROJECT_ID": "7",
    "CI_COMMIT_SHA": MERGE,
    "CI_COMMIT_BRANCH": "main",
}


def pull_event(source: str | None = "acme/shop") -> dict[str, Any]:
    repo = None if source is None else {"full_name": source}
    return {"pull_request": {"number": 12, "head": {"sha": HEAD, "repo": repo}, "base": {"ref": "main"}}}


def github(tmp_path: Path, event: Any, **more: str) -> Event:
    path = tmp_path / "event.json"
    path.write_text(event if isinstance(event, str) else json.dumps(event))
    return read_event({**GITHUB, "GITHUB_EVENT_PATH": str(path), "GITHUB_REF": "refs/pull/12/merge", **more})


def test_on_a_push_the_commit_and_branch_are_those_of_the_run() -> None:
    event = read_event(GITHUB)
    assert (event.forge, event.repository, event.api_url) == (ForgeName.GITHUB, "acme/shop", "https://api.github.com")
    assert (event.commit, event.branch, event.pull_request, event.no_secrets) == (MERGE, "main", None, None)
    assert event.token.reveal() == "t"


def test_on_a_pull_request_the_head_stands_in_the_event_and_github_sha_is_the_merge(tmp_path: Path) -> None:
    event = github(tmp_path, pull_event())
    assert (event.commit, event.pull_request, event.branch, event.no_secrets) == (HEAD, 12, "main", None)


def test_in_a_merge_queue_the_head_of_the_group_is_meant(tmp_path: Path) -> None:
    event = github(tmp_path, {"merge_group": {"head_sha": OTHER}}, GITHUB_EVENT_NAME="merge_group")
    assert (event.commit, event.pull_request, event.is_queue) == (OTHER, None, True)


@pytest.mark.parametrize("source", [None, "mallory/shop"])
def test_a_fork_has_no_secrets_and_is_told_why(tmp_path: Path, source: str | None) -> None:
    assert "fork" in (github(tmp_path, pull_event(source)).no_secrets or "")


def test_dependabot_has_no_secrets_and_is_told_why(tmp_path: Path) -> None:
    assert "Dependabot" in (github(tmp_path, pull_event(), GITHUB_ACTOR="dependabot[bot]").no_secrets or "")
    assert github(tmp_path, pull_event(), GITHUB_ACTOR="alice").no_secrets is None
    # What it opened stays its own where somebody else has the run started again.
    opened = pull_event()
    opened["pull_request"]["user"] = {"login": "dependabot[bot]"}
    assert "Dependabot" in (github(tmp_path, opened, GITHUB_ACTOR="alice").no_secrets or "")


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"GITHUB_API_URL": "https://ghe.example/api/v3"}, "https://ghe.example/api/v3"),
        ({"GITHUB_API_URL": "http://127.0.0.1:4000/"}, "http://127.0.0.1:4000"),
    ],
)
def test_enterprise_is_told_by_its_url(variables: dict[str, str], url: str) -> None:
    assert read_event(GITHUB | variables).api_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://ghe.example/api/v3",
        "ftp://x",
        "https://",
        "https://me:pw@ghe.example",
        "https://x/?a=1",
        "x",
        "https://[",
    ],
)
def test_a_token_is_sent_to_https_urls_alone(url: str) -> None:
    with pytest.raises(UsageError, match="https URL") as raised:
        read_event(GITHUB | {"GITHUB_API_URL": url})
    assert "GITHUB_API_URL" in (raised.value.next_step or "")


@pytest.mark.parametrize("name", ["shop", "a/b/c", "../x", "acme/..", "acme/sh op", "acme/shop?x"])
def test_a_repository_that_would_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="owner/name"):
        read_event(GITHUB, repository=name)


@pytest.mark.parametrize("content", ["", "no JSON", "[]", "null", "[" * 100_000, '"\\ud800"', "7"])
def test_an_event_that_is_none_is_an_error_that_names_its_variable(tmp_path: Path, content: str) -> None:
    with pytest.raises(LoadError) as raised:
        github(tmp_path, content)
    assert "GITHUB_EVENT_PATH" in (raised.value.next_step or "")


def test_an_event_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LoadError):
        read_event({**GITHUB, "GITHUB_EVENT_PATH": "/nowhere/event.json"})


@pytest.mark.parametrize(
    "event",
    [
        {"pull_request": {"number": "12; rm -rf /", "head": {"sha": "$(id)", "repo": 7}, "base": []}},
        {"pull_request": {"number": -1, "head": None}},
        {"pull_request": {"number": True, "head": {"sha": ["x"]}}},
    ],
)
def test_a_hostile_event_tells_neither_commit_nor_pull_request(tmp_path: Path, event: Any) -> None:
    found = github(tmp_path, event)
    assert (found.commit, found.pull_request) == (None, None)
    assert found.no_secrets is not None


def test_what_is_given_stands_in_place_of_what_is_told(tmp_path: Path) -> None:
    event = read_event(GITHUB, repository="acme/other", pull_request=3, commit=OTHER)
    assert (event.repository, event.pull_request, event.commit) == ("acme/other", 3, OTHER)
    # A commit of this run is none of another pull request.
    assert read_event(GITHUB, pull_request=3).commit is None
    with pytest.raises(UsageError, match="full commit ID"):
        read_event(GITHUB, commit="abc")


def test_azure_devops_is_told_by_its_variables() -> None:
    event = read_event(AZURE)
    assert (event.forge, event.api_url, event.project) == (ForgeName.AZURE, "https://dev.azure.com/acme", "shop")
    assert (event.commit, event.branch, event.pull_request) == (MERGE, "main", None)
    pull = {
        "SYSTEM_PULLREQUEST_PULLREQUESTID": "5",
        "SYSTEM_PULLREQUEST_SOURCECOMMITID": HEAD,
        "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
    }
    event = read_event(AZURE | pull)
    assert (event.commit, event.branch, event.pull_request, event.no_secrets) == (HEAD, "main", 5, None)
    assert "fork" in (read_event(AZURE | pull | {"SYSTEM_PULLREQUEST_ISFORK": "True"}).no_secrets or "")


def test_a_variable_that_azure_does_not_set_is_not_set() -> None:
    event = read_event(AZURE | {"SYSTEM_PULLREQUEST_PULLREQUESTID": "$(System.PullRequest.PullRequestId)"})
    assert event.pull_request is None
    assert not read_event(AZURE | {"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"}).token.is_set


def test_azure_pipelines_for_a_repository_at_github_ask_github() -> None:
    on_github = {
        "BUILD_REPOSITORY_PROVIDER": "GitHub",
        "BUILD_REPOSITORY_NAME": "acme/shop",
        "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER": "9",
        "SYSTEM_PULLREQUEST_SOURCECOMMITID": HEAD,
        "GITHUB_TOKEN": "t",
    }
    event = read_event(AZURE | on_github)
    assert (event.forge, event.repository, event.pull_request) == (ForgeName.GITHUB, "acme/shop", 9)
    assert event.commit == HEAD


def test_gitlab_is_told_by_its_variables() -> None:
    event = read_event(GITLAB)
    assert (event.forge, event.repository, event.commit, event.branch) == (ForgeName.GITLAB, "7", MERGE, "main")
    merge_request = {
        "CI_MERGE_REQUEST_IID": "4",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
    }
    event = read_event(GITLAB | merge_request)
    assert (event.pull_request, event.commit, event.no_secrets) == (4, HEAD, None)
    assert "fork" in (read_event(GITLAB | merge_request | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "8"}).no_secrets or "")


def test_no_forge_and_several_are_named_and_one_can_be_chosen() -> None:
    with pytest.raises(UsageError, match="GITHUB_REPOSITORY, SYSTEM_COLLECTIONURI, CI_API_V4_URL"):
        read_event({})
    with pytest.raises(UsageError, match="several forges") as raised:
        read_event(GITHUB | GITLAB)
    assert "github, gitlab" in (raised.value.next_step or "")
    assert read_event(GITHUB | GITLAB, forge="gitlab").forge is ForgeName.GITLAB


@pytest.mark.parametrize("path", ["fifo", "/dev/zero", "."])
def test_an_event_file_that_is_no_regular_file_is_not_read(tmp_path: Path, path: str) -> None:
    if path == "fifo":
        path = str(tmp_path / path)
        os.mkfifo(path)
    with pytest.raises(LoadError, match="no regular file"):
        read_event(GITHUB | {"GITHUB_EVENT_PATH": path})
