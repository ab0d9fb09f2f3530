"""Run a data sync once, or again and again, under its lock; say what would become of one record."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from reconciler.app.chosen import Chosen, HowToRun, opened_ledger, opened_store
from reconciler.app.heard import unheard_now
from reconciler.app.overdue import lift_where_allowed
from reconciler.clock import utc_now
from reconciler.errors import Interrupted, LedgerError, NoSuchRecord, OutOfScope, TargetIncomplete, UsageError
from reconciler.ledger.url import require_durable
from reconciler.registry import open_reader, open_writer
from reconciler.sync.datasync import (
    API_NAMES,
    KIND,
    SOURCE,
    DataSync,
    Standing,
    connections_of,
    data_syncs,
    named,
    require_applied,
)
from reconciler.words import some

if TYPE_CHECKING:
    from reconciler.app.sync_faces import SyncFace, WatchFace
    from reconciler.http.client import HttpReader, HttpWriter
    from reconciler.http.observe import Observer
    from reconciler.http.retry import RetryPolicy
    from reconciler.ledger.config.model import Memory
    from reconciler.ledger.data.store import Store
    from reconciler.ledger.pulse import Mark
    from reconciler.sync.explanation import Explanation
    from reconciler.sync.mode import Mode
    from reconciler.sync.run.context import Job
    from reconciler.sync.run.listening import Listening
    from reconciler.sync.run.report import RunReport
    from reconciler.sync.run.traffic import Traffic

_Result = TypeVar("_Result")
FEATURE = "A data sync"
"""What needs a ledger that lasts, for messages."""
_LOOK_EVERY_SECONDS = 5.0


async def run_once(
    chosen: Chosen,
    mode: Mode | None,
    how: HowToRun,
    face: SyncFace,
    observer: Observer,
    *,
    command: str = "sync run",
    listening: Listening | None = None,
) -> tuple[RunReport, bool]:
    """Run a data sync once.

    Args:
        chosen: the data sync.
        mode: how; None: whatever is due.
        how: cache, patience, waiting.
        face: who is told.
        observer: told of the requests.
        command: what the holder of the lock is called.
        listening: how an incremental run listens for events once all else is done; None: it ends then.

    Returns:
        The report, and whether the face ended it.

    Raises:
        ReconcilerError: nothing was begun, or the ledger failed.
    """
    from reconciler.sync.run.runner import run_sync

    mode = mode_of(chosen.sync, mode)

    async def run(job: Job, stop: asyncio.Event) -> tuple[RunReport, bool]:
        report = await run_sync(job, mode, stop=stop, on_progress=face.progresses, listening=listening)
        return report, stop.is_set()

    return await _running((chosen,), how, face, observer, command, lambda jobs, stop: run(jobs[0], stop))


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


async def watch_on(
    chosen: Sequence[Chosen],
    how: HowToRun,
    face: WatchFace,
    observer: Observer,
    *,
    command: str = "sync watch",
    between: asyncio.Event | None = None,
    lasting: bool = False,
    listens: bool = False,
) -> tuple[tuple[RunReport, ...], bool]:
    """Run data types of a data sync again and again, until the face, limits or a new apply end it.

    Args:
        chosen: the data types of one data sync, in the order in which they run.
        how: cache, patience, waiting.
        face: who is told.
        observer: told of the requests.
        command: what the holder of the locks is called.
        between: ends it once no run is on.
        lasting: whether it is a service's, which goes on where earlier runs ended; see `loop.watch`.
        listens: whether messages are taken in for it; else it listens where any ever came.

    Returns:
        The last report of each that ran, and whether the face ended it.

    Raises:
        ReconcilerError: nothing was begun, or the ledger failed.
    """
    from reconciler.app.intake import listening_to
    from reconciler.sync.run.loop import watch

    async def run(jobs: Sequence[Job], stop: asyncio.Event) -> tuple[tuple[RunReport, ...], bool]:
        looking = asyncio.create_task(_stop_when_applied_anew(chosen, stop, face))
        try:
            async with listening_to(jobs[0].store.database, chosen, always=listens) as bell:
                last = await watch(
                    jobs,
                    stop=stop,
                    on_progress=face.progresses,
                    on_report=face.ended,
                    on_missing=face.lacks_something,
                    between=between,
                    lasting=lasting,
                    bell=bell,
                    slots=how.slots,
                )
            return last, stop.is_set()
        finally:
            looking.cancel()

    return await _running(chosen, how, face, observer, command, run, watches=True)


def require_connected(chosen: Chosen, memory: Memory | None = None) -> None:
    """Refuse to send anything to a site that SparkLayer disconnected.

    Raises:
        TargetIncomplete: it did, and has not connected it since.
    """
    target = connections_of(chosen.session)[1]
    found = (memory or chosen.session.memory()).sites.get(target.live_side)
    if found is not None and not found.connected:
        raise TargetIncomplete(
            f"SparkLayer disconnected the site {target.site_id} at {found.changed_at:%Y-%m-%d %H:%M} UTC: nothing is "
            "sent to it",
            next_step="Connect it in SparkLayer's Dashboard again.",
        )


async def _stop_when_applied_anew(chosen: Sequence[Chosen], stop: asyncio.Event, face: WatchFace) -> None:
    """End a watch whose manifest is not what was applied any more: what was reviewed runs."""
    sync, session = chosen[0].sync, chosen[0].session
    known: Mark | None = None
    while not stop.is_set():
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        try:
            mark = await asyncio.to_thread(_mark, chosen[0])
            if mark == known:
                continue
            memory = await asyncio.to_thread(session.memory)
        except LedgerError:  # busy now; where it is worse than that, the run says so
            continue
        known = mark
        try:
            require_connected(chosen[0], memory)
        except TargetIncomplete:
            stop.set()
            return
        now = named(data_syncs(session, memory), session.name, sync.name)
        if now[0].standing is not Standing.APPLIED:
            face.applied_anew(sync)
            stop.set()


def _mark(chosen: Chosen) -> Mark:
    session = chosen.session
    pulse = session.access.pulse(session.settings.ledger, KIND)
    return pulse.mark(session.name, connections_of(session)[1].live_side)


async def _running(
    chosen: Sequence[Chosen],
    how: HowToRun,
    face: SyncFace,
    observer: Observer,
    command: str,
    work: Callable[[Sequence[Job], asyncio.Event], Awaitable[_Result]],
    *,
    watches: bool = False,
) -> _Result:
    from reconciler.ledger.process import describe_holder
    from reconciler.sync.run.context import transport
    from reconciler.sync.run.log_pace import LogPace

    first = chosen[0]
    # First: without a lasting ledger nothing counts as applied, and applying would not help.
    require_durable(first.session.settings.ledger, os.environ, FEATURE, ephemeral=how.ephemeral)
    require_applied(first.sync)
    require_connected(first)
    lifted, left = await lift_where_allowed(
        first.session, face.waits_for, observer, command, token_cache=how.token_cache
    )
    face.lifted(lifted)
    for problem in left:
        face.left_paused(problem)
    holder, policy = describe_holder(command), transport(how.patience, how.gives_back)
    with opened_ledger(first, FEATURE, ephemeral=how.ephemeral) as ledger, ExitStack() as locks:
        stores = [ledger.store(each.sync.scope) for each in chosen]
        for store in stores:
            # A watch takes the lock of the runs for each of its own: between two of them anybody may run the sync.
            lock = store.watching if watches else store.lock
            locks.enter_context(lock(holder, wait=how.lock_wait, on_wait=face.waits_for))
        async with AsyncExitStack() as opened:
            jobs = [
                await opened.enter_async_context(writing_job(each, store, holder, how, observer, policy))
                for each, store in zip(chosen, stores, strict=True)
            ]
            with face.stoppable() as stop:
                try:
                    pace = LogPace()
                    return await work([replace(job, pace=pace) for job in jobs], stop)
                except asyncio.CancelledError:
                    raise Interrupted(
                        "Stopped at once: what was under way was not waited for",
                        next_step=f"`reconciler sync run {first.sync.name}` looks at what became of it, and goes on.",
                    ) from None


@asynccontextmanager
async def writing_job(
    chosen: Chosen, store: Store, holder: str, how: HowToRun, observer: Observer, policy: RetryPolicy
) -> AsyncIterator[Job]:
    """Within, a run can be carried out: its connections can write to the target; see `reading_job`."""
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

    (source, _), data = connections_of(chosen.session), chosen.sync.data
    async with open_reader(
        source, data.roles, token_cache=how.token_cache, observer=traffic[0], policy=policy, turn=how.turn
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
            now=store.clock,
            patience=how.patience,
            overrides=how.overrides,
            unheard=lambda: unheard_now(chosen),
            queue=how.queue,
            gives_back=how.gives_back,
            shared={each.api: each.rate_key for each in connections_of(chosen.session) if each.shared is not None},
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
    opened = open_reader(source, data.roles, token_cache=how.token_cache, observer=observer, policy=policy)
    async with opened as connection:
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
            next_step=f"Change the scope of {name} in its manifest, or bring the {noun} into it.",
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

    with opened_store(chosen, FEATURE, ephemeral=True) as store:
        async with reading_job(chosen, store, "", how, observer, replace(PATIENT, seconds=how.patience)) as job:
            return await job.data.explain(job.source, job.target, job.store, key, utc_now())
