"""Tests of the data plane that hold whoever does the work: this process, or three workers on PostgreSQL."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.ledger.data.model import STOPPED
from reconciler.ledger.data.overview import all_scopes
from reconciler.ledger.data.turns import TurnStore
from reconciler.ledger.writer import Ledger
from support.checkout import Checkout, Ended, wait_until
from support.working import WorkerProcess, hasty

WORKERS = int(os.environ.get("RECONCILER_TEST_WORKERS", "0"))
"""How many workers do what a test marked by `whoever_works` has to be done; 0: none, but where that is cheap."""
# What `sync run` does itself, whoever is there.
_ALONE = {"--dry-run", "--explain", "--clear-list", "--override"}


def whoever_works(*, cheap: bool = False) -> Any:
    """Run a test with its fixture `checkout` worked on by this process, and by workers as well.

    Args:
        cheap: by workers also where RECONCILER_TEST_WORKERS is not set.
    """
    by_workers = [pytest.param("workers", marks=pytest.mark.postgres)] if WORKERS or cheap else []
    return pytest.mark.parametrize("checkout", ["inline", *by_workers], indirect=True)


@dataclass
class WorkedCheckout(Checkout):
    """A checkout whose data syncs workers run, from the first `sync run` on; they have the manifests applied last."""

    workers: list[WorkerProcess] = field(default_factory=list)

    def call(self, *words: str | Path) -> Ended:
        """Run a command in this process; workers do what it wants to be run."""
        if words[:2] == ("sync", "run") and not self.workers and not _ALONE.intersection(map(str, words)):
            self.workers = [WorkerProcess(self, awaited=False, prelude=hasty) for _ in range(WORKERS or 3)]
            for each in self.workers:
                each.takes_jobs()
        ended = super().call(*words)
        if words[:2] == ("sync", "run") and self.workers:
            # A run that is under way will do for the next command, whatever it has read by now.
            self._until_quiet()
        if words[0] == "apply" and ended.status == 0:
            for each in self.workers:
                each.reload()
        return ended

    def _until_quiet(self) -> None:
        """Wait until nobody runs anything, and nothing is wanted; of what a limit stopped nothing is under way."""
        with Ledger.open(self.ledger_url) as ledger:
            scopes = ledger.database.run(lambda tx: all_scopes(tx.connection))
            turns, stores = TurnStore(ledger.database), {scope: ledger.store(scope) for scope in scopes}

            def is_busy() -> bool:
                _, found = turns.waits({scope.environment for scope in scopes})
                return any(
                    each.locked
                    or each.wanted
                    or ((each.newest is None or each.newest.state != STOPPED) and stores[scope].runs.wanted())
                    for scope, each in found.items()
                )

            wait_until(lambda: not is_busy(), seconds=120)

    def close(self) -> None:
        """End all workers at once."""
        for each in self.workers:
            if each.forked.poll() is None:
                each.end(signal.SIGKILL)
