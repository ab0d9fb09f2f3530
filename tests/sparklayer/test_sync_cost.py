"""What a data sync costs a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.sparklayer.kinds.data_sync.cost import RUN, cost_of

DAY = timedelta(days=1)


def test_every_run_costs_a_little_and_every_walk_its_pages() -> None:
    cost = cost_of(timedelta(minutes=15), DAY, 30_000, 12_000)
    assert (cost.runs, cost.walks, cost.per_walk) == (95, 1, 12_900)
    assert cost.a_day == 96 * RUN + 12_900


@pytest.mark.parametrize(("interval", "walks"), [(timedelta(hours=1), 24), (DAY, 1), (7 * DAY, 1 / 7)])
def test_a_run_that_walks_is_not_counted_twice(interval: timedelta, walks: float) -> None:
    cost = cost_of(interval, interval, 100, 0)
    assert (cost.runs, cost.walks, cost.per_walk) == (0, walks, 3)
