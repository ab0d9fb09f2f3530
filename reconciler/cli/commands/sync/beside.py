"""`reconciler sync run` where workers take jobs: they run it, and this command lends a hand and shows the whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.app.signals import run_to_end
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result
from reconciler.errors import UsageError
from reconciler.report.escape import terminal

if TYPE_CHECKING:
    from reconciler.app.chosen import Chosen, HowToRun
    from reconciler.app.sync_each import RanEach
    from reconciler.app.sync_faces import LendingFace
    from reconciler.http.observe import Observer
    from reconciler.sync.mode import Mode
    from reconciler.sync.run.report import RunReport


def has_workers(chosen: Sequence[Chosen], how: HowToRun) -> bool:
    """Return whether workers take jobs of these data types, and may run them as this command would.

    What passes a limit, and what is to be absent, is run by nobody but who asks for it.
    """
    first = chosen[0]
    if first.session.settings.ledger.path is not None or how.overrides or how.ephemeral or first.sync.leaving:
        return False
    from reconciler.workers.beside import workers_of

    return workers_of(first) > 0


def detach(options: Options, chosen: Sequence[Chosen], mode: Mode | None, how: HowToRun) -> Status:
    """Say to workers that runs are wanted, and wait for nothing.

    Raises:
        UsageError: there are none who would run it.
        ReconcilerError: it is not what was applied, or the ledger cannot be written.
    """
    if not has_workers(chosen, how):
        raise UsageError(
            "there is no worker who would run it", next_step="Start `reconciler worker`, or leave --detach out."
        )
    from reconciler.workers.beside import want

    async def wanted() -> None:
        async with _queue(chosen[0], how) as with_queue:
            for each in chosen:
                await want(each, mode, with_queue)

    run_to_end(wanted())
    name = chosen[0].sync.name
    write_result(options, terminal(f"A run of {name} is wanted; a worker begins it. `reconciler sync status {name}`."))
    return Status.DONE


async def run_each_where_it_belongs(
    chosen: Sequence[Chosen], mode: Mode | None, how: HowToRun, face: LendingFace, observer: Observer
) -> RanEach[RunReport]:
    """Run the data types one after the other: beside workers where there are some, else in this process alone."""
    import asyncio

    from reconciler.app.sync import run_once
    from reconciler.app.sync_each import run_each

    if await asyncio.to_thread(has_workers, chosen, how):
        return await run_beside(chosen, mode, how, face, observer)
    return await run_each(chosen, lambda each: run_once(each, mode, how, face, observer))


async def run_beside(
    chosen: Sequence[Chosen], mode: Mode | None, how: HowToRun, face: LendingFace, observer: Observer
) -> RanEach[RunReport]:
    """Have workers run the data types one after the other, and lend a hand; see `workers.beside`."""
    from reconciler.app.sync_each import run_each
    from reconciler.workers import beside

    async with _queue(chosen[0], how) as with_queue:
        return await run_each(chosen, lambda each: beside.run_beside(each, mode, with_queue, face, observer))


@asynccontextmanager
async def _queue(chosen: Chosen, how: HowToRun) -> AsyncIterator[HowToRun]:
    from reconciler.ledger.async_postgres import AsyncPostgres
    from reconciler.workers.jobs import JobQueue

    server = AsyncPostgres(chosen.session.settings.ledger)
    try:
        yield replace(how, queue=JobQueue(server))
    finally:
        await server.close()
