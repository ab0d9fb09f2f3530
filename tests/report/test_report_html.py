"""HTML: one file, no scripts, nothing loaded, everything from outside is text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from hypothesis import given, settings
from msgspec.structs import replace

from reconciler.reconcile.plan import FieldChange
from reconciler.report.escape import visible
from reconciler.report.html.apply import apply_to_html
from reconciler.report.html.drift import drift_to_html
from reconciler.report.html.plan import plan_to_html
from support.report_samples import SAMPLE_DRIFT, SAMPLE_PLAN, change, hostile_apply, hostile_drift, hostile_plan, plan
from support.report_strategies import hostile_text

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "div", "span", "p"),
    *("h1", "h2", "h3", "small", "strong", "b", "code", "pre", "ul", "ol", "li", "a", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "id", "open", "href", "title", "scope"),
    *("colspan", "aria-hidden"),
}
VOID = {"meta"}


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.policy = ""
        self.style = ""
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        given = dict(attrs)
        assert set(given) <= ATTRIBUTES
        assert str(given.get("href", "#")).startswith("#")
        assert re.fullmatch(r"[a-z0-9 -]*", str(given.get("class", "")))
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = str(given["content"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


@given(hostile_text)
@settings(max_examples=60, deadline=None)
def test_hostile_text_stays_text(text: str) -> None:
    pages = (
        plan_to_html(hostile_plan(text, [text])),
        drift_to_html(hostile_drift(text)),
        apply_to_html(hostile_apply(text)),
    )
    for html in pages:
        page = parsed(html)
        if len(text) < 200:
            assert visible(text) in "".join(page.text)
        assert all(character.isprintable() or character == "\n" for character in html)


def test_the_policy_allows_our_stylesheet_and_nothing_else() -> None:
    page = parsed(plan_to_html(SAMPLE_PLAN))
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert page.policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_a_plan_shows_levels_groups_and_values() -> None:
    html = plan_to_html(SAMPLE_PLAN)
    words = "".join(parsed(html).text)
    for expected in ("Refused: maxDeletes", "Step 1 of 3", "Loses data", "manifests/old.yaml:3", '"Search products"'):
        assert expected in words
    assert words.index("Loses data") < words.index("Stops sync") < words.index("Cosmetic")
    assert html.index('href="#change-5"') < html.index('id="change-5"')


def test_a_drift_report_shows_causes_and_steps() -> None:
    words = "".join(parsed(drift_to_html(SAMPLE_DRIFT)).text)
    for expected in ("Pause that nobody declared", "reconciler drift --adopt", "Snoozed until 2026-11-21 09:30 UTC"):
        assert expected in words


def test_a_message_that_is_the_detail_of_the_change_is_said_once() -> None:
    item = replace(SAMPLE_DRIFT.items[0], change=change(detail="held too long"), message="held too long")
    assert drift_to_html(replace(SAMPLE_DRIFT, items=(item,))).count("held too long") == 1


def test_an_empty_plan_says_that_all_is_well() -> None:
    assert "Nothing to do" in plan_to_html(plan())


def test_a_huge_value_is_cut() -> None:
    html = plan_to_html(plan((change(fields=(FieldChange("a", "x" * 100_000, "y" * 100_000),)),)))
    assert len(html) < 20_000
