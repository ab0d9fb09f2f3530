"""Several hands work on one run: each as a process of its own would, with a store and a sink that no other has."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.sync.mode import Mode
from reconciler.sync.run import crew, feed, hand, ranges, runner
from reconciler.sync.run.hand import End, lend_hand
from reconciler.sync.run.queue import JobKind
from reconciler.sync.run.report import State
from support.engine import Killed, open_engine, until


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.setattr(feed, "_IDLE_SECONDS", 0.0)
    monkeypatch.setattr(feed, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(hand, "_BEAT_SECONDS", 0.01)
    monkeypatch.setattr(runner, "_BEAT_SECONDS", 0.01)
    monkeypatch.setattr(crew, "_EVERY_SECONDS", 0.02)
    with open_engine(tmp_path, **{key: key.upper() for key in "abcdefghij"}) as opened:
        opened.run(Mode.FULL)
        opened.things.sent.clear()
        yield opened


def takes_hands(engine):
    run = engine.levels.last(state="running")
    database = engine.levels.store.database
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT max(takes_hands) FROM data_runs").scalar()
    return run is not None and bool(found)


def kept(engine, beside, mode=Mode.WALK, *, stands=True):
    """Keep a run whose walk stands still until `beside` is over; return its report, and what that returned."""

    async def run():
        engine.things.held = held = asyncio.Event()
        if not stands:
            held.set()
        with engine.levels.lock("keeper"):
            keeper = asyncio.create_task(runner.run_sync(engine.job(), mode, stop=asyncio.Event()))
            await until(lambda: takes_hands(engine) or keeper.done())
            try:
                answer = await beside(engine.levels.last(state=None).id, keeper)
            finally:
                held.set()
            return await keeper, answer

    return asyncio.run(run())


def lent(engine, number=1):
    async def beside(run_id, _keeper):
        hands = (lend_hand(engine.hand(), run_id, stop=asyncio.Event()) for _ in range(number))
        return await asyncio.gather(*hands)

    return beside


def open_before(engine, **changed):
    """What is open since before a walk began is left to its end by the keeper, and so to other hands."""
    engine.things.there.update(changed)
    engine.levels.want(changed)


def test_a_hand_works_off_what_is_open_and_lists_nothing(engine):
    open_before(engine, a="A2", b="B2")
    engine.things.fails["list a"] = lambda: None
    report, [lent_hand] = kept(engine, lent(engine))
    assert (lent_hand.end, lent_hand.tally.written) == (End.DONE, 2)
    assert (report.state, report.counts["seen"], report.counts["written"]) == (State.FINISHED, 10, 2)
    assert sorted(engine.things.sent) == ["a", "b"]


def test_what_the_keeper_listed_is_not_written_over_what_a_hand_read_since(engine):
    listing = []

    async def beside(run_id, _keeper):
        await until(lambda: listing)  # it has `a` as it was, and stands still
        open_before(engine, a="new")
        return await lent(engine)(run_id, _keeper)

    engine.things.there["a"] = "old"
    engine.things.fails["list a"] = lambda: listing.append(True)

    report, _ = kept(engine, beside)
    assert (report.state, engine.things.site["a"]) == (State.FINISHED, "new")
    assert engine.things.sent == ["a"]
    assert not engine.level("a").is_open


def test_several_hands_write_each_record_once_and_count_it_once(engine):
    changed = {f"k{number:03}": "new" for number in range(20)}
    open_before(engine, **changed)
    report, reports = kept(engine, lent(engine, 3))
    assert sorted(engine.things.sent) == sorted(changed)
    assert sum(each.tally.written for each in reports) == len(changed)
    assert (report.counts["seen"], report.counts["written"]) == (len(engine.things.there), len(changed))
    assert dict(report.parts) == {"body": len(changed)}, "what hands wrote is in the report of the run"


def test_the_run_does_not_end_before_what_a_hand_has_in_hand(engine):
    open_before(engine, a="A2")
    arrives, sending = asyncio.Event(), asyncio.Event()

    async def beside(run_id, keeper):
        job = engine.hand()
        send = job.data._send

        async def held_up(state):
            sending.set()
            await arrives.wait()
            await send(state)

        job.data._send = held_up
        working = asyncio.create_task(lend_hand(job, run_id, stop=asyncio.Event()))
        await sending.wait()
        engine.things.held.set()
        await asyncio.sleep(0.3)
        assert not keeper.done()
        arrives.set()
        return await working

    report, lent_hand = kept(engine, beside, Mode.INCREMENTAL)
    assert (report.state, lent_hand.end) == (State.FINISHED, End.DONE)
    assert (engine.things.sent, engine.level("a").doubtful, engine.level("a").is_open) == (["a"], False, False)


def test_a_cancel_ends_the_keeper_and_all_hands(engine):
    open_before(engine, **{f"k{number:03}": "new" for number in range(300)})

    async def beside(run_id, keeper):
        job = engine.hand()
        job.data.fails = {"k000": lambda: engine.levels.cancel() and None}
        [found], _ = await asyncio.gather(
            asyncio.gather(lend_hand(job, run_id, stop=asyncio.Event())), until(keeper.done)
        )
        return found

    report, lent_hand = kept(engine, beside)
    assert report.state is State.CANCELLED
    assert lent_hand.end in (End.CANCELLED, End.OVER)


def test_a_run_that_is_over_takes_no_hand(engine):
    async def lend():
        return await lend_hand(engine.hand(), engine.levels.last().id, stop=asyncio.Event())

    assert asyncio.run(lend()).end is End.NOT_UNDER_WAY


@pytest.mark.parametrize("mode", [Mode.VERIFY, Mode.REWRITE])
def test_a_run_that_reads_the_target_has_no_other_hands(engine, mode):
    async def beside(run_id, _keeper):
        return await lend_hand(engine.hand(), run_id, stop=asyncio.Event())

    async def run():
        engine.things.held = asyncio.Event()
        with engine.levels.lock("keeper"):
            keeper = asyncio.create_task(runner.run_sync(engine.job(), mode, stop=asyncio.Event()))
            await until(lambda: engine.levels.last(state="running") is not None)
            found = await beside(engine.levels.last(state="running").id, keeper)
            engine.things.held.set()
            await keeper
            return found

    assert asyncio.run(run()).end is End.NOT_UNDER_WAY


def test_a_hand_with_other_settings_does_nothing(engine):
    open_before(engine, a="A2")

    async def beside(run_id, _keeper):
        job = engine.hand()
        job.data.digest = "another"
        return await lend_hand(job, run_id, stop=asyncio.Event())

    report, lent_hand = kept(engine, beside)
    assert (lent_hand.end, lent_hand.tally.seen, report.state) == (End.OTHER_SETTINGS, 0, State.FINISHED)


def test_hands_delete_no_more_together_than_one_may(engine):
    """Half of ten may go. What is too much is left to the keeper, who ends with the IDs and deletes none of it."""
    for key in "abcdefgh":
        del engine.things.there[key]
    engine.levels.want("abcdefgh")
    claimed = asyncio.Event()

    async def beside(run_id, _keeper):
        jobs = [engine.hand() for _ in range(2)]
        for job in jobs:
            some = job.data.some

            async def few(keys, some=some):
                claimed.set()
                return await some(keys)

            job.data.some = few
        return await asyncio.gather(*(lend_hand(job, run_id, stop=asyncio.Event()) for job in jobs))

    report, reports = kept(engine, beside)
    assert End.LIMIT in [each.end for each in reports]
    assert report.state is State.STOPPED
    assert engine.things.site == {key: key.upper() for key in "abcdefghij"}


def test_room_for_deletes_is_given_once(engine):
    """Two hands, each with as many as may go: the ledger has room for those of one."""
    now, since = engine.now, engine.now - timedelta(days=1)

    async def beside(run_id, _keeper):
        stores = [engine.hand().store for _ in range(2)]
        for store in stores:
            store.hands.join(run_id, "hand")
        ask = [(store, keys) for store, keys in zip(stores, ("abc", "def"), strict=True)]
        first = [store.hands.make_room(keys, since, now, lambda known: known // 2, takes=True) for store, keys in ask]
        again = stores[0].hands.make_room("abc", since, now, lambda known: known // 2, takes=True)
        for store in stores:
            store.hands.leave()
        return [room.is_there for room in (*first, again)]

    assert kept(engine, beside)[1] == [True, False, True]


def test_a_hand_that_gives_no_sign_of_life_is_ended_and_its_claims_are_free(engine):
    open_before(engine, a="A2")
    database = engine.levels.store.database

    async def beside(run_id, _keeper):
        silent = engine.hand().store
        silent.hands.join(run_id, "silent")
        assert [level.key for level in silent.records.claim_due(9, engine.now, 600, run_id)] == ["a"]
        database._clock = lambda: datetime.now(UTC) + timedelta(minutes=1)
        await until(lambda: not engine.levels.store.hands.others(run_id))
        database._clock = None

    report, _ = kept(engine, beside)
    assert (report.state, engine.things.sent) == (State.FINISHED, ["a"])


def test_the_keeper_wakes_hands_while_something_waits(engine):
    offered = []

    class Noted:
        async def offer(self, jobs, *, after=timedelta()):
            offered.extend(jobs)

    engine.levels.want(["a"], engine.now + timedelta(hours=1))  # which is tried again later
    make, engine.job = engine.job, lambda: make_with(make, Noted())

    async def beside(_run_id, _keeper):
        await asyncio.sleep(0.2)
        assert offered == []
        engine.later(hours=2)
        await until(lambda: offered)

    kept(engine, beside)
    job = offered[0]
    assert (job.kind, job.environment, job.data_sync, job.data_type) == (JobKind.DRAIN, "test", "things", "things")


@pytest.fixture
def divided(engine, monkeypatch):
    """A walk of it has ranges of two records each, as far as they are known."""
    monkeypatch.setattr(ranges, "_RECORDS", 2)
    monkeypatch.setattr(ranges, "_TOLERATED", 0)
    monkeypatch.setattr(ranges, "_TOLERATED_SHARE", 0.0)
    return engine


def test_the_keeper_alone_lists_all_ranges(divided):
    divided.things.there |= {"a": "A2", "j": "J2", "z": "new", "0": "new"}
    report = divided.run(Mode.WALK)
    assert len(divided.things.walked) == len(set(divided.things.walked)) == 5
    assert (report.state, report.counts["seen"]) == (State.FINISHED, 12)
    assert sorted(divided.things.sent) == ["0", "a", "j", "z"]


def test_hands_list_ranges_each_once_and_together_everything(divided):
    changed = {"a": "A2", "e": "E2", "j": "J2", "z": "new", "0": "new"}
    divided.things.there |= changed
    del divided.things.there["c"]
    report, reports = kept(divided, lent(divided, 2))
    assert len(divided.things.walked) == len(set(divided.things.walked)) == 5
    assert sum(each.tally.seen for each in reports) > 0
    assert (report.state, report.counts["seen"], report.counts["discontinued"]) == (State.FINISHED, 12, 1)
    assert sorted(divided.things.sent) == sorted([*changed, "c"])


def test_a_range_whose_hand_is_gone_is_listed_by_another(divided):
    divided.things.there["a"] = "A2"

    async def beside(run_id, _keeper):
        gone = divided.hand().store
        gone.hands.join(run_id, "gone")
        taken = gone.hands.take_range(run_id)
        while taken is None:
            await asyncio.sleep(0.01)
            taken = gone.hands.take_range(run_id)
        divided.levels.store.database._clock = lambda: datetime.now(UTC) + timedelta(minutes=1)
        await until(lambda: not divided.levels.store.hands.others(run_id))
        divided.levels.store.database._clock = None
        return taken

    report, _ = kept(divided, beside)
    assert (report.state, report.counts["seen"]) == (State.FINISHED, 10)
    assert divided.things.sent == ["a"]


def test_who_lost_a_range_does_not_end_it(divided):
    async def beside(run_id, _keeper):
        one, two = (divided.hand().store for _ in range(2))
        one.hands.join(run_id, "one")
        two.hands.join(run_id, "two")
        await until(lambda: one.hands.walked(run_id) is not None)
        taken = one.hands.take_range(run_id, 4)
        assert not two.hands.end_range(run_id, taken.part, 7)
        left = two.hands.walked(run_id).left
        for store in (one, two):
            store.hands.leave()
        return left

    report, left = kept(divided, beside)
    assert left == 5
    assert report.state is State.FINISHED


def test_ranges_with_a_gap_between_them_are_followed_by_one_walk_of_everything(divided):
    divided.things.between = {"d"}
    divided.things.there["d"] = "D2"
    report = divided.run(Mode.WALK)
    assert divided.things.sent == ["d"]
    assert divided.things.asked == [], "it came by a list"
    assert (report.state, report.counts["seen"]) == (State.FINISHED, 10)
    assert any("gap" in remark for remark in report.remarks)


def test_a_walk_that_was_cut_off_goes_on_with_the_ranges_that_are_left(divided):
    def killed():
        raise Killed

    divided.things.there["i"] = "I2"
    divided.things.fails["i"] = killed
    with pytest.raises((Killed, BaseExceptionGroup)):
        divided.run(Mode.WALK)
    before = len(divided.things.walked)
    divided.things.fails.clear()
    report = divided.run(Mode.WALK)
    assert (report.state, report.resumed, report.counts["seen"]) == (State.FINISHED, True, 10)
    assert len(divided.things.walked) - before < 5
    assert divided.things.site["i"] == "I2"


def test_a_verify_has_one_lister(divided):
    divided.run(Mode.VERIFY)
    assert divided.things.walked == []


def test_of_a_first_walk_the_keeper_lists_and_hands_read(tmp_path, engine, monkeypatch):
    offered = []

    class Noted:
        async def offer(self, jobs, *, after=timedelta()):
            offered.extend(jobs)

    there = {f"k{number:03}": "new" for number in range(40)}
    with open_engine(tmp_path / "another", **there) as first:
        make, first.job = first.job, lambda: make_with(make, Noted())
        report, _ = kept(first, lent(first), Mode.FULL, stands=False)
    assert (report.state, report.counts["seen"], report.counts["written"]) == (State.FINISHED, 40, 40)
    assert first.things.site == there
    assert sorted(first.things.sent) == sorted(there)
    assert first.things.reads.total() == 40


def test_of_a_first_walk_the_keeper_takes_records_without_a_usable_id_from_the_list(tmp_path, engine):
    class Nobody:
        async def offer(self, jobs, *, after=timedelta()):
            pass

    with open_engine(tmp_path / "another", a="A", b="B") as first:
        make, first.job = first.job, lambda: make_with(make, Nobody())
        first.things.without_id = {"b"}
        report, _ = kept(first, lent(first), Mode.FULL, stands=False)
    assert (report.state, report.counts["seen"], report.counts["written"]) == (State.FINISHED, 2, 2)
    assert first.things.site == {"a": "A", "b": "B"}
    assert "b" not in first.things.reads


def make_with(make, queue):
    from msgspec.structs import replace

    return replace(make(), queue=queue)


def test_a_hand_that_is_asked_to_stop_finishes_what_it_has_and_gives_back_the_rest(engine):
    open_before(engine, a="A2", b="B2")

    async def beside(run_id, _keeper):
        stop = asyncio.Event()
        job = engine.hand()
        job.data.fails = {"a": stop.set, "b": stop.set}
        return await lend_hand(job, run_id, stop=stop)

    report, lent_hand = kept(engine, beside)
    assert lent_hand.end is End.STOPPED
    assert report.state is State.FINISHED
    assert sorted(engine.things.sent) == ["a", "b"]
