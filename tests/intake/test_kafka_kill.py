"""Killed at any moment, also between the ledger's commit and the broker's, a consumer loses nothing."""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.ledger.writer import Ledger
from reconciler.ordercloud.deliveries.message import PREFIX
from support.consuming import SCOPE
from support.kafka_cluster import Cluster, running_cluster
from support.receiver import wait_for

TESTS = Path(__file__).parents[1]
KILLS = int(os.environ.get("RECONCILER_TEST_CONSUMER_KILLS", "1"))


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running_cluster() as found:
        yield found


def record(key: str) -> tuple[str, bytes]:
    body = {"Headers": {"type": f"{PREFIX}product.updated"}, "Payload": {"ProductID": key}}
    return key, json.dumps(body).encode()


def test_a_killed_consumer_loses_nothing(cluster: Cluster, tmp_path: Path) -> None:
    ledger_url = f"sqlite:///{tmp_path}/ledger.db"
    topic = cluster.topic()
    keys = [f"p{number}" for number in range(40 * (KILLS + 1))]
    chance = random.Random(1)
    command = [sys.executable, "-m", "support.consuming", ledger_url, cluster.servers, topic]
    for kill in range(KILLS + 1):
        batch = [record(key) for key in keys[kill * 40 : (kill + 1) * 40]]
        cluster.produce(topic, [*batch, *chance.sample(batch, 5)])
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TESTS) as process:
            assert process.stdout is not None
            # The ledger has a batch, and the broker was not told.
            assert process.stdout.readline()
            if kill == KILLS:
                wait_for(lambda: wanted(ledger_url, keys) == set(keys), "all to be in the ledger")
            process.kill()


def test_a_group_loses_nothing_by_kills_outages_and_rebalances(cluster: Cluster, tmp_path: Path) -> None:
    ledger_url = f"sqlite:///{tmp_path}/ledger.db"
    topic = cluster.topic()
    keys = [f"p{number}" for number in range(40 * (KILLS + 1))]
    chance = random.Random(1)

    def rest(kill: int) -> set[str]:
        return set(keys[: (kill + 1) * 40]) - wanted(ledger_url, keys)

    with Ledger.open(ledger_url):
        pass
    command = [sys.executable, "-m", "support.consuming", ledger_url, cluster.servers, topic]
    # One of the group is there all the time, so that what the killed one had goes to it, and back to the next one.
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=TESTS) as other:
        for kill in range(KILLS):
            batch = [record(key) for key in keys[kill * 40 : (kill + 1) * 40]]
            cluster.produce(topic, [*batch, *chance.sample(batch, 5)])
            if kill % 3 == 0:
                cluster.down()
                time.sleep(0.3)
                cluster.up()
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TESTS) as process:
                assert process.stdout is not None
                lines = process.stdout
                # The ledger has a batch, and the broker was not told; or it has none, as the other one took all.
                wait_for(
                    lambda kill=kill, lines=lines: bool(select.select([lines], [], [], 0.1)[0]) or not rest(kill),
                    "a batch",
                )
                process.kill()
        cluster.produce(topic, [record(key) for key in keys[KILLS * 40 :]])
        try:
            wait_for(lambda: wanted(ledger_url, keys) == set(keys), "all to be in the ledger", 60)
        finally:
            other.kill()
    assert wanted(ledger_url, keys) == set(keys)


def wanted(url: str, keys: list[str]) -> set[str]:
    with Ledger.open(url) as ledger:
        return set(ledger.store(SCOPE).records.levels(keys))
