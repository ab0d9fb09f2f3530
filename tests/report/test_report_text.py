"""Text for people: what it says, how wide it is, and that nothing from outside can act on a terminal or a runner."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from reconciler.errors import ManifestErrors, MissingRole, Place, PlanFileError
from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import (
    ApplyReport,
    Breach,
    Cause,
    ChangeResult,
    DriftItem,
    DriftReport,
    FieldChange,
    Note,
    NoteKind,
    Outcome,
)
from reconciler.report.given import Given
from reconciler.report.style import UNWRAPPED, Style
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


LONG_URL = f"https://discover.sitecorecloud.io/{'a-long-path/' * 9}end"


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", RENDERERS)
def test_a_url_is_in_one_piece_however_narrow_the_terminal_is(name: str, width: int) -> None:
    wide = RENDERERS[name](LONG_URL, Style(width=UNWRAPPED, full=True))
    narrow = RENDERERS[name](LONG_URL, Style(width=width, full=True))
    assert narrow.count(LONG_URL) == wide.count(LONG_URL) > 0


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_command_to_run_is_in_one_piece(width: int) -> None:
    command = "reconciler drift snooze DeliveryConfig/search-products -e production --for 7d --reason …"
    style = Style(width=width)
    told = style.wrap(f"Whoever knows of it says so for a while with `{command}`, and why; it ends by itself then.", 2)
    assert [line for line in told if f"`{command}`" in line]
    assert "\xa0" not in "".join(told)
    assert style.wrap(f"→ {command}", 6, hanging=2)[-1].endswith(command)


def test_a_line_that_is_cut_is_cut_between_words() -> None:
    assert Style(width=60).line(f"{LONG_URL} is one word", 2) == (f"  {LONG_URL} …", True)
    assert Style(width=60).line(f"read from {LONG_URL}", 2) == ("  read from …", True)


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
    order += ["Re-syncs", "+ create EntitySync/categories", "Cosmetic", "Notes", "Apply would refuse this plan."]
    positions = [text.index(words) for words in order]
    assert positions == sorted(positions)


def test_that_a_new_object_comes_from_git_is_not_said() -> None:
    for action, words in ((Action.CREATE, ""), (Action.UPDATE, "      git moved\n")):
        shown = plan_to_text(plan((change(action, cause=Cause.GIT_MOVED),)))
        assert f"manifests/search.yaml:1\n{words}\n" in shown


def test_a_change_says_where_why_and_what() -> None:
    text = plan_to_text(SAMPLE_PLAN)
    assert (
        "  ‖ pause  ProductSync/products  manifests/syncs.yaml:9\n"
        "      git moved; Season price load (pricing), until 2026-12-01T06:00:00Z\n"
        "      ~ pause: false → true\n"
    ) in text
    assert '      ~ name: "Search prods" → "Search products"\n' in text
    assert "      ~ configData:\n          - depth: 2\n          + depth: 3\n          + facets[2]: " in text


def notes_of(text: str) -> str:
    return text.partition("\nNotes")[2].partition("\n\n")[0]


def test_notes_take_a_line_each_and_the_rest_is_told_where_it_is_asked_for() -> None:
    notes = notes_of(plan_to_text(SAMPLE_PLAN, Style(width=100)))
    assert notes == (
        " (-v tells them in full)\n"
        "  7 secrets are unknown to the ledger: DeliveryConfig/feed-0, DeliveryConfig/feed-1 and 5 more\n"
        "  1 live object is in no manifest: DeliveryConfig/manual\n"
        "      → reconciler import -e sandbox\n"
        "  EntitySync/buyers: held by alice until 2026-11-20T11:00:00Z: bulk load"
    )
    for line in notes_of(plan_to_text(SAMPLE_PLAN)).splitlines():
        assert len(line) <= 80
    full = notes_of(plan_to_text(SAMPLE_PLAN, Style(full=True)))
    assert "  7 secrets are unknown to the ledger\n" in full
    assert full.count("feed-") == 7
    assert "DeliveryConfig/feed-6: deliveryTargets.http.secret: ${secret:K6}" in full


def test_without_a_terminal_every_value_stands_on_a_line_of_its_own() -> None:
    url = "https://hooks.example.com/" + "long-path/" * 12
    fields = (FieldChange("deliveryTargets.http.endpoint", None, url),)
    text = plan_to_text(plan((change(Action.CREATE, fields=fields),)), Style(width=UNWRAPPED))
    assert f'      + deliveryTargets.http.endpoint: "{url}"\n' in text


def test_what_a_new_object_brings_is_marked_as_coming_its_secrets_too() -> None:
    fields = (
        FieldChange("secret", None, None, sensitive=True),
        FieldChange("rules", None, [{"direction": "minus", "percentage": 0.2, "source": "ordercloud-price"}]),
    )
    new, changed = (plan_to_text(plan((change(action, fields=fields),))) for action in (Action.CREATE, Action.UPDATE))
    assert "      + secret: secret, value not shown\n      + rules:\n" in new
    assert "      ~ secret: secret, value not shown\n" in changed


def test_a_long_plan_says_its_counts_again_as_its_last_line() -> None:
    long = plan_to_text(SAMPLE_PLAN, Style(width=100)).splitlines()
    assert long[-1] == long[0]
    short = plan_to_text(plan((change(),))).splitlines()
    assert short[0].startswith("Plan for sandbox: 1 to update")
    assert short.count(short[0]) == 1


def test_who_is_asked_at_once_is_told_no_command() -> None:
    assert "reconciler apply" not in plan_to_text(plan((change(),)), is_asked_for=True)


def test_the_command_that_applies_a_plan_carries_what_was_overridden_and_why() -> None:
    broken = (Breach("maxDeletes", "3 deletes", (), overridden="it's over; really"),)
    shown = plan_to_text(plan([change()], breaches=broken), Style(width=300), saved_as="po.json")
    assert "reconciler apply po.json -e sandbox --override maxDeletes --reason 'it'\"'\"'s over; really'`" in shown
    unquotable = (Breach("maxDeletes", "3 deletes", (), overridden="a `b`"),)
    shown = plan_to_text(plan([change()], breaches=unquotable), Style(width=300), saved_as="po.json")
    assert "--override maxDeletes --reason TEXT`" in shown


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


def test_everything_but_long_words_fits_80_columns_and_colour_is_only_there_when_asked() -> None:
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
            assert len(line) <= 80 or ".yaml" in line or any(len(word) > 60 for word in line.split()), line
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


def test_at_its_end_apply_lists_what_it_has_not_told_before() -> None:
    told = [result.change.key for result in SAMPLE_APPLY.results]
    text = apply_to_text(SAMPLE_APPLY, told=told)
    assert text.startswith("Apply to sandbox: 1 applied, 1 already as desired, 1 failed, 1 skipped\n")
    assert "[api-rejected] OrderCloud refused" in text
    assert "it depends on EntitySync/categories, which failed" in text
    assert "Applied" not in text
    assert "Already" not in text
    assert "Applied" in apply_to_text(SAMPLE_APPLY, told=told[1:])


def test_nothing_to_do_is_said_once() -> None:
    assert apply_to_text(ApplyReport("sandbox", "", ())) == "Apply to sandbox: nothing to do\n"
    assert plan_to_text(plan()) == ("Plan for sandbox: 14 unchanged\n\nNothing to do: live is as the manifests say.\n")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_after_an_apply_that_was_cut_the_next_step_is_to_resume_it(width: int) -> None:
    notes = (Note(NoteKind.INTERRUPTED_RUN, "sandbox", "run 0123456789abcdef by somebody@a-machine was interrupted"),)
    style = Style(width=width, given=Given(manifests="config"))
    cut = plan_to_text(plan((change(),), notes), style)
    assert "      → reconciler apply --resume -e sandbox -m config\n" in cut
    assert "Carry on with `reconciler apply --resume -e sandbox -m config`" in " ".join(cut.splitlines()[-4:])
    assert "      → reconciler apply --resume -e sandbox -m config\n" in plan_to_text(plan((), notes), style)
    assert "apply --resume" not in plan_to_text(plan((change(),)), style)
    drifted = drift_to_text(replace(SAMPLE_DRIFT, notes=notes), style)
    assert "      → reconciler apply --resume -e sandbox -m config\n" in drifted


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


def missing(number: int, **more: Any) -> tuple[DriftItem, ...]:
    changes = [change(Action.CREATE, name=f"gone-{n}") for n in range(number)]
    return tuple(DriftItem(one.kind, one.name, one.id, Cause.LIVE_MOVED, one, ("step",), **more) for one in changes)


def test_an_emptied_site_is_one_line_with_one_command() -> None:
    report = DriftReport("sandbox", NOW, missing(17), (), 2)
    assert drift_to_text(report) == (
        "Drift in sandbox: 17 live moved; 2 as declared\n"
        "Checked 2026-11-20 09:30 UTC\n\n"
        "Live moved\n"
        "  + create 17 objects that the manifests name and live does not have (-v names\n"
        "    them)\n"
        "      → reconciler apply -e sandbox\n\n"
        "See what apply would change with `reconciler plan -e sandbox`.\n"
    )
    assert drift_to_text(report, Style(full=True)).count("+ create DeliveryConfig/gone-") == 17
    # Where something else differs too, that command would do more than this line says.
    mixed = replace(report, items=(*report.items, *SAMPLE_DRIFT.items))
    assert drift_to_text(mixed).count("+ create DeliveryConfig/gone-") == 17
    assert drift_to_text(replace(report, items=missing(2))).count("+ create DeliveryConfig/gone-") == 2


def test_a_forbidden_host_comes_before_what_is_paused_and_before_the_counts() -> None:
    item = DriftItem("DeliveryConfig", "x", "x", Cause.FORBIDDEN_HOST, None, ("reconciler plan -e sandbox",))
    notes = (Note(NoteKind.PAUSED, "ProductSync/products", "until then, by jane: load"),)
    text = drift_to_text(DriftReport("sandbox", NOW, (item,), notes, 3))
    assert text.startswith("1 live object sends to a forbidden host\n  • DeliveryConfig/x")
    assert text.count("DeliveryConfig/x") == 1
    assert text.index("DeliveryConfig/x") < text.index("1 sync is paused") < text.index("Drift in sandbox")


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
