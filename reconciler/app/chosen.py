"""The data types of a data sync that a use case works on, how it is to work, and their part of the ledger."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.app.project import Project
from reconciler.clock import utc_now
from reconciler.errors import UsageError
from reconciler.ledger.url import require_durable
from reconciler.reconcile.session import Session
from reconciler.sync.datasync import DataSync, data_syncs, leaving_syncs, named, pulled_syncs
from reconciler.sync.run.queue import Inline, Queue
from reconciler.words import some

if TYPE_CHECKING:
    from reconciler.http.limit import Turn
    from reconciler.ledger.data.store import Store
    from reconciler.ledger.writer import Ledger
    from reconciler.sync.run.slots import Slots

_LONGEST_ID = 100


class Chosen(Struct, frozen=True):
    """One data type of a data sync, and its environment."""

    session: Session
    sync: DataSync


class HowToRun(Struct, frozen=True):
    """Options of a run of a data sync.

    Args:
        ephemeral: a ledger that is gone after this job will do.
        lock_wait: seconds to wait for another run.
        token_cache: whether access tokens may be kept in files.
        patience: seconds that an API may stay away before a run gives up.
        overrides: limits of the manifest that this run may pass, each with the reason.
        turn: whether what it reads of the source goes first of what others read, or gives way; None: neither.
        queue: wakes hands of other processes.
        slots: how many runs of a watch its process carries out at once; None: nothing bounds them.
        gives_back: seconds that a run waits for an API that asks for it, or that fails; see `Job`. None: its patience.
    """

    ephemeral: bool = False
    lock_wait: float = 0.0
    token_cache: bool = True
    patience: float = 900.0
    overrides: Mapping[str, str] = {}
    turn: Turn | None = None
    queue: Queue = field(default_factory=Inline)
    slots: Slots | None = None
    gives_back: float | None = None


def choose(
    project: Project, name: str | None, data_type: str | None = None, *, leaving: bool = False
) -> tuple[Chosen, ...]:
    """Return the data types of the data sync that a use case works on, in the order in which they run.

    Args:
        project: the manifests.
        name: of the data sync; None: the only one.
        data_type: this one alone.
        leaving: whether it may be one whose products are to be discontinued.

    Raises:
        UsageError: there is none of this name, or several and none is named, or no such data type flows.
        ReconcilerError: manifests or references are not as they have to be.
    """
    session = project.session(utc_now())
    memory = session.memory()
    syncs = (*data_syncs(session, memory), *leaving_syncs(session, memory))
    _require_pushed(syncs, pulled_syncs(session, memory), name, data_type)
    chosen = named(syncs, session.name, name, data_type)
    for sync in chosen:
        if sync.leaving and not leaving:
            raise UsageError(
                f"{sync.name} is to be absent",
                next_step=f"`reconciler sync run {sync.name}` discontinues what it wrote; more there is not to do.",
            )
    return tuple(Chosen(session, sync) for sync in chosen)


def _require_pushed(
    syncs: Sequence[DataSync], pulled: Sequence[DataSync], name: str | None, data_type: str | None
) -> None:
    """Refuse what SparkLayer alone brings to the site: nothing of it is ours to run.

    Raises:
        UsageError: it is that.
    """

    def is_meant(sync: DataSync) -> bool:
        return name in (None, sync.name) and data_type in (None, sync.type)

    if any(is_meant(sync) for sync in syncs):
        return
    if found := [sync for sync in pulled if is_meant(sync)]:
        types = some([sync.type for sync in found])
        raise UsageError(
            f"SparkLayer pulls the {types} of {found[0].name} (mode: pull), and our runs send none of that",
            next_step="Start a full sync in SparkLayer's Dashboard; `reconciler sync status` tells of the last.",
        )


def only(chosen: Sequence[Chosen], ids: Sequence[str] = ()) -> Chosen:
    """Return the one data type that a use case is about: the only one, or the only one that may have these IDs.

    Args:
        chosen: data types of one data sync.
        ids: external IDs of records.

    Raises:
        UsageError: no record can have one of the IDs, or it does not tell which data type is meant.
    """
    fitting = [each for each in chosen if all(each.sync.data.record_of(external_id) is not None for external_id in ids)]
    if len(fitting) == 1:
        return fitting[0]
    types = " or ".join(each.sync.type for each in fitting or chosen)
    if fitting:
        what = f"of which data type is {some(ids)}" if ids else "which data type is meant"
        raise UsageError(f"say {what}", next_step=f"--type {types}.")
    wrong = next((key for key in ids if all(each.sync.data.record_of(key) is None for each in chosen)), None)
    if wrong is None:
        raise UsageError(
            f"{some(ids)} are records of several data types", next_step=f"Name those of one at a time: {types}."
        )
    forms = ", nor ".join(each.sync.data.id_form for each in chosen)
    raise UsageError(
        f"{wrong[:_LONGEST_ID] or 'an empty text'} is not {forms}",
        next_step="IDs hold letters, digits, - and _, and are at most 100 characters long.",
    )


@contextmanager
def opened_ledger(chosen: Chosen, feature: str, *, ephemeral: bool) -> Iterator[Ledger]:
    """Within, the ledger of a data sync is open.

    Args:
        chosen: the data sync.
        feature: what needs it, for the message.
        ephemeral: a ledger that is gone after this job will do.

    Raises:
        LedgerNotDurable: the ledger would forget everything.
        LedgerError: it cannot be opened.
    """
    session = chosen.session
    require_durable(session.settings.ledger, os.environ, feature, ephemeral=ephemeral)
    with session.access.writing(session.settings.ledger) as ledger:
        yield ledger


@contextmanager
def opened_store(chosen: Chosen, feature: str, *, ephemeral: bool) -> Iterator[Store]:
    """Within, the part of the ledger that is a data sync's is open; see `opened_ledger`."""
    with opened_ledger(chosen, feature, ephemeral=ephemeral) as ledger:
        yield ledger.store(chosen.sync.scope)
