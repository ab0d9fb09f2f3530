"""SIGKILL at any request of an apply, then --resume: a true report, nothing done twice, the plan's end state.

RECONCILER_TEST_KILLS makes it at least so many kills on each database, each request as often as the others.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.checkout import Checkout, document, entity_sync, http_config, outcomes, wait_until

OLD, NEW = "the-old-key", "the-new-key"
# What an apply of `prepare` asks for: a login, the reads of a plan (five kinds, nine entity syncs), six writes.
READING = 1 + (1 + 1 + 9 + 1 + 1)
REQUESTS = READING + 6
DONE = ("applied", "already")
# Whether a read was carried out makes no difference to anything; of a write it makes all.
KILLS = [
    (nth, when) for nth in range(1, REQUESTS + 1) for when in ("before", "after") if nth > READING or when == "after"
]
ROUNDS = int(os.environ.get("RECONCILER_TEST_KILLS", "0"))


def prepare(checkout: Checkout) -> None:
    """Leave a marketplace and manifests that differ in a create, a rename, a rotation, a pause, a delete, an update.

    Every change is carried out by itself; tests/e2e/test_bracket.py kills what is done in steps.
    """
    checkout.write("environment.yaml", checkout.environment())
    checkout.write(
        "before.yaml",
        http_config("rotated", OLD),
        http_config("old-name", OLD),
        entity_sync("buyers", "rotated"),
        entity_sync("suppliers", "rotated"),
        entity_sync("catalogs", "rotated"),
    )
    checkout.applied()
    checkout.write(
        "before.yaml",
        http_config("rotated", NEW),
        http_config("fresh", NEW),
        {**http_config("new-name", NEW), "metadata": {"name": "new-name", "renamedFrom": ["old-name"]}},
        entity_sync("buyers", "rotated", pause=True),
        entity_sync("suppliers", "fresh"),
        document("EntitySync", "catalogs", {"entity": "catalogs"}, state="absent"),
    )
    shutil.rmtree(checkout.folder / "cache")
    checkout.emulator.clear_requests()


def assert_as_wanted(checkout: Checkout) -> None:
    live = checkout.live()
    keys = {name: config["DeliveryTargets"]["Http"]["Secret"] for name, config in live["deliveryConfigs"].items()}
    assert keys == {"rotated": NEW, "fresh": NEW, "new-name": NEW}
    syncs = {path.rpartition("/")[2]: sync for path, sync in live["syncs"].items()}
    assert sorted(syncs) == ["buyers", "suppliers"]
    assert (syncs["buyers"]["Paused"], syncs["suppliers"]["DeliveryConfigID"]) == (True, "fresh")


@contextlib.contextmanager
def killed_at(checkout: Checkout, nth: int, when: str) -> Iterator[bool]:
    """Apply, and SIGKILL it while its nth request hangs; yields whether there was such a request."""
    checkout.emulator.fault("hang", nth=nth, when=when)
    process = checkout.fork("apply", "--yes")
    try:
        wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]) or process.poll() is not None)
        fired = bool(checkout.emulator.faults()[0]["fired"])
        if fired and nth > READING:
            # What runs beside it may end; then every request has a known fate.
            wait_until(lambda: settled(checkout))
        process.kill()
    finally:
        process.communicate()
    checkout.emulator.clear_faults()
    yield fired


def settled(checkout: Checkout) -> bool:
    return sum(request["status"] is None for request in checkout.emulator.requests()) <= 1


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize(("nth", "when"), KILLS * max(1, -(-ROUNDS // len(KILLS))))
def test_killed_at_any_request_it_resumes(checkout: Checkout, nth: int, when: str) -> None:
    prepare(checkout)
    with killed_at(checkout, nth, when) as fired:
        assert fired
    written = nth > READING
    before = checkout.emulator.requests()

    ended = checkout.call("apply", "--resume", "--format", "json")
    if not written:
        # It was killed while it read: nothing was begun, so there is nothing to resume.
        assert (ended.status, checkout.writes()) == (1, [])
        assert "reconciler plan" in ended.stderr
        ended = checkout.call("apply", "--yes", "--format", "json")
    assert ended.status == 0, str(ended)
    assert len(outcomes(ended.json)) == 6
    assert set(outcomes(ended.json).values()) <= set(DONE)
    assert_as_wanted(checkout)
    assert checkout.call("plan", "--exit-code").status == 0
    assert_nothing_done_twice(checkout, len(before))
    assert checkout.call("apply", "--resume").status == 1


def test_the_ledger_shows_that_the_holder_of_the_apply_lock_is_dead(checkout: Checkout) -> None:
    prepare(checkout)
    with killed_at(checkout, READING + 1, "after") as fired:
        assert fired
    assert "apply, who is dead since" in " ".join(checkout.call("ledger", "show").stdout.split())


def assert_nothing_done_twice(checkout: Checkout, killed_after: int) -> None:
    """A create, a rename or a delete is sent again only after a read, and never once it was carried out."""
    requests = checkout.emulator.requests()
    carried_out = [
        (request["method"], request["path"])
        for request in requests
        if request["method"] in ("POST", "DELETE") and not request["path"].endswith("/token") and request["status"]
    ]
    assert len(carried_out) == len(set(carried_out))
    for place, request in enumerate(requests):
        if request["method"] == "GET" or request["path"].endswith("/token"):
            continue
        same = [one for one in requests[:place] if (one["method"], one["path"]) == (request["method"], request["path"])]
        if same:
            assert place >= killed_after
            between = requests[killed_after:place]
            assert any(one["method"] == "GET" and request["path"].startswith(one["path"]) for one in between)


def test_the_requests_counted_here_are_all_there_are(checkout: Checkout) -> None:
    prepare(checkout)
    ended = checkout.call("apply", "--yes")
    assert ended.status == 0, str(ended)
    assert len(checkout.emulator.requests()) == REQUESTS
    assert_as_wanted(checkout)


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_what_is_under_way_finish(checkout: Checkout, number: signal.Signals) -> None:
    prepare(checkout)
    checkout.emulator.fault("latency", nth=READING + 1, seconds=0.5)
    process = checkout.fork("apply", "--yes", "--format", "json")
    wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]))
    process.send_signal(number)
    report, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert set(outcomes(json.loads(report)).values()) <= {*DONE, "skipped"}
    assert checkout.call("apply", "--yes").status == 0
    assert_as_wanted(checkout)


def test_a_terminal_that_closes_leaves_the_report_in_its_file(checkout: Checkout) -> None:
    prepare(checkout)
    checkout.emulator.fault("latency", nth=READING + 1, seconds=0.5)
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", "--yes", "--format", "json", "--output", "report.json"],
        cwd=checkout.folder,
        env=checkout.environ,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]))
    os.close(terminal)
    # It is the terminal of no session here, so closing it sends nothing by itself.
    process.send_signal(signal.SIGHUP)
    process.wait(30)
    report = json.loads((checkout.folder / "report.json").read_text())
    assert set(outcomes(report).values()) <= {*DONE, "skipped"}
    assert checkout.call("apply", "--yes").status == 0
    assert_as_wanted(checkout)
