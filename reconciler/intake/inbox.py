"""Inbox of a data sync: messages are in the ledger, durably, before anybody acknowledges them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeAlias

from msgspec import Struct, field

from reconciler.intake.dependencies import Flows, Placement, placement_of
from reconciler.ledger.data.inbox_model import MALFORMED, UNKNOWN, Arrivals, Later, Told
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ordercloud.deliveries.message import Malformed, Message, Missed
from reconciler.sync.mode import Mode, strongest

Delivered: TypeAlias = Message | Malformed
Fetched: TypeAlias = Delivered | Missed
_MOST_AT_ONCE = 1_000
_MOST_MEMBERS = 50
_LONGEST_MEMBER = 100


class Taken(Struct, frozen=True):
    """What became of messages that were taken in.

    Args:
        counts: how many came to each outcome: `placed`, `nothing`, `unknown`, `malformed`.
    """

    counts: Mapping[str, int]


class Inbox:
    """Inbox of one data sync in one environment.

    Args:
        store: the inbox in the ledger.
        flows: what flows through the data sync.
    """

    def __init__(self, store: InboxStore, flows: Flows) -> None:
        self.store = store
        self.flows = flows

    def take(self, messages: Sequence[Fetched]) -> Taken:
        """Take messages in, in one durable transaction: whoever sent them may be told so when this returns.

        Raises:
            LedgerError: none was taken, or nobody can say; none may be acknowledged.
        """
        arrivals, outcomes = arrivals_of(messages, self.flows)
        if messages:
            self.store.take(arrivals)
        return Taken(outcomes)


class _Sum(Struct):
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    raised: dict[str, dict[str, Told | None]] = {}
    walks: dict[str, str] = {}
    later: list[Later] = []
    marked: dict[str, tuple[bytes, tuple[Later, ...]]] = {}
    unknown: list[tuple[str, Sequence[str]]] = []

    def add(self, placement: Placement) -> None:
        """Add what one message touches, which came after those that were added before."""
        for data_type, key, told in placement.raised:
            of_type = self.raised.setdefault(data_type, {})
            of_type[key] = _together(of_type.get(key), told)
        self.add_walks(placement.walks)
        if placement.mark is None:
            self.later.extend(placement.later)
        else:
            name, digest = placement.mark
            self.marked[name] = digest, placement.later

    def add_walks(self, walks: Iterable[tuple[str, Mode]]) -> None:
        """Add walks; of two of one data type the one that does more."""
        for data_type, mode in walks:
            self.walks[data_type] = strongest([Mode(self.walks.get(data_type, mode)), mode]).value


def arrivals_of(messages: Sequence[Fetched], flows: Flows) -> tuple[Arrivals, Mapping[str, int]]:
    """Return what a transaction has to commit for messages, in the order in which they came, and counts by outcome."""
    found = _Sum()
    for message in messages:
        if isinstance(message, Malformed):
            found.counts["", MALFORMED] += 1
            continue
        if isinstance(message, Missed):
            found.add_walks((data_type, Mode.WALK) for data_type in flows.types)
            continue
        placement = placement_of(message, flows)
        found.counts[message.type, placement.outcome] += 1
        found.add(placement)
        if placement.outcome == UNKNOWN:
            found.unknown.append((message.type, _names(message)))
    outcomes: Counter[str] = Counter()
    for (_, outcome), number in found.counts.items():
        outcomes[outcome] += number
    arrivals = Arrivals(found.counts, found.raised, found.walks, found.later, found.marked, found.unknown)
    return arrivals, outcomes


def _together(before: Told | None, told: Told | None) -> Told | None:
    """Return what messages told of one record: the last word counts, of members that each of them named."""
    if before is None or told is None or before.gone or told.gone:
        # A delete wins over whatever else comes with it: which of the two was first, nobody says.
        return before if before is not None and (told is None or before.gone) else told
    return Told(members={**before.members, **told.members})


def _names(message: Message) -> Sequence[str]:
    return [str(name)[:_LONGEST_MEMBER] for name in list(message.payload)[:_MOST_MEMBERS]]


class AsyncInbox:
    """Inbox for the event loop: what many callers bring is committed together. Use it as an async context manager.

    Args:
        inbox: does the work, in a thread.
    """

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.raised = asyncio.Event()
        """Set after each commit that raised something; whoever drains clears it."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="inbox")
        self._waiting: list[tuple[Sequence[Fetched], asyncio.Future[None]]] = []
        self._committing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._committing is not None:
            await asyncio.wait({self._committing})
        self._pool.shutdown()

    async def take(self, *messages: Fetched) -> None:
        """Take messages in, together with what others bring meanwhile; return after the commit.

        Raises:
            LedgerError: they were not taken, or nobody can say; none may be acknowledged.
        """
        if not messages:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((messages, done))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())
        await done

    async def _commit(self) -> None:
        """Commit what waits, as much at once as there is, until nothing waits."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch = self._batch()
                messages = [message for some, _ in batch for message in some]
                try:
                    await loop.run_in_executor(self._pool, self.inbox.take, messages)
                except BaseException as error:
                    for _, done in batch:
                        if not done.done():
                            done.set_exception(error)
                    if not isinstance(error, Exception):
                        raise
                else:
                    self.raised.set()
                    for _, done in batch:
                        if not done.done():
                            done.set_result(None)
        finally:
            self._committing = None

    def _batch(self) -> list[tuple[Sequence[Fetched], asyncio.Future[None]]]:
        batch: list[tuple[Sequence[Fetched], asyncio.Future[None]]] = []
        number = 0
        while self._waiting and (not batch or number + len(self._waiting[0][0]) <= _MOST_AT_ONCE):
            messages, done = self._waiting.pop(0)
            if not done.cancelled():
                batch.append((messages, done))
                number += len(messages)
        return batch
