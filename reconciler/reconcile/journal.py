"""Journal of a run: written by a thread of its own, several changes in one durable transaction."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from reconciler.errors import LedgerError, LockLost
from reconciler.ledger.config.entries import Entry, Sent
from reconciler.reconcile.ending import ended
from reconciler.reconcile.hashing import begin_to_hash

if TYPE_CHECKING:  # the database layer is loaded by the command that opens the ledger
    from reconciler.ledger.lock import Lock
    from reconciler.ledger.writer import Ledger

_AT_ONCE = 500
# For what is noted by changes that go on at the same time; little beside a commit and an answer.
_LINGER_SECONDS = 0.002


class _Note(NamedTuple):
    entry: Entry | None
    written: asyncio.Future[None]


class Journal:
    """Writes entries in the order in which they are noted. Use it as a context manager: at its end all are written.

    What is noted while a transaction is under way goes into the next one together. The thread has transactions of its
    own, so the event loop goes on meanwhile.

    Args:
        run: the run's ID.
        ledger: where it is kept.
        lock: has to be ours for anything to be sent; renewed with every change that is about to be.
    """

    def __init__(self, run: str, ledger: Ledger, lock: Lock) -> None:
        self._run = run
        self._ledger = ledger
        self._lock = lock
        self._loop = asyncio.get_running_loop()
        self._broken: BaseException | None = None
        self._salt = b""
        self._expected: set[str] = set()
        self._noted: SimpleQueue[_Note | None] = SimpleQueue()
        self._thread = Thread(target=self._write, name="journal", daemon=True)

    def __enter__(self) -> Self:
        # Here a ledger that cannot be read does no harm: nothing was sent.
        self._salt = self._ledger.salt
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._noted.put(None)
        self._thread.join()

    def note(self, entry: Entry | None) -> asyncio.Future[None]:
        """Have an entry written. The future is done once it is committed, and so is all that was noted before.

        It raises LockLost where something is to be sent and the lock is no longer ours; LedgerError where the entry
        could not be written.
        """
        written = self._loop.create_future()
        self._noted.put(_Note(entry, written))
        return written

    def expect(self, secrets: Iterable[str]) -> None:
        """Begin with what takes long of entries that will hold the values of these secrets."""
        for value in set(secrets) - self._expected:
            self._expected.add(value)
            begin_to_hash(self._salt, value)

    async def all_written(self, stop: asyncio.Event) -> None:
        """Return when what was noted so far is written, or the ledger has refused it.

        Args:
            stop: set once an end was asked for; a cancellation after it changes nothing.
        """
        await ended((self.note(None),), stop)
        if self._broken is not None:
            raise self._broken

    def _write(self) -> None:
        while (first := self._noted.get()) is not None:
            time.sleep(_LINGER_SECONDS)
            group, is_last = [first], False
            with suppress(Empty):
                while len(group) < _AT_ONCE and not is_last:
                    note = self._noted.get_nowait()
                    if note is None:
                        is_last = True
                    else:
                        group.append(note)
            error = self._commit([note.entry for note in group if note.entry is not None])
            self._loop.call_soon_threadsafe(_settle, group, error)
            if is_last:
                return

    def _commit(self, entries: Sequence[Entry]) -> BaseException | None:
        """Write entries in one transaction; return what stood in the way."""
        if not entries:
            return None
        try:
            fenced = any(isinstance(entry, Sent) for entry in entries)
            self._ledger.record(self._run, entries, self._lock if fenced else None)
        except LedgerError as error:
            return error
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._broken = error
            return error
        return None


def _settle(group: Sequence[_Note], error: BaseException | None) -> None:
    for entry, written in group:
        if written.done():  # nobody waits any more
            continue
        if error is None or entry is None or (isinstance(error, LockLost) and not isinstance(entry, Sent)):
            written.set_result(None)
        else:
            written.set_exception(error)
