"""Runs, claims, leases and kills of the data plane's ledger: what the naive model does not show."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import LedgerError, LedgerLocked, LockLost
from reconciler.ledger.data import runs as data_runs
from reconciler.ledger.data.fence import Beginning
from reconciler.ledger.data.model import DataScope, LogDates, ProblemRow, Result
from reconciler.ledger.writer import Ledger
from support.levels import levels_of

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PRINT = b"\x01" * 16

WRITER = """
import sys
from datetime import UTC, datetime
from reconciler.ledger.data.model import DataScope, Result
from reconciler.ledger.writer import Ledger
with Ledger.open(sys.argv[1]) as ledger:
    store = ledger.store(DataScope("test", "https://api.example#site", "ordercloud", "products"))
    with store.lock("writer"):
        now = datetime.now(UTC)
        run = store.runs.begin("full", "c", "writer", now, walks=True, full=True)
        print(run.id, flush=True)
        number = 0
        while True:
            keys = [f"{number + offset}" for offset in range(5)]
            store.records.begin_writes([(key, ["product"]) for key in keys])
            print("sent", *keys, flush=True)
            store.records.record([Result(key, prints={"product": b"1" * 16}) for key in keys], run.id, {"written": 5})
            print("done", *keys, flush=True)
            number += 5
"""


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def url(ledger_url):
    return ledger_url


@pytest.fixture
def ledger(url, clock):
    with Ledger.open(url, clock) as opened:
        yield opened


@pytest.fixture
def levels(ledger):
    found = levels_of(ledger, SCOPE)
    with found.lock("test"):
        yield found


def begin(levels, *, walks=True, full=False, now=NOW):
    return levels.begin("mode", "digest", "test", now, NOW, walks=walks, full=full)


def wrong(key, code="no-sku", message="it has none"):
    return ProblemRow(key, "product", code, message, f"https://x/{key}")


class TestKill:
    @pytest.mark.parametrize("lines", [1, 2, 21])
    def test_what_was_sent_and_not_recorded_is_in_doubt_and_open_and_the_rest_is_true(self, url, lines):
        with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
            run_id = writer.stdout.readline().strip()
            told = [writer.stdout.readline().split() for _ in range(lines)]
            os.kill(writer.pid, signal.SIGKILL)
            told += [line.split() for line in writer.stdout]
        sent = {key for line in told if line[0] == "sent" for key in line[1:]}
        done = {key for line in told if line[0] == "done" for key in line[1:]}
        with Ledger.open(url) as ledger:
            levels = levels_of(ledger, SCOPE)
            with levels.lock("the next"):  # at once: its holder is dead
                found = levels.levels([str(number) for number in range(len(sent) + 20)])
                assert found.keys() >= sent
                for key, level in found.items():
                    assert level.doubtful != bool(level.prints)
                    assert level.doubtful == level.is_open
                    assert not level.doubtful or key not in done
                run = levels.unfinished()
                assert run is not None
                assert (run.id, run.counts.get("written", 0)) == (run_id, sum(not x.doubtful for x in found.values()))
                doubtful = {key for key, level in found.items() if level.doubtful}
                later = datetime.now(UTC) + timedelta(minutes=1)
                assert {level.key for level in levels.claim_due(100, later, 60, "token")} == doubtful


class TestLock:
    def test_one_run_per_scope_and_many_scopes(self, ledger):
        levels = levels_of(ledger, SCOPE)
        other = levels_of(ledger, DataScope("test", "https://api.example#site", "ordercloud", "customers"))
        with levels.lock("one"), other.lock("two"), ledger.lock("apply"):
            with pytest.raises(LedgerLocked) as caught, levels_of(ledger, SCOPE).lock("three"):
                pytest.fail("two runs at once")
            assert SCOPE.lock_name in caught.value.message
            assert f"ledger unlock --force -e {SCOPE.environment} '{SCOPE.lock_name}'" in (caught.value.next_step or "")

    def test_without_it_nothing_of_a_run_can_be_written(self, ledger):
        levels = levels_of(ledger, SCOPE)
        with pytest.raises(LockLost):
            begin(levels)
        with levels.lock("one"):
            pass
        with pytest.raises(LockLost):
            levels.seen("run", {"a": None})
        assert levels.want(["a"]) == 1

    def test_one_that_slept_through_its_lease_keeps_it_until_another_takes_it(self, ledger, clock):
        old, new = levels_of(ledger, SCOPE), levels_of(ledger, SCOPE)
        with old.lock("old"):
            clock.now += timedelta(hours=1)
            old.begin_writes([("a", ["product"])])
            with new.lock("new"):
                with pytest.raises(LockLost):
                    old.record([Result("a", prints={"product": PRINT})], None)
                assert new.levels(["a"])["a"].doubtful
            with pytest.raises(LockLost):
                old.record([Result("a", prints={"product": PRINT})], None)


class TestClaims:
    def test_nobody_gets_what_is_claimed_until_the_lease_ends(self, levels, clock):
        levels.want(["a", "b"])
        assert [level.key for level in levels.claim_due(1, NOW, 60, "one")] == ["a"]
        assert [level.key for level in levels.claim_due(9, NOW, 60, "two")] == ["b"]
        assert levels.claim_due(9, NOW, 60, "three") == []
        clock.now += timedelta(seconds=61)
        assert [level.key for level in levels.claim_due(9, NOW, 60, "three")] == ["a", "b"]

    def test_who_lost_a_claim_records_nothing(self, levels, clock):
        levels.want(["a"])
        levels.claim_due(1, NOW, 60, "slow")
        clock.now += timedelta(seconds=61)
        levels.claim_due(1, NOW, 60, "quick")
        slow = Result("a", 1, {"product": PRINT}, {"x": 1}, (wrong("a"),), gone=True, token="slow")
        assert levels.record([slow], None) == ["a"]
        levels.failed("a", 5, None, dead=True, token="slow")
        level = levels.levels(["a"])["a"]
        assert (level.is_open, level.prints, level.held, level.gone, level.problems, level.dead) == (
            (True, {}, {}, False, False, False)
        )
        assert levels.record([Result("a", 1, {"product": PRINT}, token="quick")], None) == []
        assert levels.levels(["a"])["a"].prints == {"product": PRINT}

    def test_what_a_walk_is_writing_is_not_handed_out_to_somebody_else(self, levels):
        levels.begin_writes([("a", ["product"])])
        assert levels.claim_due(9, NOW, 60, "one") == []

    def test_the_next_holder_gets_what_the_last_one_claimed(self, ledger):
        levels = levels_of(ledger, SCOPE)
        with levels.lock("one"):
            levels.want(["a"])
            levels.begin_writes([("b", ["product"])])
            assert levels.claim_due(1, NOW, 3600, "one")
        with levels.lock("two"):
            assert {level.key for level in levels.claim_due(9, NOW, 60, "two")} == {"a", "b"}

    def test_a_retry_waits_for_its_moment_and_what_is_due_for_its_own(self, levels):
        levels.failed("a", 1, NOW + timedelta(seconds=5))
        levels.record([Result("b", due_at=NOW + timedelta(seconds=9))], None)
        assert levels.claim_due(9, NOW, 60, "t") == []
        assert [level.key for level in levels.claim_due(9, NOW + timedelta(seconds=5), 60, "t")] == ["a"]
        due = levels.claim_due(9, NOW + timedelta(seconds=9), 60, "t")
        assert [(level.key, level.is_open, level.due_at) for level in due] == [("b", True, None)]

    def test_the_sync_s_clock_may_be_behind_ours(self, levels):
        levels.want(["a"])
        assert len(levels.claim_due(9, NOW - timedelta(minutes=20), 60, "t")) == 1

    def test_what_was_wanted_first_comes_first(self, levels, clock):
        for key in ("c", "a", "b"):
            levels.want([key])
            clock.now += timedelta(seconds=1)
        levels.want(["c"])
        assert [level.key for level in levels.claim_due(9, NOW, 60, "t")] == ["c", "a", "b"]


class TestOverwrites:
    """What a hand that is gone began to write may arrive after what the next one wrote."""

    @pytest.fixture
    def levels(self, ledger):
        gone, found = levels_of(ledger, SCOPE), levels_of(ledger, SCOPE)
        with gone.lock("gone"):
            gone.begin_writes([("a", ["product"])])
        with found.lock("next"):
            found.begin_writes([("a", ["product"])])
            found.record([Result("a", prints={"product": PRINT})], None)
            yield found

    def test_one_that_is_raised_meanwhile_and_needs_no_write_waits_as_before(self, levels):
        until = levels.levels(["a"])["a"].retry_at
        levels.want(["a"])
        (claimed,) = levels.claim_due(9, NOW, 60, "t")
        levels.seen("run", {"a": claimed.wanted})
        level = levels.levels(["a"])["a"]
        assert (level.applied, level.is_open, level.retry_at) == (1, True, until)
        assert levels.claim_due(9, NOW, 60, "t") == []

    def test_one_that_is_not_written_again_after_that_stays_in_doubt(self, levels, clock):
        clock.now = levels.levels(["a"])["a"].retry_at
        (claimed,) = levels.claim_due(9, clock.now, 60, "t")
        assert (claimed.doubtful, claimed.prints) == (True, {})
        levels.record([Result("a", problems=(wrong("a"),), token="t", written=False, held_back=True)], None)
        level = levels.levels(["a"])["a"]
        assert (level.is_open, level.doubtful, level.prints) == (False, True, {})


class TestTakenBack:
    """A hand that stops takes back what it began and did not send."""

    def test_what_was_never_sent_the_next_one_writes_once(self, ledger):
        stopped, found = levels_of(ledger, SCOPE), levels_of(ledger, SCOPE)
        with stopped.lock("stopped"):
            assert stopped.begin_writes([("a", ["product"]), ("b", ["product"])]).returnable == {"a", "b"}
            stopped.take_back(["a"])
            left = stopped.levels(["a", "b"])
            assert [(level.is_open, level.doubtful) for level in left.values()] == [(True, True)] * 2
            assert [level.key for level in stopped.claim_due(9, NOW, 60, "t")] == ["a"]
        with found.lock("next"):
            found.begin_writes([("a", ["product"]), ("b", ["product"])])
            found.record([Result(key, prints={"product": PRINT}) for key in "ab"], None)
            assert {key: level.is_open for key, level in found.levels(["a", "b"]).items()} == {"a": False, "b": True}

    def test_what_was_sent_before_without_an_answer_is_not_given_back(self, levels):
        levels.begin_writes([("a", ["product"])])
        levels.failed("a", 1, NOW)
        assert levels.begin_writes([("a", ["product"])]) == Beginning()

    def test_what_another_one_began_may_still_arrive(self, ledger):
        gone, found = levels_of(ledger, SCOPE), levels_of(ledger, SCOPE)
        with gone.lock("gone"):
            gone.begin_writes([("a", ["product"])])
        with found.lock("next"):
            found.take_back(found.begin_writes([("a", ["product"])]).returnable)
            found.begin_writes([("a", ["product"])])
            found.record([Result("a", prints={"product": PRINT})], None)
            assert found.levels(["a"])["a"].is_open

    def test_what_another_one_began_is_not_this_one_s_to_take_back(self, ledger):
        gone, found = levels_of(ledger, SCOPE), levels_of(ledger, SCOPE)
        with gone.lock("gone"):
            gone.begin_writes([("a", ["product"])])
        with found.lock("next"):
            found.take_back(["a"])
            found.begin_writes([("a", ["product"])])
            found.record([Result("a", prints={"product": PRINT})], None)
            assert found.levels(["a"])["a"].is_open

    def test_what_is_put_in_doubt_meanwhile_stays_so(self, ledger):
        stopped, found = levels_of(ledger, SCOPE), levels_of(ledger, SCOPE)
        with stopped.lock("stopped"):
            begun = stopped.begin_writes([("a", ["product"])])
            stopped.store.records.doubt({"a": ["product"]})
            stopped.take_back(begun.returnable)
        with found.lock("next"):
            found.begin_writes([("a", ["product"])])
            found.record([Result("a", prints={"product": PRINT})], None)
            assert found.levels(["a"])["a"].is_open


class TestRevisions:
    def test_what_is_wanted_while_it_is_worked_on_stays_open(self, levels):
        levels.want(["a"])
        before = levels.claim_due(1, NOW, 60, "t")[0]
        levels.want(["a"])
        levels.record([Result("a", before.wanted, {"product": PRINT}, token="t")], None)
        level = levels.levels(["a"])["a"]
        assert (level.is_open, level.applied, level.wanted) == (True, 1, 2)
        levels.seen("run", {"a": 1})
        assert levels.levels(["a"])["a"].is_open
        levels.seen("run", {"a": 2})
        assert not levels.levels(["a"])["a"].is_open

    def test_what_no_run_saw_may_still_be_found_gone(self, levels):
        levels.record([Result("a", prints={"product": PRINT})], "before")
        levels.want(["a"])
        levels.seen(None, {"a": 1})
        assert not levels.levels(["a"])["a"].is_open
        assert [level.key for level in levels.unseen("now", None, 9)] == ["a"]


class TestRuns:
    def test_one_that_was_cut_off_goes_on(self, ledger, levels):
        run = begin(levels)
        levels.update(run.id, listed=True, counts={"written": 2})
        levels.update(run.id, counts={"written": 3, "seen": 1})
        assert (found := levels.unfinished()) is not None
        assert (found.id, found.listed, found.counts) == ((run.id, True, {"written": 5, "seen": 1}))
        assert levels.cancel()
        assert levels.resume(run.id, "another").cancel_requested
        levels.end(run.id, "cancelled", NOW, message="asked to")
        assert levels.unfinished() is None
        assert not levels.cancel()
        assert levels.last() is None
        assert levels.last(state="cancelled") == levels.run(run.id)

    def test_a_new_run_takes_the_place_of_one_that_was_cut_off(self, levels):
        old, new = begin(levels), begin(levels)
        assert levels.run(old.id).state == "interrupted"
        assert levels.unfinished().id == new.id

    @pytest.mark.parametrize(("state", "goes_on"), [("running", True), ("interrupted", True), ("stopped", False)])
    def test_which_goes_on(self, levels, state, goes_on):
        levels.end(begin(levels).id, state, NOW)
        assert (levels.unfinished() is not None) == goes_on

    def test_an_unknown_run_is_said(self, levels):
        assert levels.run("none") is None
        with pytest.raises(LedgerError):
            levels.resume("none", "test")

    def test_walks_and_the_last_good_run_are_never_forgotten(self, levels, monkeypatch):
        monkeypatch.setattr(data_runs, "_KEPT", 10)
        full, walk, good = begin(levels, full=True), begin(levels), begin(levels, walks=False)
        for run in (full, walk, good):
            levels.end(run.id, "finished", NOW)
        for _ in range(15):
            levels.end(begin(levels, walks=False).id, "stopped", NOW)
        assert levels.last(full=True).id == full.id
        assert levels.last(walks=True).id == walk.id
        assert levels.last().id == good.id

    def test_a_failed_try_counts_as_seen_by_the_run(self, levels):
        run = begin(levels)
        levels.failed("a", 1, NOW)
        assert levels.open_count(run.id) == 1

    def test_what_we_wrote_to_the_log_is_kept_date_by_date(self, levels):
        levels.remember_log(LogDates(started=NOW))
        levels.remember_log(LogDates(last_partial=NOW + timedelta(hours=1)))
        levels.remember_log(LogDates())
        assert levels.log_dates() == LogDates(NOW, None, NOW + timedelta(hours=1))


class TestScopes:
    def test_they_know_nothing_of_each_other(self, ledger):
        scopes = [
            SCOPE,
            DataScope("other", SCOPE.target, SCOPE.integration, SCOPE.data_type),
            DataScope(SCOPE.environment, "elsewhere", "second", SCOPE.data_type),
        ]
        for number, scope in enumerate(scopes):
            levels = levels_of(ledger, scope)
            with levels.lock("test"):
                run = begin(levels, full=True)
                assert levels.levels(["a"]) == {}
                assert levels.claim_many({"a": [("sku", "1")]}) == {"a": {}}
                levels.record([Result("a", problems=(wrong("a", message=str(number)),))], run.id)
                assert levels.to_log(9)[0][0].message == str(number)
        for number, scope in enumerate(scopes):
            assert levels_of(ledger, scope).problems(9)[0].problem.message == str(number)


class TestProblems:
    def test_those_of_one_external_id_are_one_entry(self, levels):
        found = (wrong("a"), wrong("a", "no-name", "no name"), ProblemRow("a", "stock", "no-sku", "it has none", "u"))
        levels.record([Result("a", problems=found)], None)
        errors, resolved = levels.to_log(9)
        assert [(error.external_id, error.message, error.url) for error in errors] == [
            ("a", "it has none; no name", "https://x/a")
        ]
        assert resolved == []
        levels.logged(["a"], [])
        assert levels.to_log(9) == ([], [])
        levels.record([Result("a", problems=found)], None)
        assert levels.to_log(9) == ([], [])
        levels.record([Result("a", problems=found[:1])], None)
        assert [error.message for error in levels.to_log(9)[0]] == ["it has none"]

    def test_one_that_went_before_it_could_be_logged_is_not_resolved_there(self, levels):
        levels.record([Result("a", problems=(wrong("a"),))], None)
        levels.record([Result("a")], None)
        assert levels.to_log(9) == ([], [])

    def test_one_that_may_have_arrived_is_resolved(self, levels):
        levels.record([Result("a", problems=(wrong("a"),))], None)
        assert levels.to_log(9)[0]  # and then the answer is lost
        assert levels.counts(NOW).logged == 0
        levels.record([Result("a")], None)
        assert levels.to_log(9) == ([], ["a"])

    def test_people_are_told_of_what_the_log_certainly_has_and_is_not_to_be_resolved(self, levels):
        levels.record([Result("a", problems=(wrong("a"),)), Result("b", problems=(wrong("b"),))], None)
        levels.logged([error.external_id for error in levels.to_log(9)[0]], [])
        levels.record([Result("a")], None)
        levels.record([Result("c", problems=(wrong("c"),))], None)
        counts = levels.counts(NOW)
        assert (counts.problems, counts.logged) == (2, 1)
        assert [item.logged for item in levels.problems(9)] == [True, False]

    def test_one_that_changes_while_the_log_is_told_is_told_again(self, levels):
        levels.record([Result("a", problems=(wrong("a"),))], None)
        levels.to_log(9)
        levels.record([Result("a", problems=(wrong("a", message="it is taken"),))], None)
        levels.logged(["a"], [])
        assert [error.message for error in levels.to_log(9)[0]] == ["it is taken"]

    def test_one_that_comes_back_while_the_log_is_told_is_told_again(self, levels):
        levels.record([Result("a", problems=(wrong("a"),))], None)
        levels.logged([error.external_id for error in levels.to_log(9)[0]], [])
        levels.record([Result("a")], None)
        assert levels.to_log(9) == ([], ["a"])
        levels.record([Result("a", problems=(wrong("a"),))], None)
        levels.logged([], ["a"])
        assert levels.logged_count() == 0
        assert [error.external_id for error in levels.to_log(9)[0]] == ["a"]

    def test_what_was_found_before_a_moment_is_not_new(self, levels, clock):
        levels.record([Result("a", problems=(wrong("a"),)), Result("b", problems=(wrong("b"),))], None)
        later = clock.now = NOW + timedelta(hours=1)
        # Found again, with another one, mended and found again, found for the first time.
        levels.record([Result("a", problems=(wrong("a"), wrong("a", "no-name"))), Result("b")], None)
        levels.record([Result("b", problems=(wrong("b"),)), Result("c", problems=(wrong("c"),))], None)
        assert levels.problems_since(NOW) == 3
        assert levels.problems_since(later) == 2
        assert levels.problems_since(later + timedelta(microseconds=1)) == 0

    def test_what_was_found_before_a_clock_was_set_back_is_not_new(self, levels, clock):
        levels.record([Result("a", problems=(wrong("a"),))], None)
        yesterday = clock.now = NOW - timedelta(days=1)
        levels.record([Result("b", problems=(wrong("b"),))], None)
        assert levels.problems_since(yesterday) == 1

    def test_what_is_neither_failed_nor_wrong_is_not_given_up(self, levels):
        levels.record([Result("wrong", problems=(wrong("wrong"),)), Result("fine")], None)
        levels.want(["fine", "dead"])
        levels.failed("dead", 5, None, dead=True)
        assert levels.drop(["wrong", "fine", "dead", "unknown"]) == 2
        assert {key: level.is_open for key, level in levels.levels(["wrong", "fine", "dead"]).items()} == {
            "wrong": False,
            "fine": True,
            "dead": False,
        }

    def test_a_full_sync_begins_the_log_anew_and_a_walk_does_not(self, levels):
        levels.record([Result("a", problems=(wrong("a"),)), Result("b", problems=(wrong("b"),))], None)
        levels.logged([error.external_id for error in levels.to_log(9)[0]], [])
        levels.record([Result("b")], None)
        begin(levels)
        assert levels.to_log(9) == ([], ["b"])
        begin(levels, full=True)
        assert [error.external_id for error in levels.to_log(9)[0]] == ["a"]
        assert levels.to_log(9)[1] == []

    def test_the_oldest_are_logged_as_many_as_there_is_room_for_and_others_follow_as_they_are_mended(self, levels):
        keys = [f"{number:05d}" for number in range(510)]
        for start in range(0, len(keys), 500):
            levels.record([Result(key, problems=(wrong(key),)) for key in keys[start : start + 500]], None)
        logged = []
        while errors := levels.to_log(70, 500)[0]:
            levels.logged([error.external_id for error in errors], [])
            logged += [error.external_id for error in errors]
        assert logged == keys[:500]
        assert (levels.open_problems(), levels.logged_count()) == (510, 500)
        levels.record([Result(key) for key in keys[:3]], None)
        errors, resolved = levels.to_log(70, 500)
        assert (errors, resolved) == ([], keys[:3])
        levels.logged([], resolved)
        assert [error.external_id for error in levels.to_log(70, 500)[0]] == keys[500:503]

    def test_a_retry_wants_all_that_is_stuck(self, levels):
        levels.record([Result("wrong", problems=(wrong("wrong"),)), Result("fine")], None)
        levels.failed("dead", 5, None, dead=True)
        levels.failed("failed", 1, NOW + timedelta(hours=1))
        assert levels.retry() == 3
        claimed = levels.claim_due(9, NOW, 60, "t")
        assert {level.key for level in claimed} == {"wrong", "dead", "failed"}
        assert not any(level.attempts or level.dead for level in claimed)


def test_many_keys_at_once_are_no_trouble(levels):
    keys = [f"key-{number}" for number in range(1001)]
    run = begin(levels)
    assert levels.want(keys) == 1001
    levels.begin_writes([(key, ["product"]) for key in keys])
    levels.record([Result(key, prints={"product": PRINT}, held={"x": key}) for key in keys], run.id)
    assert all(level.prints == {"product": PRINT} for level in levels.levels(keys).values())
    wishes = {key: [("sku", f"{key}/{number}") for number in range(3)] for key in keys}
    assert levels.claim_many(wishes) == {key: {} for key in keys}
    assert levels.claim_many({"thief": wishes[keys[0]]})["thief"] == dict.fromkeys(wishes[keys[0]], keys[0])
    assert len({level.key for level in levels.sample(5, 5, run.config)}) >= 5
    assert levels.sample(5, 5, "another") == []
    levels.seen("another", dict.fromkeys(keys[:-1]))
    assert [level.key for level in levels.unseen("another", None, 9)] == [keys[-1]]
    levels.forget_prints()
    assert levels.sample(5, 5, run.config) == []
    assert levels.drop(keys) == 0
    levels.record([Result(key, problems=(wrong(key),)) for key in keys], None)
    assert levels.drop(keys) == 1001


def test_results_of_one_batch_change_only_what_each_of_them_says(levels):
    run = begin(levels)
    both = {"prints": {"product": PRINT}, "held": {"at": "first"}, "look": b"first"}
    levels.record([Result(key, **both) for key in ("a", "b", "c")], run.id)
    levels.record([Result("a", held={"at": "second"}), Result("b", look=b"second"), Result("new")], run.id)
    levels.record([Result("c", prints={"product": None})], run.id)
    found = levels.levels(["a", "b", "c", "new"])
    assert {key: (dict(level.held), level.look) for key, level in found.items()} == {
        "a": ({"at": "second"}, b"first"),
        "b": ({"at": "first"}, b"second"),
        "c": ({"at": "first"}, b"first"),
        "new": ({}, None),
    }
    assert [dict(found[key].prints) for key in ("a", "c", "new")] == [{"product": PRINT}, {}, {}]


def test_what_the_target_holds_of_a_record_goes_to_the_one_with_the_new_id(levels) -> None:
    run = begin(levels)
    problem = ProblemRow("old", "product", "no-sku", "words", "url")
    levels.claim_many({"old": [("email", "a")], "waits": [("email", "a")]})
    levels.record([Result("old", prints={"product": PRINT}, held={"at": "site"}, problems=(problem,))], run.id)

    levels.move({"old": "new", "unknown": "other"})

    found = levels.levels(["old", "new", "other", "waits"])
    assert (found["new"].held, found["new"].prints) == ({"at": "site"}, {})
    assert (found["old"].held, found["old"].gone, found["old"].is_open) == ({}, True, False)
    assert "other" not in found
    assert found["waits"].is_open
    assert levels.owners([("email", "a")]) == {}
    assert levels.open_problems() == 0
