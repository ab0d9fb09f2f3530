"""JSON: the published schemas describe it, a saved plan reads back the same, and anything else is refused."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.errors import ManifestErrors, MissingRole, PlanFileError, ReconcilerError, UsageError
from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import Cause, FieldChange
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planread import plan_from_json, plan_from_text
from reconciler.report.documents.apply import apply_to_json
from reconciler.report.documents.drift import drift_to_json
from reconciler.report.documents.error import error_to_json
from reconciler.report.documents.problems import problems_to_json
from reconciler.report.documents.schemas import schemas
from reconciler.report.escape import json_text
from support.examples import examples
from support.report_samples import (
    SAMPLE_APPLY,
    SAMPLE_DRIFT,
    SAMPLE_PLAN,
    SAMPLE_PROBLEMS,
    change,
    hostile_apply,
    hostile_drift,
    hostile_plan,
    hostile_problems,
    plan,
)
from support.report_strategies import hostile_text, json_values


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schemas()[f"{name}.schema.json"]))


def check(name: str, document: Any) -> None:
    validator(name).validate(document)


def test_the_schemas_are_valid_and_the_same_on_every_call() -> None:
    found = schemas()
    assert schemas() == found
    for content in found.values():
        Draft202012Validator.check_schema(json.loads(content))


def test_the_schemas_in_the_repository_are_the_current_ones() -> None:
    folder = Path(__file__).parents[2] / "schemas"
    found = schemas()
    assert {name: (folder / name).read_bytes() for name in found} == found


def test_every_sample_fits_its_schema() -> None:
    check("plan", plan_to_json(SAMPLE_PLAN))
    check("apply", apply_to_json(SAMPLE_APPLY))
    check("drift", drift_to_json(SAMPLE_DRIFT))
    check("validation", problems_to_json(SAMPLE_PROBLEMS))
    check("validation", problems_to_json(()))
    errors: tuple[ReconcilerError, ...] = (
        UsageError("x"),
        MissingRole("x", roles=["A"]),
        ManifestErrors(SAMPLE_PROBLEMS),
    )
    for error in errors:
        check("error", error_to_json(error))


@given(hostile_text)
@settings(max_examples=examples(10), deadline=None)
def test_hostile_documents_fit_their_schemas(text: str) -> None:
    check("plan", json.loads(json_text(plan_to_json(hostile_plan(text, [text])))))
    check("apply", json.loads(json_text(apply_to_json(hostile_apply(text)))))
    check("drift", json.loads(json_text(drift_to_json(hostile_drift(text)))))
    check("validation", json.loads(json_text(problems_to_json(hostile_problems(text)))))


def test_the_shape_is_the_documented_one() -> None:
    document = plan_to_json(SAMPLE_PLAN)
    assert document["format_version"] == 1
    assert document["summary"] == {
        "create": 2, "update": 1, "delete": 1, "rename": 0, "pause": 1, "resume": 0, "unchanged": 14, "unmanaged": 1,
    }  # fmt: skip
    pause = document["changes"][2]
    assert pause["source"] == {"file": "manifests/syncs.yaml", "line": 9, "column": 1}
    assert pause["fields"] == [{"path": "pause", "before": False, "after": True, "sensitive": False}]
    assert (pause["action"], pause["risk"], pause["cause"]) == ("pause", "stops-sync", "git-moved")


def test_the_sample_plan_reads_back_the_same() -> None:
    assert plan_from_text(json_text(plan_to_json(SAMPLE_PLAN))) == SAMPLE_PLAN


@given(
    st.lists(
        st.tuples(st.sampled_from(Action), st.sampled_from(Risk), st.sampled_from(Cause), json_values, json_values)
    ),
    st.text(max_size=20),
)
@settings(max_examples=examples(25), deadline=None)
def test_every_plan_reads_back_the_same(rows: list[tuple[Action, Risk, Cause, Any, Any]], text: str) -> None:
    changes = tuple(
        change(action, name=f"{text}{n}", risk=risk, cause=cause, detail=text, fields=(FieldChange(text, old, new),))
        for n, (action, risk, cause, old, new) in enumerate(rows)
    )
    original = plan(changes)
    assert plan_from_text(json_text(plan_to_json(original)).encode()) == original


def _broken(**members: Any) -> dict[str, Any]:
    return plan_to_json(SAMPLE_PLAN) | members


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "plan",
        {},
        _broken(format_version=2),
        _broken(format_version="1"),
        _broken(format_version=True),
        _broken(format_version=1.5),
        _broken(environment=None),
        _broken(changes={}),
        _broken(changes=[{"kind": "x"}]),
        _broken(created_at="yesterday"),
        _broken(created_at="2026-11-20T09:30:00"),
        _broken(created_at=1_700_000_000),
        _broken(extra=1),
        _broken(connections=[["a", "b"]]),
        _broken(summary=plan_to_json(SAMPLE_PLAN)["summary"] | {"delete": 0}),
        _broken(summary=plan_to_json(SAMPLE_PLAN)["summary"] | {"unchanged": -1}),
        _broken(changes=[plan_to_json(SAMPLE_PLAN)["changes"][0] | {"action": "explode"}]),
        _broken(changes=[plan_to_json(SAMPLE_PLAN)["changes"][0] | {"level": "0"}]),
        {key: value for key, value in plan_to_json(SAMPLE_PLAN).items() if key != "digest"},
    ],
)
def test_what_is_no_plan_is_refused(data: Any) -> None:
    with pytest.raises(PlanFileError) as caught:
        plan_from_json(data, file="plan.json")
    assert caught.value.place is not None
    assert caught.value.next_step


@pytest.mark.parametrize("text", ["", "not json", "{", b"\xff\xfe\x00", "[" * 100_000, "\x00"])
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(PlanFileError):
        plan_from_text(text)


def test_a_refusal_does_not_echo_the_value() -> None:
    data = plan_to_json(SAMPLE_PLAN) | {"environment": {"x": "S3CR3T"}}
    with pytest.raises(PlanFileError) as caught:
        plan_from_json(data)
    assert "S3CR3T" not in str(caught.value)
    assert "environment" in str(caught.value)
