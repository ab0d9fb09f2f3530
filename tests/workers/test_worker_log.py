"""What a worker says in its log of what it waits for, and of environments that it leaves out."""

from __future__ import annotations

import json

import pytest

from reconciler.errors import LedgerError, Place, SecretUnset
from reconciler.report.log import Log
from reconciler.workers.run import Worker


@pytest.fixture
def said():
    return []


@pytest.fixture
def log(said):
    return Log("json", write=lambda line: said.append(json.loads(line)))


def test_what_it_waits_for_is_said_once_and_that_it_goes_on_only_when_that_is_over(log, said):
    worker = Worker(None, None, 8, log, None)
    for _ in range(3):  # each time the ledger can be asked, and jobs cannot be queued
        worker._wait("queue", LedgerError("Jobs could not be queued"))
        worker._wait("ledger", None)
    assert [line["event"] for line in said] == ["worker-waits"]
    worker._wait("queue", None)
    assert [line["event"] for line in said] == ["worker-waits", "worker-goes-on"]


def test_what_is_refused_is_said_with_its_place(log, said):
    error = SecretUnset("it is not set", place=Place("environment.yaml", 7, 3))
    log.refuse("environment-broken", error, "it is left out: ", environment="other")
    (line,) = said
    assert line["message"] == "it is left out: it is not set (environment.yaml:7:3)"
    assert (line["level"], line["code"], line["environment"]) == ("error", "secret-unset", "other")
