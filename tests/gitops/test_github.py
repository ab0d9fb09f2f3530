"""GitHub behind the protocol, over real HTTP and a real git repository."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import AnswerLost, LoginRefused, NotFound, RateLimited, Rejected
from reconciler.gitops.event import read_event
from reconciler.gitops.github import GitHub as Client
from reconciler.gitops.github import open_github
from reconciler.http.retry import RetryPolicy
from support.forges.github import WORKFLOW, GitHub, secondary_limit
from support.http_client_helpers import Listener, real_clock
from support.scripted_server import FakeClock


@pytest.fixture(params=["", "/api/v3"], ids=["github.com", "Enterprise"])
def forge(request, tmp_path: Path):
    with GitHub(tmp_path, prefix=request.param) as running:
        running.commit("main", {"a.yaml": "1"}, "begin")
        yield running


def ask(forge: GitHub, use: Callable[[Client], Awaitable[Any]], listener: Listener | None = None, **more: str) -> Any:
    async def call() -> Any:
        event = read_event(forge.environ(**more))
        policy = RetryPolicy(random=lambda: 0.0)
        clock = real_clock(FakeClock())
        async with open_github(event, listener or Listener(), policy=policy, clock=clock) as client:
            return await use(client)

    return asyncio.run(call())


def branch(forge: GitHub, name: str, commits: int = 1) -> int:
    for number in range(commits):
        forge.commit(name, {f"{name}-{number}.yaml": name}, f"{name} {number}")
    return forge.open_pull(name)


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_merged_pull_requests_are_found_however_they_were_merged(forge: GitHub, how: str) -> None:
    since = forge.head()
    numbers = [branch(forge, f"topic-{number}", 3) for number in range(3)]
    heads = [forge.pulls[number].head for number in numbers]
    until = [forge.merge(number, how) for number in numbers][-1]
    walk = ask(forge, lambda client: client.merged(since, until, "main"))
    assert [(pull.number, pull.head) for pull in walk.pulls] == list(zip(numbers, heads, strict=True))
    assert not walk.told
    assert ask(forge, lambda client: client.merged(until, until, "main")).pulls == []
    # Where nothing is remembered, the commit itself is looked at alone.
    assert [pull.number for pull in ask(forge, lambda client: client.merged(None, until, None)).pulls] == numbers[-1:]


def test_comments_and_issues_are_written_read_and_changed(forge: GitHub) -> None:
    number = branch(forge, "topic")

    async def use(client: Client) -> list[Any]:
        comment = await client.add_comment(number, "one")
        await client.edit_comment(number, comment, "two")
        other = await client.add_comment(number, "three")
        await client.delete_comment(number, other)
        issue = await client.open_issue("Drift", "body", "reconciler:prod")
        await client.edit_issue(issue, title="Drift", body="gone", is_open=False)
        return [*await client.comments(number), *await client.issues("reconciler:prod"), *await client.issues("other")]

    comment, issue = ask(forge, use)
    assert (comment.author, comment.body) == ("github-actions[bot]", "two")
    assert (issue.title, issue.body, issue.is_open) == ("Drift", "gone", False)
    assert forge.issues[int(issue.id)]["state_reason"] == "completed"


@pytest.mark.parametrize("count", [99, 100, 101, 250])
def test_lists_are_read_to_their_end(forge: GitHub, count: int) -> None:
    for number in range(count):
        forge.comment(7, str(number))
    found = ask(forge, lambda client: client.comments(7))
    assert [comment.body for comment in found] == [str(number) for number in range(count)]


def test_reviewers_of_an_environment_are_asked_for(forge: GitHub) -> None:
    forge.protect("prod")
    forge.protect("loose", reviewers=False)
    for name, expected in (("prod", True), ("loose", False), ("none", False)):
        assert ask(forge, lambda client, name=name: client.reviewed(name)).is_certain is expected
    forge.refuse = lambda _seen: (403, {"message": "Resource not accessible by integration"}, {})
    found = ask(forge, lambda client: client.reviewed("prod"))
    assert (found.is_certain, found.why) == (False, "GitHub does not tell this token about the environment prod")


def test_artifacts_are_told_why_they_do_not_count(forge: GitHub) -> None:
    number = branch(forge, "topic")
    head = forge.pulls[number].head
    files = {"plan.json": b"{}"}
    forge.upload(head, "x", files, source="mallory/shop")
    forge.upload(forge.head(), "x", files)
    forge.upload(head, "x", files, event="merge_group")
    forge.upload(head, "x", files, workflow=".github/workflows/other.yml")
    forge.upload(head, "x", files, expired=True)
    forge.upload(head, "xy", files)
    forge.upload(head, "x", files, workflow=f"{WORKFLOW}@main")

    async def use(client: Client) -> tuple[Any, bytes]:
        found = await client.artifacts("x", await client.pull_request(number), (WORKFLOW,))
        return found, await client.download(found[0])

    found, content = ask(forge, use)
    assert content == files["plan.json"]
    assert [artifact.refused for artifact in found] == [
        None,
        "it has expired",
        "its run is of another workflow",
        "its run was not started by a pull request",
        "its run is of another commit than the pull request's last one",
        "its run is of a fork",
    ]
    store = next(seen for seen in forge.requests if seen.path.startswith("/store/"))
    assert forge.token not in str(store.headers)


def test_a_secondary_rate_limit_is_waited_out_and_a_write_is_done_once(forge: GitHub) -> None:
    number, listener, refused = branch(forge, "topic"), Listener(), []

    def refuse(seen: Any) -> Any:
        if seen.method == "POST" and len(refused) < 2:
            refused.append(seen)
            return secondary_limit(30)
        return None

    forge.refuse = refuse
    ask(forge, lambda client: client.add_comment(number, "one"), listener)
    assert [wait.seconds for wait in listener.waits] == [30, 30]
    assert len(forge.comments[number]) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, {"message": "Bad credentials"}, {}), LoginRefused),
        ((403, {"message": "Resource not accessible by integration"}, {}), Rejected),
        ((404, {"message": "Not Found"}, {}), NotFound),
        (
            (
                403,
                {"message": "API rate limit exceeded"},
                {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999"},
            ),
            RateLimited,
        ),
    ],
)
def test_refusals_are_errors_with_a_next_step_of_the_forge(forge: GitHub, answer: Any, error: type[Exception]) -> None:
    forge.refuse = lambda _seen: answer
    with pytest.raises(error) as raised:
        ask(forge, lambda client: client.pull_request(1))
    assert "environment, then run" not in (raised.value.next_step or "")
    assert forge.token not in str(raised.value)


@pytest.mark.parametrize(("seconds", "told"), [(3600, "60 min"), (200, "4 min")])
def test_a_limit_that_is_not_waited_out_says_when_to_try_again_and_asks_for_no_permission(
    forge: GitHub, seconds: int, told: str
) -> None:
    forge.refuse = lambda _seen: secondary_limit(seconds)
    with pytest.raises(RateLimited) as raised:
        ask(forge, lambda client: client.pull_request(1))
    step = f"Try again later: GitHub limits requests of one token. It asks to wait {told}."
    assert raised.value.next_step == step


def test_whose_the_token_may_be_is_asked_and_a_bot_where_it_may_not_ask(forge: GitHub) -> None:
    def answers(names: tuple[str, ...]) -> list[bool]:
        return [ask(forge, lambda client, name=name: client.may_write_as(name)) for name in names]

    names = ("alice", "mallory", "shop[bot]")
    forge.refuse = lambda _seen: (200, {"login": "alice"}, {})
    assert answers(names) == [True, False, False]
    forge.refuse = lambda _seen: (403, {"message": "Resource not accessible by integration"}, {})
    assert answers(names) == [False, False, True]


def test_a_comment_whose_answer_is_lost_is_looked_for_by_the_same_step(forge: GitHub) -> None:
    number = branch(forge, "topic")
    forge.refuse = lambda seen: (502, {"message": "Bad gateway"}, {}) if seen.method == "POST" else None
    with pytest.raises(AnswerLost) as raised:
        ask(forge, lambda client: client.add_comment(number, "one"))
    assert (raised.value.next_step or "").startswith("Run this step again")
