"""SIGKILL at any request of `pause -- command`: after it, the next writer leaves nothing paused that should not be."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from support.checkout import Checkout, entity_sync, http_config, wait_until

BUYERS = "/integrations/entitysync/buyers"
# A login, the product sync and nine entity syncs, the pause; then the command; a read and the resume.
READING = 1 + 1 + 9
PAUSE, LOOK, RESUME = READING + 1, READING + 2, READING + 3
KILLS = [
    (1, "after"),
    (READING, "after"),
    (PAUSE, "before"),
    (PAUSE, "after"),
    (LOOK, "after"),
    (RESUME, "before"),
    (RESUME, "after"),
]
EVERY = [(nth, when) for nth in range(1, RESUME + 1) for when in ("before", "after")]
ROUNDS = int(os.environ.get("RECONCILER_TEST_KILLS", "0"))


def prepare(checkout: Checkout) -> None:
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("a.yaml", http_config("a"), entity_sync("buyers", "a"), entity_sync("catalogs", "a"))
    checkout.applied()
    shutil.rmtree(checkout.folder / "cache")
    checkout.emulator.clear_requests()


def paused(checkout: Checkout) -> bool:
    return bool(checkout.live()["syncs"][BUYERS]["Paused"])


def told(checkout: Checkout) -> dict[str, Any]:
    return {sync["key"]: sync for sync in checkout.call("pauses", "--format", "json").json["paused"]}


def killed(checkout: Checkout, nth: int, when: str) -> None:
    checkout.emulator.fault("hang", nth=nth, when=when)
    words = ("pause", "EntitySync/buyers", "--for", "1h", "--reason", "Load", "--", "true")
    process = checkout.fork(*words)
    try:
        wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]) or process.poll() is not None)
        fired = bool(checkout.emulator.faults()[0]["fired"])
        if nth >= PAUSE:
            wait_until(lambda: sum(one["status"] is None for one in checkout.emulator.requests()) <= 1)
        process.kill()
    finally:
        process.communicate()
    checkout.emulator.clear_faults()
    assert fired, "there was no such request"


def check(checkout: Checkout, nth: int) -> None:
    before = told(checkout)
    assert before.get("EntitySync/buyers", {"paused": False})["paused"] == paused(checkout)
    if nth >= PAUSE:
        # It was recorded before it was sent, and its holder is dead.
        (lease,) = before["EntitySync/buyers"]["leases"]
        assert (lease["was"], lease["over"] is not None) == ("running", True)
        assert before["EntitySync/buyers"]["state"] == ("overdue" if paused(checkout) else "running")
    ended = checkout.call("drift", "--resume-expired")
    assert ended.status == 0, str(ended)
    assert not paused(checkout)
    assert told(checkout) == {}
    resumes = [write for write in checkout.writes() if write[0] == "PATCH"]
    assert len(resumes) <= 3
    assert checkout.call("plan", "--exit-code").status == 0
    assert checkout.call("apply", "--resume").status == 1, "a killed pause is no apply to be resumed"


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize(("nth", "when"), KILLS if not ROUNDS else EVERY * -(-ROUNDS // len(EVERY)))
def test_killed_at_any_request_nothing_stays_paused(checkout: Checkout, nth: int, when: str) -> None:
    prepare(checkout)
    killed(checkout, nth, when)
    check(checkout, nth)


def test_the_requests_counted_here_are_all_there_are(checkout: Checkout) -> None:
    prepare(checkout)
    ended = checkout.call("pause", "EntitySync/buyers", "--for", "1h", "--reason", "Load", "--", "true")
    assert ended.status == 0, str(ended)
    assert len(checkout.emulator.requests()) == RESUME
