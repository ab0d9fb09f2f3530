"""JSON Schema with a third answer: what is told of data that is known in part holds however the rest turns out."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.manifest.partial_schema import UNKNOWN, Budget, PartialSchema, TooMuch
from reconciler.manifest.usable_schema import BadSchema, check_schema

VALUES: tuple[Any, ...] = ("a", "ab", "", 0, 1, True, None)
NAMES = ("p", "q")

simple = st.sampled_from(
    [
        True,
        False,
        {},
        {"const": "a"},
        {"const": 1},
        {"enum": ["a", 0, None]},
        {"type": "string"},
        {"type": ["integer", "null"]},
        {"pattern": "^a"},
        {"minLength": 1},
        {"maximum": 0},
        {"required": ["p"]},
        {"uniqueItems": True},
        {"minItems": 2},
        {"propertyNames": {"const": "p"}},
        {"additionalProperties": False, "properties": {"p": True}},
        {"patternProperties": {"p": {"const": "a"}}},
        {"dependentRequired": {"p": ["q"]}},
        {"$ref": "#/$defs/text"},
    ]
)


def _combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.builds(lambda schema: {"not": schema}, inner),
        st.builds(lambda one, two, three: {"if": one, "then": two, "else": three}, inner, inner, inner),
        st.builds(lambda one, two: {"if": one, "then": two}, inner, inner),
        *(st.builds(lambda schemas, word=word: {word: schemas}, several) for word in ("allOf", "anyOf", "oneOf")),
        st.builds(lambda schema: {"properties": {"p": schema}}, inner),
        st.builds(lambda schema: {"items": schema}, inner),
        st.builds(lambda first, rest: {"prefixItems": [first], "items": rest}, inner, inner),
        st.builds(lambda schema: {"additionalProperties": schema, "properties": {"q": True}}, inner),
        st.builds(lambda schema, most: {"contains": schema, "maxContains": most}, inner, st.integers(0, 2)),
        st.builds(lambda schema: {"contains": schema, "minContains": 0}, inner),
        st.builds(lambda schema: {"dependentSchemas": {"p": schema}}, inner),
    )


schemas = st.recursive(simple, _combined, max_leaves=6)
known = st.sampled_from(VALUES)
data = st.recursive(
    known | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=2),
    max_leaves=5,
)


def completed(value: Any, choices: Any) -> Any:
    """Return data with a value wherever one was not known."""
    if value is UNKNOWN:
        return next(choices)
    if isinstance(value, dict):
        return {name: completed(each, choices) for name, each in value.items()}
    if isinstance(value, list):
        return [completed(each, choices) for each in value]
    return value


@given(schema=schemas, value=data, drawn=st.data())
def test_what_is_told_holds_whatever_the_unknown_values_are(schema: Any, value: Any, drawn: st.DataObject) -> None:
    whole = {"$defs": {"text": {"type": "string"}}, "allOf": [schema]}
    check_schema(whole)
    finding = PartialSchema(whole, Budget()).judge(value)
    anything = known | st.lists(known, max_size=2) | st.dictionaries(st.sampled_from(NAMES), known, max_size=2)
    choices = iter(lambda: drawn.draw(anything), object())
    fits = Draft202012Validator(whole).is_valid(completed(copy.deepcopy(value), choices))
    if finding is None:
        assert fits
    elif not finding.unsure:
        assert not fits


@given(
    schema=schemas, value=data.filter(lambda value: "UNKNOWN" not in repr(value) and "(not known)" not in repr(value))
)
def test_what_is_known_is_judged_as_the_library_judges_it(schema: Any, value: Any) -> None:
    whole = {"$defs": {"text": {"type": "string"}}, "allOf": [schema]}
    finding = PartialSchema(whole, Budget()).judge(value)
    assert finding is None or not finding.unsure
    assert (finding is None) == Draft202012Validator(whole).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"not": {"const": "x"}}, UNKNOWN),
        ({"if": {"const": "x"}, "then": False}, UNKNOWN),
        ({"properties": {"p": {"enum": ["x"]}}}, {"p": UNKNOWN}),
        ({"contains": {"const": "x"}}, ["y", UNKNOWN]),
        ({"uniqueItems": True}, ["y", UNKNOWN]),
        ({"const": {"p": "x"}}, {"p": UNKNOWN}),
    ],
)
def test_a_breach_that_depends_on_what_is_not_known_is_unsure(schema: dict[str, Any], value: Any) -> None:
    finding = PartialSchema(schema, Budget()).judge(value)
    assert finding is not None
    assert finding.unsure


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"required": ["p"]}, {"p": UNKNOWN}),
        ({"properties": {"p": {"not": False}}}, {"p": UNKNOWN}),
        ({"if": {"const": "x"}, "then": True, "else": {"type": ["string", "number"]}}, "y"),
    ],
)
def test_what_is_not_known_is_there(schema: dict[str, Any], value: Any) -> None:
    assert PartialSchema(schema, Budget()).judge(value) is None


def test_a_finding_leads_to_the_value_and_gives_the_reason() -> None:
    schema = {"properties": {"p": {"anyOf": [{"items": {"maximum": 3}}]}}}
    finding = PartialSchema(schema, Budget()).judge({"p": [1, 5]})
    assert finding is not None
    assert finding.path == ("p", 1)
    assert finding.reason == "5 is greater than the maximum of 3"


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "strin"}, ("type",)),
        ({"properties": {"p": {"$ref": "file:///etc/passwd"}}}, ("properties", "p", "$ref")),
        ({"$ref": "http://127.0.0.1:1/x"}, ("$ref",)),
        ({"$ref": "#/$defs/missing"}, ("$ref",)),
        ({"$defs": {"q": {"$ref": "other.json"}}}, ("$defs", "q", "$ref")),
        ({"not": {"$dynamicRef": "#x"}}, ("not", "$dynamicRef")),
        ({"unevaluatedProperties": False}, ("unevaluatedProperties",)),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, ("$schema",)),
        ({"items": {"pattern": "("}}, ("items", "pattern")),
        ({"pattern": "(?:(?:a{500}){500}){500}"}, ("pattern",)),
        ({"pattern": "a{1,1000000}"}, ("pattern",)),
        ({"pattern": "x" * 1001}, ("pattern",)),
        ({"pattern": r"\L<names>"}, ("pattern",)),
        ({"patternProperties": {"[": True}}, ("patternProperties",)),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_with_its_place(schema: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(BadSchema) as caught:
        check_schema(schema)
    assert caught.value.path == path


@pytest.mark.parametrize("name", ["const", "enum", "default", "examples"])
def test_data_in_a_schema_is_no_schema(name: str) -> None:
    check_schema({name: [{"$ref": "file:///etc/passwd"}]})


def test_a_property_may_be_called_like_a_keyword() -> None:
    check_schema({"properties": {"$ref": {"const": "http://127.0.0.1"}, "unevaluatedItems": True}})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": "^(a|a)*$"}, "a" * 60 + "!"),
        ({"patternProperties": {"^(a|aa)*$": True}}, {"a" * 60 + "!": 1}),
        ({"additionalProperties": False, "patternProperties": {"^(a|a)*$": True}}, {"a" * 60 + "!": 1}),
        ({"$ref": "#"}, 1),
        ({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}] * 2}}, "$ref": "#/$defs/a"}, 1),
        (
            {
                "$defs": {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(30)} | {"30": True},
                "$ref": "#/$defs/0",
            },
            1,
        ),
        ({"uniqueItems": True}, [{"n": number} for number in range(1000)]),
    ],
)
def test_what_takes_too_long_is_given_up(schema: dict[str, Any], value: Any) -> None:
    check_schema(schema)
    with pytest.raises(TooMuch):
        PartialSchema(schema, Budget(seconds=0.05)).judge(value)


def test_long_lists_of_plain_values_are_no_effort() -> None:
    values = [f"host-{number}" for number in range(5000)]
    assert PartialSchema({"uniqueItems": True}, Budget()).judge(values) is None
    assert PartialSchema({"uniqueItems": True}, Budget()).judge([*values, "host-1"]) is not None
