"""Between two runs a watch waits for its time, unless a record cannot wait or somebody tells it to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from reconciler.ledger.data.model import LevelCounts
from reconciler.sync.run import loop as watching
from reconciler.sync.run.context import Job
from reconciler.sync.run.report import RunReport, State
from reconciler.sync.run.runner import run_sync
from support.engine import Engine

SOON = timedelta(milliseconds=30)


@dataclass
class Levels:
    found: LevelCounts
    asked: list[datetime] = field(default_factory=list)

    def is_anything_waiting(self, now: datetime) -> bool:
        self.asked.append(now)
        return self.found.open > self.found.waiting or self.found.due > 0


@dataclass
class Runs:
    modes: frozenset[str] = frozenset()

    def wanted(self) -> frozenset[str]:
        return self.modes


@dataclass
class Kept:
    records: Levels
    runs: Runs = field(default_factory=Runs)


@dataclass
class Something:
    store: Kept

    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_LOOK_EVERY", timedelta(milliseconds=5))
    monkeypatch.setattr(watching, "_SHORTEST_REST", SOON)


def rested(found: LevelCounts, pause: timedelta, *, may_wake: bool = True, stopped: bool = False) -> timedelta:
    async def rest() -> timedelta:
        stop = asyncio.Event()
        if stopped:
            stop.set()
        job: Any = Something(Kept(Levels(found)))
        turn = watching._Turn(cast("Job", job), job.now(), failures=0 if may_wake else 1)
        turn.rest(pause)
        assert await watching._rest([turn], stop) == ([] if stopped else [turn])
        return datetime.now(UTC) - turn.rests_since

    return asyncio.run(asyncio.wait_for(rest(), 30))


@pytest.mark.parametrize("found", [LevelCounts(open=1), LevelCounts(open=3, waiting=2), LevelCounts(due=1)])
def test_a_record_that_is_wanted_or_due_does_not_wait_for_the_next_interval(found: LevelCounts) -> None:
    assert SOON <= rested(found, timedelta(hours=1)) < timedelta(seconds=20)


@pytest.mark.parametrize("found", [LevelCounts(records=9, problems=4), LevelCounts(open=2, waiting=2)])
def test_what_is_to_be_tried_later_wakes_nobody(found: LevelCounts) -> None:
    assert rested(found, 4 * SOON) >= 4 * SOON


def test_after_a_failure_it_waits_its_time() -> None:
    assert rested(LevelCounts(open=1), 4 * SOON, may_wake=False) >= 4 * SOON


def test_told_to_stop_it_ends_at_once() -> None:
    assert rested(LevelCounts(), timedelta(hours=1), stopped=True) < timedelta(seconds=20)


async def turns_taken(jobs: list[Any], reports: dict[str, list[State]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the data types that ran, in order, until each report was given."""
    stop, taken = asyncio.Event(), list[str]()

    async def run(job: Any, *_: Any, **__: Any) -> Any:
        taken.append(job.name)
        state = reports[job.name].pop(0)
        if not any(reports.values()):
            stop.set()
        return SimpleNamespace(state=state, ended_at=job.now(), again_in=None)

    monkeypatch.setattr(watching, "run_sync", run)
    await asyncio.wait_for(watching.watch(jobs, stop=stop), 30)
    return taken


def job(name: str, interval: timedelta = SOON) -> Any:
    store = SimpleNamespace(
        lock=lambda _holder: nullcontext(), records=Levels(LevelCounts()), runs=Runs(), name=f"store of {name}"
    )
    settings = SimpleNamespace(interval=interval)
    return SimpleNamespace(
        name=name, store=store, holder="", settings=settings, now=lambda: datetime.now(UTC), shared={}
    )


def test_the_data_types_run_one_after_the_other_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = {"lists": [State.FINISHED] * 2, "people": [State.FINISHED] * 2}
    taken = asyncio.run(turns_taken([job("lists"), job("people")], reports, monkeypatch))
    assert taken == ["lists", "people"] * 2


def test_a_data_type_that_a_limit_stopped_is_left_out_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = {"lists": [State.STOPPED], "people": [State.FINISHED, State.INTERRUPTED, State.CANCELLED]}
    monkeypatch.setattr(watching, "_AFTER_FAILURE", SOON)
    taken = asyncio.run(turns_taken([job("lists"), job("people")], reports, monkeypatch))
    assert taken == ["lists", "people", "people", "people"]


def lasting(engine: Engine, during: Callable[[RunReport, asyncio.Event], None]) -> list[RunReport]:
    """Watch as a service does, and return what ran."""
    ran: list[RunReport] = []

    async def watch() -> None:
        between = asyncio.Event()

        def ended(report: RunReport, _next: datetime) -> None:
            ran.append(report)
            during(report, between)

        stop = asyncio.Event()
        await watching.watch([engine.job()], stop=stop, on_report=ended, between=between, lasting=True)

    asyncio.run(asyncio.wait_for(watch(), 30))
    return ran


def test_a_service_goes_on_where_the_last_run_ended(engine: Engine) -> None:
    last = engine.run()
    engine.tick = timedelta(minutes=1)
    (ran,) = lasting(engine, lambda _report, between: between.set())
    assert ran.started_at - last.ended_at >= engine.settings.interval


def test_a_service_takes_up_what_a_limit_stopped_once_somebody_has_run_it(engine: Engine) -> None:
    engine.run()
    for key in ("a", "b"):
        del engine.things.there[key]
    engine.later(hours=25)
    engine.tick = timedelta(seconds=20)

    def mended(report: RunReport, between: asyncio.Event) -> None:
        if report.state is not State.STOPPED:
            between.set()
            return

        def by_hand() -> None:
            engine.things.there.update(a="A", b="B")
            asyncio.run(_once(engine))

        Thread(target=by_hand).start()

    states = [report.state for report in lasting(engine, mended)]
    assert states == [State.STOPPED, State.FINISHED]


async def _once(engine: Engine) -> None:
    job = engine.job()
    other = replace(job, store=type(job.store)(job.store._scoped.database, job.store.scope))
    with other.store.lock("by hand", wait=5):
        await run_sync(other, None, stop=asyncio.Event())
