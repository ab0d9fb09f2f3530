"""Log of the service: a line for each thing that happened, as text or JSON, with the ID that ties lines together.

Never a body, a header, a query, a secret or a token: what is logged are words of ours, and names in them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from secrets import token_hex
from typing import Literal, Self

import orjson

from reconciler.clock import utc_now
from reconciler.errors import ManifestErrors, ReconcilerError
from reconciler.report.escape import terminal
from reconciler.tracing import trace_id

Level = Literal["info", "warning", "error"]
_LONGEST = 2_000
_UNSENT_SECONDS = 60.0
_correlation: ContextVar[str | None] = ContextVar("correlation", default=None)
_told: ContextVar[dict[str, str | float | None] | None] = ContextVar("told", default=None)


def correlation_id() -> str | None:
    """Return the ID of what is done now, e.g. of a delivery or a run; None: nothing that has one."""
    return _correlation.get()


@contextmanager
def correlated(given: str | None = None) -> Iterator[str]:
    """Within, what is logged bears one ID.

    Args:
        given: the ID, where somebody has one already.
    """
    chosen = given or token_hex(8)
    token = _correlation.set(chosen)
    try:
        yield chosen
    finally:
        _correlation.reset(token)


class Telling:
    """Within, what is logged bears one ID, and what is `told` of a request is gathered for its one line in the log."""

    __slots__ = ("_tokens", "correlation", "fields")

    def __init__(self) -> None:
        self.correlation = token_hex(8)
        self.fields: dict[str, str | float | None] = {}

    def __enter__(self) -> Self:
        self._tokens = _correlation.set(self.correlation), _told.set(self.fields)
        return self

    def __exit__(self, *_: object) -> None:
        _correlation.reset(self._tokens[0])
        _told.reset(self._tokens[1])


def told(**fields: str | float | None) -> None:
    """Tell something of the request that is answered now, for its line in the log."""
    gathered = _told.get()
    if gathered is not None:
        gathered.update(fields)


def _to_stderr(line: str) -> None:
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads it any more: the service goes on
        return


class Log:
    """Writes what happened, one line each.

    Args:
        format: `text` for people, `json` for machines.
        write: takes a line.
        now: our clock.
    """

    def __init__(
        self,
        format: Literal["text", "json"] = "text",  # noqa: A002 - as the option is called
        write: Callable[[str], None] = _to_stderr,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._format = format
        self._write = write
        self._now = now

    def say(
        self,
        event: str,
        message: str,
        *,
        level: Level = "info",
        fields: Mapping[str, str | float | None] | None = None,
        **more: str | float | None,
    ) -> None:
        """Write that something happened.

        Args:
            event: what sort of thing, in few fixed words with hyphens: machines look for it.
            message: a sentence for people.
            level: how bad it is.
            fields: names and numbers of it.
            more: the same, by name, such as `environment`.
        """
        now, correlation, said = self._now(), correlation_id(), {**(fields or {}), **more}
        if self._format == "json":
            known = {name: value for name, value in said.items() if value is not None}
            line = {"time": now.isoformat(), "level": level, "event": event, "message": message[:_LONGEST], **known}
            if correlation is not None:
                line["correlation"] = correlation
            if (trace := trace_id()) is not None:
                line["trace"] = trace
            cleaned = {name: _clean(value) for name, value in line.items()}
            self._write(orjson.dumps(cleaned).decode())
            return
        mark = "" if level == "info" else f"{level}: "
        where = f"{said['environment']}: " if said.get("environment") else ""
        tied = f" [{correlation}]" if correlation is not None else ""
        self._write(terminal(f"{now:%H:%M:%S} {mark}{where}{message[:_LONGEST]}{tied}"))

    def refuse(self, event: str, error: ReconcilerError, before: str = "", **more: str | float | None) -> None:
        """Write that something cannot be, and why, with each file and line that the error names.

        Args:
            event: see `say`.
            error: why.
            before: words before that.
            more: see `say`.
        """
        self.say(event, f"{before}{_with_places(error)}", level="error", fields=more, code=error.code)


class Warnings(logging.Handler):
    """Writes what the rest of the program warns of into the service's log, so that every line of it is one.

    Args:
        log: takes them.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one warning."""
        self._log.say("warned", record.getMessage(), level="warning")


class Unsent(logging.Handler):
    """Writes that traces do not arrive, at most once a minute, in place of what a library says of that.

    Its words may hold the URL, and so a password.

    Args:
        log: takes it.
        where: the variable that says where they go.
    """

    def __init__(self, log: Log, where: str) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._where = where
        self._quiet_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, unless that was said a moment ago."""
        if record.created >= self._quiet_until:
            self._quiet_until = record.created + _UNSENT_SECONDS
            self._log.say("traces-unsent", f"traces do not arrive where {self._where} says", level="warning")


def _with_places(error: ReconcilerError) -> str:
    if isinstance(error, ManifestErrors):
        return f"{error.message}: {'; '.join(f'{each.message} ({each.place})' for each in error.problems)}"
    place = f" ({error.place})" if error.place is not None else ""
    return f"{error.message}{place}"


def _clean(value: object) -> object:
    """Return a text as UTF-8 can carry it: lone surrogates come from file names and hostile JSON."""
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode()
