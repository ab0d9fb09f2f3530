"""`reconciler worker` as processes of their own, on a ledger on PostgreSQL, and fleets of them that share a shop."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from sqlalchemy import select

from reconciler import clock
from reconciler.http.clock import Clock
from reconciler.http.retry import RetryPolicy
from reconciler.ledger import lock
from reconciler.ledger.data import hand_store, scoped
from reconciler.ledger.data.in_doubt import IN_DOUBT
from reconciler.ledger.data.model import RUNNING, DataRun
from reconciler.ledger.data.overview import all_scopes
from reconciler.ledger.hand_tables import hands, ranges
from reconciler.ledger.tables import records
from reconciler.ledger.writer import Ledger
from reconciler.sync.run import breaker, crew
from reconciler.sync.run import ranges as walks
from reconciler.workers import jobs, run, sweep, turn
from support.checkout import Checkout, wait_until
from support.syncing import Shop, is_write

_OF_PRODUCT = re.compile(r"NEW-\d+-\d+|[^-]+-[^-]+")
"""What names of the emulator's products, and of their variants, begin with: the product's ID."""
LEASE = float(os.environ.get("RECONCILER_TEST_LEASE", "8"))
"""Seconds for which locks and hands live without a sign of life; 30 as they do elsewhere."""
PER_RANGE = 3


def brisk(*, ahead: float = 0.0) -> None:
    """Make this process a worker of a small world: it looks and gives up sooner, and its walks have short ranges.

    Args:
        ahead: by how many seconds the clock of its machine is ahead.
    """
    sweep.EVERY_SECONDS, crew._EVERY_SECONDS, turn.QUIET_SECONDS, run._AGAIN_SECONDS = 1.0, 0.25, 0.5, 0.5
    jobs._ALIVE = timedelta(seconds=5)
    walks._RECORDS = PER_RANGE
    hand_store.LEASE = scoped.LEASE = timedelta(seconds=LEASE)
    for function in (lock.acquire, scoped.Scoped.lock):
        inspect.unwrap(function).__kwdefaults__["lease"] = timedelta(seconds=LEASE)
    if ahead:
        _set_clock(ahead)


def hasty() -> None:
    """Let a worker be brisk, and wait next to nothing between attempts."""
    brisk()
    RetryPolicy.wait = lambda _policy, _attempt, _after: 0.001
    breaker._FIRST_WAIT, breaker._LONGEST_WAIT = 0.02, 0.5


def _set_clock(ahead: float) -> None:
    right, seconds = datetime, time.time

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return right.now(tz) + timedelta(seconds=ahead)

    def wrong() -> float:
        return seconds() + ahead

    clock.datetime = Wrong
    time.time = wrong
    begins = Clock.__init__

    def begins_wrong(self: Any, monotonic: Any = time.monotonic, wall: Any = wrong, sleep: Any = asyncio.sleep) -> None:
        begins(self, monotonic, wall, sleep)

    Clock.__init__ = begins_wrong


class WorkerProcess:
    """One worker, once it takes jobs.

    Args:
        checkout: where it runs.
        words: of the command line, after `worker`.
        awaited: whether to return only once it takes jobs.
        prelude: is called in its process before it begins.
    """

    def __init__(
        self, checkout: Checkout, *words: str, awaited: bool = True, prelude: Callable[[], None] | None = None
    ) -> None:
        self.forked = checkout.fork("worker", "--log-format", "json", *words, prelude=prelude)
        if awaited:
            self.takes_jobs()

    def takes_jobs(self) -> None:
        """Wait until it takes jobs."""
        wait_until(lambda: self.forked.poll() is not None or bool(self.logged("working")), seconds=120)
        assert self.forked.poll() is None, self.text

    @property
    def text(self) -> str:
        """What it wrote to stderr."""
        self.forked._err.seek(0)
        return self.forked._err.read().decode()

    def logged(self, event: str) -> list[Any]:
        """Return the whole lines of its log that are about one event."""
        lines = [line for line in self.text.split("\n")[:-1] if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def reload(self) -> None:
        """Have it read its manifests anew, and wait until it works with them."""
        before = len(self.logged("working"))
        self.forked.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.logged("working")) > before)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit status."""
        self.forked.send_signal(number)
        self.forked.communicate(90)
        return self.forked.returncode if self.forked.returncode is not None else -1


class Fleet:
    """Workers that share the work of one shop, and what is to be seen of them.

    Args:
        shop: was applied, and has its ledger on PostgreSQL.
        number: how many.
    """

    def __init__(self, shop: Shop, number: int = 3) -> None:
        self.shop = shop
        self.workers: list[WorkerProcess] = []
        self._open = ExitStack()
        self._ledger = self._open.enter_context(Ledger.open(shop.checkout.ledger_url))
        scopes = self._ledger.database.run(lambda tx: all_scopes(tx.connection))
        self.store = self._ledger.store(scopes[0])
        self.more(*([0.0] * number))

    def more(self, *ahead: float) -> list[WorkerProcess]:
        """Start workers, one for each number of seconds by which its clock is ahead."""
        checkout = self.shop.checkout
        found = [WorkerProcess(checkout, awaited=False, prelude=partial(brisk, ahead=each)) for each in ahead]
        for each in found:
            each.takes_jobs()
        self.workers += found
        return found

    def lose(self, worker: WorkerProcess, number: int = signal.SIGKILL) -> int:
        """End a worker by a signal, and return its exit status."""
        self.workers.remove(worker)
        return worker.end(number)

    def close(self) -> None:
        """End all that is left, at once."""
        for each in self.workers:
            if each.forked.poll() is None:
                each.end(signal.SIGKILL)
        self._open.close()

    # What there is to do

    def want(self, *words: str) -> str:
        """Have workers run it, and return the run's ID once it is on."""
        before = self._newest_id()
        ended = self.shop.checkout.call("sync", "run", "shop", *words, "--detach")
        assert ended.status == 0, str(ended)
        wait_until(lambda: self._newest_id() != before, seconds=60)
        return self._newest_id()

    def until_over(self, run_id: str | None = None) -> DataRun:
        """Wait until a run, or else whichever is the newest, has ended; return it."""
        wait_until(lambda: (found := self._run(run_id)) is not None and found.state != RUNNING, seconds=120, every=0.1)
        found = self._run(run_id)
        assert found is not None
        return found

    def until_quiet(self) -> None:
        """Wait until nobody runs anything, and nothing is wanted."""
        wait_until(lambda: not self.store.is_locked() and not self.store.runs.wanted(), seconds=120, every=0.1)
        self.until_over()

    def _newest_id(self) -> str:
        found = self.newest()
        return "" if found is None else found.id

    def _run(self, run_id: str | None) -> DataRun | None:
        return self.newest() if run_id is None else self.store.runs.run(run_id)

    # What is to be seen

    def newest(self) -> DataRun | None:
        """Return the newest run."""
        return self.store.runs.last(state=None)

    def keeper(self) -> WorkerProcess:
        """Return the worker that keeps the newest run."""
        run = self.newest()
        assert run is not None
        return self.named(run.holder)

    def lending(self) -> list[WorkerProcess]:
        """Return the workers that lend a hand to a run."""
        return [self.named(row.holder) for row in self._rows(select(hands.c.holder).where(~hands.c.keeper))]

    def named(self, holder: str) -> WorkerProcess:
        """Return the worker that the ledger calls so."""
        (pid,) = re.findall(r" pid (\d+): worker$", holder)
        return next(each for each in self.workers if each.forked.pid == int(pid))

    def listing(self, run_id: str) -> set[str]:
        """Return the hands that list ranges of a run's walk, or have."""
        return {row.hand for row in self._rows(select(ranges.c.hand).where(ranges.c.run == run_id)) if row.hand}

    def in_doubt(self) -> set[str]:
        """Return the records of which something was sent, or was about to be, that nobody has noted as answered.

        Those as well that are written once more when what another one sent can no longer arrive.
        """
        rows = self._rows(select(records.c.key, records.c.prints, records.c.doubt_until))
        return {row.key for row in rows if IN_DOUBT in row.prints.values() or row.doubt_until is not None}

    def ended(self) -> list[Any]:
        """Return what the workers logged of runs that ended."""
        return [line for each in self.workers for line in each.logged("run-ended")]

    def sent_twice(self) -> set[str]:
        """Return the records of which the site took the same content twice since its requests were cleared."""
        return sent_twice(self.shop.emulator.requests())

    def _rows(self, query: Any) -> list[Any]:
        return list(self._ledger.database.run(lambda tx: tx.connection.execute(query).all(), writes=False))


def sent_twice(requests: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the generated products of which a site took the same content twice; bodies have to be kept."""
    taken: Counter[tuple[str, str]] = Counter()
    for each in requests:
        if is_write(each) and "/sync-log/" not in each["path"] and each["status"] in range(200, 300):
            content = json.loads(each["body"])
            for row in content if isinstance(content, list) else [content]:
                name = row.get("sku") or row.get("external_id") or each["path"].partition("/products/")[2]
                taken[name, f"{each['path']} {json.dumps(row, sort_keys=True)}"] += 1
    return {_OF_PRODUCT.match(name)[0] for (name, _), number in taken.items() if number > 1}
