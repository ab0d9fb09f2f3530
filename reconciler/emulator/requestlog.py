"""Log of requests that reached the emulated APIs."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reconciler.emulator.wire import Request

KEPT = 200_000


class LogSetting(BaseModel):
    """Body of `PUT /_emulator/requests`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bodies: str | None = Field(
        default=None, description="Glob over the path, case ignored, of the requests whose bodies are kept; null: none."
    )


class Entry:
    """Log entry of one request. `status` is None where no answer was given: it was cut off, or hangs."""

    __slots__ = ("body", "fault", "method", "path", "query", "status", "time")

    def __init__(self, request: Request, *, keep_body: bool) -> None:
        self.method = request.method
        self.path = request.path
        self.query = request.query
        self.body = request.body if keep_body else None
        self.time = time.time()
        self.status: int | None = None
        self.fault: str | None = None

    def dump(self) -> dict[str, Any]:
        """Return the entry as JSON: `time` is the real time of arrival, `fault` the effect that hit it.

        `body` is there where it was to be kept, as text.
        """
        body = {} if self.body is None else {"body": self.body.decode(errors="replace")}
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "status": self.status,
            "time": datetime.fromtimestamp(self.time, UTC).isoformat(),
            "fault": self.fault,
            **body,
        }


class RequestLog:
    """Log of the last 200,000 requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self.setting = LogSetting()

    def begin(self, request: Request) -> Entry:
        """Log a request on arrival and return its entry, whose status the caller sets."""
        glob = self.setting.bodies
        entry = Entry(request, keep_body=glob is not None and fnmatchcase(request.path.lower(), glob.lower()))
        self._entries.append(entry)
        return entry

    def dump(self) -> list[dict[str, Any]]:
        """Return all entries as JSON."""
        return [entry.dump() for entry in self._entries]

    def clear(self) -> None:
        """Remove all entries."""
        self._entries.clear()
