"""A record counts once in a run, with the outcome that it came to last."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.ledger.data.model import Level
from reconciler.sync.run.counts import Once
from support.sync_samples import NOW

BEGAN = NOW - timedelta(hours=1)
LEVEL = Level("a", 1, 1, 0, False, None, None, {}, {}, False, False, False, False, True, written_at=BEGAN)
UNCHANGED = replace(LEVEL, is_seen=True, written_at=BEGAN - timedelta(days=1))


@pytest.mark.parametrize(
    ("steps", "counts"),
    [
        ([(None, "written")], {"written": 1}),
        ([(LEVEL, "unchanged"), (UNCHANGED, "written")], {"written": 1}),
        ([(LEVEL, "unchanged"), (UNCHANGED, "unchanged")], {"unchanged": 1}),
        ([(LEVEL, "unchanged"), (UNCHANGED, "held_back"), (UNCHANGED, "written")], {"written": 1}),
        ([(LEVEL, "written"), (replace(UNCHANGED, written_at=NOW), "written")], {"written": 1}),
        ([(LEVEL, "held_back"), (replace(UNCHANGED, problems=True), "written")], {"written": 1}),
        ([(LEVEL, "failed"), (replace(UNCHANGED, dead=True), "written")], {"written": 1}),
    ],
)
def test_it_counts_with_what_it_came_to(steps: list[tuple[Level | None, str]], counts: dict[str, int]) -> None:
    once, found = Once(BEGAN), Counter[str]()
    for level, outcome in steps:
        found.update(once.came_to("a", level, outcome))
    assert {name: number for name, number in found.items() if number} == {"seen": 1, **counts}


def test_what_an_earlier_process_held_back_in_this_run_is_not_taken_for_unchanged() -> None:
    assert Once(BEGAN).came_to("a", replace(UNCHANGED, problems=True), "written") == {}


def test_what_is_gone_at_the_target_already_counts_for_nothing() -> None:
    assert Once(BEGAN).came_to("a", LEVEL, "unchanged", was_gone=True) == {}
