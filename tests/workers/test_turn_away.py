"""A job of a worker where an API is away: one run finds out, others begin nothing until it is time to look."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from reconciler.app.chosen import Chosen
from reconciler.ledger.data.outages import FIRST_PAUSE, OutageStore
from reconciler.ledger.data.turns import Waits
from reconciler.ledger.writer import Ledger
from reconciler.manifest.connection import Connection
from reconciler.report.log import Log
from reconciler.secret import Secret
from reconciler.sync.mode import Mode
from reconciler.sync.run.queue import Inline, JobKind, QueuedJob
from reconciler.sync.run.report import RunReport, State
from reconciler.workers.turn import Turns
from support.sync_samples import NOW, PRODUCTS, data_sync

SECRET = Secret("a secret", lambda: "x")
CONNECTIONS = {
    "ordercloud": Connection("ordercloud", "https://api.example/v1", "https://auth.example", "client", SECRET, 50),
    "sparklayer": Connection("sparklayer", "https://app.example", "https://app.example", "c", SECRET, 20, site_id="s"),
}
JOB = QueuedJob(JobKind.RUN, "production", "shop", "products")


def ended(state, away=None):
    about = ("shop", "products", PRODUCTS.entries, PRODUCTS.ends, Mode.FULL, None, "run-1", state, False, NOW, NOW)
    return RunReport(*about, message="no connection" if away else None, away=away)


@dataclass(frozen=True)
class Scripted(Turns):
    """Turns whose runs end as it is written, one after the other."""

    script: list[RunReport] = field(default_factory=list)

    async def _one_run(self, chosen, types):
        return self.script.pop(0), False


@pytest.fixture
def ledger(ledger_url):
    with Ledger.open(ledger_url) as found:
        yield found


def test_what_one_job_finds_out_another_does_not_try(ledger):
    sync = data_sync()
    ledger.store(sync.scope)
    chosen = Chosen(SimpleNamespace(name="production", connections=CONNECTIONS), sync)
    said = []

    async def run(*script):
        left = list(script)
        turns = Scripted({}, ledger.database, Inline(), Log(write=said.append), asyncio.Event(), left)
        found = await turns._run(JOB, chosen, (chosen,), Waits())
        return found, len(left)

    assert asyncio.run(run(ended(State.INTERRUPTED, "sparklayer"))) == (True, 0)
    assert f"the next in {FIRST_PAUSE.total_seconds():.0f} s" in said[-1]
    # The other job sends nothing: its run is not begun.
    assert asyncio.run(run(ended(State.FINISHED))) == (False, 1)
    assert "no connection, as" in said[-1]
    # Once it is time, one looks; what it finds holds for all.
    OutageStore(ledger.database).over([CONNECTIONS["sparklayer"].rate_key])
    assert asyncio.run(run(ended(State.FINISHED))) == (True, 0)
    assert OutageStore(ledger.database).look([each.rate_key for each in CONNECTIONS.values()], "x") is None
