"""GitLab behind the protocol, over real HTTP and a real git repository."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import AnswerLost, ApiError, LoginRefused, Unreachable, UsageError
from reconciler.gitops.approval import gather
from reconciler.gitops.event import read_event
from reconciler.gitops.forge import Walk
from reconciler.gitops.gitlab import GitLab as Client
from reconciler.gitops.gitlab import open_gitlab
from reconciler.http.retry import RetryPolicy
from support.forges.gitlab import GitLab
from support.http_client_helpers import Listener, real_clock
from support.scripted_server import FakeClock


@pytest.fixture
def forge(tmp_path: Path):
    with GitLab(tmp_path) as running:
        running.commit("main", {"a.yaml": "1"}, "begin")
        yield running


def ask(forge: GitLab, use: Callable[[Client], Awaitable[Any]], *, gate: bool = False, **more: str) -> Any:
    async def call() -> Any:
        policy, clock = RetryPolicy(random=lambda: 0.0), real_clock(FakeClock())
        async with open_gitlab(
            read_event(forge.environ(**more), gate=gate), Listener(), policy=policy, clock=clock
        ) as client:
            return await use(client)

    return asyncio.run(call())


def branch(forge: GitLab, name: str, commits: int = 1) -> int:
    for number in range(commits):
        forge.commit(name, {f"{name}-{number}.yaml": name}, f"{name} {number}")
    return forge.open_pull(name)


@pytest.mark.parametrize("how", ["merge", "squash", "rebase", "semi-linear"])
def test_merged_requests_are_found_however_they_were_merged(forge: GitLab, how: str) -> None:
    since = forge.head()
    numbers = [branch(forge, f"topic-{number}", 3) for number in range(2)]
    heads = [forge.pulls[number].head for number in numbers]
    until = [forge.merge(number, how) for number in numbers][-1]
    walk = ask(forge, lambda client: client.merged(since, until, "main"))
    assert [(pull.number, pull.head) for pull in walk.pulls] == list(zip(numbers, heads, strict=True))
    assert ask(forge, lambda client: client.merged(until, until, "main")).pulls == []
    strange = ask(forge, lambda client: client.merged("f" * 40, until, "main"))
    assert [pull.number for pull in strange.pulls] == numbers[-1:]
    assert "not in this repository" in strange.told[0]


def test_a_fast_forward_is_found_by_its_own_head(forge: GitLab) -> None:
    since, number = forge.head(), branch(forge, "topic", 3)
    forge._run("update-ref", "refs/heads/main", forge.pulls[number].head)
    forge.pulls[number].merge_commit, forge.pulls[number].how = forge.pulls[number].head, "fast-forward"
    walk = ask(forge, lambda client: client.merged(since, forge.head(), "main"))
    assert [pull.number for pull in walk.pulls] == [number]


def test_the_plan_of_the_last_head_counts_and_no_other(forge: GitLab) -> None:
    number = branch(forge, "topic")
    head = forge.pulls[number].head
    name = f"reconciler-plan-test-{head}"
    forge.upload(head, name, {"plan.json": b"good"})
    forge.upload(head, name, {"plan.json": b"pushed"}, ref="topic")
    forge.upload(head, name, {"plan.json": b"train"}, ref=f"refs/merge-requests/{number}/train")
    forge.upload(head, name, {"plan.json": b"old"})
    forge.pipelines[-1]["sha"] = forge.head("main")
    forge.upload(head, name, {"plan.json": b"fork"}, project=6)

    async def find(client: Client) -> Any:
        found = await client.artifacts(name, await client.pull_request(number), [])
        return [each.refused for each in found], await client.download(found[-1])

    assert ask(forge, find) == (
        [
            "its pipeline is of a fork",
            "its pipeline is of another commit than the merge request's last one",
            "its pipeline was not started by this merge request",
            "its pipeline was not started by this merge request",
            None,
        ],
        b"good",
    )


def test_a_pipeline_for_merged_results_counts_by_the_head_that_it_merges(forge: GitLab) -> None:
    number = branch(forge, "topic")
    head = forge.pulls[number].head
    tree = forge._run("rev-parse", f"{head}^{{tree}}")
    merged = forge._run("commit-tree", tree, "-p", forge.head(), "-p", head, "-m", "merged results")
    name = f"reconciler-plan-test-{head}"
    forge.upload(head, name, {"plan.json": b"good"}, ref=f"refs/merge-requests/{number}/merge")
    forge.pipelines[-1]["sha"] = merged

    async def find(client: Client) -> Any:
        return await client.artifacts(name, await client.pull_request(number), [])

    assert [each.refused for each in ask(forge, find)] == [None]


def test_a_pipeline_or_a_commit_that_is_gone_counts_not_and_the_others_do(forge: GitLab) -> None:
    number = branch(forge, "topic")
    head = forge.pulls[number].head
    name = f"reconciler-plan-test-{head}"
    forge.upload(head, name, {"plan.json": b"good"})
    forge.upload(head, name, {"plan.json": b"swept"}, ref=f"refs/merge-requests/{number}/merge")
    forge.pipelines[-1]["sha"] = "f" * 40
    forge.upload(head, name, {"plan.json": b"deleted"})
    gone = f"/pipelines/{forge.pipelines[-1]['id']}/jobs"
    forge.refuse = lambda seen: (404, {"message": "404 Not found"}, {}) if seen.path.endswith(gone) else None

    async def find(client: Client) -> Any:
        found = await client.artifacts(name, await client.pull_request(number), [])
        return [each.refused for each in found]

    assert ask(forge, find) == ["the commit of its pipeline is not there any more", None]


@pytest.mark.parametrize("status", [404, 410])
def test_a_plan_that_is_gone_is_told_and_a_forge_that_fails_is_an_error(forge: GitLab, status: int) -> None:
    number = branch(forge, "topic")
    head = forge.pulls[number].head
    forge.upload(head, f"reconciler-plan-test-{head}", {"plan.json": b"good"})
    answers = [(status, {"message": "gone"}, {}), (403, {"message": "no"}, {})]
    forge.refuse = lambda seen: answers[0] if "/artifacts/" in seen.path else None

    async def find(client: Client) -> Any:
        walk = Walk((await client.pull_request(number),))
        return (await gather(client, "test", walk, (), datetime.now(UTC))).told[0]

    assert ask(forge, find).endswith("is not there any more")
    del answers[0]
    with pytest.raises(ApiError):
        ask(forge, find)


def test_notes_are_written_read_and_changed(forge: GitLab) -> None:
    number = branch(forge, "topic")
    forge.comment(number, "somebody's", "other")
    forge.comment(number, "added 1 commit", system=True)

    async def use(client: Client) -> Any:
        made = await client.add_comment(number, "ours")
        await client.edit_comment(number, made, "changed")
        listed = [(comment.author, comment.body) for comment in await client.comments(number)]
        await client.delete_comment(number, made)
        return listed, [comment.body for comment in await client.comments(number)]

    assert ask(forge, use) == ([("other", "somebody's"), (forge.author, "changed")], ["somebody's"])


def test_an_environment_is_reviewed_by_required_approvals_alone(forge: GitLab) -> None:
    assert not ask(forge, lambda client: client.reviewed("prod"), gate=True).is_certain
    forge.protect("prod", reviewers=False)
    assert not ask(forge, lambda client: client.reviewed("prod"), gate=True).is_certain
    forge.protect("prod")
    assert ask(forge, lambda client: client.reviewed("prod"), gate=True).is_certain


def test_the_token_of_merge_requests_is_not_told_about_approvals_and_the_words_name_the_one_that_is(
    forge: GitLab,
) -> None:
    forge.protect("prod")
    found = ask(forge, lambda client: client.reviewed("prod"))
    assert not found.is_certain
    assert "the token of GITLAB_GATE_TOKEN, which needs the role Maintainer" in found.why


def test_a_token_that_may_not_is_told_by_its_own_variable(forge: GitLab) -> None:
    number = branch(forge, "topic")
    for gate, words in ((False, "GITLAB_TOKEN the role Reporter"), (True, "GITLAB_GATE_TOKEN the role Maintainer")):
        forge.refuse = lambda seen: (403, {"message": "no"}, {}) if "merge_requests" in seen.path else None
        with pytest.raises(ApiError) as raised:
            ask(forge, lambda client: client.pull_request(number), gate=gate)
        assert words in (raised.value.next_step or "")


def test_there_is_no_rolling_issue(forge: GitLab) -> None:
    with pytest.raises(UsageError, match="no rolling issue"):
        ask(forge, lambda client: client.issues("x"))


def test_a_token_that_is_refused_is_named_and_not_shown(forge: GitLab) -> None:
    with pytest.raises(LoginRefused) as raised:
        ask(forge, lambda client: client.pull_request(1), GITLAB_TOKEN="wrong-token-marker")
    assert "GITLAB_TOKEN" in (raised.value.next_step or "")
    assert "wrong-token-marker" not in str(raised.value)


def test_a_forge_that_cannot_be_reached_is_not_taken_for_the_emulator(forge: GitLab) -> None:
    with pytest.raises(Unreachable) as raised:
        ask(forge, lambda client: client.pull_request(1), CI_API_V4_URL="http://127.0.0.1:1/api/v4")
    assert raised.value.next_step == "Check the network, the proxy settings and CI_API_V4_URL."


def test_a_comment_whose_answer_is_lost_is_looked_for_by_the_same_step(forge: GitLab) -> None:
    number = branch(forge, "topic")
    forge.refuse = lambda seen: (502, {"message": "Bad gateway"}, {}) if seen.method == "POST" else None
    with pytest.raises(AnswerLost) as raised:
        ask(forge, lambda client: client.add_comment(number, "one"))
    assert (raised.value.next_step or "").startswith("Run this step again")
