"""The traps of pgqueuer, each held against its code and a real server: they are looked at anew with every version."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from pgqueuer.ports.repository import EntrypointExecutionParameter

from reconciler.ledger.async_postgres import AsyncPostgres
from reconciler.ledger.url import parse
from reconciler.sync.run.queue import JobKind, QueuedJob
from reconciler.workers.jobs import (
    AT_ONCE,
    CHANNEL,
    FencedBuilder,
    FencedQueries,
    JobQueue,
    Taking,
    Unfenced,
    entrypoint_of,
    settings,
)
from support import postgres

JOB = QueuedJob(JobKind.RUN, "production", "shop", "products")
QUEUE = entrypoint_of("production", "shop")
STALE = timedelta()
ALIVE = timedelta(hours=1)


@pytest.fixture(scope="module")
def url():
    found = postgres.new_ledger()
    yield found
    postgres.drop(found)


@asynccontextmanager
async def connected(url):
    server = AsyncPostgres(parse(url))
    await server.fetch("TRUNCATE pgqueuer, pgqueuer_log")
    try:
        yield server
    finally:
        await server.close()


class Hand:
    """One queue manager, as far as its statements go."""

    def __init__(self, server):
        self.owner = uuid4()
        self.queries = FencedQueries(server, self.owner)

    async def take(self, *names, alive=ALIVE, batch=10, limit=AT_ONCE):
        entrypoints = {name: EntrypointExecutionParameter(limit) for name in names or (QUEUE,)}
        return await self.queries.dequeue(batch, entrypoints, self.owner, None, alive)


async def rows(server):
    found = await server.fetch("SELECT status::text, attempts, queue_manager_id, heartbeat FROM pgqueuer ORDER BY id")
    return [tuple(row.values()) for row in found]


OWNED = "AND queue_manager_id = '{owner}'::uuid"
FINISHES = """WITH job_status AS (
            SELECT
                UNNEST($1::bigint[])                            AS id,
                UNNEST($2::pgqueuer_status[]) AS status,
                UNNEST($3::JSONB[])                             AS traceback
        ), deleted AS (
            DELETE FROM pgqueuer
            WHERE id = ANY(SELECT js.id FROM job_status js WHERE js.status != 'failed') {owned}
            RETURNING id, entrypoint, priority
        ), held AS (
            UPDATE pgqueuer
            SET status = 'failed', updated = NOW(), queue_manager_id = NULL
            WHERE id = ANY(SELECT js.id FROM job_status js WHERE js.status = 'failed') {owned}
            RETURNING id, entrypoint, priority
        ), all_resolved AS ("""
TRIES_AGAIN = """WITH retry AS (
            UPDATE pgqueuer
            SET
                status = 'queued',
                execute_after = NOW() + $2::interval,
                attempts = attempts + 1,
                updated = NOW(),
                queue_manager_id = NULL
            WHERE id = $1::bigint {owned}
            RETURNING id, entrypoint, priority
        )"""
KEEPS_ALIVE = "UPDATE pgqueuer SET heartbeat = NOW() WHERE id = ANY($1::bigint[]) {owned}"


def test_the_fence_names_the_owner_in_every_statement_that_ends_or_prolongs_a_job():
    owner = uuid4()
    fenced, plain = FencedBuilder(settings(), owner=owner), QueryQueueBuilder(settings())
    owned = OWNED.format(owner=owner)
    for name, text in {
        "build_log_job_query": FINISHES,
        "build_retry_job_query": TRIES_AGAIN,
        "build_update_heartbeat_query": KEEPS_ALIVE,
    }.items():
        found, bare = getattr(fenced, name)(), getattr(plain, name)()
        assert text.format(owned=owned) in found
        assert text.replace(" {owned}", "") in bare, "pgqueuer's statement is another one: look whether the fence holds"
        assert found.replace(f" {owned}", "") == bare


def test_statements_that_the_fence_does_not_know_are_not_sent(monkeypatch):
    monkeypatch.setattr(QueryQueueBuilder, "build_update_heartbeat_query", lambda _: "UPDATE pgqueuer WHERE key = $1")
    with pytest.raises(Unfenced):
        FencedBuilder(settings()).build_update_heartbeat_query()


def test_the_environment_names_no_tables(monkeypatch):
    before = settings()
    for name in ("QUEUE_TABLE", "PGQUEUER_QUEUE_TABLE", "PGQUEUER_SCHEMA", "PGQUEUER_PREFIX", "CHANNEL", "FUNCTION"):
        monkeypatch.setenv(name, "elsewhere")
    assert settings() == before
    assert before.qualified.queue_table == "pgqueuer"


@pytest.mark.postgres
class TestOnServer:
    def test_the_frozen_step_is_what_this_pgqueuer_wants(self, url):
        async def plan():
            async with connected(url) as server:
                return await FencedQueries(server, uuid4()).plan_upgrade()

        found = asyncio.run(plan())
        assert not found.statements
        assert not found.notes

    def test_a_zombie_ends_nothing_of_who_took_over(self, url):
        async def run():
            async with connected(url) as server:
                zombie, heir = Hand(server), Hand(server)
                await JobQueue(server).offer([JOB])
                (stale,) = await zombie.take()
                (taken,) = await heir.take(alive=STALE)
                assert taken.id == stale.id
                before = await rows(server)
                assert before[0][:3] == ("picked", 0, heir.owner), "a takeover counts no attempt"
                await zombie.queries.update_heartbeat([stale.id])
                await zombie.queries.retry_job(stale, timedelta(), None)
                await zombie.queries.log_jobs([(stale, "successful", None)])
                await zombie.queries.log_jobs([(stale, "failed", None)])
                assert await rows(server) == before
                await heir.queries.update_heartbeat([taken.id])
                assert (await rows(server))[0][3] > before[0][3]
                await heir.queries.log_jobs([(taken, "successful", None)])
                assert await rows(server) == []

        asyncio.run(run())

    def test_a_key_is_taken_while_its_job_waits_or_is_worked_on(self, url):
        async def run():
            async with connected(url) as server:
                queue, hand = JobQueue(server), Hand(server)
                await queue.offer([JOB, JOB])
                assert len(await rows(server)) == 1
                (taken,) = await hand.take()
                await queue.offer([JOB])
                assert len(await rows(server)) == 1, "so whoever works on it looks again at its end"
                await hand.queries.log_jobs([(taken, "successful", None)])
                await queue.offer([JOB])
                assert [row[0] for row in await rows(server)] == ["queued"]

        asyncio.run(run())

    def test_jobs_of_others_and_of_other_formats_stay_queued(self, url):
        async def run():
            async with connected(url) as server:
                await JobQueue(server).offer([JOB, QueuedJob(JobKind.RUN, "staging", "shop", "products")])
                await server.fetch("UPDATE pgqueuer SET entrypoint = '99/production/shop' WHERE entrypoint = $1", QUEUE)
                assert await Hand(server).take() == []
                assert [row[0] for row in await rows(server)] == ["queued", "queued"]

        asyncio.run(run())

    def test_the_fleet_works_on_a_few_jobs_of_a_data_sync_at_once(self, url):
        async def run():
            async with connected(url) as server:
                jobs = [QueuedJob(JobKind.WALK, "production", "shop", "products", part=part) for part in range(9)]
                await JobQueue(server).offer(jobs)
                first, second = Hand(server), Hand(server)
                taken = await first.take(batch=3)
                taken += await second.take(batch=9)
                assert len(taken) == AT_ONCE
                await first.queries.log_jobs([(taken[0], "successful", None)])
                assert len(await second.take()) == 1

        asyncio.run(run())

    def test_a_run_comes_before_more_hands_and_a_delay_is_by_the_databases_clock(self, url):
        async def run():
            async with connected(url) as server:
                queue, hand = JobQueue(server), Hand(server)
                later = QueuedJob(JobKind.RUN, "production", "shop", "orders")
                await queue.offer([QueuedJob(JobKind.DRAIN, "production", "shop", "products")])
                await queue.offer([JOB])
                await queue.offer([later], after=timedelta(hours=1))
                taken = [QueuedJob.from_bytes(row.payload) for row in await hand.take()]
                assert [job.kind for job in taken] == [JobKind.RUN, JobKind.DRAIN]
                await server.fetch("UPDATE pgqueuer SET execute_after = now() - interval '1 s' WHERE status = 'queued'")
                assert [QueuedJob.from_bytes(row.payload) for row in await hand.take()] == [later]

        asyncio.run(run())

    def test_every_offer_notifies_also_one_that_is_not_queued(self, url):
        """A notice makes commits wait for one another: offers come after the ledger's commit, never within it."""

        async def run():
            async with connected(url) as server:
                heard = asyncio.Queue()
                await server.listen(CHANNEL, heard.put_nowait)
                await JobQueue(server).offer([JOB])
                await asyncio.wait_for(heard.get(), 30)
                await JobQueue(server).offer([JOB])
                await asyncio.wait_for(heard.get(), 30)

        asyncio.run(run())

    def test_the_log_is_forgotten_by_age(self, url):
        async def run():
            async with connected(url) as server:
                queue = JobQueue(server)
                await queue.offer([JOB])
                await server.fetch("UPDATE pgqueuer_log SET created = now() - interval '2 days'")
                await queue.offer([QueuedJob(JobKind.RUN, "production", "shop", "orders")])
                await queue.forget_log()
                assert len(await server.fetch("SELECT * FROM pgqueuer_log")) == 1

        asyncio.run(run())

    def test_nothing_is_prepared_that_a_transaction_pooler_would_forget(self, url):
        async def run():
            async with connected(url) as server:
                for _ in range(12):
                    await JobQueue(server).offer([JOB])
                assert await server.fetch("SELECT name FROM pg_prepared_statements") == []

        asyncio.run(run())

    def test_what_cannot_be_queued_is_lost_and_told_and_so_is_that_it_can_again(self, url):
        async def run():
            async with connected(url) as server:
                told = []
                await server.fetch("ALTER TABLE pgqueuer RENAME TO gone")
                try:
                    await JobQueue(server, told.append).offer([JOB])
                finally:
                    await server.fetch("ALTER TABLE gone RENAME TO pgqueuer")
                await JobQueue(server, told.append).offer([JOB])
                assert [error and error.code for error in told] == ["ledger", None]

        asyncio.run(run())

    def test_connections_that_are_cut_come_back_with_what_listens(self, url):
        async def run():
            async with connected(url) as server:
                heard = asyncio.Queue()
                await server.listen(CHANNEL, heard.put_nowait)
                cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                await asyncio.to_thread(postgres.execute, url, f"{cut} AND pid <> pg_backend_pid()")
                await JobQueue(server).offer([JOB])
                assert len(await rows(server)) == 1
                while heard.empty():  # what comes while nobody listens is found by asking
                    await server.fetch("SELECT pg_notify($1, 'now')", CHANNEL)
                    await asyncio.sleep(0.05)

        asyncio.run(run())

    def test_a_job_is_taken_and_gone_and_what_is_no_job_too(self, url):
        async def run():
            async with connected(url) as server:
                await JobQueue(server).offer([JOB, QueuedJob(JobKind.RUN, "production", "shop", "orders")])
                await server.fetch("UPDATE pgqueuer SET payload = 'nonsense' WHERE dedupe_key = $1", JOB.dedupe_key)
                taken, gone = [], asyncio.Event()

                async def take(job):
                    taken.append(job.data_type)

                taking = Taking(server, [QUEUE], take, 8, gone.set)
                running = asyncio.create_task(taking.run())
                while await rows(server):
                    await asyncio.wait_for(gone.wait(), 30)
                    gone.clear()
                taking.end()
                await running
                assert taken == ["orders"]

        asyncio.run(run())
