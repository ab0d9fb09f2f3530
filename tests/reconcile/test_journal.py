"""The journal of a run is written beside the event loop, what came together in one transaction, and in order."""

from __future__ import annotations

import asyncio
from threading import Event

import pytest

from reconciler.errors import LedgerError, LockLost
from reconciler.ledger.config.entries import Noted, Sent
from reconciler.ledger.writer import Ledger
from reconciler.reconcile.journal import Journal
from support.apply_fakes import Bench, FakeApi, live, outcomes, widget


class SlowLedger:
    """A ledger whose transactions take as long as they are told to."""

    salt = b"salt"

    def __init__(self, error: BaseException | None = None, *, is_lock_lost: bool = False) -> None:
        self.groups: list[list[str]] = []
        self.fenced: list[bool] = []
        self.begun, self.may_end = Event(), Event()
        self.error, self.is_lock_lost = error, is_lock_lost

    def record(self, run, entries, lock=None) -> None:
        self.begun.set()
        assert self.may_end.wait(10)
        if self.error is not None:
            raise self.error
        if lock is not None and self.is_lock_lost:
            raise LockLost("taken over")
        self.groups.append([entry.key for entry in entries])
        self.fenced.append(lock is not None)


def written(ledger, work):
    async def within():
        with Journal("run", ledger, "the lock") as journal:
            return await work(journal)

    return asyncio.run(within())


def test_what_is_noted_while_a_transaction_is_under_way_is_written_together_in_the_next():
    ledger = SlowLedger()

    async def work(journal):
        first = journal.note(Noted("a", "applied"))
        await asyncio.to_thread(ledger.begun.wait, 10)
        others = [journal.note(Noted(key, "applied")) for key in "bcd"]
        sent = journal.note(Sent("e"))
        await asyncio.sleep(0)
        assert not any(future.done() for future in (first, *others, sent))
        ledger.may_end.set()
        await sent
        assert all(future.done() for future in (first, *others))

    written(ledger, work)
    assert ledger.groups == [["a"], ["b", "c", "d", "e"]]
    assert ledger.fenced == [False, True], "the lock is asked for what is about to be sent"


def test_at_its_end_everything_is_written_though_nobody_waits():
    ledger = SlowLedger()
    ledger.may_end.set()

    async def work(journal):
        for key in "abc":
            journal.note(Noted(key, "applied"))

    written(ledger, work)
    assert [key for group in ledger.groups for key in group] == ["a", "b", "c"]


def test_without_the_lock_only_what_is_to_be_sent_fails():
    ledger = SlowLedger(is_lock_lost=True)

    async def work(journal):
        journal.note(Noted("before", "applied"))
        await asyncio.to_thread(ledger.begun.wait, 10)
        noted, sent = journal.note(Noted("a", "applied")), journal.note(Sent("b"))
        ledger.may_end.set()
        await asyncio.wait({noted, sent})
        return noted.exception(), type(sent.exception())

    assert written(ledger, work) == (None, LockLost)


def test_a_ledger_that_refuses_is_told_and_a_mistake_of_ours_is_not_swallowed():
    async def work(journal):
        noted = journal.note(Noted("a", "applied"))
        await asyncio.wait({noted})
        told = noted.exception()
        await journal.all_written(asyncio.Event())
        return told

    full = SlowLedger(LedgerError("the disk is full"))
    full.may_end.set()
    assert str(written(full, work)) == "the disk is full"
    wrong = SlowLedger(ZeroDivisionError())
    wrong.may_end.set()
    with pytest.raises(ZeroDivisionError):
        written(wrong, work)


def test_many_changes_take_far_fewer_transactions(tmp_path, monkeypatch):
    groups = counted_groups(monkeypatch)
    api = FakeApi()
    bench = Bench(tmp_path, api, *(widget(f"w{number}") for number in range(100)))
    assert set(outcomes(bench.apply()).values()) == {"applied"}
    assert sum(groups) == 200
    assert len(groups) <= 60


def test_what_is_left_after_stop_is_noted_at_once(tmp_path, monkeypatch):
    groups = counted_groups(monkeypatch)
    api = FakeApi(live(*(f"w{number}" for number in range(300))))
    bench = Bench(tmp_path, api, *(widget(f"w{number}", 5) for number in range(300)))
    api.meanwhile = {0: lambda _: bench.stop.set()}
    report = bench.apply(side_by_side=1)
    assert sorted(outcomes(report).values()) == ["applied", *["skipped"] * 299]
    assert len(groups) <= 10
    with Ledger.open(bench.url) as ledger:
        run = ledger.unfinished_run("test")
    assert run is not None
    assert sorted(entry.outcome for entry in run.entries) == ["applied", *["skipped"] * 299]


def counted_groups(monkeypatch):
    """Return a list to which every transaction of a journal adds how many entries it wrote."""
    groups: list[int] = []
    record = Ledger.record

    def counted(self, run, entries, lock=None):
        groups.append(len(entries))
        record(self, run, entries, lock)

    monkeypatch.setattr(Ledger, "record", counted)
    return groups
