"""The records of a data sync that did not go through: list them, queue them again, give them up; cancel its run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.app.chosen import Chosen, HowToRun, only, opened_store
from reconciler.app.project import Project
from reconciler.app.sync import look_up
from reconciler.clock import utc_now
from reconciler.errors import UsageError
from reconciler.ledger.reader import Ledgers
from reconciler.manifest.explain import suggest
from reconciler.sync.datasync import data_syncs, named
from reconciler.sync.heldback import held_back
from reconciler.sync.monitor.problems import CODES, Problems
from reconciler.words import some

if TYPE_CHECKING:
    from reconciler.http.observe import Observer
    from reconciler.ledger.data.runs import Cancelled

_LONGEST = 100
_ALL = 2**62


class Records(Struct, frozen=True):
    """Result for records that were named: how many it holds for, and which of them are not known so far."""

    number: int
    unknown: tuple[str, ...] = ()


def choose_with_ids(
    project: Project, words: Sequence[str], data_type: str | None
) -> tuple[tuple[Chosen, ...], tuple[str, ...]]:
    """Return the data types and the IDs of `[NAME] [ID…]`: the first word is a name where there is such a data sync.

    Where there are IDs, it is the one data type that may have them.

    Raises:
        UsageError: the first word is no name, and there are several data syncs; or the IDs do not tell which data type
            is meant, and none is named.
        ReconcilerError: manifests or references are not as they have to be.
    """
    session = project.session(utc_now())
    syncs = data_syncs(session, session.memory())
    is_name = bool(words) and any(sync.name == words[0] for sync in syncs)
    found = named(syncs, session.name, words[0] if is_name else None, data_type)
    chosen, ids = tuple(Chosen(session, sync) for sync in found), tuple(words[1:] if is_name else words)
    return ((only(chosen, ids),) if ids else chosen), ids


def record_keys(chosen: Chosen, ids: Sequence[str]) -> tuple[str, ...]:
    """Return the records that external IDs belong to, each once.

    Raises:
        UsageError: no record of this data type can have one of them.
    """
    data = only((chosen,), ids).sync.data
    return tuple(dict.fromkeys(key for external_id in ids if (key := data.record_of(external_id)) is not None))


def open_problems(chosen: Chosen, limit: int, offset: int, code: str | None) -> Problems:
    """Return a page of the open problems of a data sync; none where there is no ledger yet.

    Args:
        chosen: the data sync.
        limit: problems at most; 0: all.
        offset: problems before it.
        code: only these.

    Raises:
        UsageError: no problem has this code.
        LedgerError: the ledger cannot be read.
    """
    if code is not None and code not in CODES:
        raise UsageError(f"no problem has the code {code[:_LONGEST]}", next_step=suggest(code, CODES, "codes"))
    sync, url = chosen.sync, chosen.session.settings.ledger
    with Ledgers() as ledgers:
        # One more than asked for tells whether there are more.
        found = ledgers.problems(url, sync.scope, limit + 1 if limit else _ALL, offset, code)
    return Problems(
        sync.name,
        sync.type,
        sync.data.entries,
        found.open,
        found.logged,
        found.listed[:limit] if limit else found.listed,
        found.codes,
        held_back(sync.data, sync.settings.max_held_back_percent, found.held_back, found.in_scope, found.codes),
        offset,
        more=bool(limit) and len(found.listed) > limit,
        code=code,
    )


async def retry_records(chosen: Chosen, ids: Sequence[str], how: HowToRun, observer: Observer) -> Records:
    """Queue records for the next run, or all that did not go through where none is named.

    What is not known is asked for at the source; where that has it not, or outside the scope, nothing is queued.

    Args:
        chosen: the data sync.
        ids: of the records.
        how: ledger, cache, patience.
        observer: told of the requests.

    Raises:
        UsageError: an ID is none.
        NoSuchRecord: the source does not have one of them, and it was never synced.
        OutOfScope: the data sync is not about one of them, and it was never synced.
        ApiError: the source cannot be read.
        LedgerError: the ledger cannot be written, or would forget it.
    """
    keys = record_keys(chosen, ids)
    with opened_store(chosen, "`sync retry`", ephemeral=how.ephemeral) as store:
        if not keys:
            return Records(store.records.retry())
        known = {key for key, level in store.records.levels(keys).items() if level.held or level.seen_run is not None}
        unknown = tuple(key for key in keys if key not in known)
        await look_up(chosen, unknown, how, observer)
        return Records(store.records.want(keys), unknown)


def drop_records(chosen: Chosen, ids: Sequence[str], *, ephemeral: bool) -> Records:
    """Give up on records until they change at the source.

    Raises:
        UsageError: none of the records is known, or an ID of what belongs to a record is that of no open problem.
        LedgerError: the ledger cannot be written, or would forget it.
    """
    keys = record_keys(chosen, ids)
    inside = {
        external_id: key for external_id in ids if (key := chosen.sync.data.record_of(external_id)) != external_id
    }
    with opened_store(chosen, "`sync drop`", ephemeral=ephemeral) as store:
        if inside:
            told = {each.problem.external_id for each in store.problems.listed(_ALL)}
            if strange := [external_id for external_id in inside if external_id not in told]:
                raise _no_problem(chosen, strange, [inside[external_id] for external_id in strange])
        known = store.records.levels(keys)
        # Where the target keeps what is gone, that is all there is to give up: what stands in the way of others.
        number = store.records.drop(keys, frees_gone=chosen.sync.data.keeps_gone)
    unknown = tuple(key for key in keys if key not in known)
    if not known:
        name, environment = chosen.sync.command, chosen.session.name
        raise UsageError(
            f"{chosen.sync.name} knows no {chosen.sync.data.noun} {some(unknown)}",
            next_step=f"`reconciler sync errors {name} -e {environment}` lists those with problems.",
        )
    return Records(number, unknown)


def _no_problem(chosen: Chosen, ids: Sequence[str], keys: Sequence[str | None]) -> UsageError:
    noun = chosen.sync.data.noun
    whole = some([key for key in dict.fromkeys(keys) if key is not None])
    return UsageError(
        f"{chosen.sync.name} has no open problem of {some(ids)}: nothing is given up",
        next_step=f"Name the {noun} itself, {whole}, or an ID that `reconciler sync errors {chosen.sync.command} -e "
        f"{chosen.session.name}` lists.",
    )


def cancel_run(chosen: Chosen) -> Cancelled | None:
    """Ask the run that is on, or was cut off, to stop for good; None: there is none.

    Raises:
        LedgerError: the ledger cannot be written.
    """
    with Ledgers() as ledgers:
        if not ledgers.is_there(chosen.session.settings.ledger):
            return None
    with opened_store(chosen, "`sync cancel`", ephemeral=True) as store:
        return store.runs.cancel()
