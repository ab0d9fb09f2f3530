"""Which plans count as approved at Azure DevOps and at GitLab, asked over real HTTP and real git."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.errors import ApiError
from reconciler.gitops.approval import Gathered, artifact_name, gather, workflows
from reconciler.gitops.azure_devops import open_azure_devops
from reconciler.gitops.event import read_event
from reconciler.gitops.gitlab import open_gitlab
from reconciler.http.retry import RetryPolicy
from reconciler.reconcile.digests import plan_digest
from reconciler.reconcile.plan import Plan
from reconciler.reconcile.planfile import plan_to_json
from support.forges.azure_devops import AzureDevOps
from support.forges.gitlab import GitLab
from support.forges.hosted import Answer, Seen
from support.http_client_helpers import Listener, real_clock
from support.scripted_server import FakeClock

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
Forge = AzureDevOps | GitLab


def plan(environment: str = "prod", **more: str) -> bytes:
    made = Plan(environment, (), NOW, NOW + timedelta(days=14), (), (), (), 0, "")
    return json.dumps(plan_to_json(replace(made, digest=plan_digest(made))) | more).encode()


@pytest.fixture(params=[AzureDevOps, GitLab])
def forge(request: pytest.FixtureRequest, tmp_path: Path):
    with request.param(tmp_path) as running:
        running.commit("main", {"a.yaml": "1"}, "begin")
        yield running


def pull(forge: Forge, name: str, *plans: bytes, environment: str = "prod") -> int:
    head = forge.commit(name, {f"{name}.yaml": name})
    number = forge.open_pull(name)
    for content in plans:
        forge.upload(head, artifact_name(environment, head), {"plan.json": content})
    return number


def approved(forge: Forge, since: str | None, environment: str = "prod", listener: Listener | None = None) -> Gathered:
    async def call() -> Gathered:
        event = read_event(forge.environ())
        opened = open_azure_devops if isinstance(forge, AzureDevOps) else open_gitlab
        policy, clock = RetryPolicy(attempts=3, random=lambda: 0.0), real_clock(FakeClock())
        async with opened(event, listener or Listener(), policy=policy, clock=clock) as client:
            walk = await client.merged(since, forge.head(), event.branch)
            return await gather(client, environment, walk, workflows(event, ()), NOW)

    return asyncio.run(call())


def numbers(found: Gathered) -> list[int]:
    return [each.number for each in found.plans]


def limited_once(forge: Forge, path: str, answer: Answer) -> list[Seen]:
    """Refuse the first request for a path by a limit; return what was refused."""
    refused: list[Seen] = []

    def refuse(seen: Seen) -> Answer | None:
        if path not in seen.path or refused:
            return None
        refused.append(seen)
        return answer

    forge.refuse = refuse
    return refused


def test_three_merges_while_one_apply_runs_are_gathered_together_though_the_base_moved(forge: Forge) -> None:
    since = forge.head()
    pulls = [pull(forge, f"topic-{number}", plan()) for number in range(3)]
    forge.commit("main", {"other.yaml": "moved"}, "pushed by somebody")
    for number, how in zip(pulls, ("squash", "rebase", "merge"), strict=True):
        forge.merge(number, how)
    found = approved(forge, since)
    assert (numbers(found), found.told) == (pulls, ())


def test_of_two_pushes_the_last_one_counts_though_its_run_ended_first(forge: Forge) -> None:
    since = forge.head()
    first = forge.commit("topic", {"t.yaml": "1"})
    number = forge.open_pull("topic")
    older = forge.environ(pull=number)
    last = forge.commit("topic", {"t.yaml": "2"})
    forge.upload(last, artifact_name("prod", last), {"plan.json": plan()})
    # The run of the older head ends now. It was started for that head, and has its name.
    assert read_event(older).commit == first
    forge.pulls[number].head = first
    forge.upload(first, artifact_name("prod", first), {"plan.json": b"of the older head"})
    forge.pulls[number].head = last
    forge.merge(number, "squash")
    assert [each.content for each in approved(forge, since).plans] == [plan()]


def test_the_older_head_approves_nothing_for_the_newer_one(forge: Forge) -> None:
    since = forge.head()
    number = pull(forge, "topic", plan())
    forge.commit("topic", {"t.yaml": "pushed past the plan"})
    forge.merge(number)
    found = approved(forge, since)
    assert numbers(found) == []
    assert found.told, "why it does not count is said"


def test_each_environment_has_a_plan_of_its_own(forge: Forge) -> None:
    since = forge.head()
    number = pull(forge, "topic", plan())
    head = forge.pulls[number].head
    forge.upload(head, artifact_name("staging", head), {"plan.json": plan("staging")})
    forge.merge(number)
    for environment in ("prod", "staging"):
        assert [each.content for each in approved(forge, since, environment).plans] == [plan(environment)]
    assert numbers(approved(forge, since, "other")) == []


def test_a_plan_that_has_expired_or_was_deleted_is_told_and_the_others_count(forge: Forge) -> None:
    since = forge.head()
    gone, kept = pull(forge, "gone", plan()), pull(forge, "kept", plan())
    if isinstance(forge, AzureDevOps):
        # Retention deletes the build, and its artifacts with it.
        build = next(iter(forge.builds))
        missing = (404, {"message": "The requested build could not be found.", "typeKey": "BuildNotFoundException"}, {})
        forge.refuse = lambda seen: missing if f"/builds/{build}/artifacts" in seen.path else None
    else:
        # What has expired is gone, while its job is still told.
        forge.files = {place: content for place, content in forge.files.items() if place[0] != forge.jobs[0]["id"]}
    for number in (gone, kept):
        forge.merge(number)
    found = approved(forge, since)
    assert numbers(found) == [kept]
    assert f"pull request {gone}: " in found.told[0]


def test_a_limit_delays_and_changes_nothing(forge: Forge) -> None:
    since = forge.head()
    number = pull(forge, "topic", plan())
    forge.merge(number)
    if isinstance(forge, AzureDevOps):
        # documented: a request beyond the limit is refused with Retry-After.
        body = {"message": "Request was blocked due to exceeding usage of resource", "typeKey": "RequestBlocked"}
        refused = limited_once(forge, "/build/builds", (429, body, {"retry-after": "30"}))
    else:
        body = {"message": "This endpoint has been requested too many times. Try again later."}
        refused = limited_once(forge, "/pipelines", (429, body, {"retry-after": "30"}))
    listener = Listener()
    assert numbers(approved(forge, since, listener=listener)) == [number]
    assert len(refused) == 1
    assert [wait.seconds for wait in listener.waits] == [30]


def test_a_forge_that_fails_is_an_error_and_no_missing_approval(forge: Forge) -> None:
    since = forge.head()
    forge.merge(pull(forge, "topic", plan()))
    asked = "/build/" if isinstance(forge, AzureDevOps) else "/pipelines"
    forge.refuse = lambda seen: (500, {"message": "oops"}, {}) if asked in seen.path else None
    with pytest.raises(ApiError):
        approved(forge, since)


def test_a_merge_train_of_two_counts_by_the_pipelines_of_its_merge_requests(tmp_path: Path) -> None:
    with GitLab(tmp_path) as forge:
        since = forge.commit("main", {"a.yaml": "1"}, "begin")
        pulls = [pull(forge, name, plan()) for name in ("one", "two")]
        for number in pulls:
            # What a pipeline of the train leaves counts for nobody, whatever it is called.
            head = forge.pulls[number].head
            name, ref = artifact_name("prod", head), f"refs/merge-requests/{number}/train"
            forge.upload(head, name, {"plan.json": b"hostile"}, ref=ref)
            forge.merge(number, "merge")
        assert numbers(approved(forge, since)) == pulls
