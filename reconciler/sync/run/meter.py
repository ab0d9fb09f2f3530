"""How far a run is: counts for the ledger, progress for people, what it went through for the report."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic

from reconciler.sync.products.sink import Counts
from reconciler.sync.run.pipeline import Tally
from reconciler.sync.run.progress import Phase, Progress
from reconciler.sync.run.traffic import Traffic

_WINDOW_SECONDS = 30.0


class Meter:
    """Adds up.

    Args:
        writes: writes by part, counted by the target.
        traffic: the connections.
        on_progress: told by `show`.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        writes: Counts,
        traffic: Sequence[Traffic],
        on_progress: Callable[[Progress], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._writes = writes
        self._traffic = traffic
        self._on_progress = on_progress
        self._clock = clock
        self._told: dict[str, int] = {}
        self._marks: deque[tuple[float, int]] = deque()
        self._checked = 0
        self.tally = Tally()
        self.total: int | None = None
        self.phase = Phase.CHECKING

    @property
    def wrote_anything(self) -> bool:
        """Whether any record was written."""
        return bool(self._writes.product or self._writes.stock or self._writes.prices)

    def checked(self, number: int) -> None:
        """Take note of how many records were asked for by ID."""
        self._checked = number

    def go_on(self, counts: Mapping[str, int]) -> None:
        """Go on with a run of an earlier process, which counted this. What was left is asked for anew."""
        self.tally = Tally.of(counts)
        self.total = counts.get("total") or None
        self._told = {name: counts.get(name, 0) for name in ("total", "left")}

    def begin_anew(self) -> None:
        """Count for a run that has counted nothing yet."""
        self.tally, self.total = Tally(), None
        self._told = {}

    def counts(self) -> dict[str, int]:
        """Return what this process counted beside the outcomes of records, which the ledger has from the pipeline."""
        writes = self._writes
        return {
            "left": self.tally.left,
            "product": writes.product,
            "stock": writes.stock,
            "prices": writes.prices,
            "total": self.total or 0,
            **self.requests(),
        }

    def news(self) -> dict[str, int]:
        """Return what was counted since the last call."""
        now = self.counts()
        news = {name: value - self._told.get(name, 0) for name, value in now.items()}
        self._told = now
        return {name: value for name, value in news.items() if value}

    def requests(self) -> dict[str, int]:
        """Return requests by API, and what of them were writes."""
        found: dict[str, int] = {}
        for traffic in self._traffic:
            found[f"{traffic.api} requests"] = traffic.requests
            found[f"{traffic.api} writes"] = traffic.writes
            found[f"{traffic.api} refused"] = traffic.refused
        return found

    def show(self) -> None:
        """Tell how far the run is."""
        now, done = self._clock(), self.tally.seen
        self._marks.append((now, done))
        while now - self._marks[0][0] > _WINDOW_SECONDS:
            self._marks.popleft()
        began, before = self._marks[0]
        rate = (done - before) / (now - began) if now > began else 0.0
        reading = self.phase is Phase.READING
        left = (self.total - done) / rate if reading and self.total is not None and rate > 0 else None
        waiting = next((wait for traffic in self._traffic if (wait := traffic.now_waiting)), None)
        shown = self._checked if self.phase is Phase.DEPARTURES else done
        self._on_progress(
            Progress(
                self.phase,
                shown,
                self.total if reading else None,
                self.tally.written,
                self.tally.problems,
                rate,
                max(left, 0.0) if left is not None else None,
                waiting,
            )
        )

    def remarks(self) -> Iterator[str]:
        """Say what the run went through."""
        for traffic in self._traffic:
            yield from traffic.remarks()
