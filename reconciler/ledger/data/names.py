"""Unique names of records: the record that owns each, and those that wait for it. In a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, func, select

from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.rows import insert_new
from reconciler.ledger.tables import names, waits

Name = tuple[str, str]
"""Kind and value: `("sku", "A-1")`."""


def claim(
    connection: Connection, scope: int, wishes: Mapping[str, Collection[Name]]
) -> tuple[dict[str, dict[Name, str]], list[str]]:
    """Claim unique names for records, and free those that they no longer use; see `NameStore.claim_many`.

    Also right where others claim names at the same time: each name that matters here is locked, and so nobody can let
    go of it unseen; one that somebody else made a moment ago is seen when it cannot be made here.

    Returns:
        By key, the names that others have, and which record has each; and the keys of records that waited for a name
        that is free now, and do so no longer.
    """
    waited = _of_keys(connection, scope, waits, wishes)
    released: set[Name] = set()
    while True:
        had = _of_keys(connection, scope, names, wishes)
        owners = {name: key for key, own in had.items() for name in own}
        owners.update(_owners(connection, scope, {name for asked in wishes.values() for name in asked}, lock=True))
        before = dict(owners)
        taken = _share(owners, had, wishes)
        lost = [(name, key) for name, key in before.items() if owners.get(name) != key]
        gained = [(name, key) for name, key in owners.items() if before.get(name) != key]
        _delete(connection, scope, names, lost)
        released.update(name for name, _ in lost)
        if insert_new(connection, names, _as_rows(scope, gained)) == len(gained):
            break
    waiting = {key: set(of_others) for key, of_others in taken.items()}
    _delete(connection, scope, waits, _pairs(waited, waiting))
    insert_new(connection, waits, _as_rows(scope, _pairs(waiting, waited)))
    free = {name for name in released if name not in owners}
    woken = [((row.kind, row.value), row.key) for row in _rows(connection, scope, waits, free)]
    _delete(connection, scope, waits, woken)
    return taken, list(dict.fromkeys(key for _, key in woken))


def _share(
    owners: dict[Name, str], had: Mapping[str, Collection[Name]], wishes: Mapping[str, Collection[Name]]
) -> dict[str, dict[Name, str]]:
    """Give names to records, one after the other, and return by key the names that others have."""
    taken: dict[str, dict[Name, str]] = {}
    own = {key: set(has) for key, has in had.items()}
    for key, asked in wishes.items():
        for name in own.pop(key, set()).difference(asked):
            del owners[name]
        for name in asked:
            owners.setdefault(name, key)
        taken[key] = {name: owners[name] for name in asked if owners[name] != key}
    return taken


def _pairs(of: Mapping[str, Collection[Name]], without: Mapping[str, Collection[Name]]) -> list[tuple[Name, str]]:
    return [(name, key) for key, listed in of.items() for name in set(listed).difference(without.get(key, ()))]


def _of_keys(connection: Connection, scope: int, table: Table, keys: Collection[str]) -> dict[str, set[Name]]:
    found: dict[str, set[Name]] = {}
    for chunk in chunks(keys):
        query = select(table).where(table.c.scope == scope, table.c.key.in_(chunk)).with_for_update()
        # By the name, but not by its index: SQLite would read all names in their order, and look for these keys.
        for row in connection.execute(query.order_by(func.coalesce(table.c.kind, ""), table.c.value)):
            found.setdefault(row.key, set()).add((row.kind, row.value))
    return found


def owners_of(connection: Connection, scope: int, asked: Collection[Name]) -> dict[Name, str]:
    """Return which record has each of these names; those that nobody has are left out."""
    return _owners(connection, scope, asked, lock=False)


def _owners(connection: Connection, scope: int, asked: Collection[Name], *, lock: bool) -> dict[Name, str]:
    return {(row.kind, row.value): row.key for row in _rows(connection, scope, names, asked, lock=lock)}


def _rows(
    connection: Connection, scope: int, table: Table, wanted: Collection[Name], *, lock: bool = False
) -> Iterator[Row[Any]]:
    values: dict[str, list[str]] = {}
    for kind, value in sorted(wanted):
        values.setdefault(kind, []).append(value)
    # Kind by kind, as the primary key has it.
    for kind, of_kind in values.items():
        for chunk in chunks(of_kind):
            query = select(table).where(table.c.scope == scope, table.c.kind == kind, table.c.value.in_(chunk))
            yield from connection.execute(query.order_by(table.c.value).with_for_update() if lock else query)


def _delete(connection: Connection, scope: int, table: Table, pairs: Collection[tuple[Name, str]]) -> None:
    if pairs:
        connection.execute(
            delete(table).where(
                table.c.scope == scope,
                table.c.kind == bindparam("of_kind"),
                table.c.value == bindparam("of_value"),
                table.c.key == bindparam("of_key"),
            ),
            [{"of_kind": kind, "of_value": value, "of_key": key} for (kind, value), key in pairs],
        )


def _as_rows(scope: int, pairs: Collection[tuple[Name, str]]) -> list[dict[str, Any]]:
    return [{"scope": scope, "kind": kind, "value": value, "key": key} for (kind, value), key in sorted(pairs)]
