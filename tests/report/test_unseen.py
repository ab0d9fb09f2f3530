"""Characters that cannot be seen are escaped in everything that is written; emoji and joining scripts stay readable."""

from __future__ import annotations

import sys
import unicodedata

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.write import render
from reconciler.report import escape
from reconciler.unseen import is_seen

FORMAT = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"]
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
READABLE = [
    "👨\u200d👩\u200d👧 family",
    "❤\ufe0f\u200d🔥",
    "👍🏽 ok",
    "🏳\ufe0f\u200d🌈",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "1\ufe0f\u20e3",
    "🇩🇪",
    "می\u200cخواهم",
    "क\u094d\u200dष",
    "ශ\u0dca\u200dරී",
]


def written(text: str) -> dict[str, str]:
    """Return a text as each format writes it."""
    return {
        "terminal": escape.terminal(text),
        "markdown": escape.prose(text),
        "code": escape.code_span(text),
        "fenced": escape.fenced([text]),
        "html": escape.html(text),
        "command": escape.command_data(text),
        "sarif": escape.sarif(text),
        "json": escape.json_text(text),
        "yaml": render("X", {"name": "x"}, {"a": text, text: [text]}),
    }


@pytest.mark.parametrize("control", [*BIDI, "\u00ad", "\u200b", "\u2060", "\ufeff", "\U000e0041"])
def test_no_format_writes_them_as_they_are(control: str) -> None:
    for name, output in written(f"a{control}b").items():
        assert control not in output, name


def test_every_format_character_is_escaped() -> None:
    for control in FORMAT:
        assert control not in escape.visible(f"x{control}y")
        assert control not in render("X", {"name": "x"}, {"a": f"x{control}y"})


@pytest.mark.parametrize("text", READABLE)
def test_emoji_and_joining_scripts_stay_readable(text: str) -> None:
    assert is_seen(text)
    assert escape.visible(text) == text
    for name, output in written(text).items():
        assert text in output or name in ("json", "markdown"), (name, output)


@pytest.mark.parametrize(
    "text",
    [
        "a\u200db", "👨\u200d", "\u200d👨", "a\ufe0f", "می\u200c", "\u200cمی", "می\u200c\u200cخ", "🏴\U000e0067",
        "1\ufe0f", "\U0001f0c0\u200d👨", "👨\u202e👩",
    ],
)  # fmt: skip
def test_what_is_no_such_sequence_is_escaped(text: str) -> None:
    assert not is_seen(text)
    assert "\\" in escape.visible(text)


@given(
    st.text(
        st.sampled_from([*"ab1#👨❤🏽🏴یम", "\u200d", "\u200c", "\ufe0f", "\u202e", "\n", *FORMAT[:30]]), max_size=12
    )
)
def test_yaml_is_read_back_and_hides_nothing(text: str) -> None:
    output = render("X", {"name": "x"}, {"a": text})
    assert yaml.safe_load(output)["spec"]["a"] == text
    assert is_seen(output.replace("\n", ""))
    assert is_seen(escape.visible(text))
