"""What a run counts: requests and what became of them, records, and what of that is news to the ledger."""

from __future__ import annotations

from collections import Counter

from reconciler.http.observe import Call, Exchanged, Waiting
from reconciler.sync.run.counts import Requests, Tally
from reconciler.sync.run.meter import Meter
from reconciler.sync.run.progress import Phase, Progress
from reconciler.sync.run.traffic import Traffic

READ, WRITE = Call("GET", "products"), Call("PATCH", "products/1")


class Ear:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[Exchanged | Waiting] = []

    def exchanged(self, event: Exchanged) -> None:
        self.events.append(event)

    def waiting(self, event: Waiting) -> None:
        self.events.append(event)


class Time:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_requests_are_counted_and_passed_on() -> None:
    ear = Ear()
    traffic = Traffic("sparklayer", "SparkLayer", ear, log="api/v1/sync-log")
    log = Call("PATCH", "api/v1/sync-log/ordercloud/products")
    events = [
        Exchanged(log, 1, 5.0, 204),
        Exchanged(READ, 1, 5.0, 200),
        Exchanged(WRITE, 1, 5.0, 429),
        Waiting(WRITE, 1, 1.0, "rate limited"),
        Exchanged(WRITE, 2, 5.0, 200),
    ]
    for event in events:
        if isinstance(event, Waiting):
            traffic.waiting(event)
        else:
            traffic.exchanged(event)
    assert ear.events == events
    assert traffic.counts == Requests(requests=4, writes=2, refused=1, log_writes=1)
    assert (traffic.counts.reads, traffic.waited) == (1, 1.0)
    assert list(traffic.remarks()) == ["SparkLayer asked 1 time to slow down (429)"]


def test_an_outage_lasts_from_the_first_failure_to_the_next_answer() -> None:
    time = Time()
    traffic = Traffic("ordercloud", "OrderCloud", Ear(), clock=time)
    for now, status in ((0.0, 200), (10.0, None), (40.0, 503), (70.0, 200), (80.0, 503), (85.0, 200)):
        time.now = now
        traffic.exchanged(Exchanged(READ, 1, 5.0, status, None if status else "connection refused"))
    remarks = list(traffic.remarks())
    assert remarks[-1] == "no usable answer came from OrderCloud for 60 s"
    assert "2 × HTTP 503, 1 × connection refused" in remarks[0]


def test_each_run_on_one_connection_counts_its_own() -> None:
    traffic = Traffic("ordercloud", "OrderCloud", Ear())
    traffic.exchanged(Exchanged(READ, 1, 5.0, 503))
    traffic.exchanged(Exchanged(WRITE, 1, 5.0, 429))
    traffic.begin()
    assert (traffic.requests, traffic.writes, traffic.refused, list(traffic.remarks())) == (0, 0, 0, [])


def test_the_ledger_is_told_what_is_new() -> None:
    written, traffic = Counter({"body": 0, "tag": 0}), Traffic("ordercloud", "OrderCloud", Ear())
    meter = Meter(lambda: written, (traffic,), lambda _: None)
    meter.total, meter.tally.seen, meter.tally.unchanged = 10, 4, 4
    traffic.exchanged(Exchanged(READ, 1, 5.0, 200))
    # Of the outcomes the ledger hears together with the records.
    assert meter.news() == {"total": 10, "requests:ordercloud": 1}
    assert meter.news() == {}
    meter.tally.left, written["tag"] = 2, 1
    assert meter.news() == {"left": 2, "part:tag": 1}


def test_a_run_that_goes_on_shows_what_it_counted_before() -> None:
    shown: list[Progress] = []
    before = {"total": 10, "seen": 6, "unchanged": 2, "written": 4, "left": 1, "requests:ordercloud": 7}
    meter = Meter(dict, (), shown.append)
    meter.go_on(before)
    meter.phase = Phase.READING
    meter.show()
    assert (shown[0].done, shown[0].total, shown[0].written) == (6, 10, 4)
    assert meter.news() == {"left": -1}
    meter.begin_anew()
    assert meter.news() == {}


def test_progress_has_a_rate_and_the_time_left() -> None:
    shown: list[Progress] = []
    time = Time()
    meter = Meter(dict, (), shown.append, time)
    meter.phase, meter.total = Phase.READING, 100
    for now, seen in ((0.0, 0), (10.0, 20)):
        time.now, meter.tally.seen = now, seen
        meter.show()
    assert (shown[0].per_second, shown[0].seconds_left) == (0.0, None)
    assert (shown[1].per_second, shown[1].seconds_left, shown[1].total) == (2.0, 40.0, 100)


def test_what_a_record_adds_is_counted_and_taken_back_by_name() -> None:
    tally = Tally.of({"seen": 3, "written": 2, "total": 9})
    tally.add({"seen": 1, "failed": 1})
    tally.add({"failed": -1, "written": 1})
    assert (tally.seen, tally.written, tally.failed, tally.unchanged) == (4, 3, 0, 0)
