"""The pipelines for Azure DevOps and GitLab: their schemas take them, and what each identity can reach."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from reconciler.gitops.init.pipelines import CI, pipelines
from reconciler.gitops.init.settings import settings
from support.pipelines import NEEDS, azure_jobs

AZURE, GITLAB = pipelines("azure", NEEDS, "main"), pipelines("gitlab", NEEDS, "main")
CHECK = Path(sys.executable).parent / "check-jsonschema"
ACCESS = {"OC_CLIENT_ID", "OC_CLIENT_SECRET", "RECONCILER_LEDGER"}


@pytest.mark.parametrize(
    ("ci", "words"),
    [
        ("azure", ("vendor.azure-pipelines", "--data-transform", "azure-pipelines", "--regex-variant", "nonunicode")),
        ("gitlab", ("vendor.gitlab-ci", "--data-transform", "gitlab-ci")),
    ],
    ids=["azure", "gitlab"],
)
def test_the_published_schema_takes_them(ci: CI, words: tuple[str, ...], tmp_path: Path) -> None:
    paths = []
    # One of each sort: the schema of Azure is slow.
    for number, text in enumerate(pipelines(ci, NEEDS[:2], "main").values()):
        paths.append(tmp_path / f"{number}.yml")
        paths[-1].write_text(text)
    command = [CHECK, "--builtin-schema", *words, *paths]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout[-3000:]


def azure_groups(name: str) -> dict[str, set[str]]:
    """Return by variable group which variables the jobs of a pipeline take from it."""
    found: dict[str, set[str]] = {}
    for job in azure_jobs(yaml.safe_load(AZURE[f"azure-pipelines/reconciler-{name}.yml"])):
        group = next((each["group"] for each in job.get("variables", [])), "-")
        mapped = set(re.findall(r"\$\((\w+)\)", str(job)))
        found[group] = found.get(group, set()) | mapped
    return found


def test_what_each_identity_of_azure_can_reach() -> None:
    whole = ACCESS | {"HOOK_KEY"}
    spark = {"SPARK_CLIENT_ID", "SPARK_CLIENT_SECRET"}
    plans = {"-": set(), "sandbox-plan": ACCESS, "live.eu-plan": ACCESS | spark}
    both = {"sandbox": whole, "live.eu": whole | spark}
    assert azure_groups("pull-request") == plans
    assert azure_groups("apply") == azure_groups("by-hand") == plans | both
    assert azure_groups("drift") == {"sandbox-drift": whole, "live.eu-drift": whole | spark}


def test_of_azure_no_run_is_dropped_and_forks_plan_nothing() -> None:
    apply = yaml.safe_load(AZURE["azure-pipelines/reconciler-apply.yml"])
    behind = [stage for stage in apply["stages"] if stage["stage"].startswith("apply_")]
    assert {stage["lockBehavior"] for stage in behind} == {"sequential"}
    assert [stage["jobs"][0]["environment"] for stage in behind] == ["emulator", "sandbox", "live.eu"]
    pulls = yaml.safe_load(AZURE["azure-pipelines/reconciler-pull-request.yml"])["jobs"]
    secret = [job for job in pulls if job["job"].startswith(("plan_", "comment"))]
    assert all("ne(variables['System.PullRequest.IsFork'], 'True')" in job["condition"] for job in secret)


def test_of_azure_the_plans_of_the_pull_request_pipeline_count() -> None:
    """By default those of the pipeline that asks, and there that is another one."""
    path = "azure-pipelines/reconciler-pull-request.yml"
    assert f"--workflow {path}" in AZURE["azure-pipelines/reconciler-apply.yml"]
    assert path in AZURE


def test_of_azure_nothing_that_somebody_types_is_part_of_a_script() -> None:
    for text in AZURE.values():
        for job in azure_jobs(yaml.safe_load(text)):
            scripts = re.findall(r"'bash': ('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")", str(job))
            assert scripts
            assert [script for script in scripts if "parameters." in script] == []


def test_what_each_identity_of_gitlab_is_for() -> None:
    """GitLab scopes variables by environment in its settings, so the environment of a job is all that it can reach."""
    jobs = yaml.safe_load(GITLAB[".gitlab/reconciler.yml"])
    found: dict[str, set[str]] = {}
    for name, job in jobs.items():
        if isinstance(job, dict) and "environment" in job:
            parent = job["extends"]
            rules = str(job.get("rules") or jobs[parent]["rules"])
            events = set(re.findall(r"CI_PIPELINE_SOURCE == \"(\w+)\"", rules))
            assert events == {"merge_request_event"} or "CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in rules, name
            found.setdefault(job["environment"]["name"], set()).update(events)
    planning, applying = {"merge_request_event", "push", "web"}, {"push", "web"}
    assert found == {
        "emulator-plan": planning,
        "emulator": applying,
        "sandbox-plan": planning,
        "sandbox": applying,
        "sandbox-drift": {"schedule"},
        "live.eu-plan": planning,
        "live.eu": applying,
        "live.eu-drift": {"schedule"},
    }


def test_of_gitlab_the_tokens_that_each_identity_can_reach() -> None:
    told = {one.where: " ".join(one.what) for one in settings("gitlab", NEEDS, "main", installs=True)}
    (everywhere,) = (where for where in told if "GITLAB_TOKEN" in where)
    assert "not protected" in told[everywhere], "merge requests write notes with it"
    assert "role Reporter and the scope api" in told[everywhere]
    scopes = {where.rpartition(" ")[2]: what for where, what in told.items() if "environment scope " in where}
    behind = {scope for scope, what in scopes.items() if "GITLAB_GATE_TOKEN" in what}
    assert behind == {"sandbox", "live.eu"}
    for scope in behind:
        assert "masked and protected" in scopes[scope]
        assert "role Maintainer and the scope read_api" in scopes[scope]
    assert [where for where, what in told.items() if "role Maintainer and" in what and where != everywhere] == [
        f"GitLab: Settings, CI/CD, Variables with the environment scope {scope}" for scope in ("sandbox", "live.eu")
    ]
    assert "GITLAB_GATE_TOKEN" not in "".join(GITLAB[path].partition("stages:")[2] for path in GITLAB)


def test_of_gitlab_forks_are_validated_alone() -> None:
    jobs = yaml.safe_load(GITLAB[".gitlab/reconciler.yml"])
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in jobs[".merge-request"]["rules"][0]["if"]
    assert jobs["plan-sandbox"]["extends"] == jobs["comment"]["extends"] == ".merge-request"
    assert "Runs for forks have no secrets" in jobs["validate"]["script"][0]


@pytest.mark.parametrize("ci", ["azure", "gitlab"])
def test_a_signal_reaches_what_writes_and_what_was_paused_is_resumed(ci: CI) -> None:
    for path, text in pipelines(ci, NEEDS[1:2], "main").items():
        writes = [line for line in text.splitlines() if re.search(r"reconciler (apply|drift|resync|sync run)", line)]
        commands = [line for line in writes if "displayName" not in line and not line.startswith("#")]
        assert all("exec reconciler" in line for line in commands), path
        if commands:
            assert 'reconciler resume --environment "sandbox" --mine' in text
