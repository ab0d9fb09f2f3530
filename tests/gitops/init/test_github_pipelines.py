"""The workflows for GitHub: what they may, what they reach, and that linters find nothing in them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.gitops.init.pipelines import pipelines
from support.linters import actionlint
from support.pipelines import NEEDS, Reach, github_reach, github_yaml, steps_of

FILES = pipelines("github", NEEDS, "main")
BIN = Path(sys.executable).parent
FROM_PULL_REQUESTS = ".github/workflows/reconciler-pull-request.yml"
FORK = (
    "github.event.pull_request.head.repo.full_name == github.repository"
    " && github.event.pull_request.user.login != 'dependabot[bot]'"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("github")
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize(
    "words",
    [
        actionlint(),
        ("zizmor", "--offline", "--no-progress", "--quiet", "--persona", "auditor", "--no-config"),
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
    ],
    ids=lambda words: words[0],
)
def test_linters_find_nothing(folder: Path, words: tuple[str, ...]) -> None:
    command = [BIN / words[0], *words[1:], *(folder / path for path in FILES)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_what_each_identity_can_reach() -> None:
    """The list that README and guides are held to: which events, and which secrets."""
    access = {"OC_CLIENT_SECRET", "RECONCILER_LEDGER"}
    planning = frozenset({"pull_request", "merge_group", "push", "workflow_dispatch"})
    applying, scheduled = frozenset({"push", "workflow_dispatch"}), frozenset({"schedule"})
    both = access | {"SPARK_CLIENT_SECRET"}
    assert github_reach(FILES) == {
        "-": Reach(frozenset({"pull_request", "merge_group"}), frozenset()),
        "emulator-plan": Reach(planning, frozenset()),
        "emulator": Reach(applying, frozenset()),
        "sandbox-plan": Reach(planning, frozenset(access)),
        "sandbox": Reach(applying, frozenset(access | {"HOOK_KEY"})),
        "sandbox-drift": Reach(scheduled, frozenset(access | {"HOOK_KEY"})),
        "live.eu-plan": Reach(planning, frozenset(both)),
        "live.eu": Reach(applying, frozenset(both | {"HOOK_KEY"})),
        "live.eu-drift": Reach(scheduled, frozenset(both | {"HOOK_KEY"})),
    }


def test_no_workflow_runs_with_the_rights_of_the_target_for_code_of_a_pull_request() -> None:
    assert not [path for path, text in FILES.items() if "pull_request_target" in text or "workflow_run" in text]


def test_actions_are_pinned_by_commit() -> None:
    used = [line for text in FILES.values() for line in re.findall(r"uses: (.*)", text)]
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", line)] == []


def test_no_key_that_signs_plans_is_in_a_job_for_pull_requests() -> None:
    assert "PLAN_KEY" not in FILES[FROM_PULL_REQUESTS]


def test_what_has_secrets_does_not_run_for_forks_and_dependabot_and_the_summary_says_why() -> None:
    jobs = github_yaml(FILES[FROM_PULL_REQUESTS])["jobs"]
    assert all(FORK in job["if"] for name, job in jobs.items() if name.startswith("plan-"))
    (reason,) = [step for step in jobs["validate"]["steps"] if "Say why" in step.get("name", "")]
    assert "forks and for Dependabot have no secrets" in reason["run"]
    # The job that everybody waits for is red only where something failed, and a skipped job did not.
    assert jobs["reconciler"]["if"] == "${{ always() }}"
    assert "failure" in jobs["reconciler"]["steps"][0]["run"]
    assert "skipped" not in jobs["reconciler"]["steps"][0]["run"]


def test_what_comes_from_outside_is_no_part_of_a_script() -> None:
    """Inputs, titles and branches reach scripts as variables alone."""
    scripts = [step["run"] for text in FILES.values() for _, step in steps_of(text) if "run" in step]
    assert [script for script in scripts if "${{" in script] == []


def test_steps_call_the_cli_and_nothing_else() -> None:
    allowed = re.compile(
        r"(exec )?reconciler |python -m pip install|status=|echo \"|case |timeout 60|shopt |read -ra|if \[ -n"
    )
    lines = [line for text in FILES.values() for _, step in steps_of(text) for line in step.get("run", "").splitlines()]
    assert [line for line in lines if not allowed.match(line)] == []


def test_a_signal_reaches_what_writes_and_pauses_of_a_job_are_resumed_in_any_case() -> None:
    for path, text in FILES.items():
        for name, job in github_yaml(text)["jobs"].items():
            runs = [(step.get("run", ""), step.get("if")) for step in job["steps"]]
            writes = [run for run, _ in runs if re.search(r"reconciler (apply|drift|resync|sync run)", run)]
            assert all("exec reconciler" in run for run in writes), (path, name)
            if writes and "emulator" not in name:
                assert any("--mine" in run and when == "${{ always() }}" for run, when in runs), (path, name)


def test_without_an_environment_that_lasts_nothing_looks_for_drift() -> None:
    assert not [path for path in pipelines("github", NEEDS[:1], "main") if "drift" in path]


def test_what_is_started_by_hand_runs_on_the_branch_alone_and_no_tag_and_also_where_nothing_changes() -> None:
    jobs = github_yaml(FILES[".github/workflows/reconciler-by-hand.yml"])["jobs"]
    begin = [job for name, job in jobs.items() if name.startswith(("plan-", "run-"))]
    assert begin
    assert all("github.ref == 'refs/heads/main'" in job["if"] for job in begin)
    # A tag may be called like the branch.
    assert "ref_name" not in str(jobs)
    # A change of secrets alone is no change of a plan that has none, so no status of it decides.
    applying = [job for name, job in jobs.items() if name.startswith("apply-")]
    assert [job for job in applying if "if" in job or not job["needs"].startswith("plan-")] == []
