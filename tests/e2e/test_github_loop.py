"""The GitOps loop at GitHub, with real git, real HTTP and the emulator: what was reviewed is applied, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator
from support.checkout import Checkout, Document, entity_sync, http_config
from support.forges.github import WORKFLOW, GitHub, secondary_limit
from support.loop import Loop, begun


@pytest.fixture
def loop(checkout: Checkout, tmp_path: Path):
    with GitHub(tmp_path, prefix="/api/v3") as forge:
        loop = begun(checkout, forge, checkout.environment)
        loop.commit("main", "hook.yaml", http_config("hook"))
        loop.clone(forge.head())
        ended = loop.run("apply", "-e", "test", "--yes", commit=forge.head())
        assert ended.status == 0, str(ended)
        checkout.emulator.clear_requests()
        yield loop


def sync(entity: str, config: str = "hook") -> tuple[str, Document]:
    return f"{entity}.yaml", entity_sync(entity, config)


def test_three_merges_while_one_apply_runs_are_applied_by_the_next(loop: Loop) -> None:
    forge = loop.forge
    squashed = loop.opened("one", sync("buyers"))
    rebased = loop.opened("two", sync("catalogs"), sync("suppliers"), sync("categories"))
    merged = loop.opened("three", sync("adminUsers"))
    forge.merge(squashed, "squash")
    forge.merge(rebased, "rebase")
    forge.merge(merged, "merge")
    # The runs of the first two never were: a forge keeps one that waits, and drops older ones.
    ended = loop.approved()
    assert ended.status == 0, str(ended)
    assert f"approved by pull request {squashed}, {rebased}, {merged}" in ended.stderr
    assert loop.applied().status == 0
    assert set(loop.outcomes().values()) == {"applied"}
    assert len(loop.outcomes()) == 5
    assert loop.result().status == 0
    for number in (squashed, rebased, merged):
        plan, result = forge.comments[number]
        assert plan["body"].startswith("<!-- reconciler:comment head=")
        assert result["body"].startswith("<!-- reconciler:result environment=test commit=")
    # What was applied is remembered: the same run once more finds nothing to do, and says so.
    again = loop.approved()
    assert again.status == 4
    assert "nothing is approved" in again.stderr


def test_the_rest_is_planned_anew_and_applied_behind_reviewers_alone(loop: Loop) -> None:
    forge = loop.forge
    number = loop.opened("one", sync("buyers"))
    # Nobody planned this: pushed past the pull request, or changed in the portal since.
    loop.commit("main", *sync("catalogs"))
    head = forge.merge(number, "squash")
    assert loop.approved().status == 0
    assert loop.run("plan", "-e", "test", "--save", "../new.json", commit=head).status == 0
    gated = ("../approved/test", "--gated", "../new.json")

    ended = loop.applied(*gated, commit=head)
    # What was approved is applied, what nobody reviewed is not.
    assert ended.status == 5, str(ended)
    assert loop.outcomes() == {"EntitySync/buyers": "applied"}
    ended = loop.applied("--gated", "../new.json", commit=head)
    assert ended.status == 4, str(ended)
    assert "GitHub has no environment test" in ended.stderr
    # The report says it too, and so the pull request is told.
    (left_out,) = loop.report["plans"]
    assert (left_out["file"], left_out["code"]) == ("../new.json", "stale-plan")
    assert left_out["message"].startswith("nobody has reviewed it, and GitHub has no environment test")
    assert loop.result(commit=head).status == 0, loop.last
    assert "start the workflow by hand with its digest" in forge.comments[number][-1]["body"]
    forge.protect("test", reviewers=False)
    ended = loop.applied("--gated", "../new.json", commit=head)
    assert (ended.status, "no required reviewers" in ended.stderr) == (4, True), str(ended)
    forge.refuse = lambda seen: (403, {"message": "no"}, {}) if "/environments/" in seen.path else None
    assert loop.applied("--gated", "../new.json", commit=head).status == 4
    assert "EntitySync/catalogs" in loop.pending()

    forge.refuse = lambda _seen: None
    forge.protect("test")
    ended = loop.applied("--gated", "../new.json", commit=head)
    assert ended.status == 0, str(ended)
    assert "EntitySync/catalogs" not in loop.pending()


def test_a_plan_is_applied_by_the_digest_that_somebody_has_seen(loop: Loop) -> None:
    loop.commit("main", *sync("buyers"))
    loop.clone(loop.forge.head())
    seen = loop.run("plan", "-e", "test", "--secrets-at-apply", "--format", "json").json["approves"]
    # The workflow that somebody starts with that digest plans anew, and applies that very file behind the environment.
    assert loop.run("plan", "-e", "test", "--save", "../new.json").status == 0
    assert loop.applied("../new.json", "--digest", "sha256:" + "0" * 64).status == 4
    assert f"its digest is {seen}" in loop.report["plans"][0]["message"]
    # No forge is asked: the environment has no reviewers here, and the digest is the review.
    assert loop.applied("../new.json", "--digest", seen).status == 0
    assert loop.outcomes() == {"EntitySync/buyers": "applied"}
    # What came since is another plan.
    loop.commit("main", *sync("catalogs"))
    loop.clone(loop.forge.head())
    assert loop.run("plan", "-e", "test", "--save", "../new.json").status == 0
    assert loop.applied("../new.json", "--digest", seen).status == 4
    assert loop.pending() == ["EntitySync/catalogs"]


def test_a_secondary_rate_limit_delays_and_changes_nothing(loop: Loop) -> None:
    number = loop.opened("one", sync("buyers"))
    loop.forge.merge(number)
    limits: list[str] = []

    def refuse(seen):
        if len(limits) < 2 and "/actions/" in seen.path:
            limits.append(seen.path)
            return secondary_limit(0)
        return None

    loop.forge.refuse = refuse
    assert loop.approved().status == 0
    assert len(limits) == 2


@pytest.mark.parametrize(
    ("source", "opener", "why"), [("mallory/shop", "mallory", "fork"), (None, "dependabot[bot]", "Dependabot")]
)
def test_a_fork_and_dependabot_are_told_why_nothing_is_planned(
    loop: Loop, tmp_path: Path, source: str | None, opener: str, why: str
) -> None:
    summary = tmp_path / "summary.md"
    loop.commit("theirs", *sync("buyers"))
    number = loop.forge.open_pull("theirs", source=source, opener=opener)
    loop.clone(loop.forge.head("theirs"))
    # Whoever started this run, as where somebody has it run again.
    ended = loop.run("gitops", "comment", pull=number, GITHUB_STEP_SUMMARY=str(summary), GITHUB_ACTOR="alice")
    assert ended.status == 0, str(ended)
    assert why in summary.read_text()
    assert not loop.forge.comments
    # Neither approves anything once it is merged: its change is planned anew, behind the gate.
    loop.forge.merge(number)
    assert loop.approved().status == 4


def test_a_second_environment_is_approved_and_applied_by_itself(
    checkout: Checkout, emulator: RunningEmulator, tmp_path: Path
) -> None:
    with GitHub(tmp_path) as forge:
        loop = Loop(checkout, forge)
        other = checkout.environment("other", ledger=f"sqlite:///{tmp_path}/other.db")
        loop.commit("main", "environment.yaml", checkout.environment(), other)
        loop.commit("one", "hook.yaml", http_config("hook"))
        number = forge.open_pull("one")
        loop.planned(number, "test", "other")
        forge.merge(number)
        ended = loop.run("gitops", "approved", "-e", "all", "--output", "../approved")
        assert ended.status == 0, str(ended)
        found = sorted(str(path.relative_to(tmp_path / "approved")) for path in (tmp_path / "approved").rglob("*.json"))
        assert found == [f"other/{number}.json", f"test/{number}.json"]
        # A folder that has plans already would approve them.
        again = loop.run("gitops", "approved", "-e", "test", "--output", "../approved")
        assert again.status == 64


def test_the_whole_loop_from_init_to_the_issue_that_closes_itself(
    checkout: Checkout, emulator: RunningEmulator, tmp_path: Path
) -> None:
    with GitHub(tmp_path) as forge:
        loop = Loop(checkout, forge, environment="emulator", more={"EMULATOR": emulator.url})
        # An empty folder becomes a repository, and its first pull request is green.
        assert checkout.call("init", "new", "--ci", "github").status == 0
        new = tmp_path / "new"
        files = {str(path.relative_to(new)): path.read_text() for path in new.rglob("*") if path.is_file()}
        assert WORKFLOW in files
        forge.commit("main", {"README.md": "Sync configuration"}, "begin")
        forge.commit("begin", files, "reconciler init")
        first = forge.open_pull("begin")
        loop.planned(first)
        assert "DeliveryConfig" in forge.comments[first][0]["body"]
        forge.merge(first, "merge")
        assert loop.approved().status == 0
        assert loop.applied().status == 0, loop.last

        # Two changes, one squashed and one of three commits rebased; the run of the first was dropped.
        squashed = loop.opened("one", sync("buyers", "order-hook"))
        rebased = loop.opened(
            "two", *(sync(entity, "order-hook") for entity in ("catalogs", "suppliers", "categories"))
        )
        forge.merge(squashed, "squash")
        forge.merge(rebased, "rebase")
        loop.subprocesses = True
        assert loop.approved().status == 0
        assert loop.applied().status == 0, loop.last
        assert loop.result().status == 0
        loop.subprocesses = False
        assert len(loop.outcomes()) == 4
        assert [len(forge.comments[number]) for number in (squashed, rebased)] == [2, 2]

        # Somebody changes something in the portal: an issue opens, and is left alone while nothing more happens.
        checkout.change_live(lambda state: state["deliveryConfigs"]["order-hook"].update(Name="Changed in the portal"))
        told = [comment for comments in forge.comments.values() for comment in comments]
        for _ in range(2):
            assert loop.drift().status == 2, loop.last
        (issue,) = forge.issues.values()
        written = [seen.method for seen in forge.requests if "/issues" in seen.path and seen.method != "GET"]
        assert (issue["state"], written[-1:], written.count("POST")) == ("open", ["POST"], len(told) + 1)

        # It is adopted by a pull request like any other change, and the issue closes by itself.
        adopted = loop.adopted("DeliveryConfig/order-hook", "manifests/delivery/order-hook.yaml")
        assert "Changed in the portal" in adopted
        assert loop.drift().status == 0, loop.last
        assert forge.issues[issue["number"]]["state"] == "closed"
