"""Status says how large a run is against others of its mode, and when it is expected to end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from reconciler.ledger.data.model import LevelCounts, SyncOverview
from reconciler.ledger.data.service_model import RunningNow
from reconciler.report.text.sync_status import statuses_to_text
from reconciler.sync.monitor.status import status_of
from reconciler.sync.monitor.usual import usual_of
from reconciler.sync.run.progress import Phase
from support.sync_samples import NOW, ago, data_run, data_sync, overview

COMMON = {"mode": "light", "walks": False, "full": False}


def light(changed: int, minutes: float, **changes: Any) -> Any:
    given = {"counts": {"seen": 900, "written": changed - 1, "discontinued": 1}, "id": f"{changed}"}
    run = data_run(**{**COMMON, **given, **changes})
    return replace(run, started_at=ago(hours=1), ended_at=ago(hours=1) + timedelta(minutes=minutes))


RECENT = (light(80, 2), light(9_000, 40), light(70, 2), light(90, 3))


def running(changed: int, *, still_open: int = 0, minutes: float = 1) -> SyncOverview:
    run = data_run(
        **COMMON,
        id="now",
        state="running",
        started_at=ago(minutes=minutes),
        ended_at=None,
        counts={"seen": 900, "written": changed},
        message="reading and writing what is still open",
    )
    holder = RunningNow("me", ago(minutes=minutes), NOW, alive=True)
    counts = LevelCounts(records=20_000, open=still_open)
    return overview(newest=run, running=holder, unfinished=run, recent=RECENT, counts=counts)


def test_what_is_usual_is_what_half_of_the_last_runs_of_that_mode_came_to() -> None:
    found = usual_of((*RECENT, data_run(), light(1, 1)), "light")
    assert found is not None
    assert (found.changed, found.took) == (80, timedelta(minutes=2))
    assert usual_of(RECENT[:2], "light") is None
    assert usual_of(RECENT, "full") is None


def test_a_run_that_changes_more_than_usual_is_told_with_its_expected_end() -> None:
    status = status_of(data_sync(), running(400, still_open=12_000), NOW)
    assert status.going is not None
    assert (status.going.changed, status.going.usual.changed if status.going.usual else 0) == (12_400, 85)
    text = " ".join(statuses_to_text("production", NOW, [status]).split())
    assert "12,400 records changed, usually 85 in 2 min 30 s" in text
    # It wrote 400 in a minute so far.
    assert "30 min left; ends about" in text


def test_no_more_records_change_than_there_are() -> None:
    # What was written is open again where an earlier process may have sent something else of it.
    again = running(19_000, still_open=1_500)
    going = status_of(data_sync(), again, NOW).going
    assert going is not None
    assert going.changed == 20_000


def test_an_ordinary_run_ends_when_others_do_and_one_that_is_over_that_says_nothing() -> None:
    ordinary = status_of(data_sync(), running(20), NOW).going
    assert ordinary is not None
    assert ordinary.seconds_left == 90
    late = status_of(data_sync(), running(20, minutes=9), NOW).going
    assert late is not None
    assert late.seconds_left is None


def test_a_run_that_listens_has_no_expected_end() -> None:
    known = running(20)
    assert known.newest is not None
    listens = replace(known.newest, message=Phase.LISTENING.value)
    for newest in (listens, replace(listens, counts={**listens.counts, "seen": 100, "total": 300})):
        status = status_of(data_sync(), replace(known, newest=newest), NOW)
        assert status.going is not None
        assert (status.going.seconds_left, status.going.usual) == (None, None)
        text = " ".join(statuses_to_text("production", NOW, [status]).split())
        assert "listening for changes" in text
        assert "ends about" not in text


def test_the_last_run_is_held_against_the_others_of_its_mode() -> None:
    last = replace(light(500, 4), id="last", ended_at=ago(minutes=5))
    status = status_of(data_sync(), overview(last, recent=(last, *RECENT)), NOW)
    assert "; usually 85 changed" in " ".join(statuses_to_text("production", NOW, [status]).split())
