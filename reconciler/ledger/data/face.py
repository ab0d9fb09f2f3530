"""Async face of the store: the same methods, awaited, each in a thread of the ledger's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from reconciler.ledger.data.hand_store import HandStore
from reconciler.ledger.data.memo_store import MemoStore
from reconciler.ledger.data.outages import OutageStore
from reconciler.ledger.data.record_store import RecordStore
from reconciler.ledger.data.store import HearingStore, LogStore, NameStore, ProblemStore, RunStore, Store

_P = ParamSpec("_P")
_Sync = TypeVar("_Sync")
_Answer = TypeVar("_Answer")


class Caller(Protocol):
    """Runs methods one after the other, beside the event loop."""

    def call(self, method: Callable[_P, _Answer], *arguments: _P.args, **named: _P.kwargs) -> Awaitable[_Answer]:
        """Run a method in the ledger's thread and return its answer."""


class _Face(Generic[_Sync]):
    def __init__(self, sync: _Sync, caller: Caller) -> None:
        self._sync = sync
        self._caller = caller


def _awaited(
    method: Callable[Concatenate[_Sync, _P], _Answer],
) -> Callable[Concatenate[_Face[_Sync], _P], Coroutine[Any, Any, _Answer]]:
    async def call(face: _Face[_Sync], /, *arguments: _P.args, **named: _P.kwargs) -> _Answer:
        return await face._caller.call(method, face._sync, *arguments, **named)  # noqa: SLF001

    call.__doc__ = method.__doc__
    return call


class AsyncRuns(_Face[RunStore]):
    """See `RunStore`."""

    begin = _awaited(RunStore.begin)
    resume = _awaited(RunStore.resume)
    update = _awaited(RunStore.update)
    end = _awaited(RunStore.end)
    run = _awaited(RunStore.run)
    unfinished = _awaited(RunStore.unfinished)
    last = _awaited(RunStore.last)
    wanted = _awaited(RunStore.wanted)
    beat = _awaited(RunStore.beat)
    cancel = _awaited(RunStore.cancel)


class AsyncRecords(_Face[RecordStore]):
    """See `RecordStore`."""

    levels = _awaited(RecordStore.levels)
    want = _awaited(RecordStore.want)
    begin_writes = _awaited(RecordStore.begin_writes)
    take_back = _awaited(RecordStore.take_back)
    record = _awaited(RecordStore.record)
    doubt = _awaited(RecordStore.doubt)
    failed = _awaited(RecordStore.failed)
    seen = _awaited(RecordStore.seen)
    look = _awaited(RecordStore.look)
    claim_due = _awaited(RecordStore.claim_due)
    open_count = _awaited(RecordStore.open_count)
    told = _awaited(RecordStore.told)
    settle_told = _awaited(RecordStore.settle_told)
    forget_strays = _awaited(RecordStore.forget_strays)
    clock = _awaited(RecordStore.clock)
    waits_since = _awaited(RecordStore.waits_since)
    is_anything_waiting = _awaited(RecordStore.is_anything_waiting)
    unseen = _awaited(RecordStore.unseen)
    deleted_since = _awaited(RecordStore.deleted_since)
    sample = _awaited(RecordStore.sample)
    forget_prints = _awaited(RecordStore.forget_prints)
    move = _awaited(RecordStore.move)
    mentioned = _awaited(RecordStore.mentioned)
    drop = _awaited(RecordStore.drop)
    retry = _awaited(RecordStore.retry)
    counts = _awaited(RecordStore.counts)


class AsyncNames(_Face[NameStore]):
    """See `NameStore`."""

    claim_many = _awaited(NameStore.claim_many)
    owners = _awaited(NameStore.owners)


class AsyncProblems(_Face[ProblemStore]):
    """See `ProblemStore`."""

    listed = _awaited(ProblemStore.listed)
    by_code = _awaited(ProblemStore.by_code)
    open_count = _awaited(ProblemStore.open_count)
    found_since = _awaited(ProblemStore.found_since)
    logged_count = _awaited(ProblemStore.logged_count)
    close = _awaited(ProblemStore.close)
    close_unconfirmed = _awaited(ProblemStore.close_unconfirmed)


class AsyncLog(_Face[LogStore]):
    """See `LogStore`."""

    begin_anew = _awaited(LogStore.begin_anew)
    to_log = _awaited(LogStore.to_log)
    logged = _awaited(LogStore.logged)
    dates = _awaited(LogStore.dates)
    remember = _awaited(LogStore.remember)


class AsyncHearing(_Face[HearingStore]):
    """See `HearingStore`."""

    note = _awaited(HearingStore.note)
    judge = _awaited(HearingStore.judge)
    inbox = _awaited(HearingStore.inbox)


class AsyncMemos(_Face[MemoStore]):
    """See `MemoStore`."""

    recall = _awaited(MemoStore.recall)
    keep = _awaited(MemoStore.keep)
    distrust = _awaited(MemoStore.distrust)


class AsyncHands(_Face[HandStore]):
    """See `HandStore`."""

    join = _awaited(HandStore.join)
    beat = _awaited(HandStore.beat)
    leave = _awaited(HandStore.leave)
    take = _awaited(HandStore.take)
    others = _awaited(HandStore.others)
    make_room = _awaited(HandStore.make_room)
    divide = _awaited(HandStore.divide)
    take_range = _awaited(HandStore.take_range)
    end_range = _awaited(HandStore.end_range)
    walked = _awaited(HandStore.walked)


class AsyncOutages(_Face[OutageStore]):
    """See `OutageStore`."""

    look = _awaited(OutageStore.look)
    standing = _awaited(OutageStore.standing)
    found = _awaited(OutageStore.found)
    over = _awaited(OutageStore.over)


class AsyncStore:
    """Async face of `Store`, for the event loop.

    Args:
        store: does the work.
        caller: where it is done; once begun, a transaction comes to its end also where the caller is cancelled.
    """

    def __init__(self, store: Store, caller: Caller) -> None:
        self.runs = AsyncRuns(store.runs, caller)
        self.records = AsyncRecords(store.records, caller)
        self.names = AsyncNames(store.names, caller)
        self.problems = AsyncProblems(store.problems, caller)
        self.log = AsyncLog(store.log, caller)
        self.hearing = AsyncHearing(store.hearing, caller)
        self.memos = AsyncMemos(store.memos, caller)
        self.hands = AsyncHands(store.hands, caller)
        self.outages = AsyncOutages(store.outages, caller)
        self._store, self._caller = store, caller

    async def is_wished(self) -> bool:
        """Whether somebody else waits for the scope's lock."""
        return await self._caller.call(self._store.is_wished)
