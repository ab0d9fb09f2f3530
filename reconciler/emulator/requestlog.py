"""The log of requests that the emulated APIs saw."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

KEPT = 200_000


class Entry:
    """One request. `status` stays None where no answer was given: the connection was cut, or the request hangs."""

    __slots__ = ("fault", "method", "path", "query", "status", "time")

    def __init__(self, method: str, path: str, query: str) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.time = time.time()
        self.status: int | None = None
        self.fault: str | None = None

    def dump(self) -> dict[str, Any]:
        """Return the entry as JSON; `time` is the real time of arrival, `fault` the effect that hit it."""
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "status": self.status,
            "time": datetime.fromtimestamp(self.time, UTC).isoformat(),
            "fault": self.fault,
        }


class RequestLog:
    """The last 200,000 requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)

    def begin(self, method: str, path: str, query: str) -> Entry:
        """Note a request on arrival and return its entry, to be given its status."""
        entry = Entry(method, path, query)
        self._entries.append(entry)
        return entry

    def dump(self) -> list[dict[str, Any]]:
        """Return all entries as JSON."""
        return [entry.dump() for entry in self._entries]

    def clear(self) -> None:
        """Forget all of them."""
        self._entries.clear()
