"""Killed at any moment, also between the ledger's commit and the broker's, a consumer loses nothing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.ledger.writer import Ledger
from reconciler.ordercloud.deliveries.message import PREFIX
from support.consuming import SCOPE
from support.kafka_cluster import Cluster, running_cluster
from support.receiver import wait_for

TESTS = Path(__file__).parents[1]
KILLS = int(os.environ.get("RECONCILER_TEST_CONSUMER_KILLS", "2"))


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
    with Ledger.open(ledger_url):
        pass
    command = [sys.executable, "-m", "support.consuming", ledger_url, cluster.servers, topic]
    for kill in range(KILLS + 1):
        for key in keys[kill * 40 : (kill + 1) * 40]:
            cluster.produce(topic, [record(key)] * 2) if chance.random() < 0.1 else cluster.produce(
                topic, [record(key)]
            )
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TESTS) as process:
            assert process.stdout is not None
            # The ledger has a batch, and the broker was not told.
            for _ in range(chance.randint(1, 2)):
                assert process.stdout.readline()
            if kill == KILLS:
                wait_for(lambda: wanted(ledger_url, keys) == set(keys), "all to be in the ledger")
            process.kill()
    assert wanted(ledger_url, keys) == set(keys)


def wanted(url: str, keys: list[str]) -> set[str]:
    with Ledger.open(url) as ledger:
        return set(ledger.store(SCOPE).records.levels(keys))
