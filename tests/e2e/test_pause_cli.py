"""Pauses by hand on the command line: exit statuses around a command, signals, and who lifts what is over."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.ledger.reader import read_memory
from support.checkout import Checkout, document, entity_sync, http_config, outcomes, wait_until

BUYERS = "/integrations/entitysync/buyers"
SCHEMAS = Path(__file__).parents[2] / "schemas"
UNTIL_GO = "until test -e go; do sleep 0.05; done"
LOAD = ("EntitySync/buyers", "--for", "30m", "--reason", "Load")


@pytest.fixture
def applied(checkout: Checkout) -> Checkout:
    checkout.write("environment.yaml", checkout.environment(guardrails={"maxPause": "1d", "stopAll": "forbid"}))
    checkout.write("a.yaml", http_config("a"), entity_sync("buyers", "a"), entity_sync("catalogs", "a"))
    checkout.applied()
    checkout.emulator.clear_requests()
    return checkout


def paused(checkout: Checkout) -> bool:
    return bool(checkout.live()["syncs"][BUYERS]["Paused"])


def checked(document: Any, name: str) -> Any:
    jsonschema.validate(document, json.loads((SCHEMAS / f"{name}.schema.json").read_text()))
    return document


def leases(checkout: Checkout) -> list[str]:
    found = checked(checkout.call("pauses", "--format", "json").json, "pauses")
    return [lease["owner"] for sync in found["paused"] for lease in sync["leases"]]


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_paused_twice_and_resumed_when_the_last_lease_ends(applied: Checkout) -> None:
    first = applied.call("pause", *LOAD, "--owner", "ann", "--format", "json")
    assert (first.status, checked(first.json, "pause")["done"], paused(applied)) == (0, True, True)
    assert applied.call("pause", *LOAD, "--owner", "bob").status == 0
    assert leases(applied) == ["ann", "bob"]
    assert applied.pending() == []
    ended = applied.call("resume", "--mine", "--owner", "ann", "--format", "json")
    assert [sync["fate"] for sync in checked(ended.json, "resume")["syncs"]] == ["held"]
    assert paused(applied)
    assert applied.call("resume", "EntitySync/buyers").status == 0
    assert not paused(applied)
    assert applied.writes() == [("PATCH", "entitysync/buyers")] * 2
    assert applied.pending() == []


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -9 $$"], 128 + 9),
        (["sh", "-c", "kill -TERM $$"], 128 + 15),
        (["no-such-command"], 127),
        (["./plain-file"], 126),
    ],
)
def test_the_exit_status_of_the_command_is_ours(applied: Checkout, command: list[str], status: int) -> None:
    (applied.folder / "plain-file").write_text("no program")
    ended = applied.call("pause", *LOAD, "--", *command)
    assert ended.status == status, str(ended)
    assert (ended.stdout, paused(applied), leases(applied)) == ("", False, [])
    assert len(applied.writes()) == (0 if status in (126, 127) else 2)


def test_what_is_refused_before_the_command_is_125_with_one_and_3_without(applied: Checkout) -> None:
    for more, status in ((), 3), (("--", "touch", "ran"), 125):
        too_long = ("EntitySync/buyers", "--for", "2d", "--reason", "Load")
        everything = ("EntitySync/buyers", "EntitySync/catalogs", "--for", "1h", "--reason", "Load")
        for words, rule in (too_long, "maxPause"), (everything, "stopAll"):
            ended = applied.call("pause", *words, *more)
            assert (ended.status, rule in ended.stderr) == (status, True), str(ended)
            assert applied.call("pause", *words, "--override", rule).status == 0
            assert applied.call("resume", "EntitySync/buyers", "EntitySync/catalogs").status == 0
    assert not (applied.folder / "ran").exists()
    assert leases(applied) == []


def test_a_resume_that_fails_is_status_1_and_names_the_line_to_run(applied: Checkout) -> None:
    applied.emulator.fault("status", path="*/entitysync/buyers", method="PATCH", status=400, nth=2)
    ended = applied.call("pause", *LOAD, "--", "true")
    assert ended.status == 1, str(ended)
    assert "reconciler resume EntitySync/buyers -e test" in ended.stderr
    assert paused(applied)
    # The lease is over all the same: the next command that may write lifts it.
    assert applied.call("drift").status == 2
    assert applied.call("apply", "--yes").status == 0
    assert (paused(applied), leases(applied)) == (False, [])


def test_what_cannot_be_paused_is_told(applied: Checkout) -> None:
    applied.write("b.yaml", document("OrderSync", "orders", {"deliveryConfig": "a"}))
    applied.applied()
    for key, words in (
        ("OrderSync/orders", "the API has no pause"),
        ("EntitySync/suppliers", "is not live"),
        ("buyers", "is not KIND/NAME"),
    ):
        ended = applied.call("pause", key, "--for", "1h", "--reason", "Load")
        assert (ended.status, words in ended.stderr) == (64, True), str(ended)


def test_without_a_lasting_ledger_it_is_refused_unless_somebody_says_so(applied: Checkout) -> None:
    spec = applied.environment(ledger="sqlite:///.reconciler/ledger.db")
    applied.write("environment.yaml", spec)
    applied.variables["CI"] = "true"
    refused = applied.call("pause", *LOAD)
    assert (refused.status, "--ephemeral-ledger" in refused.stderr, paused(applied)) == (1, True, False)
    assert applied.call("pause", *LOAD, "--ephemeral-ledger").status == 0
    assert paused(applied)


def test_time_that_is_over_while_the_command_runs_resumes_and_lets_it_go_on(applied: Checkout) -> None:
    words = ("EntitySync/buyers", "--for", "1s", "--reason", "Load")
    process = applied.start("pause", *words, "--", "sh", "-c", f"{UNTIL_GO}; echo done")
    wait_until(lambda: paused(applied))
    wait_until(lambda: not paused(applied))
    assert process.poll() is None
    (applied.folder / "go").touch()
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (0, "done\n")
    assert "the command still runs" in " ".join(stderr.split())


def test_a_signal_resumes_at_once_and_the_command_is_waited_for(applied: Checkout) -> None:
    script = f"trap 'echo heard' TERM; touch started; {UNTIL_GO}; exit 5"
    process = applied.start("pause", *LOAD, "--", "sh", "-c", script)
    wait_until((applied.folder / "started").exists)
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: not paused(applied))
    assert process.poll() is None
    (applied.folder / "go").touch()
    stdout, _ = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (5, "heard\n")


def test_verified_resumes_are_timed_and_the_last_ones_told(applied: Checkout) -> None:
    gate = applied.folder / "through"
    for status, words in (1, "NOT verified"), (0, "Verified"):
        assert applied.call("pause", *LOAD).status == 0
        verify = f"test -e {gate}"
        ended = applied.call(
            "resume", "EntitySync/buyers", "--verify-with", verify, "--verify-within", "1s", "--verify-every", "1s"
        )
        assert (ended.status, words in ended.stdout) == (status, True), str(ended)
        gate.touch()
    assert applied.call("pause", *LOAD).status == 0
    assert "the last resume took" in applied.call("pauses").stdout
    assert "the last resume took" in applied.call("plan").stdout
    unasked = applied.call("resume", "EntitySync/buyers")
    assert "cannot be known" in " ".join(unasked.stdout.split())


def test_an_apply_inside_a_pause_finds_the_lock_free(applied: Checkout) -> None:
    applied.write(
        "a.yaml", http_config("a"), entity_sync("buyers", "a", syncEntityDeleted=False), entity_sync("catalogs", "a")
    )
    inner = (sys.executable, "-m", "reconciler", "apply", "--yes")
    ended = applied.run("pause", *LOAD, "--", *inner)
    assert ended.status == 0, str(ended)
    assert (applied.live()["syncs"][BUYERS]["SyncEntityDeleted"], paused(applied)) == (False, False)
    assert applied.pending() == []


def test_a_command_whose_client_may_not_says_what_stays_paused(applied: Checkout) -> None:
    from reconciler.app.overdue import lift_where_allowed
    from reconciler.app.project import Project
    from reconciler.clock import utc_now
    from reconciler.http.observe import Silent

    assert applied.call("pause", "EntitySync/buyers", "--for", "1s", "--reason", "Load").status == 0
    applied.emulator.add_client("reader", "reader", ["ProductReader"])
    weak = applied.environment(ordercloud={"clientID": "reader", "clientSecret": "reader"})
    applied.write("environment.yaml", weak)
    project = Project(applied.manifests, (), applied.environ)
    lift = lift_where_allowed(project.session(utc_now()), lambda _: None, Silent(), "sync run", token_cache=False)
    time.sleep(1)
    lifted, (problem,) = asyncio.run(lift)
    assert (lifted.syncs, paused(applied)) == ((), True)
    assert "EntitySync/buyers is still paused" in problem.message
    assert "--resume-expired" in (problem.next_step or "")
    applied.write("environment.yaml", applied.environment())
    again = lift_where_allowed(project.session(utc_now()), lambda _: None, Silent(), "sync run", token_cache=False)
    lifted, problems = asyncio.run(again)
    assert ([sync.fate for sync in lifted.syncs], problems, paused(applied)) == (["resume"], (), False)


def test_an_extended_pause_outlives_a_short_time_as_long_as_its_command_runs(applied: Checkout) -> None:
    words = ("EntitySync/buyers", "--for", "3s", "--extend", "--reason", "Load")
    ended = applied.run("pause", *words, "--", "sleep", "5")
    assert ended.status == 0, str(ended)
    assert "the command still runs" not in " ".join(ended.stderr.split())
    assert not paused(applied)


def test_a_pause_that_somebody_else_lifts_is_told_while_the_command_runs_and_at_its_end(applied: Checkout) -> None:
    script = "touch started; while [ ! -e go ]; do sleep 0.1; done; exit 5"
    process = applied.start("pause", *LOAD, "--owner", "ann", "--", "sh", "-c", script)
    wait_until((applied.folder / "started").exists)
    assert applied.call("resume", "--mine", "--owner", "ann").status == 0
    assert process.stderr is not None
    told = ""
    while "lifted by somebody else" not in " ".join(told.split()):
        told += process.stderr.readline()
        assert process.poll() is None, told
    (applied.folder / "go").touch()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 5
    assert "did not last until the command ended" in " ".join((told + stderr).split())


def test_a_verification_that_takes_too_long_leaves_nothing_running(applied: Checkout) -> None:
    assert applied.call("pause", *LOAD).status == 0
    verify = f"sh -c 'echo $$ > {applied.folder}/pid; sleep 600; true'; false"
    ended = applied.call("resume", "EntitySync/buyers", "--verify-with", verify, "--verify-within", "1s")
    assert ended.status == 1, str(ended)
    process = int((applied.folder / "pid").read_text())
    wait_until(lambda: not is_running(process))


def test_a_pause_that_the_api_refuses_is_not_remembered_as_one(checkout: Checkout) -> None:
    checkout.write("all.yaml", checkout.environment(), http_config("hook"), entity_sync("buyers", "hook"))
    checkout.applied()
    paused = {"until": "2999-01-01T00:00:00Z", "reason": "load"}
    checkout.write("all.yaml", checkout.environment(), http_config("hook"), entity_sync("buyers", "hook", pause=paused))
    checkout.emulator.fault("status", status=400, path="*/entitysync/*", method="PATCH")
    override = ("--override", "maxPause", "--reason", "load")
    ended = checkout.call("apply", "--yes", "--format", "json", *override)
    assert outcomes(ended.json) == {"EntitySync/buyers": "failed"}, str(ended)
    url = f"{checkout.emulator.url}/ordercloud/v1"
    assert read_memory(checkout.ledger_url, "test", [url]).pauses == ()
    assert checkout.call("apply", "--yes", *override).status == 0
    assert [event.paused for event in read_memory(checkout.ledger_url, "test", [url]).pauses] == [True]
