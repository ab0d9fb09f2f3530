"""A job of a worker where an API is away: one run finds out, others begin nothing until it is time to look."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from msgspec import field
from msgspec.structs import replace

from reconciler.app.chosen import Chosen
from reconciler.ledger.data.outages import FIRST_PAUSE, LONGEST_PAUSE, OutageStore
from reconciler.ledger.data.turns import NewestRun, TurnStore
from reconciler.ledger.writer import Ledger
from reconciler.manifest.connection import Connection
from reconciler.report.log import Log
from reconciler.secret import Secret
from reconciler.sync.mode import Mode
from reconciler.sync.run.queue import Inline, JobKind, QueuedJob
from reconciler.sync.run.report import RunReport, State
from reconciler.workers.due import comes_back, is_due
from reconciler.workers.turn import Turns
from support.engine import SETTINGS
from support.sync_samples import NOW, PRODUCTS, data_sync

SECRET = Secret("a secret", lambda: "x")
CONNECTIONS = {
    "ordercloud": Connection("ordercloud", "https://api.example/v1", "https://auth.example", "client", SECRET, 50),
    "sparklayer": Connection("sparklayer", "https://app.example", "https://app.example", "c", SECRET, 20, site_id="s"),
}
JOB = QueuedJob(JobKind.RUN, "production", "shop", "products")


KEY = CONNECTIONS["sparklayer"].rate_key
ASKED = timedelta(minutes=10)


class Clock:
    now = NOW

    def __call__(self):
        return self.now


class Scripted(Turns, frozen=True):
    """Turns whose runs end as it is written, one after the other: finished, or for how long an API is left alone."""

    script: list[timedelta | None] = field(default_factory=list)

    async def _one_run(self, chosen, types):
        again_in = self.script.pop(0)
        state = State.FINISHED if again_in is None else State.INTERRUPTED
        about = ("shop", "products", PRODUCTS.entries, PRODUCTS.ends, Mode.FULL, None, "run-1", state, False, NOW, NOW)
        if again_in is None:
            return RunReport(*about), False
        # As the engine does.
        OutageStore(self.database).found(KEY, "SparkLayer asks for it", "one", again_in)
        return RunReport(*about, message="SparkLayer asks for it", away="sparklayer", again_in=again_in), False


class Shop:
    """A data type of a worker with a clock of the ledger that is set by hand."""

    def __init__(self, ledger, clock):
        self.ledger, self.clock, self.said = ledger, clock, []
        self.sync = data_sync()
        ledger.store(self.sync.scope)
        self.chosen = Chosen(SimpleNamespace(name="production", connections=CONNECTIONS), self.sync)

    def run(self, *script):
        """Take a job; return whether a run came to its end, and how many runs of the script were not begun."""
        left = list(script)
        turns = Scripted({}, self.ledger.database, Inline(), Log(write=self.said.append), asyncio.Event(), script=left)
        return asyncio.run(turns._run(JOB, self.chosen, (self.chosen,), self.waits())), len(left)

    def waits(self):
        _, waits = TurnStore(self.ledger.database).waits([self.sync.scope.environment])
        return waits[self.sync.scope]

    def is_due(self):
        """Whether a sweep would make a job of it: what its run was is what the turn says."""
        waits = self.waits()
        newest = NewestRun(waits.turn.run, "interrupted", self.sync.data.digest, NOW)
        waits = replace(waits, applied=self.sync.data.digest, newest=newest)
        return is_due(waits, self.sync.settings, self.sync.data.digest, self.clock.now)


@pytest.fixture
def shop(ledger_url):
    clock = Clock()
    with Ledger.open(ledger_url, clock) as found:
        yield Shop(found, clock)


def test_a_job_of_a_sick_shop_holds_no_slot_and_the_sweep_wakes_it_when_it_is_due(shop):
    assert shop.run(ASKED) == (True, 0)
    assert "SparkLayer asks for it; the next in 600 s" in shop.said[-1]
    shop.clock.now += ASKED - timedelta(seconds=1)
    assert not shop.is_due()
    shop.clock.now += timedelta(seconds=1)
    assert shop.is_due()


def test_what_one_job_finds_out_another_does_not_try(shop):
    shop.run(ASKED)
    # The other job sends nothing: its run is not begun.
    assert shop.run(None) == (False, 1)
    assert "SparkLayer asks for it, as one found; tried again in 600 s" in shop.said[-1]
    assert not shop.is_due()
    # Once it is time, one looks, and meanwhile no other.
    shop.clock.now += ASKED
    assert shop.run(None) == (True, 0)
    assert OutageStore(shop.ledger.database).look([KEY], "x") is None


def test_an_api_that_answers_looks_and_fails_what_comes_after_is_tried_less_and_less():
    waits = [comes_back(FIRST_PAUSE, failures, SETTINGS) for failures in range(1, 9)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (FIRST_PAUSE, LONGEST_PAUSE)
    assert comes_back(ASKED, 9, SETTINGS) == ASKED
