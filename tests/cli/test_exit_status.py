"""One exit status out of several."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.exit_status import Status, combine

PRECEDENCE = [130, 1, 3, 5, 4, 2, 0]


@given(st.lists(st.sampled_from(PRECEDENCE), min_size=1))
def test_the_first_of_the_precedence_wins(statuses: list[int]) -> None:
    assert combine(statuses) == min(statuses, key=PRECEDENCE.index)


def test_every_pair_in_either_order() -> None:
    for first, second in permutations(PRECEDENCE, 2):
        assert combine([first, second]) == combine([second, first])


def test_nothing_is_done() -> None:
    assert combine([]) is Status.DONE


def test_another_number_is_a_bug() -> None:
    with pytest.raises(ValueError, match="77"):
        combine([0, 77])


def test_every_status_has_a_meaning() -> None:
    assert {int(status) for status in Status} == {0, 1, 2, 3, 4, 5, 64, 130}
    assert all(status.meaning for status in Status)
