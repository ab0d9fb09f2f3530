"""A record counts once in a run, with the outcome that it came to last."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from reconciler.ledger.data.model import Level
from reconciler.sync.run import counts
from reconciler.sync.run.counts import Once

BEFORE = Level("a", 1, 1, 0, False, None, None, {}, {}, False, False, False, False, "earlier")
MARKED = replace(BEFORE, is_seen=True)
NOTED = replace(MARKED, seen_run="run")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(None, "written")], {"written": 1}),
        ([(BEFORE, "unchanged"), (MARKED, "written")], {"written": 1}),
        ([(BEFORE, "unchanged"), (MARKED, "written"), (NOTED, "written")], {"written": 1}),
        ([(BEFORE, "unchanged"), (MARKED, "unchanged")], {"unchanged": 1}),
        ([(BEFORE, "unchanged"), (MARKED, "held_back"), (NOTED, "written")], {"written": 1}),
        ([(BEFORE, "written"), (NOTED, "written")], {"written": 1}),
        ([(BEFORE, "held_back"), (replace(NOTED, problems=True), "written")], {"written": 1}),
        ([(BEFORE, "failed"), (replace(NOTED, dead=True), "written")], {"written": 1}),
    ],
)
def test_it_counts_with_what_it_came_to(steps: list[tuple[Level | None, str]], expected: dict[str, int]) -> None:
    once, found = Once("run"), Counter[str]()
    for level, outcome in steps:
        found.update(once.came_to("a", level, outcome))
    assert {name: number for name, number in found.items() if number} == {"seen": 1, **expected}


def test_what_was_found_unchanged_and_noted_in_its_row_may_come_to_something_else_once() -> None:
    once = Once("run")
    once.found_unchanged(["a"])
    assert once.came_to("a", NOTED, "written") == {"unchanged": -1, "written": 1}
    assert once.came_to("a", NOTED, "written") == {}


def test_what_is_remembered_for_that_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "_MOST_UNCHANGED", 2)
    once = Once("run")
    once.found_unchanged("abc")
    assert [once.came_to(key, NOTED, "written") for key in "abc"] == [{}, *[{"unchanged": -1, "written": 1}] * 2]


@pytest.mark.parametrize("known", [{"problems": True}, {"dead": True}, {"gone": True}])
def test_what_an_earlier_process_may_have_counted_otherwise_stays_as_it_was_counted(known: dict[str, bool]) -> None:
    assert Once("run").came_to("a", replace(MARKED, **known), "written") == {}


def test_what_is_gone_at_the_target_already_counts_for_nothing() -> None:
    assert Once("run").came_to("a", BEFORE, "unchanged", was_gone=True) == {}
