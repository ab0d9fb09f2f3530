"""Journal of a run: the state of each of its changes. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, bindparam, insert, select, update

from reconciler.ledger.config import objects, pause_log
from reconciler.ledger.config.entries import Done, Entry, Noted, Sent
from reconciler.ledger.config.model import SENT, JournalEntry, LiveObject
from reconciler.ledger.tables import journal

_SET_OUTCOME = (
    update(journal)
    .where(journal.c.run == bindparam("of_run"), journal.c.change_key == bindparam("of_change"))
    .values({name: bindparam(name) for name in ("outcome", "message", "updated_at")})
)


class Digests(Struct, frozen=True):
    """Fingerprints of what an entry calls `secrets` and `held`, by path."""

    secrets: objects.Digests
    held: objects.Digests


def begin(connection: Connection, run: str, entries: Sequence[JournalEntry], now: datetime) -> None:
    """Write a journal entry for each change of a run that begins."""
    rows = [
        {
            "run": run,
            "change_key": entry.key,
            "position": position,
            "digest": entry.digest,
            "outcome": entry.outcome,
            "message": entry.message,
            "updated_at": now,
        }
        for position, entry in enumerate(entries)
    ]
    if rows:
        connection.execute(insert(journal), rows)


def write(
    connection: Connection, run: str, entries: Iterable[Entry], digests: Mapping[str, Digests], now: datetime
) -> None:
    """Write entries and what they say of live objects: as if one after the other, in few statements.

    Args:
        connection: in a transaction of the caller's.
        run: the run's ID.
        entries: in the order in which they came about.
        digests: fingerprints of those that are done, by the change's key.
        now: what time it is.
    """
    for part in _apart(entries):
        _write(connection, run, part, digests, now)


def read(connection: Connection, run: str) -> tuple[JournalEntry, ...]:
    """Read the journal entries of a run, in order."""
    rows = connection.execute(select(journal).where(journal.c.run == run).order_by(journal.c.position))
    return tuple(JournalEntry(row.digest, row.change_key, row.outcome, row.message) for row in rows)


def _apart(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries in order, in parts in which no two are about the same change or the same live object."""
    part: list[Entry] = []
    touched: set[object] = set()
    for entry in entries:
        about = {entry.key, *_objects(entry)}
        if touched & about:
            yield part
            part, touched = [], set()
        part.append(entry)
        touched |= about
    if part:
        yield part


def _objects(entry: Entry) -> tuple[LiveObject, ...]:
    if isinstance(entry, Sent):
        return entry.targets
    if isinstance(entry, Noted):
        return entry.untouched
    return entry.target, _before(entry)


def _before(entry: Done) -> LiveObject:
    target = entry.target
    return LiveObject(target.api_url, target.kind, entry.renamed_from or target.id)


def _write(
    connection: Connection, run: str, entries: Sequence[Entry], digests: Mapping[str, Digests], now: datetime
) -> None:
    """Write entries of which no two are about the same: in which order does not matter."""
    outcomes = [
        {"of_run": run, "of_change": entry.key, "outcome": outcome, "message": message, "updated_at": now}
        for entry, outcome, message in map(_outcome, entries)
    ]
    connection.execute(_SET_OUTCOME, outcomes)
    in_doubt: dict[LiveObject, Iterable[str]] = {}
    present: dict[LiveObject, objects.Known] = {}
    for entry in entries:
        if isinstance(entry, Sent):
            in_doubt |= dict.fromkeys(entry.targets, entry.secret_paths)
            for target in entry.targets if not entry.readable else ():
                objects.forget(connection, target)
            continue
        if entry.pause is not None:
            pause_log.add(connection, entry.pause, now)
        if isinstance(entry, Noted):
            for target in entry.untouched:
                objects.trust(connection, target)
            continue
        if entry.renamed_from is not None:
            objects.rename(connection, _before(entry), entry.target, digests[entry.key].held)
        if entry.state is not None:
            present[entry.target] = objects.Known(entry.state, digests[entry.key].secrets)
            continue
        objects.forget(connection, entry.target)
        if entry.leaves is not None:
            objects.remember_removal(connection, entry.target, entry.leaves, now)
    objects.doubt(connection, in_doubt, now)
    objects.remember(connection, present, now)


def _outcome(entry: Entry) -> tuple[Entry, str, str | None]:
    return (entry, SENT, None) if isinstance(entry, Sent) else (entry, entry.outcome, entry.message)
