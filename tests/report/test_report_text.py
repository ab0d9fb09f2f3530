"""Text for people: what it says, how wide it is, and that nothing from outside can act on a terminal or a runner."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings

from reconciler.errors import ManifestErrors, MissingRole, Place, PlanFileError
from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import ApplyReport, Breach, ChangeResult, DriftReport, FieldChange, Outcome
from reconciler.report.style import Style
from reconciler.report.text.apply import apply_to_text
from reconciler.report.text.drift import drift_to_text
from reconciler.report.text.error import error_to_text
from reconciler.report.text.plan import plan_to_text
from reconciler.report.text.problems import problems_to_text
from support.report_samples import (
    NOW,
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
from support.report_strategies import hostile_text

OUR_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def hostile_error(text: str) -> ManifestErrors:
    error = ManifestErrors(hostile_problems(text))
    error.message, error.place, error.next_step = text, Place(text, 1, 2), text
    return error


RENDERERS: dict[str, Callable[[str, Style], str]] = {
    "plan": lambda text, style: plan_to_text(hostile_plan(text, [text]), style, saved_as=text),
    "apply": lambda text, style: apply_to_text(hostile_apply(text), style),
    "drift": lambda text, style: drift_to_text(hostile_drift(text), style),
    "problems": lambda text, style: problems_to_text(hostile_problems(text), style=style),
    "error": lambda text, style: error_to_text(hostile_error(text), style),
    "api error": lambda text, style: error_to_text(
        MissingRole(text, roles=[text], vendor_code=text, request=text, next_step=text), style
    ),
}


@pytest.mark.parametrize("renderer", RENDERERS)
@given(text=hostile_text)
@settings(max_examples=40)
def test_hostile_text_does_no_harm(renderer: str, text: str) -> None:
    for style in (Style(), Style(color=True), Style(unicode=False)):
        output = RENDERERS[renderer](text, style)
        plain = OUR_COLOURS.sub("", output) if style.color else output
        for line in plain.split("\n"):
            assert line.isprintable()
            assert not line.lstrip().startswith("::")
            assert not re.search(r"##\w*\[", line)
        assert style.unicode or output.isascii()
        assert RENDERERS[renderer](text, style) == output


def test_the_counts_come_first_and_what_destroys_next() -> None:
    text = plan_to_text(SAMPLE_PLAN, Style(width=100))
    assert text.startswith(
        "Plan for sandbox: 2 to create, 1 to update, 1 to delete, 1 to pause; 14 unchanged\n\nRefused: maxDeletes\n"
    )
    order = ["Loses data", "- delete DeliveryConfig/old-search", "Stops sync", "‖ pause  ProductSync/products"]
    order += ["Re-syncs", "+ create EntitySync/categories", "Low risk", "Notes", "Apply would refuse this plan."]
    positions = [text.index(words) for words in order]
    assert positions == sorted(positions)


def test_a_change_says_where_why_and_what() -> None:
    text = plan_to_text(SAMPLE_PLAN)
    assert (
        "  ‖ pause  ProductSync/products  manifests/syncs.yaml:9\n"
        "      git moved; Season price load (pricing), until 2026-12-01T06:00:00Z\n"
        "      ~ pause: false → true\n"
    ) in text
    assert '      ~ name: "Search prods" → "Search products"\n' in text
    assert "      ~ configData:\n          - depth: 2\n          + depth: 3\n          + facets[2]: " in text


def test_notes_are_folded_by_kind_and_cut_after_a_few() -> None:
    text = plan_to_text(SAMPLE_PLAN)
    assert "  7 secrets are unknown to the ledger\n" in text
    assert "feed-4" in text
    assert "feed-5" not in text
    assert "      and 2 more\n" in text


def test_a_breach_says_how_it_can_be_overridden_or_that_it_cannot() -> None:
    text = plan_to_text(SAMPLE_PLAN)
    assert "If it is meant: --override maxDeletes --reason TEXT; see" in text
    assert "`reconciler explain maxDeletes`" in " ".join(text.split())
    assert "Reason given: agreed with pricing" in text
    fixed = plan_to_text(plan(breaches=(Breach("in-use", "still used", ()),)))
    assert "cannot be overridden" in fixed
    assert "--override" not in fixed


def test_the_closing_line_names_the_next_command() -> None:
    pending = plan((change(),))
    assert plan_to_text(plan()).endswith("Nothing to do: live is as the manifests say.\n")
    assert "`reconciler apply -e sandbox`" in plan_to_text(pending)
    assert "`reconciler apply plan.json -e sandbox`" in plan_to_text(pending, saved_as="plan.json")


def test_everything_but_places_fits_80_columns_and_colour_is_only_there_when_asked() -> None:
    fields = (FieldChange("a.long.path" * 5, "v" * 500, "w" * 9_000), FieldChange("text", "a\n" * 9, "b" * 300 + "\n"))
    long_place = change(name="n" * 90, file="deep/" * 30 + "file.yaml", fields=fields, risk=Risk.RE_SYNCS)
    for output in (
        plan_to_text(SAMPLE_PLAN),
        apply_to_text(SAMPLE_APPLY),
        drift_to_text(SAMPLE_DRIFT),
        plan_to_text(plan((long_place,))),
    ):
        assert "\x1b" not in output
        for line in output.splitlines():
            assert len(line) <= 80 or ".yaml" in line or "n" * 90 in line, line
    assert "\x1b[" in plan_to_text(SAMPLE_PLAN, Style(color=True))


def test_the_ascii_form_carries_symbols_and_words() -> None:
    text = plan_to_text(SAMPLE_PLAN, Style(unicode=False))
    assert text.isascii()
    assert "|| pause  ProductSync/products" in text
    assert "false -> true" in text


def test_within_a_risk_what_takes_away_comes_first() -> None:
    changes = tuple(change(action, name=action.value) for action in Action)
    keys = re.findall(r"DeliveryConfig/(\w+)", plan_to_text(plan(changes)))
    assert keys == ["delete", "pause", "rename", "update", "resume", "create"]


def test_a_rename_shows_both_ids() -> None:
    renamed = change(Action.RENAME, id="new-id", renamed_from="old-id")
    assert "live ID old-id → new-id" in plan_to_text(plan((renamed,)))


def test_apply_counts_what_happened_and_puts_trouble_first() -> None:
    text = apply_to_text(SAMPLE_APPLY)
    assert text.startswith("Apply to sandbox: 1 applied, 1 already as desired, 1 failed, 1 skipped\n")
    assert text.index("Failed") < text.index("Skipped") < text.index("Applied")
    assert "[api-rejected] OrderCloud refused" in text
    assert "Next: Check the delivery config and plan again." in text
    assert "reconciler plan -e sandbox" in text


def test_only_an_interrupted_apply_can_be_resumed() -> None:
    assert "--resume" not in apply_to_text(SAMPLE_APPLY)
    assert "reconciler apply --resume -e sandbox" in apply_to_text(replace(SAMPLE_APPLY, interrupted=True))


@pytest.mark.parametrize("outcome", list(Outcome))
def test_no_outcome_but_applied_and_already_reads_as_done(outcome: Outcome) -> None:
    text = apply_to_text(ApplyReport("sandbox", "r", (ChangeResult(change(), outcome),)))
    assert text.endswith("Done. `reconciler plan -e sandbox --exit-code` shows whether anything is left.\n") is (
        outcome in (Outcome.APPLIED, Outcome.ALREADY)
    )


def test_an_interrupted_apply_says_so_and_how_to_go_on() -> None:
    text = apply_to_text(ApplyReport("sandbox", "r", (ChangeResult(change(), Outcome.APPLIED),), interrupted=True))
    assert "Interrupted." in text
    assert "--resume" in text


def test_drift_says_cause_next_step_and_snooze() -> None:
    text = drift_to_text(SAMPLE_DRIFT)
    assert text.startswith("Drift in sandbox: 1 pause that nobody declared, 1 snoozed; 11 as declared\n")
    assert "→ reconciler drift --adopt ProductSync/products" in text
    assert "snoozed until 2026-11-21 09:30 UTC: vendor is looking" in text
    quiet = DriftReport("sandbox", NOW + timedelta(hours=1), (), (), 3)
    assert drift_to_text(quiet).endswith("No drift: live is as the manifests say.\n")


def test_problems_are_grouped_by_file_and_counted() -> None:
    text = problems_to_text(SAMPLE_PROBLEMS, checked=12)
    assert text == (
        "manifests/a.yaml\n"
        "  manifests/a.yaml:2:1 [missing-field]\n"
        "      name is missing\n"
        "  manifests/a.yaml:8:3 [unknown-field]\n"
        "      unknown field `enabeld`\n"
        "      value: enabeld\n"
        "      → Write `enabled`.\n"
        "\n"
        "manifests/b.yaml\n"
        "  manifests/b.yaml:4:19 [unknown-reference]\n"
        "      no DeliveryConfig is named search\n"
        "      value: search\n"
        "\n"
        "✗ 3 problems in 2 files (12 manifests read).\n"
    )
    assert problems_to_text((), checked=12) == "✓ No problems (12 manifests read).\n"


def test_an_error_says_what_where_and_what_now() -> None:
    error = PlanFileError("this is not a saved plan", place=Place("plan.json"), next_step="Make a new one.")
    assert error_to_text(error) == (
        "error[unreadable-plan]: this is not a saved plan\n  at plan.json\n  → Make a new one.\n"
    )
