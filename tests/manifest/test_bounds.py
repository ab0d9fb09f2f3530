"""However much is wrong, and however long the ways, an answer comes soon and stays short."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from reconciler.manifest.validate import Validation

Check = Callable[..., Validation]


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.thread_time()  # what others do meanwhile does not count
    yield
    assert time.thread_time() - started < seconds


def group(name: object, parent: object) -> str:
    head = f"apiVersion: reconciler/v1\nkind: CustomerGroup\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {{name: G, parent: {parent}}}\n---\n"


def circles(found: Validation) -> dict[str | None, str]:
    assert {problem.code for problem in found.problems} <= {"circular-reference"}
    return {problem.value: problem.message.partition("itself: ")[2] for problem in found.problems}


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ({"a": "b", "b": "c", "c": "base"}, {}),
        ({"a": "a"}, {"a": "a → a"}),
        ({"a": "b", "b": "a"}, {"a": "a → b → a", "b": "b → a → b"}),
        # What leads into a circle is in none.
        ({"x": "a", "a": "b", "b": "a", "y": "x"}, {"a": "a → b → a", "b": "b → a → b"}),
    ],
)
def test_what_is_in_a_circle_and_what_is_not(
    check: Check, parents: Mapping[str, str], expected: Mapping[str, str]
) -> None:
    assert circles(check("".join(group(*each) for each in parents.items()))) == expected


def test_a_long_chain_is_no_circle_and_takes_no_time(check: Check) -> None:
    with within(10):
        assert circles(check("".join(group(f"g{n}", f"g{n + 1}") for n in range(5_000)))) == {}


def test_a_long_circle_is_told_in_a_few_words(check: Check) -> None:
    with within(10):
        found = circles(check("".join(group(f"g{n}", f"g{(n + 1) % 3_000}") for n in range(3_000))))
    assert len(found) == 200
    assert found["g0"] == "g0 → g1 → g2 → g3 → … → g0"


def test_very_many_unknown_fields_are_not_all_told(check: Check) -> None:
    fields = "".join(f"  f{n}: 1\n" for n in range(20_000))
    text = "apiVersion: reconciler/v1\nkind: OrderSync\nmetadata: {name: s}\nspec:\n  deliveryConfig: x\n"
    with within(10):
        found = check(text + fields)
    assert len([problem for problem in found.problems if problem.code == "unknown-field"]) == 200


def test_very_many_problems_are_counted_and_not_all_told(check: Check) -> None:
    text = (
        "apiVersion: reconciler/v1\nkind: EntitySync\nmetadata: {name: s}\nspec: {entity: buyers, deliveryConfig: n}\n"
    )
    with within(10):
        found = check("---\n".join([text] * 3_000))
    assert len(found.problems) == 1_001
    assert found.problems[-1].code == "too-many-problems"
