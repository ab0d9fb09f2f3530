"""Consumer of one broker: fetch, take into the ledger, then tell the broker. Never the other way round.

What is fetched and not taken comes again, so messages may come twice; each costs a read, and changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct, field

from reconciler.clock import utc_now
from reconciler.errors import LedgerError, ReconcilerError
from reconciler.ordercloud.deliveries.message import Malformed, Message, Missed

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds."""
_LONGEST_WORDS = 300


class Away(Exception):
    """A broker or storage does not answer, or refuses. The text says why, and no secret. Tried again."""


class Batch(Struct, frozen=True):
    """What was fetched at once, in the order in which it came.

    Args:
        messages: those that are none, and those that are gone, among them.
        token: what the source needs to settle it.
    """

    messages: Sequence[Message | Malformed | Missed]
    token: Any = None


class Look(Struct, frozen=True):
    """How a source is.

    Args:
        connected: whether it was answered lately.
        waiting_for: what keeps it from fetching; None: nothing.
        lag: how many messages wait at the broker, where it says so.
    """

    connected: bool
    waiting_for: str | None = None
    lag: int | None = None


class Source(Protocol):
    """Where messages are fetched from. Its methods are never called side by side."""

    async def fetch(self) -> Batch | None:
        """Return what is there, or None after a moment in which there was nothing.

        Raises:
            Away: it does not answer.
            LedgerError: what it remembers cannot be read or written now.
        """

    async def settle(self, batch: Batch) -> None:
        """Tell that the ledger has a batch, so that it does not come again.

        Raises:
            Away: it does not answer; the batch may come again.
            LedgerError: what it remembers cannot be written now; the batch may come again.
        """

    async def again(self, batch: Batch) -> None:
        """Let a batch come again, as the ledger does not have it.

        Raises:
            Away: it does not answer.
        """

    async def close(self) -> None:
        """Let go of it; what was settled stays so."""

    def look(self) -> Look:
        """Return how it is."""


class Takes(Protocol):
    """What takes messages in; `AsyncInbox`."""

    async def take(self, *messages: Message | Malformed | Missed) -> None:
        """Take messages in; return after the commit.

        Raises:
            LedgerError: none was taken, or nobody can say.
        """


class ConsumerStatus(Struct):
    """How a consumer is, as page, metrics and status show it.

    Args:
        name: where from, without a secret: `kafka broker:9092 oc.products`.
        data_sync: name of the DataSync that the messages are for.
        connected: whether the broker answered lately.
        waiting_for: what it waits for before it goes on; None: for nothing but messages.
        since: since when that is so, or when it began.
        lag: how many messages wait at the broker, where it says so.
        last_message: when the last one was taken.
        taken: how many were, since the start.
        malformed: how many of them were none.
        set_aside: why the last of these was none.
        missed: how many were gone before they were fetched.
    """

    name: str
    data_sync: str
    connected: bool = False
    waiting_for: str | None = "the first answer"
    since: datetime | None = None
    lag: int | None = None
    last_message: datetime | None = None
    taken: int = 0
    malformed: int = 0
    set_aside: str | None = None
    missed: int = 0


class Consumer(Struct):
    """Consumer of one source into one inbox.

    Args:
        status: how it is; kept by `run`.
        source: where messages are fetched from.
        inbox: where they are taken to.
        heard: told, for a log, when what it waits for changes.
        lost: told, for a log, why messages are gone.
        clock: the time, for people.
        jitter: returns a share of 1 by which a wait is shortened.
    """

    status: ConsumerStatus
    source: Source
    inbox: Takes
    heard: Callable[[ConsumerStatus], None] = field(default=lambda _status: None)
    lost: Callable[[ConsumerStatus, str], None] = field(default=lambda _status, _reason: None)
    clock: Callable[[], datetime] = utc_now
    jitter: Callable[[], float] = field(default=random.random)

    async def run(self, stop: asyncio.Event) -> None:
        """Fetch and take until told to stop. Then what was fetched is taken and settled, and nothing fetched any more.

        Neither a broker nor a ledger that is away ends it: it waits, up to half a minute at a time, and says for what.

        Args:
            stop: set when it is to end.
        """
        self.status.since = self.clock()
        failures = 0
        try:
            while not stop.is_set():
                try:
                    await self._round()
                except Away as away:
                    self._wait_for(str(away), connected=False)
                except LedgerError as error:
                    self._wait_for(f"the ledger: {error.message}", connected=self.status.connected)
                except ReconcilerError as error:
                    self._wait_for(error.message, connected=False)
                else:
                    failures = 0
                    continue
                await self._pause(failures, stop)
                failures += 1
        finally:
            await self.source.close()
            self._wait_for("it is stopped", connected=False)

    async def _round(self) -> None:
        batch = await self.source.fetch()
        if batch is not None:
            try:
                await self.inbox.take(*batch.messages)
            except LedgerError:
                await self.source.again(batch)
                raise
            self._count(batch)
            await self.source.settle(batch)
        look = self.source.look()
        self.status.lag = look.lag
        self._wait_for(look.waiting_for, connected=look.connected)

    def _count(self, batch: Batch) -> None:
        status = self.status
        for missed in (message for message in batch.messages if isinstance(message, Missed)):
            status.missed += missed.number
            self.lost(status, missed.reason)
        taken = [message for message in batch.messages if not isinstance(message, Missed)]
        status.taken += len(taken)
        bad = [message.reason for message in batch.messages if isinstance(message, Malformed)]
        if bad:
            status.malformed += len(bad)
            status.set_aside = bad[-1]
        if taken:
            status.last_message = self.clock()

    def _wait_for(self, what: str | None, *, connected: bool) -> None:
        status = self.status
        if (status.waiting_for, status.connected) == (what, connected):
            return
        status.waiting_for, status.connected, status.since = what, connected, self.clock()
        self.heard(status)

    async def _pause(self, failures: int, stop: asyncio.Event) -> None:
        seconds = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(failures, 10)) * (1 - self.jitter() / 2)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


def words(text: str, *secrets: str) -> str:
    """Return what somebody else's program said, for people: without secrets, in one line, and not too long.

    Args:
        text: what it said.
        secrets: what must not be shown.
    """
    for secret in filter(None, secrets):
        text = text.replace(secret, "••••••")
    return "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST_WORDS]).strip()
