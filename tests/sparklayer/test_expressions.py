"""JMESPath expressions: what is refused when a manifest is read, and what a record may do to one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sparklayer.kinds.data_sync.expressions import BadExpression, Expression, FailedExpression


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a.[", "ends too early, after column 3"),
        ("xp.", "ends too early, after column 3"),
        ("a b", "syntax error at column 3 of the expression, at b"),
        ("a.#", "syntax error at column 3"),
        ("'x", "syntax error at column 1"),
        ("lenght(a)", "JMESPath has no function lenght(); did you mean length()?"),
        ("a[?zzz(@)]", "JMESPath has no function zzz(); it has abs, "),
        ("map(&foo(@), a)", "no function foo()"),
        ("length(a, b)", "length() takes 1 argument, not 2"),
        ("contains(a)", "contains() takes 2 arguments, not 1"),
        ("merge()", "merge() takes at least 1 argument, not 0"),
        ("(" * 3000 + "a" + ")" * 900, ""),
        ("a" * 4001, "longer than 4000"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_column(text: str, words: str) -> None:
    with pytest.raises(BadExpression) as caught:
        Expression(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["sort_by(xp, &a)", "xp[::0]", "sum(xp)", "join(',', xp)", "max(@)"])
def test_an_expression_that_fails_on_a_record_says_so(text: str) -> None:
    with pytest.raises(FailedExpression):
        Expression(text).search({"xp": [{"a": 1}, {"a": "b"}]})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("join(' ', [brand, name])", "join() takes a list of texts, and was given null"),
        ("max([name, size])", "max() takes a list of numbers or a list of texts, and was given a number"),
        ("length(sold)", "length() takes text or a list or an object, and was given true or false"),
        ("keys(name)", "keys() takes an object, and was given text"),
        ("name[::0]", "it cannot be worked out"),
    ],
)
def test_why_it_fails_is_said_without_the_words_of_python(text: str, words: str) -> None:
    record = {"name": "n", "size": 3, "sold": True}
    with pytest.raises(FailedExpression) as caught:
        Expression(text.replace("name[", "[name][")).search(record)
    assert str(caught.value) == words


def test_an_expression_gives_what_it_finds() -> None:
    assert Expression("xp.Images[0].Url || Name").search({"Name": "N", "xp": None}) == "N"
    assert Expression("not_null(xp.a, xp.b, `7`)").search({"xp": {"b": None}}) == 7
    assert Expression("ID") == Expression("ID") != Expression("Name")


_SIGNS = "ab.[]()&@|!=<>'\"`*?:, 01-{}lengthsort_by"


@given(st.text(alphabet=_SIGNS, max_size=20), st.dictionaries(st.text("ab"), st.integers()))
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_any_text_is_an_expression_or_refused_and_any_expression_answers_or_fails(text: str, record: Any) -> None:
    try:
        expression = Expression(text)
    except BadExpression:
        return
    try:
        expression.search(record)
    except FailedExpression:
        return
