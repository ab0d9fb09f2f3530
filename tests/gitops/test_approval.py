"""Which plans count as approved, asked of a forge over real HTTP and real git."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.errors import ApiError
from reconciler.gitops.approval import Gathered, artifact_name, gather, workflows
from reconciler.gitops.event import read_event
from reconciler.gitops.forge_names import ForgeName
from reconciler.gitops.github import open_github
from reconciler.http.observe import Silent
from reconciler.http.retry import RetryPolicy
from reconciler.reconcile.digests import is_signed, plan_digest
from reconciler.reconcile.plan import Plan
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planread import plan_from_json
from support.forges.github import WORKFLOW, GitHub

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
OTHER = ".github/workflows/other.yml"


def plan(environment: str = "prod", age: timedelta = timedelta(0), **more: Any) -> bytes:
    made = Plan(environment, (), NOW - age, NOW - age + timedelta(days=14), (), (), (), 0, "")
    return json.dumps(plan_to_json(replace(made, digest=plan_digest(made))) | more).encode()


@pytest.fixture
def forge(tmp_path: Path):
    with GitHub(tmp_path) as running:
        running.commit("main", {"a.yaml": "1"}, "begin")
        yield running


def pull(forge: GitHub, name: str, *plans: bytes, environment: str = "prod", **upload: Any) -> int:
    head = forge.commit(name, {f"{name}.yaml": name})
    for content in plans:
        forge.upload(head, artifact_name(environment, head), {"plan.json": content}, **upload)
    return forge.open_pull(name)


def approved(
    forge: GitHub,
    since: str | None,
    environment: str = "prod",
    paths: tuple[str, ...] | None = None,
    key: str | None = None,
) -> Gathered:
    async def call() -> Gathered:
        event = read_event(forge.environ())
        async with open_github(event, Silent(), policy=RetryPolicy(attempts=1)) as client:
            walk = await client.merged(since, forge.head(), event.branch)
            count = workflows(event, ()) if paths is None else paths
            return await gather(client, environment, walk, count, NOW, key)

    return asyncio.run(call())


def numbers(found: Gathered) -> list[int]:
    return [each.number for each in found.plans]


def test_three_merges_while_one_apply_runs_are_gathered_together(forge: GitHub) -> None:
    since = forge.head()
    pulls = [pull(forge, f"topic-{number}", plan()) for number in range(3)]
    for number, how in zip(pulls, ("squash", "rebase", "merge"), strict=True):
        forge.merge(number, how)
    found = approved(forge, since)
    assert (numbers(found), found.told) == (pulls, ())
    assert found.plans[0].content == plan()


def test_who_holds_the_key_signs_what_counts_and_nothing_else_of_it_changes(forge: GitHub) -> None:
    since = forge.head()
    forge.merge(pull(forge, "topic", plan()))
    [found] = approved(forge, since, key="kr3mbel").plans
    document = json.loads(found.content)
    assert is_signed(plan_from_json(document), "kr3mbel")
    assert document == json.loads(plan()) | {"signature": document["signature"]}


def test_a_queue_group_of_two_counts_by_the_runs_of_its_pull_requests(forge: GitHub) -> None:
    since = forge.head()
    pulls = [pull(forge, name, plan()) for name in ("one", "two")]
    for number in pulls:
        # What a run for the group leaves counts for nobody, whatever it is called.
        head = forge.pulls[number].head
        forge.upload(head, artifact_name("prod", head), {"plan.json": b"hostile"}, event="merge_group")
        forge.merge(number, "merge")
    assert numbers(approved(forge, since)) == pulls


def test_a_fork_approves_nothing_neither_for_itself_nor_with_somebody_elses_head(forge: GitHub) -> None:
    since = forge.head()
    ours = pull(forge, "ours")
    head = forge.pulls[ours].head
    forge.upload(head, artifact_name("prod", head), {"plan.json": plan()}, source="mallory/shop")
    forge.commit("theirs", {"b.yaml": "2"})
    theirs = forge.open_pull("theirs", source="mallory/shop")
    for number in (ours, theirs):
        forge.merge(number, "squash")
    found = approved(forge, since)
    assert numbers(found) == []
    assert found.told == (
        f"pull request {ours}: {artifact_name('prod', head)} does not count: its run is of a fork",
        f"pull request {theirs}: it comes from a fork, whose runs have no secrets and make no plan",
    )


def test_another_pull_request_of_ours_approves_nothing_for_this_one(forge: GitHub) -> None:
    since = forge.head()
    number = pull(forge, "one")
    head = forge.pulls[number].head
    forge.upload(forge.commit("evil", {"e": "e"}), artifact_name("prod", head), {"plan.json": plan()})
    forge.merge(number)
    [told] = approved(forge, since).told
    assert "its run is of another commit than the pull request's last one" in told


def test_of_two_pushes_the_last_one_counts_though_its_run_ended_first(forge: GitHub) -> None:
    since = forge.head()
    first = forge.commit("topic", {"t.yaml": "1"})
    number = forge.open_pull("topic")
    last = forge.commit("topic", {"t.yaml": "2"})
    forge.upload(last, artifact_name("prod", last), {"plan.json": plan()})
    forge.upload(first, artifact_name("prod", first), {"plan.json": b"of the older head"})
    forge.merge(number, "squash")
    assert [each.content for each in approved(forge, since).plans] == [plan()]


def test_a_run_that_is_started_again_overwrites(forge: GitHub) -> None:
    since = forge.head()
    newer = plan(age=timedelta(hours=1))
    forge.merge(pull(forge, "topic", plan(), newer))
    assert [each.content for each in approved(forge, since).plans] == [newer]


def test_an_expired_artifact_and_one_that_is_gone_are_told(forge: GitHub) -> None:
    since = forge.head()
    forge.merge(pull(forge, "old", plan(), expired=True))
    forge.merge(pull(forge, "none"))
    deleted = pull(forge, "deleted", plan())
    forge.merge(deleted)
    artifact = forge.artifacts[-1]
    forge.refuse = lambda seen: (410, {"message": "Gone"}, {}) if f"/{artifact.id}/zip" in seen.path else None
    old, none, gone = approved(forge, since).told
    assert old.endswith("does not count: it has expired")
    assert "there is no artifact reconciler-plan-prod-" in none
    assert gone.endswith("is not there any more")


def test_an_artifact_that_is_too_large_counts_not_and_the_others_are_gathered(
    forge: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = forge.head()
    large, good = pull(forge, "large"), pull(forge, "good", plan())
    head = forge.pulls[large].head
    forge.upload(head, artifact_name("prod", head), b"x" * 20_000)
    forge.merge(large)
    forge.merge(good)
    monkeypatch.setattr("reconciler.gitops.github.LARGEST_ARCHIVE", 10_000)
    found = approved(forge, since)
    assert numbers(found) == [good]
    assert found.told == (f"pull request {large}: {artifact_name('prod', head)} does not count: too large",)


def test_an_artifact_whose_run_is_gone_counts_not(forge: GitHub) -> None:
    since = forge.head()
    forge.merge(pull(forge, "topic", plan()))
    forge.refuse = lambda seen: (404, {"message": "Not Found"}, {}) if "/actions/runs/" in seen.path else None
    assert approved(forge, since).told[0].endswith("does not count: its run is not there any more")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{}", "no format_version"),
        (b"\xff", "it is not JSON"),
        (plan("staging"), "it is a plan for the environment staging"),
        (plan(age=timedelta(days=15)), "the saved plan expired"),
        (plan(targets=["Store"]), "the saved plan was altered after it was made"),
        (plan(commit="c" * 40), "it is a plan of the commit cccccccccccc, not of the pull request's last one"),
    ],
)
def test_what_approves_nothing_is_told_and_left_out(forge: GitHub, content: bytes, why: str) -> None:
    since = forge.head()
    forge.merge(pull(forge, "topic", content))
    found = approved(forge, since)
    assert numbers(found) == []
    assert why in found.told[0]


def test_each_environment_has_an_artifact_of_its_own(forge: GitHub) -> None:
    since = forge.head()
    number = pull(forge, "topic", plan())
    head = forge.pulls[number].head
    forge.upload(head, artifact_name("staging", head), {"plan.json": plan("staging")})
    forge.merge(number)
    for environment in ("prod", "staging"):
        assert [each.content for each in approved(forge, since, environment).plans] == [plan(environment)]
    assert numbers(approved(forge, since, "other")) == []


def test_only_what_was_merged_into_our_branch_counts(forge: GitHub) -> None:
    since = forge.head()
    forge.commit("dev", {"d.yaml": "d"})
    head = forge.commit("topic", {"t.yaml": "t"}, onto="dev")
    forge.upload(head, artifact_name("prod", head), {"plan.json": plan()})
    into_dev = forge.open_pull("topic", base="dev")
    forge.merge(into_dev)
    into_main = pull(forge, "dev", plan())  # one more commit on dev, planned for main
    forge.merge(into_main)
    assert numbers(approved(forge, since)) == [into_main]


def test_a_pull_request_of_another_branch_counts_not_even_where_its_commits_came_to_ours(forge: GitHub) -> None:
    since = forge.head()
    forge.commit("dev", {"d.yaml": "d"})
    head = forge.commit("topic", {"t.yaml": "t"}, onto="dev")
    forge.upload(head, artifact_name("prod", head), {"plan.json": plan()})
    forge.merge(forge.open_pull("topic", base="dev"))
    forge._run("branch", "-f", "main", "dev")  # pushed to main, and by no pull request
    assert numbers(approved(forge, since)) == []


def test_a_pull_request_that_is_still_open_approves_nothing_though_its_commits_are_on_main(forge: GitHub) -> None:
    since = forge.head()
    pull(forge, "topic", plan())
    forge._run("branch", "-f", "main", "topic")
    assert numbers(approved(forge, since)) == []


def test_a_base_that_moved_keeps_the_approval(forge: GitHub) -> None:
    since = forge.head()
    number = pull(forge, "topic", plan())
    forge.commit("main", {"other.yaml": "moved"}, "pushed by somebody")
    forge.merge(number, "rebase")
    assert numbers(approved(forge, since)) == [number]


def test_a_workflow_that_is_not_ours_approves_nothing(forge: GitHub) -> None:
    since = forge.head()
    forge.merge(pull(forge, "one", plan(), workflow=OTHER))
    assert numbers(approved(forge, since, paths=(OTHER,))) == [1]
    # Where the pipeline does not tell its own file, and where none is named, another one counts no more.
    for paths in ((WORKFLOW,), None, ()):
        assert "its run is of another workflow" in approved(forge, since, paths=paths).told[0]


def test_the_workflows_that_count_are_this_one_and_the_one_of_init_unless_named(forge: GitHub) -> None:
    own = f"{forge.repository}/.github/workflows/reconciler-apply.yml@refs/heads/main"
    event = read_event(forge.environ(GITHUB_WORKFLOW_REF=own))
    assert workflows(event, ()) == (".github/workflows/reconciler-apply.yml", WORKFLOW)
    assert workflows(event, (OTHER,)) == (OTHER,)
    azure = replace(event, forge=ForgeName.AZURE, workflow="12")
    assert workflows(azure, ()) == ("12", "azure-pipelines/reconciler-pull-request.yml")
    assert workflows(replace(event, forge=ForgeName.GITLAB, workflow=None), ()) == ()
    assert workflows(replace(event, workflow=None), ()) == (WORKFLOW,)
    assert workflows(replace(azure, workflow=None), ()) == ("azure-pipelines/reconciler-pull-request.yml",)


def test_a_history_that_was_rewritten_leaves_the_last_pull_request_alone_and_says_so(forge: GitHub) -> None:
    number = pull(forge, "topic", plan())
    forge.merge(number)
    found = approved(forge, "a" * 40)
    assert numbers(found) == [number]
    assert found.told[0].startswith("the commit that was applied last (aaaaaaaaaaaa) is not in this repository")


def test_a_commit_that_is_no_newer_than_the_applied_one_brings_nothing_and_says_so(forge: GitHub) -> None:
    forge.merge(pull(forge, "topic", plan()))
    newest, forge_head = forge.head(), forge.head
    assert approved(forge, newest).told == (f"{newest[:12]} is what was applied last",)
    older = forge._run("rev-parse", "main~1")
    forge.head = lambda branch="main": older if branch == "main" else forge_head(branch)  # type: ignore[method-assign]
    found = approved(forge, newest)
    assert found.told == (f"{older[:12]} is no newer than the commit that was applied last ({newest[:12]})",)


@pytest.mark.parametrize("asked", ["/commits/", "/actions/artifacts", "/zip", "/actions/runs/"])
def test_a_forge_that_fails_is_an_error_and_no_missing_approval(forge: GitHub, asked: str) -> None:
    since = forge.head()
    forge.merge(pull(forge, "topic", plan()))
    forge.refuse = lambda seen: (500, {"message": "oops"}, {}) if asked in seen.path else None
    with pytest.raises(ApiError):
        approved(forge, since)
