"""What comes from outside is harmless in every format, proved by the format's own parser."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from reconciler.report import escape
from support.report_samples import HOSTILE
from support.report_strategies import hostile_text

QUICK_ACTION = re.compile(r"^(\s*)/(?=\w)")
GITHUB_REFERENCE = re.compile(r"[@#]\w|https?:|www\.|[0-9a-fA-F]{7,}|GH-\d|<|\[|\]|`|:\w+:|\w+-\d")


def test_controls_are_shown_and_plain_text_stays() -> None:
    assert escape.visible("Größe 12 → 日本") == "Größe 12 → 日本"
    assert escape.visible("a\x1b[31m\n\t\u202e\u200b\x00\ud800") == r"a\x1b[31m\n\t\u202e\u200b\x00\ud800"


@given(hostile_text)
def test_visible_text_is_one_printable_line_that_can_be_encoded(text: str) -> None:
    shown = escape.visible(text)
    assert shown.isprintable()
    shown.encode("utf-8")
    assert escape.visible(shown) == shown


@pytest.mark.parametrize("blank", ["\u3164", "\u2800", "\ufe0f", "\U000e0101", "\u034f"])
def test_printable_characters_that_show_nothing_are_made_visible(blank: str) -> None:
    assert escape.visible(f"a{blank}b").startswith("a\\")


@given(hostile_text)
def test_no_runner_finds_a_command_in_terminal_text(text: str) -> None:
    for line in escape.terminal(text).split("\n"):
        assert not line.lstrip().startswith("::")
        assert not re.search(r"##\w*\[", line)


def test_a_command_behind_our_own_colour_is_disarmed() -> None:
    assert "::error" not in escape.disarm("\x1b[31m::error::x\x1b[0m")
    assert escape.disarm("a::b ##x") == "a::b ##x"


@given(hostile_text)
def test_a_code_span_is_exactly_one_code_span(text: str) -> None:
    shown = escape.visible(text)
    if not shown.strip() or len(shown) > 300:
        return
    (inline,) = [token for token in MarkdownIt().parse(f"x {escape.code_span(text)} y") if token.type == "inline"]
    assert [child.type for child in inline.children or []] == ["text", "code_inline", "text"]
    assert inline.children is not None
    assert inline.children[1].content == shown


@given(hostile_text)
def test_prose_holds_no_markup_outside_code_spans(text: str) -> None:
    for lead in ("x ", "", "- "):
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(lead + escape.prose(text))
        kinds = {token.type for token in tokens}
        allowed = {"paragraph_open", "paragraph_close", "inline"}
        if lead == "- ":
            allowed |= {"bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"}
            assert sum(token.type.endswith("list_open") for token in tokens) == 1
        assert kinds <= allowed
        for token in tokens:
            for child in token.children or []:
                assert child.type in {"text", "code_inline"}
                if child.type == "text":
                    assert not GITHUB_REFERENCE.search(child.content)


def test_prose_keeps_ordinary_sentences_readable() -> None:
    assert escape.prose("2 deletes in one plan; the limit is 0.") == "2 deletes in one plan; the limit is 0."
    assert escape.prose("held by @bob: see #12") == "held by `@bob`: see `#12`"


@given(hostile_text)
def test_a_fenced_block_is_exactly_one_block(text: str) -> None:
    lines = [text, "```", "~~~~", text]
    tokens = MarkdownIt().parse(f"a\n\n{escape.fenced(lines, 'diff')}\n\nb")
    assert [token.type for token in tokens].count("fence") == 1
    (fence,) = [token for token in tokens if token.type == "fence"]
    assert fence.content == "".join(QUICK_ACTION.sub(r"\1\\x2f", escape.terminal(line)) + "\n" for line in lines)


@given(hostile_text)
def test_a_fenced_block_holds_no_command_for_a_runner_or_a_forge(text: str) -> None:
    for line in escape.fenced([text, f"  ::error::{text}", f"/close {text}", f" /merge {text}"]).split("\n"):
        assert not line.lstrip().startswith("::")
        assert not re.match(r"\s*/\w", line)
        assert not re.search(r"##\w*\[", line)


@given(hostile_text)
def test_an_output_is_exactly_one_output(text: str) -> None:
    value = f"{text}\nEOF\nname2=injected"
    written = escape.github_output("risk", value, "delimiter-31c7")
    first, *lines, last, end = written.split("\n")
    assert (first, last, end) == ("risk<<delimiter-31c7", "delimiter-31c7", "")
    assert "delimiter-31c7" not in lines
    assert "\n".join(lines) == value


def test_an_output_whose_delimiter_somebody_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="delimiter"):
        escape.github_output("risk", "x\nguessed\nstatus=green", "guessed")


@given(hostile_text)
def test_json_text_is_ascii_without_controls_and_reads_back(text: str) -> None:
    printed = escape.json_text({"a": text, text: [text]})
    assert printed.isascii()
    assert all(line.isprintable() for line in printed.split("\n"))
    assert not re.search(r"##\w*\[", printed)
    assert json.loads(printed) == {"a": text, text: [text]}


@given(hostile_text)
def test_command_properties_cannot_end_early(text: str) -> None:
    assert not set(escape.command_property(text)) & set("\r\n:,")
    assert not set(escape.command_data(text)) & set("\r\n")
    for written in (escape.command_data, escape.command_property, escape.azure_data, escape.azure_property):
        assert not re.search(r"##\w*\[", written(text))


def test_a_cut_says_how_much_is_missing() -> None:
    cut = escape.clip("a" * 100_000 + "z", 90)
    assert len(cut) < 140
    assert "99,911 more characters" in cut
    assert cut.endswith("z")
    assert escape.clip("a" * 110, 90) == "a" * 110  # the note would take more than it saves


def test_the_hostile_samples_are_hostile() -> None:
    assert any("\x1b" in text for text in HOSTILE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Run `reconciler sync run shop -e test`; it goes on.", "Run `reconciler sync run shop -e test`; it goes on."),
        ("30,000 of 1.5 at 12:30 on 2026-11-21", "30,000 of 1.5 at 12:30 on 2026-11-21"),
        ("`@all` and a`b` and `", "`@all` and `` a`b` `` and `` ` ``"),
        ("`a``b`", "``` `a``b` ```"),
        ("see deadbeef1 #12 @you", "see `deadbeef1 #12 @you`"),
    ],
)
def test_prose_keeps_commands_and_numbers_whole(text: str, expected: str) -> None:
    assert escape.prose(text) == expected
