"""`doctor --forge`: pipelines are held against manifests, and the forge's settings against what pipelines rely on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pytest

from reconciler.app.project import Project
from reconciler.errors import UsageError
from reconciler.gitops.doctor import EVERYWHERE, examine_forge
from reconciler.gitops.init.pipelines import CI
from reconciler.gitops.init.repository import Wish, begin
from reconciler.gitops.init.source import Source
from reconciler.reconcile.doctor import Finding, Verdict
from reconciler.report.text.doctor import doctor_to_text
from support.forges.azure_devops import AzureDevOps
from support.forges.github import Answer, GitHub, Seen
from support.forges.gitlab import GitLab
from support.http_client_helpers import Listener

PULL_REQUEST = ".github/workflows/reconciler-pull-request.yml"
APPLY = ".github/workflows/reconciler-apply.yml"
ACCESS = ("OC_CLIENT_SECRET", "RECONCILER_LEDGER")
WHOLE = (*ACCESS, "HOOK_SIGNING_KEY")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return begun(tmp_path / "shop", "github")


def begun(folder: Path, ci: CI) -> Path:
    asyncio.run(begin(Wish(folder, ci, ("sandbox",)), {}, Source("x"), branch="main"))
    return folder


@dataclass
class Settings:
    """What somebody has set at GitHub, by the names of environments; as its REST API lists it."""

    secrets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    variables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    branches: tuple[str, ...] = ("main",)
    checks: tuple[str, ...] = ("reconciler",)
    hidden: bool = False

    def answer(self, seen: Seen) -> Answer | None:
        parts = [unquote(part) for part in seen.path.split("/")]
        if "rules" in parts:
            required = [{"context": check} for check in self.checks]
            return 200, [{"type": "required_status_checks", "parameters": {"required_status_checks": required}}], {}
        if parts[-2] == "branches":
            return 200, {"name": parts[-1], "protection": {"required_status_checks": {"contexts": ["lint"]}}}, {}
        if parts[-1] in ("secrets", "variables"):
            if self.hidden:
                return 403, {"message": "Resource not accessible by integration"}, {}
            names = getattr(self, parts[-1]).get(parts[-2], ())
            return 200, {"total_count": len(names), parts[-1]: [{"name": name} for name in names]}, {}
        if parts[-1] == "deployment-branch-policies":
            return 200, {"branch_policies": [{"id": 1, "name": name} for name in self.branches]}, {}
        return None


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[tuple[GitHub, Settings]]:
    """Run a GitHub on which all is set as `init` asks for it."""
    names = {"sandbox-plan": ACCESS, "sandbox": WHOLE, "sandbox-drift": WHOLE}
    settings = Settings(names, dict.fromkeys(names, ("OC_CLIENT_ID",)))
    with GitHub(tmp_path) as running:
        running.commit("main", {"a": "1"}, "begin")
        running.refuse = settings.answer
        for name in names:
            running.protect(name, reviewers=name == "sandbox")
        yield running, settings


def examine(shop: Path, environ: Mapping[str, str]) -> dict[str, list[Finding]]:
    return asyncio.run(examine_forge(Project(shop / "manifests"), environ, Listener()))


def wrong(found: Mapping[str, list[Finding]]) -> list[tuple[str, str]]:
    return [(one.subject, one.message) for each in found.values() for one in each if one.verdict is Verdict.FAILED]


def test_what_is_set_as_init_asks_for_it_is_well(shop: Path, forge: tuple[GitHub, Settings]) -> None:
    found = examine(shop, forge[0].environ())
    assert wrong(found) == []
    assert {one.subject for one in found["sandbox"]} == {"sandbox-plan", "sandbox", "sandbox-drift"}
    # It only reads.
    assert {seen.method for seen in forge[0].requests} == {"GET"}


def test_what_is_missing_or_too_much_at_the_forge_is_named(shop: Path, forge: tuple[GitHub, Settings]) -> None:
    running, settings = forge
    running.protect("sandbox", reviewers=False)
    running.protect("sandbox-drift", reviewers=True)
    del running.environments["sandbox-plan"]
    settings.secrets["sandbox"] = ACCESS
    settings.branches, settings.checks = ("main", "release/*"), ("build",)
    assert wrong(examine(shop, running.environ())) == [
        ("branch main", "does not require the check reconciler"),
        ("sandbox-plan", "GitHub has no such environment"),
        ("sandbox", "has no required reviewers"),
        ("sandbox", "its branches are not main alone"),
        ("sandbox", "has no secret HOOK_SIGNING_KEY"),
        ("sandbox-drift", "has reviewers"),
        ("sandbox-drift", "its branches are not main alone"),
    ]


def test_a_target_secret_within_reach_of_pull_requests_is_a_fault(shop: Path, forge: tuple[GitHub, Settings]) -> None:
    running, settings = forge
    settings.secrets["sandbox-plan"] = WHOLE
    workflow = shop / PULL_REQUEST
    workflow.write_text(workflow.read_text() + "# ${{ secrets.HOOK_SIGNING_KEY }}\n")
    assert wrong(examine(shop, running.environ())) == [
        (PULL_REQUEST, "hands HOOK_SIGNING_KEY, a target secret, to pull requests"),
        ("sandbox-plan", "has secrets that no plan needs: HOOK_SIGNING_KEY"),
    ]


def test_what_the_token_may_not_see_is_no_fault_and_not_well(shop: Path, forge: tuple[GitHub, Settings]) -> None:
    running, settings = forge
    settings.hidden = True
    found = examine(shop, running.environ())
    assert wrong(found) == []
    assert {one.message for one in found["sandbox"]} == {
        "GitHub does not tell this token about its secrets (403)",
        "GitHub does not tell this token about its variables (403)",
    }


def test_without_a_forge_the_pipelines_are_examined_alone(shop: Path) -> None:
    found = examine(shop, {})
    assert wrong(found) == []
    assert found[EVERYWHERE][-1].message == "was not asked: none is told"
    assert list(found) == [EVERYWHERE], "of the environment nothing was looked at"
    text = doctor_to_text(found)
    assert "Nothing to mend was found; 1 thing could not be checked." in text
    assert "well" not in text


def test_secrets_that_pipelines_do_not_hand_over_are_named(shop: Path) -> None:
    hook = shop / "manifests" / "delivery" / "order-hook.yaml"
    hook.write_text(hook.read_text().replace("HOOK_SIGNING_KEY", "OTHER_KEY"))
    assert (APPLY, "is of other manifests, or of another version") in wrong(examine(shop, {}))
    for path in (shop / ".github" / "workflows").iterdir():
        path.write_text(f"# edited\n{path.read_text()}")
    found = wrong(examine(shop, {}))
    assert (APPLY, "does not hand over OTHER_KEY") in found
    assert PULL_REQUEST not in {subject for subject, _ in found}


def test_of_azure_the_same_is_known_offline(tmp_path: Path) -> None:
    shop = begun(tmp_path / "shop", "azure")
    assert wrong(examine(shop, {})) == []
    path = shop / "azure-pipelines" / "reconciler-drift.yml"
    path.write_text(path.read_text().replace("HOOK_SIGNING_KEY: $(HOOK_SIGNING_KEY)", "OTHER: x"))
    (shop / "azure-pipelines" / "reconciler-apply.yml").unlink()
    assert wrong(examine(shop, {})) == [
        ("azure-pipelines/reconciler-apply.yml", "is missing"),
        ("azure-pipelines/reconciler-drift.yml", "does not hand over HOOK_SIGNING_KEY"),
    ]


@pytest.mark.parametrize("text", [None, "# nothing\n", "x @ git+/srv/origin@abc\n"])
def test_what_pipelines_cannot_install_from_is_a_fault(shop: Path, text: str | None) -> None:
    path = shop / "requirements-reconciler.txt"
    path.unlink() if text is None else path.write_text(text)
    assert [subject for subject, _ in wrong(examine(shop, {}))] == ["requirements-reconciler.txt"]


def test_without_pipelines_that_is_what_is_wrong(tmp_path: Path) -> None:
    asyncio.run(begin(Wish(tmp_path, None, ("sandbox",)), {}, Source("x")))
    assert wrong(examine(tmp_path, {})) == [("pipelines", "there are none of ours")]


def test_a_token_that_is_refused_is_told(shop: Path, forge: tuple[GitHub, Settings]) -> None:
    environ = forge[0].environ() | {"GITHUB_TOKEN": "another"}
    forge[0].refuse = lambda _seen: None
    assert [subject for subject, _ in wrong(examine(shop, environ))] == ["forge"]


def test_of_another_forge_approvals_are_asked_for_and_the_rest_is_listed(tmp_path: Path) -> None:
    shop = begun(tmp_path / "shop", "gitlab")
    with GitLab(tmp_path) as running:
        running.commit("main", {"a": "1"}, "begin")
        found = examine(shop, running.environ())
    ((subject, words),) = wrong(found)
    assert subject == "sandbox"
    assert words.startswith(
        "GitLab has no protected environment sandbox, or does not show it to the token of GITLAB_GATE"
    )
    listed = {one.subject for one in found[EVERYWHERE] if one.verdict is Verdict.NOTE}
    assert "GitLab: Build, Pipeline schedules" in listed


def test_of_gitlab_the_token_that_may_ask_is_named_with_its_role(tmp_path: Path) -> None:
    shop = begun(tmp_path / "shop", "gitlab")
    with GitLab(tmp_path) as running:
        running.commit("main", {"a": "1"}, "begin")
        environ = running.environ()
        del environ["GITLAB_GATE_TOKEN"]
        (failed,) = (one for one in examine(shop, environ)[EVERYWHERE] if one.verdict is Verdict.FAILED)
    assert "GITLAB_GATE_TOKEN" in failed.message
    assert "role Maintainer" in (failed.next_step or "")


@pytest.mark.parametrize("well", [True, False])
def test_of_azure_devops_validation_and_rights_are_asked_for(tmp_path: Path, well: bool) -> None:
    shop = begun(tmp_path / "shop", "azure")

    def answer(seen: Seen) -> Answer | None:
        policies = [{"isEnabled": True, "isBlocking": well, "settings": {"buildDefinitionId": 11}}]
        said = {
            "/policy/configurations": {"value": policies},
            "/_apis/projects/": {"id": "project-id", "name": "Shop Config"},
            "/classificationnodes/areas": {"identifier": "area-id"},
            "/permissions/2e9eb7ed-3c0a-47d4-87c1-0ffdf275fd87/16384": {"count": 1, "value": [well]},
            "/permissions/83e28ad4-2d72-4ceb-97b0-c7726d5502c3/32": {"count": 1, "value": [well]},
        }
        return next(((200, body, {}) for part, body in said.items() if part in seen.path), None)

    with AzureDevOps(tmp_path) as running:
        running.commit("main", {"a": "1"}, "begin")
        running.protect("sandbox", reviewers=well)
        running.refuse = answer
        found = examine(shop, running.environ())
        asked = [seen.query["tokens"] for seen in running.requests if "/permissions/" in seen.path]
    assert asked == [f"repoV2/project-id/{running.repository}", "vstfs:///Classification/Node/area-id"]
    assert [subject for subject, _ in wrong(found)] == (
        [] if well else ["branch main", "Contribute to pull requests", "Edit work items in this node", "sandbox"]
    )


def test_an_environment_that_is_not_there_is_told(shop: Path) -> None:
    with pytest.raises(UsageError, match="there is no environment nowhere"):
        asyncio.run(examine_forge(Project(shop / "manifests", ("nowhere",)), {}, Listener()))
