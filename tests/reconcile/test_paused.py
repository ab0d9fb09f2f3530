"""What is paused is told at the beginning: until when, by whom, why, declared or not, in every format."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.ledger.config.model import LiveObject, Memory, PauseEvent
from reconciler.pause.declared import DeclaredPause
from reconciler.pause.lease import Lease
from reconciler.reconcile.drift import find_drift
from reconciler.reconcile.leased import NOT_VERIFIED, VERIFIED, resumes_took
from reconciler.reconcile.pause_report import pauses_report
from reconciler.reconcile.paused import PausedNow, paused_as_known
from reconciler.reconcile.plan import NoteKind
from reconciler.reconcile.planner import make_plan
from reconciler.report.renderers import DRIFT, PLAN, SYNC_STATUS
from support.builders import NOW, config, entity_sync, inputs, live_config, live_sync

FORMATS = ("text", "markdown", "html", "json")
SEASON = DeclaredPause(True, NOW + timedelta(hours=1), "Season price load", "pricing")
CASES: dict[str, tuple[dict[str, Any], Memory, tuple[str, ...]]] = {
    "declared": (
        {"pause": True, "pause_spec": SEASON},
        Memory(),
        ("until 2026-11-21 13:00 UTC", "by pricing", "Season price load"),
    ),
    "imported": (
        {"pause": True, "pause_spec": DeclaredPause(True)},
        Memory(),
        ("without an end", "by nobody named", "no reason given"),
    ),
    "undeclared": ({}, Memory(), ("no manifest declares it",)),
    "leased": (
        {},
        Memory(leases=(Lease("EntitySync", "categories", "ann", NOW + timedelta(hours=2), "bulk load"),)),
        ("until 2026-11-21 14:00 UTC", "by ann", "bulk load"),
    ),
    "overdue": (
        {"pause_spec": DeclaredPause(True, NOW - timedelta(hours=1), "load", "pricing")},
        Memory(),
        ("its pause ended 2026-11-21 11:00 UTC",),
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("format_name", FORMATS)
def test_plan_and_drift_begin_with_what_is_paused(case: str, format_name: str) -> None:
    given, memory, words = CASES[case]
    read = inputs([config(), entity_sync(**given)], [live_config(), live_sync(Paused=True)], memory=memory)
    planned = make_plan(read)
    for text in (
        PLAN.render(format_name, planned.plan),
        DRIFT.render(format_name, find_drift(read, planned)),
    ):
        assert "EntitySync/categories" in text
        assert all(word in " ".join(text.split()) for word in words)
        if format_name != "json":
            first = {"text": "{0} ", "markdown": "### {0} ", "html": 'class="tiles"'}[format_name]
            assert text.index("sync is paused") < min(
                text.find(first.format(title)) for title in ("Plan for", "Drift in") if first.format(title) in text
            )
        else:
            assert text.index('"notes"') < text.index('"paused"')


@pytest.mark.parametrize("case", CASES)
def test_plan_drift_and_pauses_call_a_sync_by_the_same_name(case: str) -> None:
    given, memory, _ = CASES[case]
    desired = replace(entity_sync(**given), name="shelves")
    read = inputs([config(), desired], [live_config(), live_sync(Paused=True)], memory=memory)
    planned = make_plan(read)
    drift = find_drift(read, planned)
    told = {
        *(
            note.subject
            for note in (*planned.plan.notes, *drift.notes)
            if "categor" in note.subject or "EntitySync" in note.subject
        ),
        *(change.key for change in planned.plan.changes),
        *(sync.sync.key for sync in pauses_report(read, 0).syncs),
    }
    assert told == {"EntitySync/shelves"}


def test_status_tells_of_a_lease_that_is_over_and_was_not_lifted() -> None:
    lease = Lease("EntitySync", "categories", "ann", NOW - timedelta(hours=2), "bulk load")
    (note,) = paused_as_known((entity_sync(),), Memory(leases=(lease,)), NOW)
    assert "ended 2026-11-21 10:00 UTC; the next command that may write resumes it" in note.message


def test_what_is_paused_and_unmanaged_is_told_and_what_runs_is_not() -> None:
    read = inputs([config()], [live_config(), live_sync(Paused=True)])
    (note,) = [note for note in make_plan(read).plan.notes if note.kind is NoteKind.PAUSED]
    assert (note.subject, "no manifest names it" in note.message) == ("EntitySync/categories", True)
    running = inputs([config(), entity_sync()], [live_config(), live_sync()])
    assert not [note for note in make_plan(running).plan.notes if note.kind is NoteKind.PAUSED]


@pytest.mark.parametrize("format_name", ["text", "json"])
def test_status_begins_with_what_manifests_and_ledger_say_is_paused(format_name: str) -> None:
    lease = Lease("EntitySync", "categories", "ann", NOW + timedelta(hours=2), "bulk load")
    for desired, memory, words in (
        (entity_sync(pause=True, pause_spec=SEASON), Memory(), "by pricing: Season price load"),
        (entity_sync(), Memory(leases=(lease,)), "by ann: bulk load"),
    ):
        paused = PausedNow(tuple(paused_as_known([config(), desired], memory, NOW)), "no answer")
        text = SYNC_STATUS.render(format_name, "test", datetime.now(UTC), [], paused)
        assert words in " ".join(text.split())
        if format_name == "text":
            assert text.startswith("1 sync is paused\n")
            assert "Pauses that were made elsewhere are not known: no answer" in text
    assert not list(paused_as_known([config(), entity_sync(pause_spec=SEASON)], Memory(), NOW + timedelta(days=1)))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ([], None),
        ([None], None),
        ([90], "the last resume took 1 min 30 s"),
        ([60, None, 120], "the last 2 resumes took 1 min to 2 min"),
        ([60, 60, 60, 9_000], "the last 3 resumes took 1 min"),
    ],
)
def test_what_resumes_took_is_said_of_the_last_ones_that_somebody_timed(seconds: list[int | None], words: str) -> None:
    sync = LiveObject("https://api.example.com", "EntitySync", "buyers")

    def event(took: int | None, verdict: str = VERIFIED, *, paused: bool = False) -> PauseEvent:
        return PauseEvent(sync, paused, "lease", "somebody", NOW, verdict=verdict, seconds=took)

    others = [event(1, paused=True), event(1, NOT_VERIFIED)]
    assert resumes_took([*others, *map(event, seconds)]) == words
