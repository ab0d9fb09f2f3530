"""Writing manifests, and changing one value in a file that people wrote."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import LoadError
from reconciler.manifest.documents import Scalars, parse_documents
from reconciler.manifest.edit import ABSENT, set_value
from reconciler.manifest.positions import Path
from reconciler.manifest.references import parse_text
from reconciler.manifest.write import escape_text, render


def documents(text: str) -> list[Any]:
    parsed = parse_documents(text.encode(), "m.yaml", Scalars())
    assert parsed.problems == ()
    return [document.value for document in parsed.documents]


def test_a_manifest_is_written_the_way_people_write_it() -> None:
    spec = {"name": "C", "enabled": True, "locales": ["en"], "content": {"http": {"secret": "${secret:S}"}}, "n": 7}
    assert render("DeliveryConfig", {"name": "c"}, spec, comment="yaml-language-server: $schema=x") == (
        "# yaml-language-server: $schema=x\n"
        "apiVersion: reconciler/v1\n"
        "kind: DeliveryConfig\n"
        "metadata:\n"
        "  name: c\n"
        "spec:\n"
        "  name: C\n"
        "  enabled: true\n"
        "  locales:\n"
        "    - en\n"
        "  content:\n"
        "    http:\n"
        "      secret: ${secret:S}\n"
        "  n: 7\n"
    )


def test_an_absent_manifest_says_so() -> None:
    assert documents(render("OrderSync", {"name": "o"}, {}, state="absent")) == [
        {"apiVersion": "reconciler/v1", "kind": "OrderSync", "metadata": {"name": "o"}, "state": "absent"}
    ]


def test_a_comment_stays_one_line() -> None:
    assert render("X", {"name": "x"}, {}, comment="a\nkind: Evil").startswith("# a kind: Evil\napiVersion")


@pytest.mark.parametrize(
    "text",
    [
        "true", "no", "null", "~", "", "12", "1e5", "0o17", "0x1F", "1_000", "12:30", "2026-12-01", ".inf", "<<", "=",
        "- a", "a: b", "# c", "a #b", "'", '"', "{", "[", "&a", "*a", "!t", "|", ">", "%", "@", "`", "? a", "---",
        "...", " a", "a ", "a\nb", "a\n", "\na", " a\nb", "a\n\nb\n", "a\r\nb", "a\tb",
        "\x00", "\x1b[31m", "\x85", "\u2028",
        "\ufeff", "ü✓😀", "a" * 500 + " " + "b" * 500, "9" * 200, "key: [", "${env:X}",
    ],
)  # fmt: skip
def test_odd_texts_are_read_back_as_they_were(text: str) -> None:
    assert documents(render("X", {"name": "x"}, {"v": text, "l": [text], "m": {"k": text}}))[0]["spec"] == {
        "v": text,
        "l": [text],
        "m": {"k": text},
    }


@pytest.mark.parametrize("beside", ["", "#1: ", '"', "\t", "\x1b", "'\u200b", "\\U0001F469 ", "\n", "12:30 "])
def test_emoji_stay_readable_whatever_stands_beside_them(beside: str) -> None:
    # A family, an astronaut of a skin colour, the rainbow flag, that of England, and a word of Hindi with a joiner.
    for seen in ("\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f9d1\U0001f3fd\u200d\U0001f680",
                 "\U0001f3f3\ufe0f\u200d\U0001f308",
                 "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
                 "\u0928\u092e\u0938\u094d\u200d\u0924\u0947"):  # fmt: skip
        text = f"{beside}{seen} x"
        written = render("X", {"name": "x"}, {"v": text})
        assert seen in written
        assert documents(written)[0]["spec"] == {"v": text}


def test_a_joiner_and_a_person_that_are_no_emoji_together_are_escaped_apart() -> None:
    written = render("X", {"name": "x"}, {"v": "a\u200d\U0001f469\u200d"})
    assert '"a\\u200d\U0001f469\\u200d"' in written


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
keys = texts.filter(lambda key: key != "<<")
numbers = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
data = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(keys, data, max_size=5))
def test_what_is_written_is_read_back(spec: dict[str, Any]) -> None:
    (document,) = documents(render("X", {"name": "x"}, spec))
    assert document["spec"] == spec
    assert repr(document["spec"]) == repr(spec)  # 1 is not 1.0, and the order is kept


@given(texts)
def test_an_escaped_text_holds_no_reference(text: str) -> None:
    assert "".join(map(str, parse_text(escape_text(text)))) == text


FILE = """\
# top
a: 1
---
apiVersion: x   # version
metadata: {name: ü}   # flow
spec:
  # about enabled
  enabled: false   # off for now
  pause:
    until: 2026-12-01T06:00:00Z # when
    reason: "x"

  # about the list
  list:
  - a: 1   # one
    b: 2
  - c
  empty:
  text: |
    line
    two
# end
"""


def changed(path: Path, value: Any, text: str = FILE) -> list[str]:
    """Return the lines that went (-) and came (+)."""
    before, after = text.split("\n"), set_value(text, 1, path, value).split("\n")
    start = next((n for n, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), len(before))
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    gone, come = before[start : len(before) - end], after[start : len(after) - end]
    return [f"-{line}" for line in gone] + [f"+{line}" for line in come]


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (("spec", "enabled"), True, ["-  enabled: false   # off for now", "+  enabled: true   # off for now"]),
        (("metadata", "name"), "q", ["-metadata: {name: ü}   # flow", "+metadata: {name: q}   # flow"]),
        (
            ("metadata", "x"),
            True,
            ["-metadata: {name: ü}   # flow", "+metadata: {name: ü, x: true}   # flow"],
        ),
        (("spec", "pause", "reason"), "1", ['-    reason: "x"', '+    reason: "1"']),
        (("spec", "pause", "until"), ABSENT, ["-    until: 2026-12-01T06:00:00Z # when"]),
        (("spec", "pause", "owner"), "me", ["+    owner: me"]),
        (("spec", "new"), {"a": {"b": 1}}, ["+  new:", "+    a:", "+      b: 1"]),
        (("spec", "new", "a", "b"), 1, ["+  new:", "+    a:", "+      b: 1"]),
        (("spec", "list", 0, "b"), "z", ["-    b: 2", "+    b: z"]),
        (("spec", "list", 1), "d", ["-  - c", "+  - d"]),
        (("spec", "empty"), 5, ["-  empty:", "+  empty: 5"]),
        (("spec", "text"), "n", ["-  text: |", "-    line", "-    two", "+  text: n"]),
        (("spec", "gone"), ABSENT, []),
        (
            ("spec", "pause"),
            False,
            ["-  pause:", "-    until: 2026-12-01T06:00:00Z # when", '-    reason: "x"', "+  pause: false"],
        ),
    ],
)
def test_an_edit_changes_its_own_lines_only(path: Path, value: Any, lines: list[str]) -> None:
    assert changed(path, value) == lines


def test_line_ends_and_a_bom_are_kept() -> None:
    text = "\ufeff" + FILE.replace("\n", "\r\n")
    edited = set_value(text, 1, ("spec", "pause", "owner"), "me")
    assert edited == "\ufeff" + FILE.replace('"x"\n', '"x"\n    owner: me\n').replace("\n", "\r\n")


def test_the_last_field_leaves_an_empty_mapping() -> None:
    assert set_value("a:\n  b: 1 # c\nd: 2\n", 0, ("a", "b"), ABSENT) == "a: {} # c\nd: 2\n"


def test_a_file_without_a_final_newline_can_grow() -> None:
    assert set_value("a:\n  b: 1", 0, ("a", "c"), 2) == "a:\n  b: 1\n  c: 2\n"


@pytest.mark.parametrize(
    ("text", "index"),
    [("a: &x 1\nb: *x\n", 0), ("a: [", 0), ("a: 1\n", 3), ("# nothing\n", 0), ("- 1\n", 0)],
)
def test_what_cannot_be_edited_safely_is_left_to_people(text: str, index: int) -> None:
    with pytest.raises(LoadError):
        set_value(text, index, ("a",), 2)


simple = st.sampled_from(["a", "b", "c"])
trees = st.dictionaries(
    simple,
    st.recursive(
        st.none() | st.booleans() | st.text("ab #:'\"{", max_size=4),
        lambda inner: st.dictionaries(simple, inner, max_size=3) | st.lists(inner, max_size=2),
        max_leaves=6,
    ),
    min_size=1,
)


@given(trees, st.lists(simple, min_size=1, max_size=3), data.filter(lambda value: value is not None))
def test_an_edit_does_what_it_says(tree: dict[str, Any], path: list[str], value: Any) -> None:
    text = render("X", {"name": "x"}, tree)
    (document,) = documents(text)
    try:
        (edited,) = documents(set_value(text, 0, ("spec", *path), value))
    except LoadError:
        # A list stands where the path has a name.
        here: Any = tree
        for part in path[:-1]:
            here = here.get(part)
            if not isinstance(here, dict):
                break
        assert isinstance(here, list)
        return
    here = document["spec"]
    for part in path[:-1]:
        if not isinstance(here.get(part), dict):
            here[part] = {}
        here = here[part]
    here[path[-1]] = value
    assert edited == document
