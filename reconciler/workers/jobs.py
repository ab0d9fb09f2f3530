"""Queue of jobs on the ledger's PostgreSQL, by pgqueuer: the fence that it lacks, and how jobs are offered and taken.

pgqueuer names a row by its ID alone where a job is finished, tried again or kept alive: a worker that was stopped for a
while would close the attempt of whoever took over. `FencedBuilder` adds the owner to these statements.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self
from uuid import UUID, uuid4

from pgqueuer import Queries
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain.models import Job as Row
from pgqueuer.domain.models import TracebackRecord
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import JOB_STATUS, Channel, QueueManagerId
from pgqueuer.ports.driver import Driver, NotifyCallback
from pgqueuer.qm import QueueManager

from reconciler.errors import LedgerError, ReconcilerError
from reconciler.ledger.async_postgres import AsyncPostgres
from reconciler.sync.run.queue import FORMAT, JobKind, QueuedJob, UnknownJob

CHANNEL = "ch_pgqueuer"
AT_ONCE = 4
"""How many jobs of a DataSync may be worked on at once in the whole fleet. All workers have to say the same."""
FEWEST_SLOTS = 2 * AT_ONCE
"""So that no DataSync takes more than half of a worker's slots."""
KEPT = timedelta(days=1)
"""How long the log of jobs is kept: it is for people who look into the database, and nothing of ours reads it."""
BATCH = 2
_ALIVE = timedelta(seconds=20)
_POLL = timedelta(seconds=5)
_NO_LOG = timedelta()
_TRIES_AGAIN = timedelta(seconds=1)

# A run comes before more hands for another one.
_PRIORITIES = {JobKind.RUN: 1, JobKind.DRAIN: 0, JobKind.WALK: 0}

# pgqueuer logs the exceptions of jobs with their tracebacks; ours raise none, and nothing of it may reach a terminal.
logging.getLogger("pgqueuer").propagate = False


class Unfenced(Exception):
    """pgqueuer's statements are others than those that the fence was made for."""


def settings() -> DBSettings:
    """Return pgqueuer's names of tables, as the ledger's frozen step has them, whatever the environment says."""
    return DBSettings(
        prefix="",
        db_schema=None,
        channel=Channel(CHANNEL),
        function="fn_pgqueuer_changed",
        statistics_table="pgqueuer_statistics",
        queue_status_type="pgqueuer_status",
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
        trigger="tg_pgqueuer_changed",
        schedules_table="pgqueuer_schedules",
        durability=Durability.durable,
        widen_id=False,
    )


def entrypoint_of(environment: str, data_sync: str) -> str:
    """Return the name of the queue of a DataSync: its jobs, in the format that this version understands."""
    return f"{FORMAT}/{environment}/{data_sync}"


@dataclass
class FencedBuilder(QueryQueueBuilder):
    """pgqueuer's statements, with the owner in those that finish a job, try it again or keep it alive.

    Args:
        owner: the queue manager whose jobs they are.
    """

    owner: UUID = field(default_factory=uuid4)

    def build_log_job_query(self) -> str:
        """Return the statement that finishes jobs."""
        found = super().build_log_job_query()
        found = self._fenced(found, "WHERE id = ANY(SELECT js.id FROM job_status js WHERE js.status != 'failed')")
        return self._fenced(found, "WHERE id = ANY(SELECT js.id FROM job_status js WHERE js.status = 'failed')")

    def build_retry_job_query(self) -> str:
        """Return the statement that tries a job again."""
        return self._fenced(super().build_retry_job_query(), "WHERE id = $1::bigint")

    def build_update_heartbeat_query(self) -> str:
        """Return the statement that keeps jobs alive."""
        return self._fenced(super().build_update_heartbeat_query(), "WHERE id = ANY($1::bigint[])")

    def _fenced(self, sql: str, named: str) -> str:
        if sql.count(named) != 1:
            raise Unfenced("pgqueuer names its rows otherwise than the fence knows")
        return sql.replace(named, f"{named} AND queue_manager_id = '{UUID(str(self.owner))}'::uuid")


class OurDriver(Driver):
    """pgqueuer's way to the ledger's PostgreSQL.

    Args:
        server: its statements and notices.
    """

    def __init__(self, server: AsyncPostgres) -> None:
        self._server = server
        self._shutdown = asyncio.Event()
        self._tasks = TaskManager()

    @property
    def shutdown(self) -> asyncio.Event:
        """Never set: the queue manager has an event of its own."""
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        """Nothing runs beside it."""
        return self._tasks

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """Run a statement and return its rows."""
        return await self._server.fetch(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement."""
        await self._server.fetch(query, *args)
        return ""

    async def notify(self, channel: str, payload: str) -> None:
        """Notify who listens to a channel."""
        await self._server.fetch("SELECT pg_notify($1, $2)", channel, payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Call something with each notice of a channel."""
        await self._server.listen(channel, callback)

    async def remove_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Call it no more."""
        self._server.hush(channel, callback)

    async def __aenter__(self) -> Self:
        """Do nothing: whoever opened the connections closes them."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Do nothing."""


class FencedQueries(Queries):
    """pgqueuer's statements, fenced; tells of jobs that are finished.

    Args:
        server: of the ledger.
        owner: the queue manager whose jobs they are.
        on_finished: told after the commit that jobs are gone: from now on, offers of the same key are queued.
    """

    def __init__(self, server: AsyncPostgres, owner: UUID, on_finished: Callable[[], None] = lambda: None) -> None:
        names = settings()
        super().__init__(
            OurDriver(server),
            qbe=QueryBuilderEnvironment(names),
            qbq=FencedBuilder(names, owner=owner),
            qbs=QuerySchedulerBuilder(names),
        )
        self._on_finished = on_finished

    async def log_jobs(self, job_status: list[tuple[Row, JOB_STATUS, TracebackRecord | None]]) -> None:
        """Finish jobs."""
        await super().log_jobs(job_status)
        self._on_finished()


class JobQueue:
    """The queue of jobs, for who offers them: a worker's sweep, a keeper, a service that takes messages.

    Args:
        server: of the ledger.
        waits: told why the queue could not be written; None: it could.
    """

    def __init__(self, server: AsyncPostgres, waits: Callable[[ReconcilerError | None], None] = lambda _: None) -> None:
        self._queries = FencedQueries(server, uuid4())
        self._server = server
        self._waits = waits

    async def offer(self, jobs: Sequence[QueuedJob], *, after: timedelta = timedelta()) -> None:
        """Queue jobs; see `Queue.offer`."""
        if not jobs:
            return
        queued = self._queries.enqueue(
            [entrypoint_of(job.environment, job.data_sync) for job in jobs],
            [job.to_bytes() for job in jobs],
            [_PRIORITIES[job.kind] for job in jobs],
            [after for _ in jobs],
            [job.dedupe_key for job in jobs],
            on_conflict="skip",
        )
        await self._tried("Jobs could not be queued", queued)

    async def forget_log(self) -> None:
        """Delete what the log says of jobs that ended long ago; each attempt at each job writes rows there."""
        deleted = self._server.fetch("DELETE FROM pgqueuer_log WHERE created < now() - $1::interval", KEPT)
        await self._tried("The log of jobs could not be shortened", deleted)

    async def _tried(self, failing: str, work: Awaitable[object]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever it is: the sweep finds in the ledger what is lost here
            self._waits(LedgerError(f"{failing}: {type(error).__name__}"))
        else:
            self._waits(None)


class Taking:
    """Takes jobs of some DataSyncs until told to end. What is wanted of more DataSyncs takes another one.

    Args:
        server: of the ledger.
        entrypoints: names of the queues; see `entrypoint_of`.
        take: works on a job, and raises nothing.
        slots: how many jobs are worked on at once.
        on_finished: told that jobs are gone.
    """

    def __init__(
        self,
        server: AsyncPostgres,
        entrypoints: Sequence[str],
        take: Callable[[QueuedJob], Any],
        slots: int,
        on_finished: Callable[[], None],
    ) -> None:
        owner = uuid4()
        self._slots = slots
        self._take = take
        self._manager = QueueManager(FencedQueries(server, owner, on_finished), Channel(CHANNEL))
        self._manager.queue_manager_id = QueueManagerId(owner)
        for name in entrypoints:
            self._manager.entrypoint(name, concurrency_limit=AT_ONCE, accepts_context=False)(self._dispatch)

    async def run(self) -> None:
        """Take jobs, until `end`; then wait for those that are worked on.

        Raises:
            Exception: the database stayed away, or pgqueuer found what it cannot work with.
        """
        await self._manager.run(
            dequeue_timeout=_POLL,
            batch_size=BATCH,
            max_concurrent_tasks=self._slots,
            heartbeat_timeout=_ALIVE,
            log_aggregation_interval=_NO_LOG,
        )

    def end(self) -> None:
        """Take no more."""
        self._manager.shutdown.set()

    async def _dispatch(self, row: Row) -> None:
        try:
            job = QueuedJob.from_bytes(row.payload)
        except UnknownJob:
            # Its key is free again, and the sweep makes one that is understood.
            return
        await self._take(job)
