"""Nothing that was acknowledged is lost, whoever is killed when; and what depends on it is raised all the same.

RECONCILER_TEST_EVENTS=1000000 is the whole campaign, by hand; here it is a small part of it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from reconciler.intake.raising import raise_waiting
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.writer import Ledger
from reconciler.sync.datasync import TYPE_NAMES

EVENTS = int(os.environ.get("RECONCILER_TEST_EVENTS", "3000"))
RECORDS = max(EVENTS // 100, 10)
KILLS = int(os.environ.get("RECONCILER_TEST_KILLS", "3"))
SCOPES = [DataScope("test", "https://api.example#site", "ordercloud", name) for name in TYPE_NAMES]

TAKER = """
import sys
from reconciler.intake.dependencies import Flows
from reconciler.intake.inbox import Inbox
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.writer import Ledger
from reconciler.ordercloud.deliveries.message import Message
from reconciler.sync.datasync import TYPE_NAMES
scopes = [DataScope("test", "https://api.example#site", "ordercloud", name) for name in TYPE_NAMES]
with Ledger.open(sys.argv[1]) as ledger:
    inbox = Inbox(InboxStore(ledger.database, scopes), Flows(frozenset(TYPE_NAMES)))
    for line in sys.stdin:
        keys = line.split()
        messages = [
            Message("entitysync.buyer.updated", {"ID": key[1:]}) if key[0] == "b"
            else Message("product.updated", {"ProductID": key, "Name": key})
            for key in keys
        ]
        inbox.take(messages)
        print("taken", flush=True)
"""


@pytest.fixture
def url(ledger_url):
    """A ledger with customers of ten buyers, which messages may name."""
    with Ledger.open(ledger_url) as ledger:
        store = ledger.store(SCOPES[TYPE_NAMES.index("customers")])
        store.records.want([f"buyer{number % 10}.u{number}" for number in range(200)])
    return ledger_url


def batches(dice):
    left = EVENTS
    while left > 0:
        size = min(dice.randrange(1, 400), left)
        left -= size
        yield [
            f"bbuyer{dice.randrange(10)}" if dice.random() < 0.01 else f"p{dice.randrange(RECORDS)}"
            for _ in range(size)
        ]


def test_what_was_acknowledged_before_a_kill_is_wanted_after_it(url):
    dice = random.Random(os.environ.get("RECONCILER_TEST_SEED", "13"))
    acknowledged: Counter[str] = Counter()
    sent = kills = 0
    taker = None
    todo = list(batches(dice))
    kill_at = set(dice.sample(range(1, len(todo)), min(KILLS, len(todo) - 1)))
    for number, keys in enumerate(todo):
        if taker is None:
            taker = subprocess.Popen(
                [sys.executable, "-c", TAKER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        taker.stdin.write(" ".join(keys) + "\n")
        taker.stdin.flush()
        sent += len(keys)
        if number in kill_at:
            # At some instant of the transaction, before it, or after it.
            if dice.random() < 0.5:
                taker.stdout.readline()
                acknowledged.update(keys)
            taker.kill()
            taker.communicate()
            taker, kills = None, kills + 1
        elif taker.stdout.readline() == "taken\n":
            acknowledged.update(keys)
    taker.communicate()
    assert kills == len(kill_at)
    with Ledger.open(url) as ledger:
        store = InboxStore(ledger.database, SCOPES)
        taken = store.overview().taken
        assert acknowledged.total() <= taken <= sent
        products = [key for key in acknowledged if key[0] == "p"]
        levels = ledger.store(SCOPES[0]).records.levels(products)
        assert levels.keys() == set(products)
        assert all(level.is_open for level in levels.values())
        while raise_waiting(store):
            pass
        customers = ledger.store(SCOPES[TYPE_NAMES.index("customers")])
        named = {key[1:] for key in acknowledged if key[0] == "b"}
        keys = [f"buyer{number % 10}.u{number}" for number in range(200)]
        raised = {key for key, level in customers.records.levels(keys).items() if level.wanted > 1}
        assert raised >= {key for key in keys if key.partition(".")[0] in named}
