"""The runs of a sync. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from secrets import token_hex
from typing import Any

from msgspec import Struct
from msgspec.structs import fields
from sqlalchemy import Connection, RowMapping, Select, bindparam, delete, insert, select, update

from reconciler.ledger.data import hands, marks, obeyed, wanted
from reconciler.ledger.data.model import FINISHED, INTERRUPTED, RESUMABLE, RUNNING, SEEN_BEFORE, DataRun
from reconciler.ledger.tables import data_runs

_KEPT = 200
_RECENT = 60
# Built once: each batch of results asks and adds.
_OF_RUN = data_runs.c.scope == bindparam("of_scope"), data_runs.c.id == bindparam("of_run")
_COUNTS = select(data_runs.c.counts).where(*_OF_RUN).with_for_update()
_COUNTING = update(data_runs).where(*_OF_RUN).values(counts=bindparam("new_counts"))
_FIELDS = tuple(field.name for field in fields(DataRun))


class Cancelled(Struct, frozen=True):
    """A run that was asked to stop.

    Args:
        follows: whether another one is wanted, which begins when this one has ended.
    """

    follows: bool


class Heard(Struct, frozen=True):
    """What the keeper of a run hears of it.

    Args:
        cancel: somebody asked it to stop.
        superseded: other settings were applied than it has.
    """

    cancel: bool
    superseded: bool


def begin(
    connection: Connection,
    scope: int,
    mode: str,
    config: str,
    holder: str,
    now: datetime,
    *,
    lists: bool,
    walks: bool,
    full: bool,
    spares: bool = False,
) -> DataRun:
    """Record that a run starts; see `RunStore.begin`."""
    connection.execute(
        update(data_runs)
        .where(data_runs.c.scope == scope, data_runs.c.state == RUNNING)
        .values(
            state=INTERRUPTED,
            ended_at=now,
            message="It was cut off, and another run took its place",
            takes_hands=False,
        )
    )
    _forget_old(connection, scope)
    marks.forget(connection, scope)
    run = DataRun(
        id=token_hex(8),
        mode=mode,
        lists=lists or walks,
        walks=walks,
        full=full,
        spares=spares,
        state=RUNNING,
        holder=holder,
        started_at=now,
        watermark=None,
        listed=False,
        log_opened=False,
        completed_at=None,
        ended_at=None,
        config=config,
        counts={},
        message=None,
        cancel_requested=False,
    )
    connection.execute(insert(data_runs).values(scope=scope, **{name: getattr(run, name) for name in _FIELDS}))
    return run


def change(
    connection: Connection, scope: int, run_id: str, changes: Mapping[str, Any], counts: Mapping[str, int] | None = None
) -> None:
    """Change members of a run, and add to what it counted."""
    if counts:
        of_run = {"of_scope": scope, "of_run": run_id}
        before = connection.execute(_COUNTS, of_run).scalar() or {}
        added = {**before, **{name: before.get(name, 0) + number for name, number in counts.items()}}
        connection.execute(_COUNTING, {**of_run, "new_counts": added})
    if changes:
        these = update(data_runs).where(data_runs.c.scope == scope, data_runs.c.id == run_id)
        connection.execute(these.values(dict(changes)))


def go_on(connection: Connection, scope: int, run_id: str, holder: str) -> DataRun | None:
    """Let an unfinished run go on, and return it; None: there is none.

    It takes hands once its keeper has looked at the target; those that it has finish what they have.
    """
    before = read(connection, scope, run_id)
    if before is None:
        return None
    changes = {"state": RUNNING, "ended_at": None, "message": None, "takes_hands": False, "holder": holder}
    # Whoever asks how fast it is now asks for what was read since.
    newly = before.counts.get("seen", 0) - before.counts.get(SEEN_BEFORE, 0)
    change(connection, scope, run_id, changes, {SEEN_BEFORE: newly})
    return read(connection, scope, run_id)


def beat(connection: Connection, scope: int, run_id: str, counts: Mapping[str, int], message: str) -> Heard:
    """Note how far a run is, and return whether it is to go on; see `RunStore.beat`."""
    change(connection, scope, run_id, {"message": message}, counts)
    run = read(connection, scope, run_id)
    if run is None:
        return Heard(cancel=False, superseded=False)
    return Heard(run.cancel_requested, superseded=not obeyed.is_obeyed(connection, scope, run.config))


def end(connection: Connection, scope: int, run_id: str, state: str, now: datetime, message: str | None) -> None:
    """Record that a run ended, and with it its hands; see `RunStore.end`."""
    # In the order in which hands take them: first their membership, then the run, to add to its counts.
    hands.end_run(connection, scope, run_id)
    change(connection, scope, run_id, {"state": state, "ended_at": now, "message": message, "takes_hands": False})


def read(connection: Connection, scope: int, run_id: str, *, for_update: bool = False) -> DataRun | None:
    """Return a run, or None; `for_update`: it stays as it is until the transaction is over."""
    query = select(data_runs).where(data_runs.c.scope == scope, data_runs.c.id == run_id)
    row = connection.execute(query.with_for_update() if for_update else query).mappings().first()
    return None if row is None else _run(row)


def orders(connection: Connection, scope: int, run_id: str) -> tuple[bool, bool]:
    """Return whether a run is asked to stop, and whether it takes hands beside its keeper."""
    about = select(data_runs.c.cancel_requested, data_runs.c.takes_hands)
    row = connection.execute(about.where(data_runs.c.scope == scope, data_runs.c.id == run_id)).first()
    return (False, False) if row is None else (row.cancel_requested, row.takes_hands)


def newest(
    connection: Connection,
    scope: int,
    *,
    lists: bool | None = None,
    walks: bool | None = None,
    full: bool | None = None,
    spares: bool | None = None,
    state: str | None = None,
) -> DataRun | None:
    """Return the newest run of a sort, or None."""
    query = _newest_first(scope)
    asked = {"lists": lists, "walks": walks, "full": full, "spares": spares, "state": state}
    for name, value in asked.items():
        if value is not None:
            query = query.where(data_runs.c[name] == value)
    row = connection.execute(query.limit(1)).mappings().first()
    return None if row is None else _run(row)


def recent(connection: Connection, scope: int) -> tuple[DataRun, ...]:
    """Return runs that finished, the newest first; enough of them to say what is usual."""
    query = _newest_first(scope).where(data_runs.c.state == FINISHED).limit(_RECENT)
    return tuple(_run(row) for row in connection.execute(query).mappings())


def since(connection: Connection, scope: int, moment: datetime) -> tuple[DataRun, ...]:
    """Return the runs that began at or after a moment, the newest first, whatever became of them."""
    query = _newest_first(scope).where(data_runs.c.started_at >= moment)
    return tuple(_run(row) for row in connection.execute(query).mappings())


def unfinished(connection: Connection, scope: int) -> DataRun | None:
    """Return the newest run where it can go on, or None."""
    run = newest(connection, scope)
    return run if run is not None and run.state in RESUMABLE else None


def cancel(connection: Connection, scope: int) -> Cancelled | None:
    """Ask the newest run to stop, if it goes on or could; None: it does not."""
    run = unfinished(connection, scope)
    if run is None:
        return None
    change(connection, scope, run.id, {"cancel_requested": True})
    return Cancelled(wanted.follows(connection, scope, run.id))


def _newest_first(scope: int) -> Select[Any]:
    return select(data_runs).where(data_runs.c.scope == scope).order_by(data_runs.c.number.desc())


def _forget_old(connection: Connection, scope: int) -> None:
    """Forget runs that nobody asks for: neither walks, nor among the newest, nor the newest of a sort that finished."""
    oldest = connection.execute(_newest_first(scope).offset(_KEPT).limit(1)).first()
    finished = [newest(connection, scope, lists=lists, state=FINISHED) for lists in (None, True)]
    if oldest is None:
        return
    connection.execute(
        delete(data_runs).where(
            data_runs.c.scope == scope,
            data_runs.c.number <= oldest.number,
            data_runs.c.walks.is_(False),
            data_runs.c.id.not_in([run.id for run in finished if run is not None]),
        )
    )


def _run(values: RowMapping) -> DataRun:
    return DataRun(**{name: values[name] for name in _FIELDS})
