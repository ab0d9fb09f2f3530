"""The comment with plans: rules first, the worst next, never too long, and nothing from outside is more than text."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from reconciler.errors import Place, UsageError
from reconciler.gitops.comment import plan_comment, result_comment, result_opening, says_the_same
from reconciler.gitops.plans import EnvironmentPlan, Failure, read_plans
from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.manifest.rule_changes import RuleChange
from reconciler.reconcile.digests import change_digest, plan_digest
from reconciler.reconcile.plan import FIXED_RULES, Change, FieldChange, Note, NoteKind, Plan
from reconciler.reconcile.planfile import plan_to_json
from reconciler.report.markdown.page import LIMIT
from support.markdown import assert_only_our_markup
from support.report_samples import SAMPLE_APPLY, SAMPLE_PLAN, change, hostile_apply, hostile_plan, plan
from support.report_strategies import hostile_text

HEAD = "c0ffee" + "0" * 34
RAISED = RuleChange("Environment", "prod", Place("env/prod.yaml", 7), "guardrails.deletesMax", "5", "500")


def of(planned: Plan, **more: object) -> EnvironmentPlan:
    return EnvironmentPlan(f"{planned.environment}.json", replace(planned, **more))  # type: ignore[arg-type]


def failed(environment: str, failure: Failure) -> EnvironmentPlan:
    return EnvironmentPlan(f"{environment}.json", plan(environment=environment), failure)


def order(body: str, *words: str) -> None:
    places = [body.index(word) for word in words]
    assert places == sorted(places), list(zip(words, places, strict=True))


def saved(path: Path, planned: Plan, **members: object) -> Path:
    changes = tuple(replace(each, digest=change_digest(each)) for each in planned.changes)
    whole = replace(planned, changes=changes)
    path.write_text(json.dumps(plan_to_json(replace(whole, digest=plan_digest(whole))) | members))
    return path


def test_rules_stand_on_top_then_what_live_must_not_do_then_pauses_then_plans() -> None:
    notes = (
        Note(NoteKind.PAUSED, "EntitySync/stock", "paused until Monday"),
        Note(NoteKind.FORBIDDEN_HOST, "Webhook/w", "sends to evil"),
    )
    body = plan_comment([of(plan((change(risk=Risk.STOPS_SYNC),), notes), rules_changed=(RAISED,))], HEAD)
    order(body, f"head={HEAD}", "Rules changed: 1", "guardrails.deletesMax", "forbidden hosts: 1", "Webhook/w",
          "Paused: 1", "EntitySync/stock", "Plan for `sandbox`", "Stops sync", "Merging approves")  # fmt: skip
    assert "`5` → `500` · `" in body


def test_a_rule_that_changed_for_two_environments_is_told_once_with_both() -> None:
    plans = [of(plan(environment=name), rules_changed=(RAISED,)) for name in ("prod", "sandbox")]
    body = plan_comment(plans, HEAD)
    assert body.count("guardrails.deletesMax") == 1
    assert "for `prod`, `sandbox`" in body


def test_the_first_lines_say_of_each_environment_how_bad_it_is() -> None:
    plans = [
        of(plan((change(Action.DELETE, risk=Risk.LOSES_DATA), change()), environment="prod")),
        of(plan(environment="sandbox")),
        failed("test", Failure("unreachable", "no answer", "Check the network.")),
    ]
    body = plan_comment(plans, HEAD)
    assert "- `prod`: 2 changes; the worst **loses data**\n- `sandbox`: nothing to do\n- `test`: **no plan**\n" in body
    order(body, "- `test`: **no plan**", "### Plan for `prod`")


def test_a_failed_plan_says_so_with_its_problems_and_approves_nothing() -> None:
    failure = Failure("manifest", "2 problems", "Correct them.", ("a.yaml:3: unknown member", "b.yaml: @octocat"))
    body = plan_comment([failed("prod", failure)], HEAD)
    assert "### Plan for `prod`: failed" in body
    assert "so nothing is approved" in body
    assert "unknown member" in body
    assert "`@octocat`" in body
    assert "Merging approves" not in body


def test_a_refused_plan_says_that_apply_would_refuse_it() -> None:
    refused = replace(hostile_plan("x"), environment="prod")
    body = plan_comment([of(refused)], HEAD)
    order(body, "Refused by guardrail", "`guardrails.overrides`", "Apply would refuse this plan")
    fixed = replace(refused, breaches=tuple(each for each in refused.breaches if each.rule in FIXED_RULES))
    assert "`guardrails.overrides`" not in plan_comment([of(fixed)], HEAD)


def test_without_any_plan_the_comment_says_that_nothing_is_approved() -> None:
    assert "nothing of it is approved" in plan_comment([], HEAD)


def test_a_plan_of_another_commit_is_no_plan_of_this_one() -> None:
    assert "not of the last commit" in plan_comment([of(SAMPLE_PLAN, commit="b" * 40)], HEAD)
    assert "not of the last commit" not in plan_comment([of(SAMPLE_PLAN, commit=HEAD)], HEAD)


def test_two_texts_that_differ_in_time_alone_say_the_same() -> None:
    later = replace(SAMPLE_PLAN, created_at=SAMPLE_PLAN.expires_at)
    body = plan_comment([of(SAMPLE_PLAN)], HEAD)
    assert says_the_same(body, plan_comment([of(later)], HEAD))
    assert says_the_same(body.replace("\n", "\r\n"), body)
    assert not says_the_same(body, plan_comment([of(SAMPLE_PLAN)], "d" * 40))
    assert not says_the_same(body, plan_comment([of(SAMPLE_PLAN, rules_changed=(RAISED,))], HEAD))


def test_a_cut_text_says_the_same_whichever_run_of_the_commit_it_links_to() -> None:
    cut = [of(plan(many(3_000)))]
    bodies = [plan_comment(cut, HEAD, url=f"https://ci.example/run/{number}") for number in (1, 2)]
    assert bodies[0] != bodies[1]
    assert says_the_same(*bodies)


def test_the_head_stands_in_the_first_line() -> None:
    assert plan_comment([of(SAMPLE_PLAN)], HEAD).startswith(f"<!-- reconciler:comment head={HEAD} -->\n")


@given(hostile_text)
@settings(max_examples=40, deadline=None)
def test_hostile_text_stays_text(text: str) -> None:
    rules = (
        RuleChange(text, text, Place(text, 3), text, text, text),
        RuleChange(text, text, Place(text), "", None, text),
    )
    failure = Failure(text, text, text, (text, text))
    plans = [
        of(hostile_plan(text), rules_changed=rules, secrets_at_apply=True, commit="e" * 40),
        EnvironmentPlan(text, None, failure),
        failed(text, failure),
    ]
    for body in (plan_comment(plans, HEAD), result_comment(hostile_apply(text), HEAD)):
        assert_only_our_markup(body)
        assert not re.search(r"^\s*(?:/\w|::)", body, re.MULTILINE)
        assert "##vso[" not in body


def many(count: int) -> tuple[Change, ...]:
    fields = tuple(FieldChange(f"spec.member{n}", "before", "after") for n in range(4))
    return tuple(
        change(list(Action)[n % 3], name=f"object-{n:05d}", risk=list(Risk)[n % 4], fields=fields, line=n + 1)
        for n in range(count)
    )


def test_five_thousand_changes_fit_are_read_in_a_second_and_begin_with_the_worst(tmp_path: Path) -> None:
    file = saved(tmp_path / "plan.json", plan(many(5_000), environment="prod"))
    begun = time.process_time()
    body = plan_comment(read_plans([file]), HEAD, url="https://ci.example/run/1")
    # A second on a machine that does nothing else; what grows by the square takes minutes.
    assert time.process_time() - begun < 10
    assert len(body) <= LIMIT
    order(body, "#### Loses data", "… and 1,200 more loses data changes", "#### Stops sync", "1,200 more cosmetic")
    assert body.count("` **") == 200
    assert "the run's artifacts](https://ci.example/run/1)" in body


def test_many_environments_with_much_to_warn_of_fit_and_still_show_the_worst_change() -> None:
    words = "@" * 900
    notes = tuple(
        Note(kind, f"{words}{n}", words) for n in range(40) for kind in (NoteKind.PAUSED, NoteKind.FORBIDDEN_HOST)
    )
    rules = tuple(RuleChange(words, words, Place(words, n), words, words, words) for n in range(60))
    worst = change(Action.DELETE, name="the-worst", risk=Risk.LOSES_DATA)
    plans = [of(plan((*many(300), worst), notes, environment=f"env-{n}"), rules_changed=rules) for n in range(5)]
    body = plan_comment(plans, HEAD)
    assert len(body) <= LIMIT
    assert "and 30 more" in body
    assert "the-worst" in body


def test_plan_files_are_read_in_the_order_of_their_environments(tmp_path: Path) -> None:
    files = [saved(tmp_path / f"{name}.json", plan(environment=name)) for name in ("test", "prod")]
    assert [each.environment for each in read_plans(files)] == ["prod", "test"]
    with pytest.raises(UsageError, match="both plans for the environment prod"):
        read_plans([files[1], files[1]])


def test_a_file_of_a_plan_that_failed_says_why(tmp_path: Path) -> None:
    problem = {"code": "c", "message": "unknown member", "source": {"file": "a.yaml", "line": 3, "column": 1}}
    error = {"code": "manifests", "message": "1 problem", "source": None, "next_step": "Correct it.", "exit_status": 1}
    none: dict[str, object] = {"status": None, "vendor_code": None, "request": None, "roles": []}
    error |= none | {"problems": [problem | {"value": None, "hint": None}]}
    (read,) = read_plans([saved(tmp_path / "p.json", replace(plan(environment="prod"), error=error))])
    assert read.failure == Failure("manifests", "1 problem", "Correct it.", ("a.yaml:3: unknown member",))
    assert read.environment == "prod"


def test_a_file_that_is_no_plan_is_shown_as_one_that_approves_nothing(tmp_path: Path) -> None:
    file = saved(tmp_path / "prod.json", plan(environment="prod"))
    file.write_text(file.read_text().replace('"unchanged": 14', '"unchanged": 15'))
    (altered,) = read_plans([file])
    (missing,) = read_plans([tmp_path / "none.json"])
    for each in (altered, missing):
        assert each.plan is None
        body = plan_comment([each], HEAD)
        assert "not read" in body
        assert "This file approves nothing" in body


def test_a_result_is_a_comment_of_its_own_that_a_second_run_finds_again() -> None:
    body = result_comment(SAMPLE_APPLY, HEAD)
    assert body.startswith(result_opening(SAMPLE_APPLY.environment, HEAD))
    assert not body.startswith("<!-- reconciler:comment ")
    assert f"`{HEAD[:12]}`" in body


def test_a_policy_or_a_manifest_that_is_gone_has_no_place() -> None:
    gone = RuleChange("Policy", "no-deletes", Place("env/prod.yaml", 1), "", "error: no", None)
    less = RuleChange("Environment", "prod", Place("env/prod.yaml", 7), "spec.guardrails.deletesMax", "5", None)
    lines = plan_comment([EnvironmentPlan("p", replace(SAMPLE_PLAN, rules_changed=(gone, less)))], HEAD).splitlines()
    [told] = [line for line in lines if "no-deletes" in line]
    assert "env/prod.yaml" not in told
    assert any("deletesMax" in line and "env/prod.yaml:7" in line for line in lines)
