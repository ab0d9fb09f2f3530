"""Traffic of a run, counted: requests, waits, outages. It listens to the transport."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from time import monotonic

from msgspec import Struct

from reconciler.http.observe import Exchanged, Observer, Waiting
from reconciler.sync.run.counts import Requests
from reconciler.words import counted

_TOO_MANY = 429
_LOGIN = "token"
_WORTH_SAYING_SECONDS = 10.0
_STILL_WAITING_SECONDS = 2.0


class Traffic(Struct):
    """Counts what one connection does, and passes it on.

    Args:
        provider: whose API it is.
        api: its name, for people.
        inner: who listens besides.
        reads_by_post: last segments of paths that are read by POST, beside those of logins.
        log: what the paths of the sync log begin with.
        clock: seconds that only grow.
    """

    provider: str
    api: str
    inner: Observer
    reads_by_post: Collection[str] = ()
    log: str | None = None
    clock: Callable[[], float] = monotonic
    requests: int = 0
    writes: int = 0
    log_writes: int = 0
    refused: int = 0
    failed: int = 0
    waited: float = 0.0
    longest_outage: float = 0.0
    _silent_since: float | None = None
    _waiting_until: float = 0.0
    _waiting_for: str = ""
    _reasons: dict[str, int] = {}

    def begin(self) -> None:
        """Count from here on: a connection serves several runs."""
        self.requests = self.writes = self.log_writes = self.refused = self.failed = 0
        self.waited = self.longest_outage = 0.0
        self._reasons.clear()

    def exchanged(self, event: Exchanged) -> None:
        """Count an attempt."""
        now = self.clock()
        self.requests += 1
        last = event.call.path.rpartition("/")[2]
        if event.call.method != "GET" and last != _LOGIN and last not in self.reads_by_post:
            if self.log is not None and event.call.path.lstrip("/").startswith(f"{self.log}/"):
                self.log_writes += 1
            else:
                self.writes += 1
        if event.status == _TOO_MANY:
            self.refused += 1
        if event.status is None or event.status >= 500:
            self.failed += 1
            reason = event.trouble or f"HTTP {event.status}"
            self._reasons[reason] = self._reasons.get(reason, 0) + 1
            if self._silent_since is None:
                self._silent_since = now
        elif self._silent_since is not None:
            self.longest_outage = max(self.longest_outage, now - self._silent_since)
            self._silent_since = None
        self.inner.exchanged(event)

    def waiting(self, event: Waiting) -> None:
        """Count a wait."""
        self.holds(event.reason, event.seconds)
        self.inner.waiting(event)

    def holds(self, reason: str, seconds: float) -> None:
        """Count a wait that is the run's own."""
        self.waited += seconds
        self._waiting_until = self.clock() + seconds
        self._waiting_for = reason

    @property
    def counts(self) -> Requests:
        """The requests so far."""
        return Requests(self.requests, self.writes, self.refused, self.log_writes)

    @property
    def now_waiting(self) -> str | None:
        """What a request waits for at this moment, for people, where that takes longer than a blink."""
        left = self._waiting_until - self.clock()
        if left < _STILL_WAITING_SECONDS:
            return None
        return f"{self.api}: {self._waiting_for}, again in {left:.0f} s"

    def remarks(self) -> Iterator[str]:
        """Say what it went through, one sentence each."""
        if self.refused:
            yield f"{self.api} asked {counted(self.refused, 'time')} to slow down (429)"
        if self.failed:
            most = sorted(self._reasons.items(), key=lambda item: -item[1])[:3]
            kinds = ", ".join(f"{count:,} × {reason}" for reason, count in most)
            yield f"{self.api} failed {counted(self.failed, 'request')}, sent again or given up ({kinds})"
        if self.longest_outage >= _WORTH_SAYING_SECONDS:
            yield f"no usable answer came from {self.api} for {self.longest_outage:.0f} s"
