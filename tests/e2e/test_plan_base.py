"""`plan --base`: the rules that differ from a folder or a commit stand on top, and no digest depends on them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.secret import MASK
from support.checkout import Checkout, http_config

ENVIRONMENT = "environment.yaml"


def git(folder: Path, *words: str) -> str:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
    who |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": os.devnull}
    ended = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **who},
    )
    return ended.stdout.strip()


@pytest.fixture
def shop(checkout: Checkout) -> Checkout:
    """Return a checkout in git, whose branch allows more deletes than main, where something else has moved since."""
    checkout.write(ENVIRONMENT, checkout.environment(guardrails={"maxDeletes": 1}))
    checkout.write("shop.yaml", {**http_config("hook"), "metadata": {"name": "hook", "protect": True}})
    git(checkout.folder, "init", "--quiet")
    git(checkout.folder, "add", "manifests")
    git(checkout.folder, "commit", "--quiet", "-m", "one")
    git(checkout.folder, "switch", "--quiet", "-c", "branch")
    checkout.write(ENVIRONMENT, checkout.environment(guardrails={"maxDeletes": 7}))
    checkout.write("shop.yaml", http_config("hook"))
    git(checkout.folder, "commit", "--quiet", "-am", "two")
    git(checkout.folder, "switch", "--quiet", "main")
    checkout.write("other.yaml", {**http_config("other"), "metadata": {"name": "other", "protect": True}})
    git(checkout.folder, "add", "manifests")
    git(checkout.folder, "commit", "--quiet", "-m", "three")
    git(checkout.folder, "switch", "--quiet", "branch")
    return checkout


EXPECTED = [
    ("Environment", "spec.guardrails.maxDeletes", "1", "7"),
    ("DeliveryConfig", "metadata.protect", "true", None),
]


def told(document: dict[str, object]) -> list[tuple[str, str, str | None, str | None]]:
    rules = document["rules_changed"]
    assert isinstance(rules, list)
    return [(each["kind"], each["path"], each["before"], each["after"]) for each in rules]


def test_a_branch_is_compared_with_where_it_left_main(shop: Checkout) -> None:
    planned = shop.call("plan", "--base", "main", "--format", "json")
    assert planned.status == 0, str(planned)
    assert told(planned.json) == EXPECTED
    assert planned.json["base"] == git(shop.folder, "rev-parse", "HEAD~1")
    assert planned.json["rules_changed"][0]["source"]["file"].endswith(ENVIRONMENT)


def test_a_folder_may_be_the_base(shop: Checkout) -> None:
    git(shop.folder, "worktree", "add", "--quiet", "before", "HEAD~1")
    planned = shop.call("plan", "--base", "before/manifests", "--format", "json")
    assert told(planned.json) == EXPECTED


def test_the_rules_stand_on_top_in_every_format_and_when_shown_again(shop: Checkout) -> None:
    saved = shop.call("plan", "--base", "main", "--save", "plan.json")
    text = saved.stdout
    assert text.index("Rules changed since") < text.index("Plan for test")
    assert "Environment/test spec.guardrails.maxDeletes: 1 → 7" in text
    for words in (("show", "plan.json"), ("plan", "--base", "main")):
        markdown = shop.call(*words, "--format", "markdown").stdout
        assert markdown.index("**Rules changed**") < markdown.index("### Plan for")
        assert "`1` → `7`" in markdown
        assert "Rules changed since" in shop.call(*words, "--format", "html").stdout


def test_an_approval_is_the_same_with_and_without_a_base(shop: Checkout) -> None:
    assert shop.call("plan", "--base", "main", "--save", "plan.json").status == 0
    path = shop.folder / "plan.json"
    path.write_text(path.read_text().replace('"7"', '"1"'))
    assert shop.call("apply", "plan.json").status == 0


def test_nothing_changed_is_said(shop: Checkout) -> None:
    ended = shop.call("plan", "--base", "HEAD")
    assert "No rules changed since" in ended.stdout
    assert shop.call("plan", "--base", "HEAD", "--format", "json").json["rules_changed"] == []


def test_a_commit_without_manifests_makes_the_environment_new(shop: Checkout) -> None:
    git(shop.folder, "switch", "--quiet", "--orphan", "empty")
    git(shop.folder, "commit", "--quiet", "--allow-empty", "-m", "nothing")
    git(shop.folder, "switch", "--quiet", "branch")
    assert told(shop.call("plan", "--base", "empty", "--format", "json").json) == [("Environment", "", None, "new")]


def test_a_base_that_cannot_be_read_whole_is_said(shop: Checkout) -> None:
    (shop.folder / "before").mkdir()
    (shop.folder / "before" / "m.yaml").write_text("kind: Nonsense\n")
    ended = shop.call("plan", "--base", "before", "--format", "json")
    assert ended.status == 0, str(ended)
    assert any("the base has" in note["message"] for note in ended.json["notes"])


@pytest.mark.parametrize("base", ["nowhere", "--output=x", "HEAD:manifests", ""])
def test_what_is_neither_is_refused(shop: Checkout, base: str) -> None:
    with shop.unchanged():
        ended = shop.call("plan", f"--base={base}")
    assert ended.status == 64, str(ended)
    assert "neither a folder nor a commit" in ended.stderr


def test_links_and_odd_names_in_the_base_lead_nowhere(shop: Checkout) -> None:
    manifests = shop.folder / "manifests"
    (shop.folder / "secret.yaml").write_text("kind: Secret\n")
    (manifests / "link.yaml").symlink_to("../secret.yaml")
    (manifests / "odd \n'*.yaml").write_text((manifests / ENVIRONMENT).read_text())
    (manifests / ENVIRONMENT).unlink()
    git(shop.folder, "add", "--all", "manifests")
    git(shop.folder, "commit", "--quiet", "-m", "odd")
    (manifests / "link.yaml").unlink()
    ended = shop.call("plan", "--base", "HEAD", "--format", "json")
    assert ended.status == 0, str(ended)
    assert told(ended.json) == []


def test_another_reference_to_a_secret_is_pending_since_what_was_applied_last(checkout: Checkout) -> None:
    def commit(reference: str) -> None:
        checkout.write("hook.yaml", http_config("hook", f"${{secret:{reference}}}"))
        git(checkout.folder, "add", "manifests")
        git(checkout.folder, "commit", "--quiet", "--allow-empty", "-m", reference)

    planned = ("plan", "--secrets-at-apply", "--since-applied", "--exit-code", "--save", "plan.json")
    checkout.write(ENVIRONMENT, checkout.environment())
    git(checkout.folder, "init", "--quiet")
    commit("OLD")
    secrets = {"OLD": "old-marker", "NEW": "new-marker"}
    checkout.variables = secrets
    checkout.applied()
    checkout.variables = {}
    assert checkout.call(*planned).status == 0
    commit("NEW")
    ended = checkout.call(*planned)
    assert ended.status == 2, str(ended)
    assert "${secret:OLD} → ${secret:NEW}" in ended.stdout
    assert "apply compares the secrets that git changed" in ended.stdout
    # The job behind the environment has the secrets: it sends what differs, and then nothing is pending.
    checkout.variables = secrets
    assert checkout.call("apply", "plan.json").status == 0
    config = checkout.live()["deliveryConfigs"]["hook"]
    assert config["DeliveryTargets"]["Http"]["Secret"] == "new-marker"
    checkout.variables = {}
    assert checkout.call(*planned).status == 0
    # A patch, or what stands around the secret, is the same: what was planned without secrets is the same with them.
    spec = {"deliveryTargets": {"http": {"secret": "more-${secret:OLD}"}}}
    patches = [{"kind": "DeliveryConfig", "name": "hook", "spec": spec}]
    checkout.write(ENVIRONMENT, checkout.environment(patches=patches))
    commit("NEW")
    ended = checkout.call(*planned)
    assert ended.status == 2, str(ended)
    assert (
        f"DeliveryConfig/hook spec.deliveryTargets.http.secret: ${{secret:NEW}} → {MASK}${{secret:OLD}}" in ended.stdout
    )
    approves = checkout.call(*planned, "--format", "json").json["approves"]
    checkout.variables = secrets
    assert checkout.call(*planned, "--format", "json").json["approves"] == approves
    assert checkout.call("apply", "plan.json").status == 0
    config = checkout.live()["deliveryConfigs"]["hook"]
    assert config["DeliveryTargets"]["Http"]["Secret"] == "more-old-marker"
    assert checkout.call(*planned).status == 0


def test_what_was_applied_last_and_is_not_in_this_clone_is_told(shop: Checkout) -> None:
    shop.applied()
    git(shop.folder, "update-ref", "-d", "HEAD")
    git(shop.folder, "commit", "--quiet", "-m", "another history")
    git(shop.folder, "reflog", "expire", "--expire=now", "--all")
    git(shop.folder, "branch", "-D", "main")
    git(shop.folder, "gc", "--quiet", "--prune=now")
    ended = shop.call("plan", "--since-applied")
    assert "what was applied last is not in this clone" in ended.stdout
    assert shop.call("plan", "--since-applied", "--base", "HEAD").status == 64
