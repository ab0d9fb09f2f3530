"""What a data sync costs in requests, from what docs/readers.md says of a walk. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

_DAY = timedelta(days=1)
_PAGE = 100
# Of a run that finds nothing, as measured on the emulator: some thirty reads of the target to see that it is as it was
# left, the products whose stock changed and who of them has records, and the sync log.
RUN = 38


@dataclass(frozen=True, slots=True)
class Cost:
    """Requests a day of a data sync where nothing changes.

    Args:
        runs: how many there are a day that do not read everything.
        walks: how many there are a day that do.
        per_walk: requests of one of those.
    """

    runs: float
    walks: float
    per_walk: int

    @property
    def a_day(self) -> int:
        """All of them."""
        return round(self.runs * RUN + self.walks * (RUN + self.per_walk))


def cost_of(interval: timedelta, walk_interval: timedelta, products: int, with_parts: int) -> Cost:
    """Return what a data sync costs.

    Args:
        interval: between the end of a run and the start of the next.
        walk_interval: how often everything is read.
        products: how many there are.
        with_parts: lists to be read of single products: one for each with variants, and one for each with records.
    """
    pages = math.ceil(products / _PAGE)
    walks = _DAY / walk_interval
    # The pages of products, of those with records, and of price schedules.
    return Cost(max(_DAY / interval - walks, 0.0), walks, 3 * pages + with_parts)
