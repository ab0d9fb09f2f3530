"""Meter of a run: counts for the ledger, progress for people, remarks for the report."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic

from reconciler.sync.run.counts import Requests, Tally, count_parts, count_requests
from reconciler.sync.run.progress import Phase, Progress
from reconciler.sync.run.traffic import Traffic

_WINDOW_SECONDS = 30.0


class Meter:
    """Adds up.

    Args:
        written: returns records by part that was written, counted by the sink.
        traffic: the connections.
        on_progress: told by `show`.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        written: Callable[[], Mapping[str, int]],
        traffic: Sequence[Traffic],
        on_progress: Callable[[Progress], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._written = written
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
    def writes(self) -> int:
        """How many parts of records were written."""
        return sum(self._written().values())

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
        return {
            "left": self.tally.left,
            "total": self.total or 0,
            **count_parts(self._written()),
            **count_requests(self.requests()),
        }

    def news(self) -> dict[str, int]:
        """Return what was counted since the last call."""
        now = self.counts()
        news = {name: value - self._told.get(name, 0) for name, value in now.items()}
        self._told = now
        return {name: value for name, value in news.items() if value}

    def requests(self) -> dict[str, Requests]:
        """Return requests by provider."""
        return {traffic.provider: traffic.counts for traffic in self._traffic}

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
        shown = self._checked if self.phase is Phase.DELETES else done
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
