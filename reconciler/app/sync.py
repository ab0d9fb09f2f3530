"""Run a data sync once, or again and again, under its lock; say what would become of one record."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from reconciler.app.overdue import lift_where_allowed
from reconciler.app.project import Project
from reconciler.clock import utc_now
from reconciler.errors import Interrupted, LedgerError, NoSuchRecord, OutOfScope, UsageError
from reconciler.ledger.url import require_durable
from reconciler.reconcile.session import Session
from reconciler.registry import open_reader, open_writer
from reconciler.sync.datasync import (
    API_NAMES,
    SOURCE,
    DataSync,
    Standing,
    connections_of,
    data_syncs,
    leaving_syncs,
    named,
    require_applied,
)
from reconciler.words import some

if TYPE_CHECKING:
    from reconciler.app.sync_faces import SyncFace, WatchFace
    from reconciler.http.client import HttpReader, HttpWriter
    from reconciler.http.observe import Observer
    from reconciler.http.retry import RetryPolicy
    from reconciler.ledger.data.store import Store
    from reconciler.ledger.writer import Ledger
    from reconciler.sync.explanation import Explanation
    from reconciler.sync.mode import Mode
    from reconciler.sync.run.context import Job
    from reconciler.sync.run.report import RunReport
    from reconciler.sync.run.traffic import Traffic

_Result = TypeVar("_Result")
_FEATURE = "A data sync"
_LOOK_EVERY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """A data sync and its environment."""

    session: Session
    sync: DataSync


@dataclass(frozen=True, slots=True)
class HowToRun:
    """Options of a run of a data sync.

    Args:
        ephemeral: a ledger that is gone after this job will do.
        lock_wait: seconds to wait for another run.
        token_cache: whether access tokens may be kept in files.
        patience: seconds that an API may stay away before a run gives up.
        overrides: limits of the manifest that this run may pass, each with the reason.
    """

    ephemeral: bool = False
    lock_wait: float = 0.0
    token_cache: bool = True
    patience: float = 900.0
    overrides: Mapping[str, str] = field(default_factory=dict)


def choose(project: Project, name: str | None, *, leaving: bool = False) -> Chosen:
    """Return the data sync that a use case works on.

    Args:
        project: the manifests.
        name: of the data sync; None: the only one.
        leaving: whether it may be one whose products are to be discontinued.

    Raises:
        UsageError: there is none of this name, or several and none is named.
        ReconcilerError: manifests or references are not as they have to be.
    """
    session = project.session(utc_now())
    memory = session.memory()
    syncs = (*data_syncs(session, memory), *leaving_syncs(session, memory))
    chosen = named(syncs, session.name, name)
    if chosen.leaving and not leaving:
        raise UsageError(
            f"{chosen.name} is to be absent",
            next_step=f"`reconciler sync run {chosen.name}` discontinues what it wrote; more there is not to do.",
        )
    return Chosen(session, chosen)


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
    from reconciler.ledger.writer import Ledger

    url = chosen.session.settings.ledger
    require_durable(url, os.environ, feature, ephemeral=ephemeral)
    with Ledger.open(url) as ledger:
        yield ledger


@contextmanager
def opened_store(chosen: Chosen, feature: str, *, ephemeral: bool) -> Iterator[Store]:
    """Within, the part of the ledger that is a data sync's is open; see `opened_ledger`."""
    with opened_ledger(chosen, feature, ephemeral=ephemeral) as ledger:
        yield ledger.store(chosen.sync.scope)


async def run_once(
    chosen: Chosen, mode: Mode | None, how: HowToRun, face: SyncFace, observer: Observer
) -> tuple[RunReport, bool]:
    """Run a data sync once.

    Args:
        chosen: the data sync.
        mode: how; None: whatever is due.
        how: cache, patience, waiting.
        face: who is told.
        observer: told of the requests.

    Returns:
        The report, and whether the face ended it.

    Raises:
        ReconcilerError: nothing was begun, or the ledger failed.
    """
    from reconciler.sync.run.runner import run_sync

    mode = mode_of(chosen.sync, mode)

    async def run(job: Job, stop: asyncio.Event) -> tuple[RunReport, bool]:
        return await run_sync(job, mode, stop=stop, on_progress=face.progresses), stop.is_set()

    return await _running(chosen, how, face, observer, "sync run", run)


def mode_of(sync: DataSync, asked: Mode | None) -> Mode | None:
    """Return how a data sync runs; see `run_once`.

    Raises:
        UsageError: it is to be absent, and nothing but that can be asked for.
    """
    if not sync.leaving:
        return asked
    if asked is not None:
        step = f"`reconciler sync run {sync.name}` discontinues what it wrote."
        raise UsageError(f"{sync.name} is to be absent: --{asked} means nothing for it", next_step=step)
    from reconciler.sync.mode import Mode

    return Mode.REMOVE


async def watch_on(chosen: Chosen, how: HowToRun, face: WatchFace, observer: Observer) -> tuple[RunReport | None, bool]:
    """Run a data sync again and again, until the face, a limit or a new apply ends it; otherwise as `run_once`."""
    from reconciler.sync.run.loop import watch

    async def run(job: Job, stop: asyncio.Event) -> tuple[RunReport | None, bool]:
        looking = asyncio.create_task(_stop_when_applied_anew(chosen, stop, face))
        try:
            last = await watch(
                job, stop=stop, on_progress=face.progresses, on_report=face.ended, on_missing=face.lacks_something
            )
            return last, stop.is_set()
        finally:
            looking.cancel()

    return await _running(chosen, how, face, observer, "sync watch", run, watches=True)


async def _stop_when_applied_anew(chosen: Chosen, stop: asyncio.Event, face: WatchFace) -> None:
    """End a watch whose manifest is not what was applied any more: what was reviewed runs."""
    sync, session = chosen.sync, chosen.session
    while not stop.is_set():
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        try:
            memory = await asyncio.to_thread(session.memory)
        except LedgerError:  # busy now; where it is worse than that, the run says so
            continue
        now = named(data_syncs(session, memory), session.name, sync.name)
        if now.standing is not Standing.APPLIED:
            face.applied_anew(sync)
            stop.set()


async def _running(
    chosen: Chosen,
    how: HowToRun,
    face: SyncFace,
    observer: Observer,
    command: str,
    work: Callable[[Job, asyncio.Event], Awaitable[_Result]],
    *,
    watches: bool = False,
) -> _Result:
    from reconciler.ledger.process import describe_holder
    from reconciler.sync.run.context import transport

    # First: without a lasting ledger nothing counts as applied, and applying would not help.
    require_durable(chosen.session.settings.ledger, os.environ, _FEATURE, ephemeral=how.ephemeral)
    require_applied(chosen.sync)
    lifted, left = await lift_where_allowed(
        chosen.session, face.waits_for, observer, command, token_cache=how.token_cache
    )
    face.lifted(lifted)
    for problem in left:
        face.left_paused(problem)
    holder = describe_holder(command)
    with (
        opened_store(chosen, _FEATURE, ephemeral=how.ephemeral) as store,
        # A watch takes the lock of the runs for each of its own: between two of them anybody may run the sync.
        (store.watching if watches else store.lock)(holder, wait=how.lock_wait, on_wait=face.waits_for),
    ):
        async with _job(chosen, store, holder, how, observer, transport(how.patience)) as job:
            with face.stoppable() as stop:
                try:
                    return await work(job, stop)
                except asyncio.CancelledError:
                    raise Interrupted(
                        "Stopped at once: what was under way was not waited for",
                        next_step=f"`reconciler sync run {chosen.sync.name}` looks at what became of it, and goes on.",
                    ) from None


@asynccontextmanager
async def _job(
    chosen: Chosen, store: Store, holder: str, how: HowToRun, observer: Observer, policy: RetryPolicy
) -> AsyncIterator[Job]:
    _, target = connections_of(chosen.session)
    traffic = _traffic(chosen, observer)
    cache = how.token_cache
    async with (
        open_writer(target, (), token_cache=cache, observer=traffic[1], policy=policy) as writer,
        _job_on(chosen, store, holder, how, traffic, policy, writer.read_only(), writer) as job,
    ):
        yield job


@asynccontextmanager
async def reading_job(
    chosen: Chosen, store: Store, holder: str, how: HowToRun, observer: Observer, policy: RetryPolicy
) -> AsyncIterator[Job]:
    """Within, a run can be rehearsed: its connections can only read.

    Args:
        chosen: the data sync, applied or not.
        store: what the ledger, or a copy of it, keeps of it.
        holder: who runs it, for people.
        how: cache, patience.
        observer: told of the requests.
        policy: bounds repeating.
    """
    _, target = connections_of(chosen.session)
    traffic = _traffic(chosen, observer)
    cache = how.token_cache
    async with (
        open_reader(target, (), token_cache=cache, observer=traffic[1], policy=policy) as reader,
        _job_on(chosen, store, holder, how, traffic, policy, reader, None) as job,
    ):
        yield job


def _traffic(chosen: Chosen, observer: Observer) -> tuple[Traffic, Traffic]:
    from reconciler.sparklayer.client import READS_BY_POST
    from reconciler.sparklayer.sync_log import PATH as LOG
    from reconciler.sync.run.traffic import Traffic

    source, target = (
        Traffic(each.api, API_NAMES[each.api], observer, READS_BY_POST, LOG) for each in connections_of(chosen.session)
    )
    return source, target


@asynccontextmanager
async def _job_on(
    chosen: Chosen,
    store: Store,
    holder: str,
    how: HowToRun,
    traffic: tuple[Traffic, Traffic],
    policy: RetryPolicy,
    target: HttpReader,
    writer: HttpWriter | None,
) -> AsyncIterator[Job]:
    from reconciler.sync.run.context import Job

    source, _ = connections_of(chosen.session)
    data = chosen.sync.data
    async with open_reader(
        source, data.roles, token_cache=how.token_cache, observer=traffic[0], policy=policy
    ) as reader:
        yield Job(
            settings=chosen.sync.settings,
            data=data,
            source=reader,
            target=target,
            writer=writer,
            store=store,
            source_url=source.api_url,
            holder=holder,
            source_traffic=traffic[0],
            target_traffic=traffic[1],
            patience=how.patience,
            overrides=how.overrides,
        )


async def look_up(chosen: Chosen, keys: Sequence[str], how: HowToRun, observer: Observer) -> None:
    """Ask the source for records that nobody knows yet; nothing is written.

    Args:
        chosen: the data sync, applied or not.
        keys: IDs of the records.
        how: cache, patience.
        observer: told of the requests.

    Raises:
        NoSuchRecord: it does not have one of them.
        OutOfScope: the data sync is not about one of them.
        ApiError: it cannot be read.
    """
    from reconciler.http.retry import PATIENT

    if not keys:
        return
    source, _ = connections_of(chosen.session)
    data, policy = chosen.sync.data, replace(PATIENT, seconds=how.patience)
    async with open_reader(
        source, data.roles, token_cache=how.token_cache, observer=observer, policy=policy
    ) as connection:
        reader = data.source(connection, None)
        readings = await asyncio.gather(*(reader.one(key) for key in keys))
    gone = [key for key, reading in zip(keys, readings, strict=True) if reading.is_gone]
    outside = [key for key, reading in zip(keys, readings, strict=True) if reading.outside]
    noun, name = data.noun, chosen.sync.name
    if gone:
        raise NoSuchRecord(
            f"{API_NAMES[SOURCE]} has no {noun} {some(gone)}, and none was ever synced so: nothing is queued",
            next_step="Look the ID up in the portal.",
        )
    if outside:
        raise OutOfScope(
            f"{name} is not about the {noun} {some(outside)}, and never synced it: nothing is queued",
            next_step=f"Change the scope of {name}, or assign the {noun} to one of its catalogs.",
        )


async def explain(chosen: Chosen, key: str, how: HowToRun, observer: Observer) -> Explanation:
    """Return what would become of one record; nothing is written to either API.

    Args:
        chosen: the data sync, applied or not.
        key: ID of the product.
        how: cache, patience, waiting.
        observer: told of the requests.

    Raises:
        ReconcilerError: something could not be read.
    """
    from reconciler.http.retry import PATIENT

    with opened_store(chosen, _FEATURE, ephemeral=True) as store:
        policy = replace(PATIENT, seconds=how.patience)
        async with reading_job(chosen, store, "", how, observer, policy) as job:
            return await job.data.explain(job.source, job.target, job.store, key, utc_now())
