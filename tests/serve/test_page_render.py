"""What the page shows of an environment: all of it true, none of it markup from outside, and nothing inline."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from reconciler.ledger.data.inbox_model import InboxOverview, SyncInbox, TypeCount
from reconciler.serve.page import render
from reconciler.serve.page.render import Viewer
from reconciler.serve.page.view import is_link
from reconciler.sync.monitor.overview import State, overview
from reconciler.sync.monitor.status import status_of
from support.page_samples import broken, drifted, good, hostile, overviews, running
from support.report_samples import HOSTILE
from support.report_strategies import hostile_text
from support.sync_samples import NOW, data_sync
from support.sync_samples import overview as known

VIEWER = Viewer("jane", "0" * 64, True)
VOID = {"meta", "link", "input", "br", "rect", "line"}
TAGS = VOID | {
    *(
        "html",
        "head",
        "title",
        "script",
        "body",
        "header",
        "main",
        "footer",
        "section",
        "article",
        "nav",
        "div",
        "span",
    ),
    *("h1", "h2", "h3", "p", "ul", "ol", "li", "dl", "dt", "dd", "a", "b", "small", "code", "pre", "time", "figure"),
    *("figcaption", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "svg", "progress"),
    *("form", "button", "label", "select", "option", "textarea"),
}


class Page(HTMLParser):
    """Checks that everything is closed, and that nothing could act that is not ours."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.assets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        for name in found:
            assert not name.startswith("on")
            assert name not in ("style", "srcdoc", "formaction", "ping")
        if tag in ("script", "link"):
            asset = re.fullmatch(
                r"((?:/ops)?)/static/[a-z]+-[0-9a-f]{12}\.(js|css|svg)", str(found.get("src") or found["href"])
            )
            assert asset is not None
            self.assets.append(asset[1])
        if "id" in found:
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found["href"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        assert self.open[-1:] != ["script"] or not data.strip()
        assert self.open[-1:] != ["style"]
        self.words.append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.words).split())


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    return page


@given(hostile_text)
@settings(max_examples=40, deadline=None)
def test_what_comes_from_outside_stays_text(text: str) -> None:
    page = parsed(render.environment_page(overview(hostile(text), NOW), NOW, VIEWER))
    assert set(page.tags) <= TAGS
    assert page.tags.count("script") == page.tags.count("link") - 1 == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_cannot_be_seen_reaches_the_page(text: str) -> None:
    for html in (
        render.environment_page(overview(hostile(text), NOW), NOW, VIEWER),
        render.environments_page([overview(hostile(text), NOW)], NOW, VIEWER),
    ):
        shown = re.sub(r'value="[^"]*"', "", html)
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", shown)


def test_a_link_leads_to_the_web_or_is_none() -> None:
    assert is_link("https://portal.example/products/P-1")
    for url in ("javascript:alert(1)", "data:text/html,x", "//evil", "https://a b", 'https://"onx', "", "ftp://x"):
        assert not is_link(url)
    page = parsed(render.environment_page(overview(hostile("javascript:alert(1)"), NOW), NOW, VIEWER))
    assert not [link for link in page.links if "javascript" in link]


def test_where_messages_come_each_part_says_how_its_changes_do() -> None:
    facts = good()
    assert "walked, as" not in parsed(render.environment_page(overview(facts, NOW), NOW, VIEWER)).said
    inbox = SyncInbox(InboxOverview((TypeCount("product.updated", "placed", 1, NOW),)))
    status = status_of(data_sync(), known(inbox=inbox), NOW)
    said = parsed(render.environment_page(overview(replace(facts, statuses=(status,)), NOW), NOW, VIEWER)).said
    assert "Its changes" in said
    assert "walked, as no message entitysync.inventoryrecord.updated ever came" in said


def test_what_is_wrong_is_said_with_why_since_when_by_whom_and_what_to_do() -> None:
    said = parsed(render.environment_page(overview(drifted(), NOW), NOW, VIEWER, several=True)).said
    for words in (
        "Drifted: 1 difference; data syncs not as promised",
        "live moved ProductSync/products jane@example.com, 14:05, PATCH productsync",
        "First seen 2026-11-20 07:30 UTC (2 h ago).",
        "Snoozed until 2026-11-21 09:30 UTC: the vendor looks at it.",
        "secret, value not shown",
        "by jane@example.com, until 2026-11-20 09:55 UTC, in 25 min: stock is loaded in bulk",
        "Resume EntitySync/stock",
        "paused, declared by nobody EntitySync/buyers",
        "Its manifest pauses it: change it there to resume it.",
        "5 h 5 min ago, which is late",
        "The SKU is not set. Set xp.SKU in OrderCloud.",
        "9 records held back",
        "Retry 7 dead letters",
        "full sync, reading and writing: 100 of 300 (33 %)",
        "about 1,467 a day where nothing changes",
        "requestsPerSecond of both APIs allows 6,048,000 a day: under 0.1 % of that",
        "3 messages in the last full minute, the newest 4 s ago; 2 messages to raise records from",
        "and 12 records to be written, the oldest for 9 s; 1 of a type that nobody knows; 3 could not be read",
        "kafka broker:9092 oc.products : waits for the broker to answer; 40 messages at the broker; 1,200 taken",
        "sync shop waits: DataSync/shop is not as it was applied last",
        "57 runs finished",
        "refused re-sync 2 products: P-1, P-2 ProductSync is not configured",
    ):
        assert words in said, words


def test_an_environment_that_is_as_it_should_be_says_so_and_nothing_else() -> None:
    said = parsed(render.environment_page(overview(good(), NOW), NOW, VIEWER)).said
    assert "sandbox In sync" in said
    for words in ("Nothing differs.", "Nothing is paused.", "No open problems.", "up to date"):
        assert words in said
    assert "Retry" not in said
    assert "Resume" not in said


def test_one_that_cannot_be_read_says_why_and_offers_nothing() -> None:
    page = parsed(render.environment_page(overview(broken(), NOW), NOW, VIEWER))
    assert "${secret:LEGACY} is not set Set LEGACY. What it means: reconciler explain secret-unset" in page.said
    assert page.tags.count("form") == 1  # to log out


def test_all_environments_stand_on_one_page_the_worst_first() -> None:
    page = parsed(render.environments_page(overviews(), NOW, VIEWER))
    assert "2 of 4 environments need a look." in page.said
    named = [link.rpartition("/")[2] for link in page.links if link.startswith("/environments/")]
    assert named == ["legacy", "production", "staging", "sandbox"]
    assert page.tags.count("progress") == 2
    assert page.said.count("products 33 %") == 2


def test_two_hundred_stand_on_one_page_by_what_needs_attention_and_how_many_there_are_of_each() -> None:
    facts = [good(f"shop-{number:03}") for number in range(150)]
    facts += [broken(f"away-{number}") for number in range(3)]
    facts += [drifted(f"moved-{number:02}") for number in range(47)]
    html = render.environments_page([overview(each, NOW) for each in facts], NOW, VIEWER)
    page = parsed(html)
    assert "50 of 200 environments need a look." in page.said
    assert "3 Cannot be read 47 Not as declared or promised 150 In sync" in page.said
    assert page.links[2:5] == ["#unreadable", "#drifted", "#insync"]
    assert {"unreadable", "drifted", "insync"} <= set(page.ids)
    named = [link.rpartition("/")[2] for link in page.links if link.startswith("/environments/")]
    assert named == sorted(named, key=lambda name: ("away" not in name, "moved" not in name, name))
    assert len(named) == 200
    # Headings lead a screen reader from group to group, and those that none is in are not there for it.
    assert [html.count(f"<h{level}") for level in (1, 2, 3)] == [1, 7, 3]
    assert html.count(" hidden>") == 4
    assert len(html) < 100_000


def test_an_environment_is_found_by_part_of_its_name() -> None:
    found = [overview(good(f"shop-{number:03}"), NOW) for number in range(30)]
    page = parsed(render.environments_page(found, NOW, VIEWER, "P-01"))
    named = [link.rpartition("/")[2] for link in page.links if link.startswith("/environments/")]
    assert named == [f"shop-{number:03}" for number in range(10, 20)]
    assert (
        "All 30 environments are as they should be. Shown are those with P-01 in their name: 10. Show all" in page.said
    )
    assert 'data-events="/events?find=P-01"' in render.environments_page(found, NOW, VIEWER, "P-01")
    assert "<script>x" not in render.environments_page(found, NOW, VIEWER, '"><script>x')


@pytest.mark.parametrize("facts", [good(), running(), drifted(), broken(), hostile("</section><section id=x>")])
def test_the_live_sections_are_the_page(facts) -> None:
    found = overview(facts, NOW)
    page = render.environment_page(found, NOW, VIEWER)
    sections = render.live_environment(found, NOW, VIEWER)
    assert "glance" in sections
    for name, html in sections.items():
        assert html in page
        assert html.startswith(f'<section id="{name}"')
        assert html.endswith("</section>")
        parsed(html)
    title = re.search("<title>(.*)</title>", page)
    assert title is not None
    assert title[1] == render.title_of(found)
    listed = render.live_list([found], NOW, VIEWER)
    # As many at every look: one that is not there would not be exchanged.
    assert list(listed) == ["counts", *(state.value.replace("-", "") for state in State)]
    page = render.environments_page([found], NOW, VIEWER)
    for html in listed.values():
        assert html in page
        parsed(html)


def test_static_files_are_named_after_their_content_and_load_nothing_from_elsewhere() -> None:
    for name, file in render.static_files().items():
        assert re.fullmatch(r"[a-z]+-[0-9a-f]{12}\.(css|js|svg)", name)
        text = file.content.decode().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
        assert "@import" not in text
        assert "url(" not in text


def test_pages_below_a_path_stay_there() -> None:
    page = parsed(render.environment_page(overview(good(), NOW), NOW, Viewer("jane", "x", True, "/ops"), several=True))
    assert {link for link in page.links if not link.startswith("#")} == {"/ops/"}
    assert page.assets == ["/ops"] * 3


def test_what_stands_between_backticks_is_code_and_nothing_of_it_markup() -> None:
    found = overview(replace(broken(), error="set `a <b>` or `c`", next_step="a ` alone"), NOW)
    html = render.environment_page(found, NOW, VIEWER)
    assert "<li>set <code>a &lt;b&gt;</code> or <code>c</code></li>" in html
    assert '<p class="step">a ` alone</p>' in html
