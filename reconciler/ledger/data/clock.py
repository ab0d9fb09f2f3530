"""Clock of a ledger: the time that all of its processes share, whatever the clock of the machine shows that asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from reconciler.clock import utc_now


class LedgerClock:
    """Tells the ledger's time, by what was last read of it; this machine's, as long as nothing was.

    Dates that several processes note and compare are by this clock, so that a machine whose own is wrong puts none
    into the future, or before what came before it. A ledger in a file has this machine's.

    Args:
        read: returns what the ledger's clock shows; it blocks.
    """

    def __init__(self, read: Callable[[], datetime]) -> None:
        self._read = read
        self.ahead = timedelta()
        """How far it is ahead of this machine's clock."""

    def __call__(self) -> datetime:
        """Return the ledger's time."""
        return utc_now() + self.ahead

    def here(self) -> datetime:
        """Return the time by this machine's clock."""
        return utc_now()

    def ask(self) -> None:
        """Read the ledger's clock. Where the two may agree, this machine's is as good.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        before, shown, after = utc_now(), self._read(), utc_now()
        agrees = before <= shown <= after
        self.ahead = timedelta() if agrees else shown - (before + (after - before) / 2)
