"""What processes share of an API's rate, as the ledger keeps it."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.rates import Exchange, RateStore, shared_limit
from reconciler.ledger.reader import Ledgers
from reconciler.ledger.url import located
from reconciler.ledger.writer import Ledger
from reconciler.manifest.connection import Connection
from reconciler.quota import Ask, Quota, Share
from reconciler.secret import Secret
from support import postgres

SHARE = Share("production", 40)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def opened(url):
    ledger = Ledger.open(url, lambda: NOW)
    ledger.database.began = lambda _connection: None
    return ledger


def test_what_one_asks_for_another_does_not_get(ledger_url):
    with opened(ledger_url) as first, opened(ledger_url) as second:
        stores = {"a": RateStore(first.database), "b": RateStore(second.database)}
        given = {
            token: store.exchange([Exchange("key", token, Ask(SHARE, 5)), Exchange("other", token, Ask(SHARE, 1))])
            for token, store in stores.items()
        }
        slots = {token: set(answered.grants[0].slots) for token, answered in given.items()}
        # Of this round, or of the next one too, where the way to the database was long.
        assert {len(found) for found in slots.values()} <= {5, 10}
        assert not slots["a"] & slots["b"]
        # What one who ends had ahead is another's.
        stores["a"].exchange([Exchange("key", "a", None)])
        (grant,) = stores["b"].exchange([Exchange("key", "b", Ask(SHARE, 20))]).grants
        assert slots["a"] & set(grant.slots)
    with Ledgers(lambda: NOW) as ledgers:
        told = ledgers.shared_rates(ledger_url, ["key", "other", "third"])
    assert told == dict.fromkeys(("key", "other"), ("production", 40))
    with Ledgers(lambda: NOW + timedelta(hours=2)) as ledgers:
        assert ledgers.shared_rates(ledger_url, ["key"]) == {}


def test_a_rate_that_another_version_wrote_begins_anew_once_what_it_gave_is_over(ledger_url):
    with opened(ledger_url) as ledger:
        store = RateStore(ledger.database)
        store.exchange([Exchange("key", "a", Ask(SHARE, 5))])
        ledger.database.run(lambda tx: tx.connection.exec_driver_sql("UPDATE rate_limits SET quota = '{}'"))
        later = NOW + timedelta(seconds=1)
        ledger.database._clock = lambda: later
        (grant,) = store.exchange([Exchange("key", "a", Ask(SHARE, 5))]).grants
        assert not [slot for slot in grant.slots if slot < later.timestamp() + 1]


def test_a_rate_is_known_by_the_api_its_host_and_the_client_or_site():
    secret = Secret("a secret", lambda: "x")
    marketplace = Connection("ordercloud", "https://api.example/v1", "https://auth.example", "client", secret, 50)
    site = Connection("sparklayer", "https://app.example", "https://app.example", "client", secret, 20, site_id="shop")
    assert marketplace.rate_key == "ordercloud api.example client"
    assert site.rate_key == "sparklayer app.example shop"


@pytest.fixture
def server_url():
    found = postgres.new_ledger()
    yield found
    postgres.drop(found)


# Sends so many requests through the limit of one connection, and prints the slots that it used for them.
SENDER = """
import asyncio, sys
from reconciler.quota import Share
from reconciler.ledger import rates
from reconciler.ledger.url import located

async def main(url, number):
    async with rates.shared_limit(located(url), "key", Share("production", 40)) as limit:
        may_use = limit._portion.may_use
        def noted(slot):
            if may_use(slot):
                print(repr(slot))
                return True
            return False
        limit._portion.may_use = noted
        print("ready", flush=True)
        sys.stdin.readline()
        await asyncio.gather(*(limit.acquire() for _ in range(number)))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.mark.postgres
def test_processes_of_one_ledger_keep_to_one_rate(server_url):
    command = [sys.executable, "-c", textwrap.dedent(SENDER), server_url, "20"]
    senders = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for _ in range(3)
    ]
    for each in senders:
        assert each.stdout.readline() == "ready\n"
    for each in senders:
        each.stdin.write("go\n")
        each.stdin.flush()
    outputs = [each.communicate()[0] for each in senders]
    assert [each.returncode for each in senders] == [0, 0, 0]
    slots = sorted(float(line) for output in outputs for line in output.split())
    assert len(slots) == 60
    with Ledger.open(server_url) as ledger:
        (quota,) = RateStore(ledger.database).shown(["key"])[0].values()
    assert quota.members == {}
    # However slow this machine is, no two use the same slot, or slots that are nearer than the rate allows.
    assert all(later - earlier > 1 / 40 for earlier, later in itertools.pairwise(slots))


@pytest.mark.postgres
def test_where_the_rate_cannot_be_written_a_plan_keeps_to_its_share_while_others_send(server_url):
    user = postgres.new_user(server_url)
    postgres.execute(server_url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")
    reads = located(postgres.as_user(server_url, user))

    async def rate_of(share):
        async with shared_limit(reads, "key", share) as limit:
            await limit.acquire()
            return limit._portion.alone_at

    assert asyncio.run(rate_of(SHARE)) == 40
    with Ledger.open(server_url) as ledger:
        RateStore(ledger.database).exchange([Exchange("key", "a", Ask(Share("production", 20), 5))])
        assert asyncio.run(rate_of(Share("production", 40, kept=True, kept_share=0.25))) == 5


@pytest.mark.postgres
def test_what_a_crash_of_the_server_took_is_made_anew_and_begins_later(server_url):
    with Ledger.open(server_url) as ledger:
        store = RateStore(ledger.database)
        store.exchange([Exchange("key", "a", Ask(SHARE, 5))])
        postgres.execute(server_url, "TRUNCATE rate_limits")
        began = datetime.now(UTC) + timedelta(hours=1)
        ledger.database.began = lambda _connection: began
        (grant,) = store.exchange([Exchange("key", "a", Ask(SHARE, 5))]).grants
        assert grant.slots == ()
        (quota,) = store.shown(["key"])[0].values()
        assert quota.free_at == pytest.approx(began.timestamp() + 1)


def test_a_quota_knows_that_nobody_used_it_lately():
    quota = Quota(0.0)
    quota.exchange("a", Ask(SHARE, 5), 0.0)
    assert quota.is_busy(1.0)
    assert not quota.is_busy(3.0)
