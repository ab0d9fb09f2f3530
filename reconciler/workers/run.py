"""Run a worker until a signal: jobs are taken, the ledger is swept, other manifests are read at SIGHUP."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from reconciler.app.signals import ECHO_SECONDS, heard_by
from reconciler.errors import Interrupted, ReconcilerError
from reconciler.ledger.async_postgres import AsyncPostgres
from reconciler.ledger.config.services import ServiceStore
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.service_model import WORKER
from reconciler.ledger.data.turns import TurnStore
from reconciler.ledger.database import Database, shared
from reconciler.ledger.process import describe_holder
from reconciler.report.log import Log, Warnings
from reconciler.words import some
from reconciler.workers.ending import Ending
from reconciler.workers.jobs import JobQueue, Taking, entrypoint_of
from reconciler.workers.start import Opened
from reconciler.workers.sweep import Sweep
from reconciler.workers.turn import COMMAND, Turns

CONNECTIONS = 2
"""How many connections all runs of a worker share; its queue has one more, and one that listens."""

SEEN_SECONDS = 15.0
"""How often the ledger is told that the process lives, and which manifests it has."""

_AGAIN_SECONDS = 5.0


async def work(opened: Opened, reopen: Callable[[], Opened], slots: int, log: Log) -> None:
    """Take jobs until a first signal, then end what was begun; a second signal ends it at once. See `Ending`.

    Args:
        opened: the environments.
        reopen: reads the manifests anew, at SIGHUP.
        slots: how many jobs are worked on at once.
        log: takes what happens.

    Raises:
        LedgerError: the ledger cannot be opened.
        Interrupted: it was ended at once.
    """
    logging.getLogger("reconciler.ledger").addHandler(Warnings(log))
    ending, first = Ending(asyncio.current_task(), log), 0.0
    with shared(opened.ledger, CONNECTIONS) as database:
        worker = Worker(opened, reopen, slots, log, database)

        def hear(number: signal.Signals) -> None:
            nonlocal first
            if number == getattr(signal, "SIGHUP", None):
                worker.reload()
            elif not worker.stop.is_set():
                first = time.monotonic()
                log.say("ending", "ending: what was begun is finished first; a second signal ends at once")
                worker.end()
                ending.begin()
            elif time.monotonic() - first >= ECHO_SECONDS:
                ending.hurry()

        with heard_by(hear, ignored_after=worker.stop.is_set):
            try:
                await worker.run()
            except asyncio.CancelledError:
                raise Interrupted(
                    "Ended at once: what was under way was not waited for",
                    next_step="Other workers go on with it, or the next one that starts.",
                ) from None
    log.say("ended", "ended in order")
    ending.in_order()


class Worker:
    """One process that takes jobs.

    Args:
        opened: the environments.
        reopen: reads the manifests anew.
        slots: how many jobs are worked on at once.
        log: takes what happens.
        database: of the open ledger.
    """

    def __init__(self, opened: Opened, reopen: Callable[[], Opened], slots: int, log: Log, database: Database) -> None:
        self.stop = asyncio.Event()
        self._opened = opened
        self._reopen = reopen
        self._slots = slots
        self._log = log
        self._database = database
        self._changes = asyncio.Event()
        self._draining: set[asyncio.Task[None]] = set()
        self._busy: set[DataScope] = set()
        self._waits: dict[str, str] = {}
        """Why it waits, by what it waits for."""

    def end(self) -> None:
        """Take no more jobs, and end runs in order: others go on with them."""
        self.stop.set()
        self._changes.set()

    def reload(self) -> None:
        """Read the manifests anew; jobs that are worked on are not ended for that."""
        self._changes.set()

    async def run(self) -> None:
        """Take jobs until `end`."""
        server = AsyncPostgres(self._opened.ledger)
        signs = ServiceStore(self._database, WORKER)
        signing = asyncio.create_task(self._sign(signs))
        try:
            while not self.stop.is_set():
                await self._cycle(server)
            await asyncio.gather(*self._draining, return_exceptions=True)
        finally:
            signing.cancel()
            with suppress(ReconcilerError):
                await asyncio.to_thread(signs.gone)
            await server.close()

    async def _cycle(self, server: AsyncPostgres) -> None:
        """Take jobs with the manifests as they are now, until others are read or the queue fails."""
        manned = self._opened.manned
        for name, error in self._opened.broken.items():
            self._log.refuse("environment-broken", error, "it is left out: ", environment=name)
        queue = JobQueue(server, partial(self._wait, "queue"))
        sweep = Sweep(TurnStore(self._database), manned, queue, partial(self._wait, "ledger"))
        turns = Turns(manned, self._database, queue, self._log, self.stop, self._busy, self._slots)
        entrypoints = [entrypoint_of(name, sync) for name, each in manned.items() for sync in each.data_syncs]
        taking = Taking(server, entrypoints, turns.take, self._slots, sweep.ring)
        work = asyncio.create_task(taking.run(), name="jobs")
        sweeping = asyncio.create_task(sweep.run(), name="sweep")
        self._log.say("working", f"taking jobs of {some(list(manned))}, {self._slots} at once")
        try:
            await self._until_changed(work)
            taking.end()
            if self.stop.is_set():
                await asyncio.wait({work})
                # What was given up is offered to others, now that its keys are free.
                with suppress(ReconcilerError):
                    await sweep.once()
            elif not work.done():
                self._draining.add(work)
                work.add_done_callback(self._drained)
                return
            if work.exception() is not None:
                self._failed(work)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changes.wait(), _AGAIN_SECONDS)
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait({work})
            raise
        finally:
            sweeping.cancel()

    async def _until_changed(self, work: asyncio.Task[None]) -> None:
        """Wait until the worker is to end, other manifests were read, or the queue failed."""
        while not work.done():
            changes = asyncio.create_task(self._changes.wait())
            await asyncio.wait({work, changes}, return_when=asyncio.FIRST_COMPLETED)
            changes.cancel()
            if self.stop.is_set() or work.done():
                return
            self._changes.clear()
            try:
                opened = await asyncio.to_thread(self._reopen)
            except ReconcilerError as error:
                before = "the manifests cannot be read, and those from before still hold: "
                self._log.refuse("reload-refused", error, before)
                continue
            if opened.ledger != self._opened.ledger:
                words = "the manifests name another ledger, and those from before still hold: start the worker anew"
                self._log.say("reload-refused", words, level="error")
                continue
            self._opened = opened
            self._log.say("reloaded", "the manifests hold; jobs that are worked on end with those from before")
            return

    def _drained(self, work: asyncio.Task[None]) -> None:
        self._draining.discard(work)
        if not work.cancelled() and work.exception() is not None:
            self._failed(work)

    def _failed(self, work: asyncio.Task[None]) -> None:
        words = f"the queue of jobs failed, and is taken up again: {type(work.exception()).__name__}"
        self._log.say("queue-failed", words, level="error")

    def _wait(self, what: str, error: ReconcilerError | None) -> None:
        """Note that it waits for something, and why, or that it does no longer."""
        before = self._waits.pop(what, None)
        if error is not None:
            self._waits[what] = error.message
            if error.message != before:
                self._log.say("worker-waits", f"it waits: {error.message}", level="warning", code=error.code)
        elif before is not None:
            self._log.say("worker-goes-on", "it goes on")

    async def _sign(self, signs: ServiceStore) -> None:
        """Tell the ledger that this process lives, and which manifests it has."""
        holder = describe_holder(COMMAND)
        while True:
            manned = self._opened.manned
            commit = next((each.commit for each in manned.values()), None)
            waits = "; ".join(self._waits.values()) or None
            with suppress(ReconcilerError):
                await asyncio.to_thread(signs.seen, tuple(manned), holder, commit, waits)
            await asyncio.sleep(SEEN_SECONDS)
