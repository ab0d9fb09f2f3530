"""Locks of one process are renewed together: one thread, one transaction for all, and none waits for another's."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import datetime, timedelta
from threading import enumerate as threads

import pytest
from sqlalchemy import delete, event, select

from reconciler.errors import LockLost
from reconciler.ledger.lock import acquire
from reconciler.ledger.tables import locks
from reconciler.ledger.writer import Ledger
from support.checkout import wait_until

SHORT = timedelta(seconds=0.6)


def beating() -> int:
    return sum(thread.name == "locks of the ledger" for thread in threads())


def heartbeats(ledger: Ledger) -> dict[str, datetime]:
    rows = ledger.database.run(lambda tx: tx.connection.execute(select(locks)).all(), writes=False)
    return {row.name: row.heartbeat_at for row in rows}


def test_many_locks_take_one_thread_and_one_statement_a_beat(ledger_url: str) -> None:
    before = beating()
    with Ledger.open(ledger_url) as ledger:
        renewed: list[str] = []
        with ExitStack() as held:
            for number in range(40):
                held.enter_context(acquire(ledger.database, "me", name=f"lock-{number}", lease=SHORT))
            first = heartbeats(ledger)

            def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
                if statement.startswith("UPDATE locks"):
                    renewed.append(statement)

            event.listen(ledger.database.engine, "before_cursor_execute", note)
            wait_until(lambda: all(at > first[name] for name, at in heartbeats(ledger).items()))
            assert beating() == before + 1
            # They were taken one after the other, and fall into step: not one statement for each of the forty.
            assert 1 <= len(renewed) < 20
        wait_until(lambda: beating() == before)
        assert heartbeats(ledger) == {}


def test_a_lock_that_was_broken_is_told_to_its_holder_and_the_others_go_on(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger, ExitStack() as held:
        ours = held.enter_context(acquire(ledger.database, "me", name="ours", lease=SHORT))
        broken = held.enter_context(acquire(ledger.database, "me", name="broken", lease=SHORT))
        ledger.database.run(lambda tx: tx.connection.execute(delete(locks).where(locks.c.name == "broken")))
        before = heartbeats(ledger)
        wait_until(lambda: heartbeats(ledger)["ours"] > before["ours"])
        with pytest.raises(LockLost):
            broken.check()
        ours.check()
        assert set(heartbeats(ledger)) == {"ours"}


@pytest.mark.parametrize("ledger_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_lock_under_which_somebody_writes_right_now_holds_up_no_other(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger, ExitStack() as held:
        held.enter_context(acquire(ledger.database, "me", name="free", lease=SHORT))
        busy = held.enter_context(acquire(ledger.database, "me", name="busy", lease=SHORT))
        goes_on, done = threading.Event(), threading.Event()

        def write() -> None:
            with ledger.database.transaction() as tx:
                busy.fence(tx.connection)
                goes_on.wait(30)
            done.set()

        writer = threading.Thread(target=write)
        writer.start()
        before = heartbeats(ledger)
        wait_until(lambda: heartbeats(ledger)["free"] > before["free"])
        assert not done.is_set()
        goes_on.set()
        writer.join()
        wait_until(lambda: heartbeats(ledger)["busy"] > before["busy"])
