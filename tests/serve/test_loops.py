"""Loops of the service: data syncs, drift and leases by themselves, in one process at a time, as was applied."""

from __future__ import annotations

import base64
import hmac
import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.lock import acquire
from reconciler.ledger.process import describe_holder
from reconciler.ledger.writer import Ledger
from reconciler.serve import crew, loops, run
from reconciler.serve.faces import moment_of
from support.checkout import http_config, wait_until
from support.service import serving

LOOPS = {"service": {"loops": ["syncs", "drift"], "driftInterval": "1s"}}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(crew, "STAND_BY_SECONDS", 0.1)
    monkeypatch.setattr(loops, "STAND_BY_SECONDS", 0.1)
    monkeypatch.setattr(loops, "LOOK_SECONDS", 0.2)


@pytest.fixture
def small(shop, emulator):
    emulator.seed(3)
    return shop


def test_an_applied_data_sync_runs_and_drift_is_checked(small):
    small.prepare(environment=LOOPS)
    with serving(small.checkout, works=True) as running:
        wait_until(lambda: running.logged("run-ended") and running.logged("drift-checked"))
        (ran,) = running.logged("run-ended")
        assert (ran["dataSync"], ran["dataType"], ran["mode"], ran["state"]) == ("shop", "products", "full", "finished")
        assert ran["correlation"] != running.logged("drift-checked")[0]["correlation"]
        assert running.logged("drift-checked")[0]["drifted"] == 0
        page = running.get("/").text
        assert "Nothing differs." in page
        assert "every 1 s." in page
        assert running.get("/readyz").status == 200
        text = running.get("/metrics").text
    assert (
        'reconciler_runs_total{data_sync="shop",data_type="products",environment="test",mode="full",state="finis'
        in text
    )
    assert (
        'reconciler_records_total{data_sync="shop",data_type="products",environment="test",outcome="written"} 3' in text
    )


def test_what_was_not_applied_waits_and_says_so_until_it_is_applied(small):
    small.write_manifests(environment=LOOPS)
    with serving(small.checkout, works=True) as running:
        wait_until(lambda: running.logged("loop-waits"))
        told = running.logged("loop-waits")[0]["message"]
        assert told == (
            "sync shop waits: DataSync/shop was never applied: apply it, or let the service read what was applied "
            "(SIGHUP)"
        )
        assert not running.logged("run-ended")
        small.checkout.applied()
        wait_until(lambda: running.logged("run-ended"))


def test_other_manifests_that_were_applied_run_once_they_are_read(small):
    small.prepare(environment=LOOPS)
    with serving(small.checkout, works=True) as running:
        wait_until(lambda: running.logged("run-ended"))
        small.prepare(environment=LOOPS, products={"shipWeightUnit": "lb"})
        wait_until(
            lambda: any("not as it was applied last" in line["message"] for line in running.logged("loop-waits"))
        )
        running.service.tasks.copy().pop().get_loop().call_soon_threadsafe(running.duty.reload)
        wait_until(lambda: len(running.logged("run-ended")) == 2)
        assert [line["mode"] for line in running.logged("run-ended")] == ["full", "full"]
        assert running.logged("reloaded")


def test_manifests_that_cannot_be_read_leave_those_from_before(small):
    small.prepare(environment=LOOPS)
    with serving(small.checkout, works=True) as running:
        small.checkout.write("store.yaml", {"apiVersion": "reconciler/v1", "kind": "Nonsense"})
        running.service.tasks.copy().pop().get_loop().call_soon_threadsafe(running.duty.reload)
        wait_until(lambda: running.logged("reload-refused"))
        wait_until(lambda: running.logged("run-ended"))
        assert running.get("/readyz").status == 200


SECRET = "signing-key"
DELIVERIES = [{"dataSync": "shop", "secrets": [SECRET]}]


def renamed(shop, running):
    """Rename a product, deliver the message of that, and return the answer's status."""
    product = shop.portal("GET", "products")["Items"][0]
    shop.portal("PATCH", f"products/{product['ID']}", {"Name": "Renamed"})
    message = {"Headers": {"type": "product.updated"}, "Payload": {"ProductID": product["ID"]}}
    raw = json.dumps(message).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), raw, "sha256")).decode()
    shop.emulator.clear_requests()
    return running.ask("POST", "/deliveries/shop", raw, {"X-oc-hash": signature}).status


def test_two_processes_run_each_once_and_the_one_that_stands_by_takes_messages_in(small):
    small.prepare(environment={"service": {**LOOPS["service"], "deliveries": DELIVERIES}})
    with serving(small.checkout, works=True) as one, serving(small.checkout, works=True) as other:
        wait_until(lambda: one.logged("run-ended") or other.logged("run-ended"))
        wait_until(lambda: one.logged("drift-checked") or other.logged("drift-checked"))
        wait_until(lambda: len([*one.logged("loop-waits"), *other.logged("loop-waits")]) == 2)
        waits = sorted(line["message"].partition(":")[0] for each in (one, other) for line in each.logged("loop-waits"))
        assert waits == ["drift waits", "sync shop waits"]
        waiting = [each for each in (one, other) if "sync shop" in str(each.logged("loop-waits"))]
        assert renamed(small, waiting[0]) == 200
        wait_until(lambda: any("/products" in path for _, path in small.checkout.writes()))
        ran = [*one.logged("run-ended"), *other.logged("run-ended")]
        assert [line["mode"] for line in ran if line["mode"] != "incremental"] == ["full"]
        assert not waiting[0].logged("run-ended")


def test_a_loop_that_waits_for_an_earlier_lock_of_its_process_says_so(small):
    small.prepare(environment=LOOPS)
    holder = describe_holder("serve")
    with (
        Ledger.open(small.checkout.ledger_url) as ledger,
        acquire(ledger.database, holder, name="drift:test"),
        serving(small.checkout, works=True) as running,
    ):
        wait_until(lambda: any("drift waits" in line["message"] for line in running.logged("loop-waits")))
        (told,) = [line for line in running.logged("loop-waits") if "drift waits" in line["message"]]
    assert told["message"].endswith("an earlier lock of this process is still in the ledger; it ends by itself")
    assert holder in told["holder"]


def test_the_next_run_is_said_to_be_due_at_once_or_at_a_moment_to_come():
    now = datetime(2026, 11, 30, 22, 13, 38, tzinfo=UTC)
    assert moment_of(now - timedelta(seconds=1), now) == "at once"
    assert moment_of(now + timedelta(minutes=1), now) == "at 22:14:38"


def test_who_stands_by_takes_over(small):
    small.prepare(environment=LOOPS)
    with Ledger.open(small.checkout.ledger_url) as ledger, serving(small.checkout, works=True) as running:
        with acquire(ledger.database, "another", name="drift:test", wait=5):
            assert not running.logged("drift-checked")[1:]
        wait_until(lambda: running.logged("drift-checked"))


def test_drift_that_may_heal_is_healed(checkout):
    checkout.write("environment.yaml", checkout.environment(**LOOPS, drift={"heal": ["live-moved"]}))
    checkout.write("config.yaml", http_config("hook", enabled=True))
    checkout.applied()
    with serving(checkout, works=True) as running:
        wait_until(lambda: running.logged("drift-checked"))
        checkout.change_live(lambda live: live["deliveryConfigs"]["hook"].update(Name="Theirs"))
        wait_until(lambda: any(line["healed"] for line in running.logged("drift-checked")))
    assert checkout.live()["deliveryConfigs"]["hook"]["Name"] == "hook"


def test_status_says_who_serves_with_which_commit(small):
    small.prepare(environment=LOOPS)
    folder = small.checkout.folder
    for words in (
        ["init", "-q"],
        ["add", "manifests"],
        ["-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", "c"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    small.checkout.applied()
    with serving(small.checkout, works=True) as running:
        wait_until(lambda: running.logged("run-ended"))
        (found,) = small.checkout.call("sync", "status", "--format", "json").json["syncs"]
        shown = small.checkout.call("sync", "status").stdout
    commit = head.stdout.strip()
    assert [each["commit"] for each in found["serving"]] == [commit]
    assert found["applied"]["commit"] in (commit, None)
    assert commit[:10] in shown
    assert small.checkout.call("sync", "status", "--format", "json").json["syncs"][0]["serving"] == []


def test_status_names_a_process_once_after_its_manifests_were_read_anew(small, monkeypatch):
    monkeypatch.setattr(run, "SEEN_SECONDS", 0.1)
    small.write_manifests(environment={"service": {}})

    def seen():
        (found, *_) = small.checkout.call("sync", "status", "--format", "json").json["syncs"]
        return [each["since"] for each in found["serving"]]

    with serving(small.checkout, works=True) as running:
        wait_until(seen)
        before = seen()
        running.service.tasks.copy().pop().get_loop().call_soon_threadsafe(running.duty.reload)
        wait_until(lambda: before[0] not in seen() and len(seen()) == 1)


def test_a_process_that_let_go_of_manifests_says_so_and_never_signs_for_them_again(small):
    small.write_manifests(environment={"service": {}})

    def serving_now():
        return small.checkout.call("sync", "status", "--format", "json").json["syncs"][0]["serving"]

    with serving(small.checkout) as running:
        served = running.service.environments["test"]
        served.sign("me", None)
        assert [each["holder"] for each in serving_now()] == ["me"]
        served.close()
        served.sign("me", None)
        assert serving_now() == []


def test_a_message_is_written_without_waiting_for_the_interval(small):
    small.prepare(environment={"service": {"loops": ["syncs"], "deliveries": DELIVERIES}})
    with serving(small.checkout, works=True) as running:
        wait_until(lambda: small.checkout.call("sync", "status", "--format", "json").json["syncs"][0]["last_full_run"])
        assert renamed(small, running) == 200
        wait_until(lambda: any("/products" in path for _, path in small.checkout.writes()))
