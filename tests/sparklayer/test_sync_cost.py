"""What a data sync costs a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.sparklayer.kinds.data_sync.cost import cost_of, run_cost

DAY = timedelta(days=1)


def test_every_run_costs_a_little_every_look_its_lists_and_every_walk_its_pages() -> None:
    cost = cost_of(timedelta(minutes=15), timedelta(hours=1), DAY, 30_000, 12_000)
    assert (cost.runs, cost.looks, cost.walks) == (72, 23, 1)
    assert (cost.per_look, cost.per_walk) == (603, 12_903)
    assert cost.a_day == 96 * run_cost("products") + 23 * 603 + 12_903


@pytest.mark.parametrize(("interval", "walks"), [(timedelta(hours=1), 24), (DAY, 1), (7 * DAY, 1 / 7)])
def test_a_run_that_walks_is_not_counted_twice(interval: timedelta, walks: float) -> None:
    cost = cost_of(interval, interval, interval, 100, 0)
    assert (cost.runs, cost.looks, cost.walks, cost.per_walk) == (0, 0, walks, 6)
