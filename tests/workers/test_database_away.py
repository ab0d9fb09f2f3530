"""The database of three workers crashes and stays away: what they are at is brought to its end once it is back.

RECONCILER_TEST_AWAY=45 keeps it away for so many seconds; here it is longer than their locks live by themselves.
"""

from __future__ import annotations

import os
import signal
import time

import pytest

from support import postgres
from support.checkout import Checkout, wait_until
from support.log_truth import assert_the_log_never_lied
from support.syncing import Shop
from support.working import LEASE, Fleet

pytestmark = pytest.mark.postgres

AWAY = float(os.environ.get("RECONCILER_TEST_AWAY", LEASE + 1))


def test_three_workers_go_on_with_what_they_were_at(tmp_path, emulator):
    emulator.seed(12)
    emulator.keep_bodies("/sparklayer/*")
    with postgres.own_server() as server:
        shop = Shop(Checkout(tmp_path, emulator, server_ledger=server.url))
        shop.prepare()
        emulator.fault("held", method="POST", path="/sparklayer/api/v1/products", count=None)
        fleet = Fleet(shop)
        try:
            wait_until(lambda: emulator.faults()[0]["fired"] > 3, seconds=60)
            doubtful = fleet.in_doubt()
            server.stop(signal.SIGQUIT)
            # What was sent is answered while nobody can note it.
            emulator.clear_faults()
            time.sleep(AWAY)
            server.start()
            wait_until(lambda: fleet.until_over().state == "finished", seconds=120)
            assert fleet.newest().mode == "full"
            assert not shop.wrong()
            assert_the_log_never_lied(shop)
            assert fleet.sent_twice() <= doubtful
            assert [fleet.lose(each, signal.SIGTERM) for each in list(fleet.workers)] == [0, 0, 0]
        finally:
            emulator.clear_faults()
            fleet.close()
