"""Azure DevOps behind the protocol, over real HTTP and a real git repository."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ReconcilerError, UsageError
from reconciler.gitops.azure_devops import AzureDevOps as Client
from reconciler.gitops.azure_devops import open_azure_devops
from reconciler.gitops.event import read_event
from reconciler.gitops.forge import Issue
from reconciler.http.retry import RetryPolicy
from support.forges.azure_devops import PIPELINE_FILE, AzureDevOps
from support.http_client_helpers import Listener, real_clock
from support.scripted_server import FakeClock


@pytest.fixture
def forge(tmp_path: Path):
    with AzureDevOps(tmp_path) as running:
        running.commit("main", {"a.yaml": "1"}, "begin")
        yield running


def ask(forge: AzureDevOps, use: Callable[[Client], Awaitable[Any]], kind: str = "Issue", **more: str) -> Any:
    async def call() -> Any:
        event = read_event(forge.environ(**more))
        policy, clock = RetryPolicy(random=lambda: 0.0), real_clock(FakeClock())
        async with open_azure_devops(event, Listener(), work_item_type=kind, policy=policy, clock=clock) as client:
            return await use(client)

    return asyncio.run(call())


def branch(forge: AzureDevOps, name: str, commits: int = 1) -> int:
    for number in range(commits):
        forge.commit(name, {f"{name}-{number}.yaml": name}, f"{name} {number}")
    return forge.open_pull(name)


@pytest.mark.parametrize("how", ["merge", "squash", "rebase", "semi-linear"])
def test_merged_pull_requests_are_found_however_they_were_merged(forge: AzureDevOps, how: str) -> None:
    since = forge.head()
    numbers = [branch(forge, f"topic-{number}", 3) for number in range(2)]
    until = [forge.merge(number, how) for number in numbers][-1]
    walk = ask(forge, lambda client: client.merged(since, until, "main"))
    assert [pull.number for pull in walk.pulls] == numbers
    assert ask(forge, lambda client: client.merged(until, until, "main")).pulls == []
    assert [pull.number for pull in ask(forge, lambda client: client.merged(None, until, None)).pulls] == numbers[-1:]
    strange = ask(forge, lambda client: client.merged("f" * 40, until, "main"))
    assert [pull.number for pull in strange.pulls] == numbers[-1:]
    assert "not in the history" in strange.told[0]


def test_the_artifact_of_the_last_head_counts_and_no_other(forge: AzureDevOps) -> None:
    number = branch(forge, "topic")
    head = forge.pulls[number].head
    name = f"reconciler-plan-test-{head}"
    forge.upload(head, name, {"plan.json": b"good"})
    forge.upload(head, name, {"plan.json": b"other"}, pipeline=99)
    forge.upload(head, name, {"plan.json": b"fork"}, fork=True)
    forge.builds[forge.artifacts[-1].run]["triggerInfo"]["pr.isFork"] = "True"
    forge.upload(head, name, {"plan.json": b"old"})
    forge.builds[forge.artifacts[-1].run]["triggerInfo"]["pr.sourceSha"] = "c" * 40

    async def find(client: Client) -> Any:
        found = await client.artifacts(name, await client.pull_request(number), [PIPELINE_FILE])
        return found, await client.download(found[-1])

    found, content = ask(forge, find)
    assert content == b"good"
    assert [artifact.refused for artifact in found] == [
        "its run is of another commit than the pull request's last one",
        "its run is of a fork",
        "its run is of another pipeline",
        None,
    ]


def test_comments_are_threads_that_ask_nobody_to_resolve_them(forge: AzureDevOps) -> None:
    number = branch(forge, "topic")
    forge.comment(number, "somebody's", "other")

    async def use(client: Client) -> Any:
        made = await client.add_comment(number, "ours")
        await client.edit_comment(number, made, "changed")
        listed = [(comment.author, comment.body) for comment in await client.comments(number)]
        await client.delete_comment(number, made)
        return listed, [comment.body for comment in await client.comments(number)], client.author

    listed, left, author = ask(forge, use)
    assert listed == [("other", "somebody's"), (author, "changed")]
    assert left == ["somebody's"]


def test_work_items_are_found_by_tag_and_closed_by_the_category_of_their_state(forge: AzureDevOps) -> None:
    async def use(client: Client) -> list[Issue]:
        made = await client.open_issue("Drift", "text", "reconciler-drift-prod")
        await client.open_issue("Other", "text", "reconciler-drift-prod-eu")
        await client.edit_issue(made, title="Drift", body="none", is_open=False)
        (found,) = await client.issues("reconciler-drift-prod")
        await client.edit_issue(found, title="Drift", body="again", is_open=True)
        return [made, found, *await client.issues("reconciler-drift-prod")]

    made, closed, opened = ask(forge, use)
    assert (made.is_open, closed.is_open, opened.is_open) == (True, False, True)
    assert (closed.body, opened.body) == ("none", "again")
    assert made.id == closed.id == opened.id
    # A state of that category that a process has beside others is as closed.
    forge.items[int(made.id)]["System.State"] = "Done"
    assert not ask(forge, lambda client: client.issues("reconciler-drift-prod"))[0].is_open


def test_a_work_item_type_that_the_project_has_not_is_told(forge: AzureDevOps) -> None:
    with pytest.raises(UsageError, match="no work item type User Story") as raised:
        ask(forge, lambda client: client.open_issue("a", "b", "c"), kind="User Story")
    assert "--work-item-type" in (raised.value.next_step or "")


def test_an_environment_is_reviewed_by_an_approvals_check_alone(forge: AzureDevOps) -> None:
    assert not ask(forge, lambda client: client.reviewed("prod")).is_certain
    forge.protect("prod", reviewers=False)
    assert not ask(forge, lambda client: client.reviewed("prod")).is_certain
    forge.protect("prod")
    assert ask(forge, lambda client: client.reviewed("prod")).is_certain
    refused = (403, {"message": "TF400813: not authorized", "typeKey": "UnauthorizedRequestException"}, {})
    forge.refuse = lambda seen: refused if "/checks/" in seen.path else None
    assert "does not tell this token" in ask(forge, lambda client: client.reviewed("prod")).why
    forge.refuse = lambda _seen: None
    forge.checks["prod"][-1]["isDisabled"] = True
    assert not ask(forge, lambda client: client.reviewed("prod")).is_certain


def test_a_page_to_sign_in_is_no_answer_and_shows_no_token(forge: AzureDevOps) -> None:
    with pytest.raises(ReconcilerError) as raised:
        ask(forge, lambda client: client.pull_request(1), SYSTEM_ACCESSTOKEN="wrong-token-marker")
    assert "wrong-token-marker" not in str(raised.value)
