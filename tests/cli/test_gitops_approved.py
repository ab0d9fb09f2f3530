"""`gitops approved` and `gitops result` as pipelines run them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
import yaml
from msgspec.structs import replace

from reconciler.cli.run import run
from reconciler.clock import utc_now
from reconciler.ledger.writer import Ledger
from reconciler.reconcile.digests import change_digest, plan_digest
from reconciler.reconcile.plan import ApplyReport, ChangeResult, Outcome
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.verdict import PlanVerdict
from reconciler.report.documents.apply import apply_to_json
from support.checkout import Ended, document
from support.forges.github import GitHub
from support.report_samples import change, plan

ENVIRONMENTS = ("prod", "staging")


@pytest.fixture
def forge(tmp_path: Path):
    folder = tmp_path / "manifests"
    folder.mkdir()
    for name in ENVIRONMENTS:
        connection = {"apiUrl": "https://x.example", "authUrl": "https://x.example", "clientID": "c"}
        spec = {"ordercloud": {**connection, "clientSecret": "${secret:NOT_SET}"}, "ledger": f"sqlite:///{name}.db"}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(document("Environment", name, spec)))
    with GitHub(tmp_path) as running:
        running.commit("main", {"a.yaml": "1"}, "begin")
        yield running


def call(forge: GitHub, *words: str, **more: str) -> Ended:
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG")}
    with (
        contextlib.chdir(forge.folder),
        mock.patch.dict(os.environ, kept | forge.environ() | more, clear=True),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        mock.patch.object(sys, "stdin", io.StringIO()),
    ):
        status = run(["gitops", *words])
    ended = Ended(status, *(stream.buffer.getvalue().decode() for stream in (stdout, stderr)))
    assert forge.token not in ended.stdout + ended.stderr
    return ended


def merged(forge: GitHub, branch: str, *environments: str) -> int:
    head = forge.commit(branch, {f"{branch}.yaml": branch})
    for name in environments:
        changed = change()
        planned = plan((replace(changed, digest=change_digest(changed)),), environment=name)
        planned = replace(planned, expires_at=utc_now() + timedelta(days=1))
        content = json.dumps(plan_to_json(replace(planned, digest=plan_digest(planned)))).encode()
        forge.upload(head, f"reconciler-plan-{name}-{head}", {"plan.json": content})
    number = forge.open_pull(branch)
    forge.merge(number, "squash")
    return number


def files(forge: GitHub) -> list[str]:
    folder = forge.folder / "approved"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_each_environment_begins_where_its_ledger_says(forge: GitHub) -> None:
    first = merged(forge, "one", *ENVIRONMENTS)
    with Ledger.open(f"sqlite:///{forge.folder}/staging.db") as ledger:
        ledger.remember_applied_commit("staging", forge.head())
    second = merged(forge, "two", *ENVIRONMENTS)
    start = forge._run("rev-list", "--max-parents=0", "main")
    with Ledger.open(f"sqlite:///{forge.folder}/prod.db") as ledger:
        ledger.remember_applied_commit("prod", start)
    ended = call(forge, "approved", "-e", "all", "--output", "approved")
    assert ended.status == 0, str(ended)
    assert files(forge) == [f"prod/{first}.json", f"prod/{second}.json", f"staging/{second}.json"]


def test_where_nothing_is_remembered_the_commit_is_looked_at_alone(forge: GitHub) -> None:
    merged(forge, "one", "prod")
    second = merged(forge, "two", "prod")
    ended = call(forge, "approved", "-e", "prod", "--output", "approved")
    assert (ended.status, ended.stdout) == (0, ""), str(ended)
    assert files(forge) == [f"prod/{second}.json"]


def test_a_commit_that_is_named_stands_in_place_of_what_is_remembered(forge: GitHub) -> None:
    start = forge.head()
    numbers = [merged(forge, name, "prod") for name in ("one", "two", "three")]
    until = forge.pulls[numbers[1]].merge_commit or ""
    ended = call(forge, "approved", "-e", "prod", "--output", "approved", "--since", start, "--commit", until)
    assert ended.status == 0, str(ended)
    assert files(forge) == [f"prod/{number}.json" for number in numbers[:2]]


def test_a_pull_request_that_is_named_is_looked_at_alone(forge: GitHub) -> None:
    numbers = [merged(forge, name, "prod") for name in ("one", "two")]
    ended = call(forge, "approved", "-e", "prod", "--output", "approved", "--pull-request", str(numbers[0]))
    assert ended.status == 0, str(ended)
    assert files(forge) == [f"prod/{numbers[0]}.json"]
    forge.commit("open", {"x": "x"})
    ended = call(
        forge, "approved", "-e", "staging", "--output", "approved", "--pull-request", str(forge.open_pull("open"))
    )
    assert (ended.status, "is not merged" in ended.stderr) == (4, True), str(ended)


def test_where_there_is_none_the_status_is_4_and_the_reason_is_told(forge: GitHub) -> None:
    number = merged(forge, "one")
    ended = call(forge, "approved", "-e", "prod", "--output", "approved")
    assert (ended.status, ended.stdout, files(forge)) == (4, "", []), str(ended)
    assert f"prod: pull request {number}: there is no artifact reconciler-plan-prod-" in ended.stderr
    assert "prod: nothing is approved." in ended.stderr


def test_a_folder_with_plans_from_elsewhere_is_refused(forge: GitHub) -> None:
    merged(forge, "one", "prod")
    assert call(forge, "approved", "-e", "prod", "--output", "approved").status == 0
    ended = call(forge, "approved", "-e", "prod", "--output", "approved")
    assert (ended.status, "has plans already" in ended.stderr) == (64, True), str(ended)


def test_hostile_words_of_the_forge_are_no_command_of_a_runner(forge: GitHub) -> None:
    merged(forge, "one", "prod")
    forge.refuse = lambda _seen: (422, {"message": "x\n::set-env name=A::b\n##vso[task.setvariable]\x1b[31m"}, {})
    ended = call(forge, "approved", "-e", "prod", "--output", "approved", GITHUB_ACTIONS="true")
    assert ended.status == 1, str(ended)
    assert not [line for line in ended.stderr.splitlines() if line.lstrip().startswith("::") or "##vso[" in line]
    assert "\x1b" not in ended.stderr


@pytest.mark.parametrize("token", ["", "two words"])
def test_without_a_token_the_variable_is_named(forge: GitHub, token: str) -> None:
    ended = call(forge, "approved", "-e", "prod", "--output", "approved", GITHUB_TOKEN=token)
    assert (ended.status, "GITHUB_TOKEN" in ended.stderr) == (1, True), str(ended)


def report(forge: GitHub, *results: ChangeResult, plans: tuple[PlanVerdict, ...] = ()) -> str:
    done = ApplyReport("prod", None, results, plans=plans)
    (forge.folder / "report.json").write_text(json.dumps(apply_to_json(done)))
    return "report.json"


RESULT = ChangeResult(change(), Outcome.APPLIED)


def test_a_result_is_told_at_each_pull_request_in_a_comment_of_its_own(forge: GitHub) -> None:
    start = forge.head()
    numbers = [merged(forge, name, "prod") for name in ("one", "two")]
    words = ("result", report(forge, RESULT), "--approved", "approved")
    assert call(forge, "approved", "-e", "prod", "--output", "approved", "--since", start).status == 0
    for _ in range(2):  # a run that is started again finds its comment
        assert call(forge, *words).status == 0
    for number in numbers:
        (comment,) = forge.comments[number]
        assert comment["body"].startswith(f"<!-- reconciler:result environment=prod commit={forge.head()} -->")
        assert "DeliveryConfig" in comment["body"]


def test_without_a_folder_the_pull_request_of_the_commit_is_told(forge: GitHub) -> None:
    merged(forge, "one", "prod")
    second = merged(forge, "two", "prod")
    assert call(forge, "result", report(forge, RESULT)).status == 0
    assert list(forge.comments) == [second]


def test_an_apply_that_did_nothing_is_not_told(forge: GitHub) -> None:
    merged(forge, "one", "prod")
    before = len(forge.requests)
    ended = call(forge, "result", report(forge))
    assert (ended.status, len(forge.requests)) == (0, before), str(ended)


def test_a_plan_that_was_left_out_is_told(forge: GitHub) -> None:
    number = merged(forge, "one", "prod")
    left_out = PlanVerdict("approved/prod/1.json", "sha256:1", None, "stale-plan", "the saved plan expired", None)
    assert call(forge, "result", report(forge, plans=(left_out,))).status == 0
    assert "expired" in forge.comments[number][0]["body"]


def test_a_pull_request_that_is_named_is_told_alone(forge: GitHub) -> None:
    first = merged(forge, "one", "prod")
    merged(forge, "two", "prod")
    assert call(forge, "approved", "-e", "prod", "--output", "approved").status == 0
    words = ("--approved", "approved", "--pull-request", str(first), "--commit", forge.head())
    assert call(forge, "result", report(forge, RESULT), *words).status == 0
    assert list(forge.comments) == [first]


def test_a_result_can_be_printed_alone(forge: GitHub) -> None:
    before = len(forge.requests)
    ended = call(forge, "result", report(forge, RESULT), "--print")
    assert (ended.status, len(forge.requests)) == (0, before), str(ended)
    assert "DeliveryConfig" in ended.stdout


def test_what_is_no_report_is_refused(forge: GitHub) -> None:
    (forge.folder / "report.json").write_text("{}")
    ended = call(forge, "result", "report.json")
    assert (ended.status, "unreadable-plan" in ended.stderr) == (1, True), str(ended)
