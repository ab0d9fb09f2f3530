"""JMESPath expressions: what is refused when a manifest is read, and what a record may do to one."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sparklayer.kinds.data_sync.budget import Budget
from reconciler.sparklayer.kinds.data_sync.evaluate import Evaluator
from reconciler.sparklayer.kinds.data_sync.expressions import (
    MOST_WORK,
    BadExpression,
    CostlyExpression,
    Expression,
    FailedExpression,
)
from support.hostile import bounded


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
        ("uper(a)", "did you mean upper()?"),
        ("split(a)", "split() takes 2 arguments, not 1"),
        ("round(a, b, c)", "round() takes 1 or 2 arguments, not 3"),
        ("substring(a)", "substring() takes 2 or 3 arguments, not 1"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_column(text: str, words: str) -> None:
    with pytest.raises(BadExpression) as caught:
        Expression(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_literal_in_the_older_way_is_taken_without_a_warning() -> None:
    assert Expression("`older way`").search({}) == "older way"


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


RECORD = {
    "size": "40x60x5",
    "code": " Ab-1 ",
    "id": "a_b_c",
    "back": "01.05.2026 08:00",
    "iso": "2026-05-01T23:00:00+09:00",
    "rrp": 2.675,
    "prices": [0.1, 0.2],
    "nothing": None,
    "empty": "",
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("split(size, 'x')", ["40", "60", "5"]),
        ("split(size, ', ')", ["40x60x5"]),
        ("split('abc', '')", ["a", "b", "c"]),
        ("split('a||b', '|')", ["a", "", "b"]),
        ("lower(code)", " ab-1 "),
        ("upper(trim(code))", "AB-1"),
        ("trim('\t a b \n')", "a b"),
        ("replace(id, '_', '-')", "a-b-c"),
        ("replace(id, '.', '-')", "a_b_c"),
        ("replace(id, '', '-')", "a_b_c"),
        ("replace('aaa', 'aa', 'b')", "ba"),
        ("substring(id, `2`)", "b_c"),
        ("substring(id, `2`, `1`)", "b"),
        ("substring(id, `-1`)", "c"),
        ("substring(id, `-3`, `2`)", "b_"),
        ("substring(id, `-99`, `2`)", "a_"),
        ("substring(id, `99`)", ""),
        ("substring(id, `0`, `0`)", ""),
        ("date(iso)", "2026-05-01"),
        ("date('2026-05-01')", "2026-05-01"),
        ("date('2026-05-01 08:00')", "2026-05-01"),
        ("date(back, 'DD.MM.YYYY')", "2026-05-01"),
        ("date('20260501', 'YYYYMMDD')", "2026-05-01"),
        ("date(empty)", None),
        ("round(rrp)", 3),
        ("round(rrp, `2`)", 2.68),
        ("round(`2.5`)", 2),
        ("round(`-2.5`)", -2),
        ("round(`1.005`, `2`)", 1),
        ("round(`1e300`, `2`)", 1e300),
        ("round(`7`, `2`)", 7),
        ("sum(prices)", 0.3),
        ("avg(prices)", 0.15),
        ("sum(`[]`)", 0),
        ("avg(`[]`)", None),
        ("sum(`[1, 2]`)", 3),
        ("contains(prices, `0.1`)", True),
        ("contains(size, '60')", True),
        ("contains(size, `60`)", False),
        ("`1` == `true`", False),
        ("[`[true]`, `[1]`] | @[0] == @[1]", False),
        ('`{"a": [1]}` == `{"a": [1.0]}`', True),
        ('`{"a": 1}` == `{"b": 1}`', False),
        ('`{"a": 1}` == `{"a": 1, "b": 2}`', False),
        ("`[1]` == `[1, 2]`", False),
        ("`[1, 2]` == `[1]`", False),
        ("`[1, 2]` != `[2, 1]`", True),
        ("to_string(prices)", "[0.1,0.2]"),
        ("join('-', split(size, 'x'))", "40-60-5"),
        ("prices[?@ > `0.1`]", [0.2]),
        ("'a' < 'b'", True),
        ("`true` < `2`", None),
        ("size || nothing", "40x60x5"),
        ("`0` && 'zero counts'", "zero counts"),
        ("[[`1`, `2`], `3`, `[4]`][]", [1, 2, 3, 4]),
        ("size[]", None),
        ("prices[::-1]", [0.2, 0.1]),
    ],
)
def test_functions_of_mappings_and_what_jmespath_has(text: str, found: Any) -> None:
    result = Expression(text).search(RECORD)
    assert result == found
    assert type(result) is type(found)


@pytest.mark.parametrize(
    "text",
    [
        *("split(nothing, 'x')", "lower(nothing)", "upper(nothing)", "trim(nothing)", "replace(nothing, 'a', 'b')"),
        *("substring(nothing, `1`)", "date(nothing)", "date(nothing, 'MM/DD/YYYY')", "round(nothing, `2`)"),
    ],
)
def test_of_null_there_is_null(text: str) -> None:
    assert Expression(text).search(RECORD) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("upper(rrp)", "upper() takes text or null, and was given a number"),
        ("date('soon')", "date() takes a date as YYYY-MM-DD, and was given soon"),
        ("date('2026-02-30')", "date() takes a date as YYYY-MM-DD, and was given 2026-02-30"),
        ("date('2026-05-01x')", "date() takes a date as YYYY-MM-DD, and was given 2026-05-01x"),
        ("date('2026-05')", "date() takes a date as YYYY-MM-DD, and was given 2026-05"),
        ("date('2026/05/01')", "date() takes a date as YYYY-MM-DD, and was given 2026/05/01"),
        ("date(back, 'dd.mm.yyyy')", "date() takes a pattern with YYYY, MM and DD"),
        ("round(rrp, `0.5`)", "round() takes whole numbers"),
        ("round(rrp, `-1`)", "round() takes 0 to 20 places"),
        ("round(rrp, `21`)", "round() takes 0 to 20 places"),
        ("substring(id, `0`, `-1`)", "substring() takes a length of 0 or more"),
        ("substring(id, `0.5`)", "substring() takes whole numbers"),
        ("split(id, nothing)", "split() takes text, and was given null"),
    ],
)
def test_a_function_says_what_it_cannot_use(text: str, words: str) -> None:
    with pytest.raises(FailedExpression) as caught:
        Expression(text).search(RECORD)
    assert str(caught.value) == words


# Work

EXPLODING = "[@,@]" + "|[@,@][]" * 34 + "|length(@)"
HOSTILE = [
    EXPLODING,
    "[@,@]" + "|[@,@]" * 40 + "|to_string(@)",
    "[[@,@],[@,@]]" + "|[[@[0],@[0]],[@[1],@[1]]]" * 40 + "|@[0] == @[1]",
    "[[@,@],[@,@]]" + "|[[@[0],@[0]],[@[1],@[1]]]" * 40 + "|contains(@, @[1])",
    "['ab','ab']" + "|[join('',@),join('',@)]" * 40,
    "'ab'" + "|replace(@, 'ab', 'abababab')" * 40,
    "'ab'" + "|join(@, split(@, ''))" * 40,
    "'ab'" + "|join(@, [@,@,@,@])" * 40,
    "{a:@,b:@}" + "|{a:@,b:@}" * 40 + "|to_string(@)",
    "[@,@]" + "|[@,@][]" * 14 + "|[?@ == @ && @ == @ && @ == @]",
    "rows[*].[" + ",".join(["rows"] * 400) + "][][][]",
    "rows[?rows[?rows[?rows]]]",
    "map(&map(&map(&@, $), rows), rows)".replace("$", "rows"),
    "rows" + "[::1]" * 200,
    "sort_by(rows, &to_string(sort_by(rows, &to_string(@))))".replace("rows", "$"),
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_an_expression_says_it_ends_soon_and_needs_little_memory(text: str) -> None:
    """Whether it gives something or fails; a budget is counted, so no clock is needed to see that it holds."""
    record: Any = {"rows": [{"rows": list(range(200))} for _ in range(200)]}
    budget = Budget(10 * MOST_WORK)
    tracemalloc.start()
    try:
        with bounded(seconds=10, megabytes=100), suppress(FailedExpression):
            Expression(text.replace("$", "rows")).within(budget).search(record)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 9 * MOST_WORK <= budget.left < 10 * MOST_WORK
    assert peak < 8_000_000


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("text == other", 1_000),
        ("text < other", 1_000),
        ("rows == others", 1_000),
        ("rows[::2]", 1_000),
        ("rows[]", 1_000),
        ("length(rows)", 1_000),
        ("length(text)", 1_000),
        ("split(text, '')", 17_000),
        ("join(long, texts)", 22_000),
        ("replace(text, 'a', long)", 320_000),
        ("to_string(rows)", 1_000),
        ("contains(rows, `-1`)", 2_000),
        ("sum(rows)", 1_000),
    ],
)
def test_what_is_read_and_made_is_paid_for(text: str, least: int) -> None:
    rows = list(range(1_000))
    record = {
        "long": "b" * 160,
        "text": "a" * 16_000,
        "other": "a" * 15_999 + "b",
        "rows": rows,
        "others": [*rows],
        "texts": ["a" * 16] * 1_000,
    }
    budget = Budget(10**9)
    Evaluator(budget).visit(jmespath.compile(text).parsed, record)
    assert 10**9 - budget.left >= least


def test_what_takes_too_much_work_says_so() -> None:
    with pytest.raises(CostlyExpression, match="it takes too much work; write it shorter"):
        Expression(EXPLODING).search({})


def test_ordinary_work_on_a_large_record_is_within_the_budget() -> None:
    record = {"Variants": [{"xp": {"Price": number / 10, "Active": True}} for number in range(3_000)]}
    assert Expression("min(Variants[?xp.Active].xp.Price)").search(record) == 0


def test_expressions_that_share_a_budget_use_it_up_together() -> None:
    budget = Budget(100)
    expression = Expression("[a, b, c]").within(budget)
    assert expression == Expression("[a, b, c]")
    assert expression.search({}) == [None, None, None]
    used = 100 - budget.left
    for _ in range(100 // used - 1):
        expression.search({})
    with pytest.raises(CostlyExpression):
        expression.search({})
    with pytest.raises(CostlyExpression):
        Expression("a").within(Budget(0)).search({})


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
