"""What bytes become, and what hostile bytes do not do."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.documents import Parsed, Scalars, parse_documents


def parse(text: str | bytes) -> Parsed:
    return parse_documents(text.encode() if isinstance(text, str) else text, "m.yaml", Scalars())


def value(text: str) -> Any:
    parsed = parse(text)
    assert not parsed.problems
    return parsed.documents[0].value


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("on", "on"),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-007", -7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-12-01", "2026-12-01"),
        ("2026-12-01T06:00:00Z", "2026-12-01T06:00:00Z"),
        ('"12"', "12"),
        ("'true'", "true"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("!!float 1", 1.0),
        ("=", "="),
        ("${env:X}", "${env:X}"),
    ],
)
def test_scalars_mean_what_the_yaml_1_2_core_schema_says(text: str, meaning: object) -> None:
    found = value(f"v: {text}")["v"]
    assert found == meaning
    assert type(found) is type(meaning)


def test_documents_are_numbered_with_empty_ones_counted() -> None:
    parsed = parse("# nothing\n---\n---\na: 1\n---\n# nothing\n---\nb: 2\n")
    assert [(document.index, document.line, document.value) for document in parsed.documents] == [
        (1, 4, {"a": 1}),
        (3, 8, {"b": 2}),
    ]


def test_aliases_are_expanded() -> None:
    assert value("a: &x [1, {b: 2}]\nc: *x\n") == {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}


def test_a_utf8_bom_is_accepted() -> None:
    assert parse(b"\xef\xbb\xbfa: 1").documents[0].value == {"a": 1}


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))

HOSTILE: dict[str, tuple[str | bytes, str, int]] = {
    "alias bomb": (BOMB, "too-many-aliases", 6),
    "alias of itself": ("a: &a [*a]", "unknown-alias", 1),
    "alias without an anchor": ("a: *b", "unknown-alias", 1),
    "a megabyte in quotes": (f"a: '{'x' * 1_000_000}'", "bad-scalar", 1),
    "a megabyte plain": (f"a: {'x' * 1_000_000}", "bad-scalar", 1),
    "a megabyte as a block": (f"a: |\n  {'x' * 1_000_000}\n", "bad-scalar", 1),
    "a megabyte of digits": (f"a: {'9' * 1_000_000}", "bad-scalar", 1),
    "a megabyte of digits and a dot": (f"a: {'9' * 1_000_000}.", "bad-scalar", 1),
    "infinity": ("a: .inf", "bad-scalar", 1),
    "not a number": ("a: .nan", "bad-scalar", 1),
    "a float beyond all bounds": ("a: 1e999", "bad-scalar", 1),
    "duplicate key": ("a: 1\nb: 2\na: 3\n", "duplicate-key", 3),
    "duplicate key in braces": ("{a: 1, a: 2}", "duplicate-key", 1),
    "merge key": ("a: &a {b: 1}\nc:\n  <<: *a\n", "bad-scalar", 3),
    "number as a key": ("1: a", "key-not-text", 1),
    "boolean as a key": ("a:\n  true: b", "key-not-text", 2),
    "mapping as a key": ("? {a: 1}\n: b", "key-not-text", 1),
    "tab": ("a:\n\tb: 1", "not-yaml", 2),
    "tab after spaces": ("a:\n  b: 1\n \tc: 1\n", "not-yaml", 3),
    "NUL": (b"a: 1\nb: \x00", "control-character", 2),
    "escape character": (b"a: \x1b[31m", "control-character", 1),
    "not UTF-8": (b"a: 1\nb: \xff\xfe", "not-utf8", 2),
    "UTF-16 with BOM": ("a: 1".encode("utf-16"), "not-utf8", 1),
    "UTF-16 without BOM": ("a: 1".encode("utf-16-le"), "control-character", 1),
    "Python object": ("a: !!python/object/apply:os.system ['true']", "tag", 1),
    "Python name": ("a: !!python/name:os.system x", "bad-scalar", 1),
    "custom tag": ("a: !include secrets.yaml", "bad-scalar", 1),
    "wrong core tag": ("a: !!int x", "bad-scalar", 1),
    "deep brackets": ("a: " + "[" * 10_000 + "]" * 10_000, "too-deep", 1),
    "deep braces": ("{a: " * 10_000 + "1" + "}" * 10_000, "too-deep", 1),
    "deep dashes": ("- " * 10_000 + "x", "too-deep", 1),
    "deep question marks": ("? " * 10_000 + "x", "too-deep", 1),
    "deep indentation": ("".join(" " * n + "a:\n" for n in range(2_000)), "too-deep", 51),
    "ten megabytes of brackets": ("[" * 10_000_000, "too-deep", 1),
    "many %TAG directives": ("".join(f"%TAG !a{n}! x\n" for n in range(50_000)) + "---\na: 1", "tag", 0),
    "unclosed quote": ("a: 'b\nc: d\n", "not-yaml", 3),
    "unclosed bracket": ("a: [1, 2\nb: 1\n", "not-yaml", 2),
    "surrogate escape": ('a: "\\ud800"', "not-yaml", 1),
    "millions of values": ("- 1\n" * 900_000, "too-large", 0),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_bytes_end_quickly_in_a_problem_with_its_line(case: str) -> None:
    text, code, line = HOSTILE[case]
    began = time.process_time()
    parsed = parse(text)
    assert time.process_time() - began < 8  # two seconds on an idle machine
    assert code in [problem.code for problem in parsed.problems]
    problem = next(problem for problem in parsed.problems if problem.code == code)
    assert problem.place.line == line
    assert problem.hint
    assert len(problem.message) < 200
    assert len(problem.value or "") < 100


@pytest.mark.parametrize("before", ["", "\ufeff", "a: ü\r\n---\r\n"], ids=["alone", "BOM", "second document"])
@pytest.mark.parametrize("depth", [51, 500, 5_000])
def test_too_deep_is_told_where_it_begins_whatever_libyaml_thinks_of_the_rest(depth: int, before: str) -> None:
    parsed = parse(before + "a:\n - " + "[\n" * depth)
    (problem,) = parsed.problems
    lines = before.count("\n")
    assert (problem.code, problem.place.line, problem.place.column) == ("too-deep", lines + 50, 1)
    assert [document.value for document in parsed.documents] == [{"a": "ü"}][:lines]
    assert not parsed.complete


def test_many_problems_in_one_file_are_cut_off() -> None:
    parsed = parse("".join(f"{n}: x\n" for n in range(100_000)))
    assert len(parsed.problems) == 200
    assert not parsed.complete


def test_documents_before_a_syntax_error_survive_it() -> None:
    parsed = parse("a: 1\n---\nb: 2\n---\nc: [\n")
    assert [document.value for document in parsed.documents] == [{"a": 1}, {"b": 2}]
    assert not parsed.complete


def test_a_tab_is_called_a_tab() -> None:
    (problem,) = parse("a:\n\tb: 1").problems
    assert "tab" in problem.message
    assert problem.hint == "Indent with spaces."


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(plain.filter(lambda item: item is not None), min_size=1, max_size=3), st.booleans())
def test_what_pyyaml_writes_is_read_as_pyyaml_reads_it(items: list[Any], flow: bool) -> None:
    # Quoted texts, so that the two may not differ about what a plain scalar means.
    text = yaml.dump_all(items, default_flow_style=flow, default_style='"', Dumper=_Quoting, allow_unicode=True)
    parsed = parse(text)
    assert parsed.problems == ()
    assert [document.value for document in parsed.documents] == list(yaml.load_all(text, Loader=yaml.CSafeLoader))


class _Quoting(yaml.SafeDumper):
    """Quotes texts only, and writes no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_scalar(self, tag: str, value: Any, style: str | None = None) -> yaml.ScalarNode:
        return super().represent_scalar(tag, value, '"' if tag.endswith(":str") else "")


_Quoting.default_style = None  # type: ignore[attr-defined]


@given(st.binary(max_size=200))
def test_no_bytes_at_all_raise(data: bytes) -> None:
    parsed = parse(data)
    assert parsed.complete or parsed.problems
