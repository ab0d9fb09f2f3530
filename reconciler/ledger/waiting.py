"""Notice that a database server is waited for: without one, a command that hangs and one that waits look alike."""

from __future__ import annotations

import logging
import threading

from reconciler.ledger.url import LedgerUrl

SILENT_SECONDS = 2.0
"""How long is waited for a server without a word."""

# Where nobody has set up logging, a warning is a line on stderr.
_LOG = logging.getLogger(__name__)


class Waiting:
    """Says that a server is waited for, once that takes long, and once for each time.

    Args:
        url: of the ledger.
    """

    def __init__(self, url: LedgerUrl) -> None:
        self._place = url.shown.partition("://")[2]
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """Note that the server is asked for a connection; while it is waited for, again and again."""
        if self._timer is None:
            words = "Waiting for the ledger's database at %s"
            self._timer = threading.Timer(SILENT_SECONDS, _LOG.warning, (words, self._place))
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        """Note that the server is there, or that it is waited for no more."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
