"""An environment is called in sync only where everything about it is known, and as it should be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.ledger.data.model import LevelCounts
from reconciler.reconcile.pause_report import PausesReport
from reconciler.reconcile.paused import PausedNow
from reconciler.reconcile.plan import DriftReport, Note, NoteKind
from reconciler.sync.datasync import Standing
from reconciler.sync.monitor.overview import BUCKET, Facts, SeenDrift, State, by_minute, chart, overview
from reconciler.sync.monitor.status import status_of
from support.report_samples import SAMPLE_DRIFT
from support.sync_samples import NOW, ago, data_run, data_sync, under_way
from support.sync_samples import overview as known

NOTHING = SeenDrift(DriftReport("production", ago(minutes=5), (), (), 12), every=timedelta(minutes=15))
GOOD = Facts(
    "production",
    (status_of(data_sync(), known(counts=LevelCounts(records=300)), NOW),),
    pauses=PausesReport("production", NOW, ()),
    drift=NOTHING,
)


def test_what_is_as_it_should_be_is_in_sync() -> None:
    found = overview(GOOD, NOW)
    assert (found.state, found.headline, found.reasons) == (State.IN_SYNC, "In sync", ())


def test_a_run_under_way_is_told_beside_it() -> None:
    running = replace(GOOD, statuses=(status_of(data_sync(), under_way(), NOW),))
    assert overview(running, NOW).headline == "In sync, and running: shop"


@pytest.mark.parametrize(
    ("facts", "state", "words"),
    [
        (replace(GOOD, drift=None), State.UNKNOWN, "Nobody has looked for drift so far"),
        (replace(GOOD, drift=None, drift_problem="503"), State.UNKNOWN, "Nobody has looked for drift so far: 503"),
        (replace(GOOD, drift_problem="503"), State.UNKNOWN, "The last look for drift failed: 503"),
        (
            replace(GOOD, drift=replace(NOTHING, every=timedelta(minutes=2))),
            State.UNKNOWN,
            "The last look for drift is 5 min old",
        ),
        (replace(GOOD, drift=SeenDrift(SAMPLE_DRIFT)), State.DRIFTED, "not as the manifests say"),
        (
            replace(GOOD, pauses=None, paused=PausedNow((), "no answer within 10 s")),
            State.UNKNOWN,
            "What is paused live is not known: no answer within 10 s",
        ),
        (
            replace(GOOD, pauses=None, paused=PausedNow((Note(NoteKind.PAUSED, "EntitySync/stock", "until noon"),))),
            State.PAUSED,
            "EntitySync/stock is paused until noon",
        ),
        (
            replace(GOOD, statuses=(status_of(data_sync(Standing.NEVER), known(), NOW),)),
            State.WAITING,
            "shop, products: not applied",
        ),
        (
            replace(GOOD, statuses=(status_of(data_sync(), known(counts=LevelCounts(records=3, dead=1)), NOW),)),
            State.DRIFTED,
            "shop, products: 1 dead letter",
        ),
        (
            replace(GOOD, statuses=(status_of(data_sync(), known(data_run(ended_at=ago(hours=9))), NOW),)),
            State.DRIFTED,
            "shop, products: ",
        ),
        (Facts("production", error="the ledger is away"), State.UNREADABLE, "the ledger is away"),
    ],
)
def test_whatever_is_not_or_is_not_known_is_said_instead(facts: Facts, state: State, words: str) -> None:
    found = overview(facts, NOW)
    assert found.state is state
    assert any(words in reason for reason in found.reasons)


def test_what_is_not_known_is_named_in_the_headline() -> None:
    unseen = replace(GOOD, pauses=None, paused=PausedNow((), "no answer within 10 s"))
    assert overview(unseen, NOW).headline == "Not known: what is paused live"
    nobody_looked = "Not known: nobody looked for drift lately"
    assert overview(replace(GOOD, drift=None), NOW).headline == nobody_looked
    assert overview(replace(unseen, drift=replace(NOTHING, every=timedelta(minutes=2))), NOW).headline == nobody_looked


def test_the_worst_comes_first() -> None:
    both = replace(GOOD, drift=SeenDrift(SAMPLE_DRIFT), pauses=None, paused=PausedNow((), "no answer"))
    assert overview(both, NOW).reasons[0].endswith("not as the manifests say")


def test_the_chart_counts_runs_where_they_began_and_says_since_when_it_knows() -> None:
    good = data_run(started_at=ago(hours=30), ended_at=ago(hours=29), counts={"written": 7, "discontinued": 1})
    bad = data_run(started_at=ago(minutes=2), ended_at=ago(minutes=1), state="stopped", counts={})
    found = chart((bad, good, data_run(started_at=ago(days=30))), NOW)
    assert len(found.buckets) == timedelta(days=7) / BUCKET
    (cut,) = [bucket for bucket in found.buckets if bucket.unfinished]
    assert cut.start <= bad.started_at < cut.start + BUCKET
    (full,) = [bucket for bucket in found.buckets if bucket.finished]
    assert full.start <= good.started_at < full.start + BUCKET
    assert full.changed == 8
    assert found.known_since is None
    assert chart((good,), NOW).known_since == good.started_at
    assert sum(day.changed for day in found.days) == 8
    assert len(found.days) == 7


def test_messages_are_counted_by_minute_of_the_last_hour() -> None:
    this = NOW.replace(second=0, microsecond=0)
    found = by_minute([(this - timedelta(minutes=60), 9), (this - timedelta(minutes=59), 4), (this, 2)], NOW)
    assert (len(found), found[0], found[-1], sum(found)) == (60, 4, 2, 6)
