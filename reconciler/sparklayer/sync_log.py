"""Sync log: dates and errors of our syncs for merchants, kept by SparkLayer per site, integration and data type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from reconciler.kind.connection import Json, Reader, Wire, Writer
from reconciler.sparklayer.lists import one_object, path_segment

PATH = "api/v1/sync-log"
# documented: PUT and a read hold this many errors at most. inferred: that it holds for a partial log too.
MOST_ERRORS = 5_000

# The one place of what is inferred in the bodies: the page of the partial sync (its method, PATCH, too) and the rest
# of an error's members were not readable.
_LAST_PARTIAL_SYNC = "last_partial_sync"
_RESOLVED = "resolved_external_ids"
_MESSAGE = "message"
_VISIBLE_ID = "visible_id"


class LoggedError(Struct, frozen=True):
    """A problem with one record.

    Args:
        external_id: the record's ID in the source; unique in one log, and stable from run to run.
        message: what is wrong, for a merchant.
        url: where the record can be looked at.
        visible_id: the ID that people know it by.
    """

    external_id: str
    message: str | None = None
    url: str | None = None
    visible_id: str | None = None


class SyncTimes(Struct, frozen=True):
    """Dates of a sync log. Times are timezone-aware; None: not there, or not to be sent."""

    started_full_sync: datetime | None = None
    last_full_sync: datetime | None = None
    last_full_sync_succeeded: bool | None = None
    last_partial_sync: datetime | None = None


class SyncStatus(Struct, frozen=True):
    """Sync log of one integration and data type. `errors` is None where only their number was read."""

    times: SyncTimes
    error_count: int
    errors: tuple[LoggedError, ...] | None = None


async def record_full(
    writer: Writer, integration: str, data_type: str, times: SyncTimes, errors: Iterable[LoggedError] = ()
) -> None:
    """Record a full sync: every error of the log is replaced, and each time left out is cleared.

    Args:
        writer: the connection.
        integration: the log's name.
        data_type: one of `DATA_TYPES`.
        times: what to record; to keep an earlier time, send it again. That of partial syncs has no place here.
        errors: at most `MOST_ERRORS`, external IDs unique.

    Raises:
        ApiError: it was not recorded, or that is not known.
    """
    body = _times_body(times)
    body.pop(_LAST_PARTIAL_SYNC, None)
    await writer.put(_path(integration, data_type), {**body, "errors": [_error_body(error) for error in errors]})


async def record_partial(
    writer: Writer,
    integration: str,
    data_type: str,
    times: SyncTimes,
    errors: Iterable[LoggedError] = (),
    resolved: Sequence[str] = (),
) -> None:
    """Add to a log: earlier errors stay, but for those that are resolved; times left out stay as they are.

    Args:
        writer: the connection.
        integration: the log's name.
        data_type: one of `DATA_TYPES`.
        times: what to record.
        errors: new errors, or new words for earlier ones.
        resolved: external IDs of records that went through.

    Raises:
        NotFound: inferred: there may have to be a full sync first.
        ApiError: it was not recorded, or that is not known.
    """
    body = _times_body(times)
    if added := [_error_body(error) for error in errors]:
        body["errors"] = added
    if resolved:
        body[_RESOLVED] = list(resolved)
    await writer.patch(_path(integration, data_type), body)


async def read_status(
    reader: Reader, integration: str, data_type: str, *, with_errors: bool = False
) -> SyncStatus | None:
    """Read a log, or None where no full sync was ever recorded.

    Raises:
        ApiError: the read failed.
    """
    path = _path(integration, data_type)
    body = await one_object(reader, f"{path}/errors" if with_errors else path, lenient=True)
    if body is None:
        return None
    listed = body.get("errors")
    errors = tuple(_error(item) for item in listed if isinstance(item, dict)) if isinstance(listed, list) else None
    count = body.get("error_count")
    return SyncStatus(_times(body), count if isinstance(count, int) else len(errors or ()), errors)


async def clear_every_log(writer: Writer) -> None:
    """Wipe the logs of every integration and data type of the site, those of others too: there is no narrower call.

    Raises:
        ApiError: it was not done, or that is not known.
    """
    await writer.delete(PATH)


def _path(integration: str, data_type: str) -> str:
    return f"{PATH}/{path_segment(integration)}/{data_type}"


def _times_body(times: SyncTimes) -> Wire:
    body: dict[str, Any] = {
        "started_full_sync": _text_of(times.started_full_sync),
        "last_full_sync": _text_of(times.last_full_sync),
        "last_full_sync_succeeded": times.last_full_sync_succeeded,
        _LAST_PARTIAL_SYNC: _text_of(times.last_partial_sync),
    }
    return {name: value for name, value in body.items() if value is not None}


def _times(body: Wire) -> SyncTimes:
    succeeded = body.get("last_full_sync_succeeded")
    return SyncTimes(
        _moment(body.get("started_full_sync")),
        _moment(body.get("last_full_sync")),
        succeeded if isinstance(succeeded, bool) else None,
        _moment(body.get(_LAST_PARTIAL_SYNC)),
    )


def _text_of(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(text: Json) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if moment is None:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _error_body(error: LoggedError) -> Wire:
    body = {
        "external_id": error.external_id,
        "external_url": error.url,
        _VISIBLE_ID: error.visible_id,
        _MESSAGE: error.message,
    }
    return {name: value for name, value in body.items() if value is not None}


def _error(body: Wire) -> LoggedError:
    def text(name: str) -> str | None:
        value = body.get(name)
        return value if isinstance(value, str) else None

    return LoggedError(text("external_id") or "", text(_MESSAGE), text("external_url"), text(_VISIBLE_ID))
