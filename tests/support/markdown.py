"""What Markdown from us may hold."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from reconciler.report.words import NOTES

OUR_TAGS = {"details", "summary", "sub"}
REFERENCE = re.compile(r"[@#]\w|https?:|www\.|[0-9a-fA-F]{7,}|GH-\d|:\w+:")
OUR_SUMMARY = re.compile(r"[\d,]+ (fields?|snoozed|" + "|".join(w for pair in NOTES.values() for w in pair) + ")")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.found.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def assert_only_our_markup(markdown: str) -> None:
    """Hold that below its hidden first line a page has no markup, no link and no mention but our own."""
    first, rest = markdown.split("\n", 1)
    assert re.fullmatch(r"<!-- reconciler:[A-Za-z0-9_.: =-]* -->", first)
    assert "-->" not in first[:-3]
    assert "\x1b" not in rest
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(rest):
        if token.type == "html_block":
            tags = Tags()
            tags.feed(token.content)
            assert set(tags.found) <= OUR_TAGS
            for text in tags.text:
                assert not text.strip() or OUR_SUMMARY.fullmatch(text.strip()), text
        for child in token.children or []:
            assert child.type in {
                "text", "code_inline", "softbreak", "strong_open", "strong_close", "html_inline",
            }, child  # fmt: skip
            if child.type == "html_inline":
                assert child.content in {"<sub>", "</sub>"}
            if child.type == "text" and not child.content.startswith("[!"):
                assert not REFERENCE.search(child.content), child.content
        assert token.type not in {"code_block", "hr", "lheading_open", "ordered_list_open"}
