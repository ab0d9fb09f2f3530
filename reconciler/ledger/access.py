"""How use cases get at ledgers: each for itself, or all of a process by one that stays open."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.ledger.reader import Ledgers
from reconciler.ledger.url import LedgerUrl

if TYPE_CHECKING:
    from reconciler.ledger.database import Database
    from reconciler.ledger.pulse import Pulse
    from reconciler.ledger.writer import Ledger

_PULSE_SECONDS = 1.0


class Access:
    """Opens a ledger for whoever needs it, and closes it after them: for commands, which end soon."""

    def reading(self) -> Ledgers:
        """Return ledgers for reading; use them as a context manager."""
        return Ledgers()

    @contextmanager
    def writing(self, url: LedgerUrl) -> Iterator[Ledger]:
        """Within, a ledger is open for writing.

        Raises:
            LedgerError: it cannot be opened.
        """
        from reconciler.ledger.writer import Ledger

        with Ledger.open(url) as ledger:
            yield ledger

    def pulse(self, url: LedgerUrl, kind: str) -> Pulse:
        """Return what somebody may wait for in a ledger; see `Ledgers.pulse`.

        Raises:
            LedgerError: it cannot be read.
        """
        with self.reading() as ledgers:
            return ledgers.pulse(url, kind)


class SharedAccess(Access):
    """Opens each ledger once for a process that goes on, and keeps it open: `close` it at the end.

    On PostgreSQL each open ledger has connections of its own: one for each environment would be hundreds of them.
    """

    def __init__(self) -> None:
        self._open: dict[LedgerUrl, Ledger] = {}
        self._opening = threading.Lock()
        self._pulses: dict[tuple[LedgerUrl, str], tuple[float, Pulse]] = {}
        self._looking = threading.Lock()

    def reading(self) -> Ledgers:
        """Return ledgers for reading, those that are open already among them."""
        return Ledgers(borrowed=self._database)

    @contextmanager
    def writing(self, url: LedgerUrl) -> Iterator[Ledger]:
        """Within, a ledger is open for writing, and it stays so."""
        yield self.ledger(url)

    def ledger(self, url: LedgerUrl) -> Ledger:
        """Return a ledger, open for writing.

        Raises:
            LedgerError: it cannot be opened.
        """
        from reconciler.ledger.writer import Ledger

        with self._opening:
            if url not in self._open:
                self._open[url] = Ledger.open(url)
            return self._open[url]

    def pulse(self, url: LedgerUrl, kind: str) -> Pulse:
        """Return what somebody may wait for, as it was within the last second: whoever asks then asks for all."""
        with self._looking:
            at, found = self._pulses.get((url, kind), (0.0, None))
            if found is None or time.monotonic() - at >= _PULSE_SECONDS:
                found = super().pulse(url, kind)
                self._pulses[url, kind] = time.monotonic(), found
            return found

    def keep(self, urls: Collection[LedgerUrl] = ()) -> None:
        """Close all ledgers but these."""
        with self._opening:
            for url in [each for each in self._open if each not in urls]:
                self._open.pop(url).close()

    def close(self) -> None:
        """Close all ledgers."""
        self.keep()

    def _database(self, url: LedgerUrl) -> Database | None:
        found = self._open.get(url)
        return None if found is None else found.database
