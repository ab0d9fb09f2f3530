"""Markdown for GitHub: foreign text stays text, the size limit holds, and what is cut is the least important."""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import Cause, DriftItem, DriftReport, FieldChange, Note, NoteKind
from reconciler.report.markdown.apply import apply_to_markdown
from reconciler.report.markdown.drift import drift_to_markdown
from reconciler.report.markdown.page import LIMIT, Piece, marker, page
from reconciler.report.markdown.plan import plan_to_markdown
from support.markdown import assert_only_our_markup
from support.report_samples import (
    SAMPLE_APPLY,
    SAMPLE_DRIFT,
    SAMPLE_PLAN,
    change,
    hostile_apply,
    hostile_drift,
    hostile_plan,
    plan,
)
from support.report_strategies import hostile_text


@given(hostile_text)
@settings(max_examples=60, deadline=None)
def test_hostile_text_stays_text(text: str) -> None:
    pages = (
        plan_to_markdown(hostile_plan(text, [text])),
        drift_to_markdown(hostile_drift(text)),
        apply_to_markdown(hostile_apply(text)),
    )
    for markdown in pages:
        assert len(markdown) <= LIMIT
        assert_only_our_markup(markdown)


def test_the_samples_have_table_first_and_what_destroys_on_top() -> None:
    markdown = plan_to_markdown(SAMPLE_PLAN)
    assert_only_our_markup(markdown)
    assert markdown.startswith(
        "<!-- reconciler:plan:sandbox -->\n"
        "### Plan for `sandbox`: 2 to create, 1 to update, 1 to delete, 1 to pause; 14 unchanged\n"
        "\n"
        "| | + create | ~ update | − delete | ‖ pause |\n"
    )
    order = ["[!CAUTION]", "#### Loses data", "#### Stops sync", "#### Re-syncs", "#### Cosmetic", "#### Notes"]
    assert [markdown.index(words) for words in order] == sorted(markdown.index(words) for words in order)
    assert "`-` **delete** `DeliveryConfig/old-search` · `manifests/old.yaml:3`" in markdown
    assert "Cut to fit" not in markdown
    assert_only_our_markup(drift_to_markdown(SAMPLE_DRIFT))


def test_a_plan_without_changes_shows_its_digest_where_secrets_alone_may_have_changed() -> None:
    """The digest is what a workflow that is started by hand is given."""
    empty = replace(plan(), approves="sha256:1")
    assert empty.is_empty
    assert "Digest" not in plan_to_markdown(empty)
    assert "Digest `sha256:1`." in plan_to_markdown(replace(empty, secrets_at_apply=True))


def huge(count: int) -> tuple[Note, ...]:
    return tuple(Note(NoteKind.UNMANAGED, f"DeliveryConfig/u{n}", "left alone") for n in range(count))


@pytest.mark.parametrize("count", [100, 600, 5_000])
def test_a_huge_plan_fits_and_says_what_was_cut(count: int) -> None:
    fields = (FieldChange("name", "before " * 9, "after " * 9), FieldChange("text", "a\nb", "a\nc"))
    changes = tuple(
        change(name=f"cosmetic-{n}", fields=fields, risk=Risk.COSMETIC, line=n) for n in range(count - 3)
    ) + tuple(change(Action.DELETE, name=f"deleted-{n}", fields=fields, risk=Risk.LOSES_DATA) for n in range(3))
    markdown = plan_to_markdown(plan(changes, huge(50)), url="https://github.com/o/r/actions/runs/1")
    assert len(markdown) <= LIMIT
    assert_only_our_markup(re.sub(r"\[the run's artifacts\]\([^)]*\)", "", markdown))
    for n in range(3):
        assert f"`DeliveryConfig/deleted-{n}`" in markdown
    if count == 100:
        assert "Cut to fit" not in markdown
    if count == 600:
        assert markdown.count("**update**") == 597
        assert "fields of cosmetic changes (" in markdown
        assert "notes (" in markdown
    if count == 5_000:
        shown = markdown.count("**update**")
        assert f"cosmetic changes ({4_997 - shown:,})" in markdown
        assert "(https://github.com/o/r/actions/runs/1)" in markdown
        assert "`reconciler plan -e sandbox`" in markdown


def test_a_link_that_is_no_plain_https_url_is_left_out() -> None:
    changes = tuple(change(name=f"c{n}") for n in range(5_000))
    assert "evil" not in plan_to_markdown(plan(changes), url="https://x/)[evil](javascript:1")


def test_a_huge_drift_report_fits() -> None:
    items = tuple(DriftItem("K", f"n{n}", "i", Cause.LIVE_MOVED, change(), ("step",)) for n in range(5_000))
    report = DriftReport("sandbox", SAMPLE_DRIFT.checked_at, items, (), 0)
    markdown = drift_to_markdown(report)
    assert len(markdown) <= LIMIT
    assert "objects that drifted (" in markdown


def test_a_marker_cannot_be_closed_from_outside() -> None:
    assert marker("plan", "a--> <script>") == "<!-- reconciler:plan:a--___script_ -->"


def test_an_apply_names_what_went_wrong_first_and_commands_stay_whole() -> None:
    markdown = apply_to_markdown(SAMPLE_APPLY)
    assert_only_our_markup(markdown)
    headings = re.findall(r"^#### (.+)$", markdown, re.MULTILINE)
    order = ("Unknown", "Failed", "Refused as stale", "Skipped", "Applied", "Already as desired")
    assert headings == [word for word in order if word in headings]
    assert len(headings) > 2
    assert re.search(r"`reconciler (plan|apply) [^`]*-e [a-z]+[^`]*`", markdown)


def test_what_has_no_place_on_the_page_is_not_made() -> None:
    made: list[str] = []

    def long(name: str) -> str:
        made.append(name)
        return name * LIMIT

    more = [Piece(partial(long, name), rank, "lines") for rank, name in enumerate("abc", 1)]
    text = page("head", [Piece("first", 0, "lines"), *more], "closing", "reconciler plan", None)
    assert made == ["a"]
    assert "Left out: lines (3)." in text
