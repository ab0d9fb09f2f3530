"""A run that listens: what events raise is through in a moment, beside a walk, and whatever else waits."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.errors import LockLost
from reconciler.http import connections
from reconciler.ledger.data import in_doubt, records
from reconciler.ledger.data.inbox_model import Arrivals, Told
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ledger.writer import Ledger
from reconciler.sync.mode import Mode
from reconciler.sync.run import loop, retries, runner, stages
from reconciler.sync.run.listening import Bell, Listening
from reconciler.sync.run.report import State
from reconciler.sync.told import digests
from support.engine import SCOPE, Engine, Killed, Things, open_engine, quick, until
from support.levels import levels_of


@pytest.fixture
def engine(tmp_path):
    with open_engine(tmp_path, a="A", b="B", c="C") as opened:
        opened.run(Mode.FULL)
        yield opened


@pytest.fixture
def inbox(engine):
    return InboxStore(engine.levels.store._scoped.database, [SCOPE])


def tell(inbox, key, text=None, *, gone=False):
    said = Told(gone=gone, members={} if text is None else digests({"text": text}, ["text"]))
    inbox.take(Arrivals({("thing", "placed"): 1}, {"things": {key: said}}))


def listen(engine, what, mode=Mode.INCREMENTAL, **site):
    """Run and listen; `what` happens meanwhile. Return the report."""

    async def run():
        stop, listening = asyncio.Event(), Listening()
        with engine.levels.lock("test"):
            running = asyncio.create_task(runner.run_sync(engine.job(), mode, stop=stop, listening=listening))
            begun = asyncio.create_task(listening.begun.wait())
            await asyncio.wait({running, begun}, return_when=asyncio.FIRST_COMPLETED)
            begun.cancel()
            if not running.done():
                with suppress(asyncio.CancelledError):
                    await what(listening)
                listening.enough.set()
            return await running

    return asyncio.run(run())


def test_what_is_raised_is_written_at_once_and_nothing_else(engine, inbox):
    engine.things.sent.clear()

    async def change(listening):
        engine.things.there |= {"a": "A2", "d": "D"}
        tell(inbox, "a", "A2")
        tell(inbox, "d", "D")
        listening.bell.ring()
        await until(lambda: engine.things.site.get("d") == "D" and engine.things.site["a"] == "A2")

    report = listen(engine, change)
    assert report.state is State.FINISHED
    assert sorted(engine.things.sent) == ["a", "d"]
    assert not engine.level("a").is_open
    assert engine.levels.store.records.told(["a", "d"]) == {}


def test_a_record_that_was_found_unchanged_and_written_later_counts_as_written(engine, inbox):
    async def change(listening):
        tell(inbox, "a", "A")
        listening.bell.ring()
        await until(lambda: not engine.level("a").is_open)
        engine.things.there["a"] = "A2"
        tell(inbox, "a", "A2")
        listening.bell.ring()
        await until(lambda: engine.things.site["a"] == "A2" and not engine.level("a").is_open)

    counts = listen(engine, change).counts
    assert [counts.get(name, 0) for name in ("seen", "unchanged", "written")] == [1, 0, 1]


def test_many_messages_of_one_record_are_few_writes(engine, inbox, monkeypatch):
    # A read that is newer than the message it was claimed for contradicts it, and is repeated.
    monkeypatch.setattr("reconciler.sync.run.retries.read_again_after", lambda age: timedelta(milliseconds=1))
    engine.tick = timedelta(milliseconds=1)
    engine.things.sent.clear()

    async def change(listening):
        for number in range(200):
            engine.things.there["a"] = f"A{number}"
            tell(inbox, "a", f"A{number}")
            listening.bell.ring()
            if number % 20 == 0:
                await asyncio.sleep(0)
        await until(lambda: engine.things.site["a"] == "A199")

    listen(engine, change)
    assert len(engine.things.sent) < 20


def test_a_read_that_is_older_than_the_message_is_repeated(engine, inbox, monkeypatch):
    monkeypatch.setattr("reconciler.sync.run.retries.read_again_after", lambda age: timedelta(milliseconds=1))

    async def change(listening):
        tell(inbox, "a", "A2")  # and lists still show A
        await until(lambda: engine.things.reads["a"] > 3)
        assert engine.level("a").is_open
        engine.things.there["a"] = "A2"
        await until(lambda: engine.things.site["a"] == "A2" and not engine.level("a").is_open)

    engine.tick = timedelta(milliseconds=1)
    listen(engine, change)


def test_a_delete_that_the_source_does_not_bear_out_is_asked_again_and_not_for_ever(engine, inbox, monkeypatch):
    monkeypatch.setattr("reconciler.sync.run.retries.read_again_after", lambda age: timedelta(milliseconds=1))
    engine.tick = timedelta(milliseconds=1)
    engine.things.there["a"] = "A2"

    async def change(listening):
        tell(inbox, "a", gone=True)
        tell(inbox, "a", "A2")  # an update that was held back comes late
        await until(lambda: len(engine.things.asked) > 3)
        assert engine.things.site["a"] == "A"
        monkeypatch.setattr("reconciler.sync.run.retries.LAG", timedelta())
        await until(lambda: engine.things.site["a"] == "A2" and not engine.level("a").is_open)

    listen(engine, change)


def test_what_was_deleted_is_not_brought_back_by_a_list_that_lags(engine, inbox):
    async def change(listening):
        gone = engine.things.there.pop("a")
        tell(inbox, "a", gone=True)
        listening.bell.ring()
        await until(lambda: engine.level("a").gone)
        listing = dict(engine.things.there, a=gone)
        engine.things.some = lambda keys: asyncio.sleep(0, [(key, listing[key]) for key in keys if key in listing])
        tell(inbox, "a", "A")  # late
        listening.bell.ring()
        await until(lambda: not engine.level("a").is_open)

    listen(engine, change)
    assert engine.things.site["a"] == ""
    assert engine.level("a").gone


def test_an_id_that_is_made_anew_comes_back(engine, inbox):
    async def change(listening):
        del engine.things.there["a"]
        tell(inbox, "a", gone=True)
        await until(lambda: engine.level("a").gone)
        engine.things.there["a"] = "again"
        tell(inbox, "a", "again")
        listening.bell.ring()
        await until(lambda: engine.things.site["a"] == "again")

    listen(engine, change)
    assert not engine.level("a").gone


def test_a_record_that_never_flowed_leaves_nothing_behind(engine, inbox):
    async def change(listening):
        tell(inbox, "stranger", "S")
        await until(lambda: "stranger" not in engine.levels.levels(["stranger"]))

    listen(engine, change)
    assert engine.things.site.keys() == {"a", "b", "c"}


def test_beside_a_walk_an_event_does_not_wait_for_its_end(engine, inbox, monkeypatch):
    """The walk stands still in the middle; its own copy of the record is older, and is not written over the newer."""
    monkeypatch.setattr("reconciler.sync.run.retries.read_again_after", lambda age: timedelta(milliseconds=1))
    engine.tick = timedelta(milliseconds=1)
    engine.things.there["a"] = "old"
    order, listing = [], []
    engine.things.fails["list a"] = lambda: listing.append(True)

    async def run():
        engine.things.held = asyncio.Event()
        with engine.levels.lock("test"):
            walk = asyncio.create_task(runner.run_sync(engine.job(), Mode.WALK, stop=asyncio.Event()))
            await until(lambda: listing)  # it has `a` as it was
            engine.things.there["a"] = "new"
            tell(inbox, "a", "new")
            await until(lambda: engine.things.site["a"] == "new")
            order.append("event")
            engine.things.held.set()
            report = await walk
            order.append("walk")
            return report

    report = asyncio.run(run())
    assert (order, report.state) == (["event", "walk"], State.FINISHED)
    assert engine.things.site["a"] == "new"
    assert not engine.level("a").is_open


@dataclass
class Held(Things):
    """Things of which some are written once they may be."""

    may_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def _send(self, state):
        if state.key.startswith("k"):
            await self.may_go.wait()
        await super()._send(state)


def test_what_a_walk_has_read_and_not_written_yet_holds_up_no_event(engine, inbox):
    keys = [f"k{number}" for number in range(5)]
    engine.things = Held(there=engine.things.there | dict.fromkeys(keys, "new"), site=engine.things.site)

    async def run():
        with engine.levels.lock("test"):
            walking = asyncio.create_task(runner.run_sync(engine.job(), Mode.WALK, stop=asyncio.Event()))
            await until(lambda: sum(each.doubtful for each in engine.levels.levels(keys).values()) == len(keys))
            await asyncio.sleep(0.3)  # the reading is over
            engine.things.there["a"] = "A2"
            del engine.things.there["b"]
            tell(inbox, "a", "A2")
            tell(inbox, "b", gone=True)
            await until(lambda: engine.things.site["a"] == "A2" and engine.things.site["b"] == "", 20)
            assert not {*keys} & {*engine.things.site}
            engine.things.may_go.set()
            return await walking

    assert asyncio.run(run()).state is State.FINISHED
    assert {*keys} <= {*engine.things.site}


def test_one_change_does_not_wait_for_many(engine, inbox):
    """Of what is claimed at once, a part are those that wait the shortest."""
    inbox.take(Arrivals({}, {"things": dict.fromkeys(f"k{number:05}" for number in range(2_000))}))
    time.sleep(0.001)
    tell(inbox, "zz")
    with engine.levels.lock("test"):
        claimed = [level.key for level in engine.levels.store.records.claim_due(100, engine.now, 60, "t", 30)]
    assert "zz" in claimed
    assert len(claimed) == len(set(claimed)) == 100
    assert "k00000" in claimed


@pytest.fixture
def others(engine):
    """Another data type of the same data sync, which runs after the first."""
    scope = replace(SCOPE, data_type="others")
    ledger = Ledger(engine.levels.store.database)
    found = Engine(levels_of(ledger, scope), Others(there={"z": "Z"}))
    found.run(Mode.FULL)
    return found


class Others(Things):
    name = "others"


class Slow(Things):
    """Things that are written one after the other."""

    at_once = asyncio.Semaphore()

    async def _send(self, state):
        async with self.at_once:
            await asyncio.sleep(0.01)
        await super()._send(state)


def watched(engines, what):
    """Watch data types; `what` happens meanwhile."""

    async def watch():
        stop = asyncio.Event()
        jobs = [each.job() for each in engines]
        watching = asyncio.create_task(loop.watch(jobs, stop=stop, bell=Bell()))
        try:
            await what()
        finally:
            stop.set()
            await watching

    asyncio.run(watch())


def test_a_change_of_many_records_does_not_hold_up_one_of_another_data_type(engine, others, inbox):
    keys = [f"k{number:03}" for number in range(100)]
    engine.things = Slow(there=dict.fromkeys(keys, "new") | engine.things.there, site=engine.things.site)

    async def change():
        await until(lambda: all(is_listening(each) for each in (engine, others)))
        inbox.take(Arrivals({}, {"things": dict.fromkeys(keys)}))
        await until(lambda: len(engine.things.sent) > 10)
        others.things.there["z"] = "Z2"
        InboxStore(engine.levels.store.database, [others.levels.scope]).take(Arrivals({}, {"others": {"z": None}}))
        await until(lambda: others.things.site["z"] == "Z2")
        assert len(engine.things.sent) < len(keys)

    watched([engine, others], change)


def test_a_walk_at_the_start_does_not_hold_up_a_change_of_another_data_type(engine, others):
    engine.things.held = asyncio.Event()
    engine.levels.store.runs.want("somebody", Mode.FULL)
    others.things.there["z"] = "Z2"
    InboxStore(engine.levels.store.database, [others.levels.scope]).take(Arrivals({}, {"others": {"z": None}}))

    async def change():
        await until(lambda: others.things.site["z"] == "Z2", 20)
        engine.things.held.set()

    watched([engine, others], change)


def is_listening(engine):
    run = engine.levels.last(state="running")
    return run is not None and run.completed_at is not None


def test_more_deletes_than_may_be_stop_it_with_the_ids(engine, inbox):
    async def run():
        listening = Listening()
        with engine.levels.lock("test"):
            running = asyncio.create_task(
                runner.run_sync(engine.job(), Mode.INCREMENTAL, stop=asyncio.Event(), listening=listening)
            )
            await listening.begun.wait()
            engine.things.there.clear()
            inbox.take(Arrivals({}, {"things": dict.fromkeys("abc", Told(gone=True))}))
            return await asyncio.wait_for(running, 60)

    report = asyncio.run(run())
    assert report.state is State.STOPPED
    assert report.limit is not None
    assert set(engine.things.site.values()) == {"A", "B", "C"}


def test_who_wants_to_run_it_by_hand_gets_the_lock_in_a_moment(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "_WISH_SECONDS", 0.02)

    def by_hand():
        with open_engine(tmp_path) as other, other.levels.lock("by hand"):
            pass

    async def run():
        listening = Listening()
        with engine.levels.lock("watch"):
            running = asyncio.create_task(
                runner.run_sync(engine.job(), Mode.INCREMENTAL, stop=asyncio.Event(), listening=listening)
            )
            await listening.begun.wait()
            await asyncio.sleep(0.05)
            waits = asyncio.create_task(asyncio.to_thread(by_hand))
            report = await running
        await waits
        return report

    assert asyncio.run(run()).state is State.FINISHED


def test_a_watch_listens_in_place_of_resting(engine, inbox, monkeypatch):
    reports = []

    async def watch():
        stop, bell = asyncio.Event(), Bell()
        watching = asyncio.create_task(
            loop.watch([engine.job()], stop=stop, bell=bell, on_report=lambda report, _: reports.append(report))
        )
        await until(lambda: (run := engine.levels.last(state="running")) is not None and run.completed_at is not None)
        engine.things.there["a"] = "A2"
        tell(inbox, "a", "A2")
        bell.ring()
        await until(lambda: engine.things.site["a"] == "A2")
        stop.set()
        await watching

    asyncio.run(watch())
    assert [(report.mode, report.state) for report in reports] == [(Mode.INCREMENTAL, State.FINISHED)]


def test_a_watch_that_listens_begins_the_full_sync_that_somebody_wants_at_once(engine, monkeypatch):
    monkeypatch.setattr(stages, "_WISH_SECONDS", 0.02)
    runs, reports = engine.levels.store.runs, []

    async def watch():
        stop = asyncio.Event()
        watching = asyncio.create_task(
            loop.watch([engine.job()], stop=stop, bell=Bell(), on_report=lambda report, _: reports.append(report))
        )
        await until(lambda: (run := engine.levels.last(state="running")) is not None and run.completed_at is not None)
        runs.want("message:1", Mode.WALK)  # waits its turn
        await asyncio.sleep(0.2)
        assert reports == []
        runs.want("somebody", Mode.FULL)
        try:
            await until(lambda: len(reports) > 1, 5)
        finally:
            stop.set()
            await watching

    asyncio.run(watch())
    assert [(report.mode, report.state) for report in reports[:2]] == [
        (Mode.INCREMENTAL, State.FINISHED),
        (Mode.FULL, State.FINISHED),
    ]
    assert runs.wanted() == frozenset()


def test_listening_writes_the_log_once_in_a_while_and_resolves_after_the_write(engine, inbox, monkeypatch):
    quick(monkeypatch)
    engine.things.problems.add("a")
    engine.run(Mode.WALK)
    assert "a" in engine.site.errors

    async def mend(listening):
        engine.things.problems.clear()
        engine.things.there["a"] = "A2"
        tell(inbox, "a", "A2")
        for _ in range(2_000):
            if "a" not in engine.site.errors:
                assert engine.things.site["a"] == "A2"
                return
            await asyncio.sleep(10)

    listen(engine, mend)
    assert engine.site.errors == {}


class TestZombies:
    """A fence in the ledger does not fence the target: what a process began may arrive after another's write."""

    def killed_in_a_write(self, engine):
        """A process is gone in the middle of the write of `a`: nobody knows whether and when it arrives."""
        engine.things.there["a"] = "old"
        engine.things.fails["a"] = killed
        with pytest.raises((Killed, BaseExceptionGroup)):
            engine.run(Mode.WALK)
        engine.things.fails.clear()

    def test_a_write_that_was_held_up_does_not_win(self, engine, monkeypatch):
        """One process is gone in the middle of a write; the next writes; then the first one's arrives after all."""
        self.killed_in_a_write(engine)
        engine.things.there["a"] = "new"
        report = engine.run(Mode.WALK)
        assert (report.state, engine.things.site["a"]) == (State.FINISHED, "new")
        assert engine.level("a").is_open
        for mode in (Mode.WALK, Mode.FULL, Mode.INCREMENTAL):  # until then it counts as written, whoever looks
            engine.run(mode)
            assert (engine.things.sent, engine.level("a").is_open) == ([], True)
        engine.things.site["a"] = "old"  # it arrives
        monkeypatch.setattr(in_doubt, "ARRIVES_WITHIN", timedelta())
        database = engine.levels.store._scoped.database
        monkeypatch.setattr(database, "_clock", lambda: datetime.now(UTC) + timedelta(minutes=6))
        engine.later(minutes=6)
        engine.run(Mode.INCREMENTAL)
        assert engine.things.site["a"] == "new"
        assert not engine.level("a").is_open
        assert not engine.level("a").doubtful
        engine.run(Mode.WALK)
        assert engine.things.sent == []

    def test_what_is_gone_meanwhile_is_deleted_at_once_and_once_more_when_the_write_cannot_arrive(
        self, engine, monkeypatch
    ):
        self.killed_in_a_write(engine)
        engine.run(Mode.WALK)
        assert engine.level("a").is_open
        del engine.things.there["a"]
        assert engine.run(Mode.WALK).counts["discontinued"] == 1
        assert (engine.things.site["a"], engine.level("a").gone, engine.level("a").is_open) == ("", True, True)
        engine.things.site["a"] = "old"  # it arrives
        database = engine.levels.store._scoped.database
        monkeypatch.setattr(database, "_clock", lambda: datetime.now(UTC) + timedelta(minutes=6))
        engine.later(minutes=6)
        engine.run(Mode.INCREMENTAL)
        assert (engine.things.site["a"], engine.level("a").is_open) == ("", False)

    def test_a_process_that_begins_anew_waits_for_what_was_killed_and_not_for_itself(self, engine, monkeypatch):
        """However often runs end and begin, nothing is waited for longer than the write of the one that is gone."""
        self.killed_in_a_write(engine)
        engine.run(Mode.WALK)
        until = engine.level("a").retry_at
        for text in ("newer", "newest"):
            engine.things.there["a"] = text
            engine.run(Mode.WALK)
            assert (engine.things.sent, engine.level("a").retry_at) == (["a"], until)

    def test_who_finds_its_lock_lost_after_sending_puts_the_record_in_doubt(self, engine, tmp_path):
        engine.things.there["a"] = "slow"
        other = []

        def taken_over():
            # Another process takes the lock over, runs to its end, and only then this one's write is answered.
            with engine.levels.store._scoped.database.transaction() as tx:
                tx.connection.exec_driver_sql("DELETE FROM locks")
                tx.connection.exec_driver_sql("DELETE FROM data_hands")
            other.append(engine.level("a").doubtful)
            return

        engine.things.fails["a"] = taken_over
        with pytest.raises(LockLost):
            engine.run(Mode.WALK)
        assert engine.level("a").doubtful
        engine.things.fails.clear()
        engine.run(Mode.INCREMENTAL)
        assert engine.things.sent == ["a"]

    def test_leases_are_longer_than_the_longest_exchange(self):
        longest = timedelta(seconds=connections.Bounds().exchange)
        assert longest < in_doubt.ARRIVES_WITHIN < records.WRITING
        assert timedelta(seconds=retries.LEASE_SECONDS) > in_doubt.ARRIVES_WITHIN


def killed():
    raise Killed
