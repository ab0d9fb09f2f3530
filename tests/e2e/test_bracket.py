"""The target of a running sync changes by the real command line: paused, asked, changed, resumed; killed anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from support.checkout import Checkout, Document, document, entity_sync, wait_until

NEW = "https://new.example.com/hooks"


def hook(endpoint: str = "https://hooks.example.com/oc") -> Document:
    target = {"endpoint": endpoint, "secret": "signing-key"}
    return document("DeliveryConfig", "hook", {"name": "hook", "deliveryTargets": {"http": target}})


def prepare(checkout: Checkout, endpoint: str = NEW, **environment: Any) -> None:
    """Leave two running syncs, and manifests in which their config sends to another endpoint."""
    checkout.write("environment.yaml", checkout.environment(apply={"bracket": "auto"}, **environment))
    checkout.write("all.yaml", hook(), entity_sync("buyers", "hook"), entity_sync("catalogs", "hook"))
    checkout.applied()
    checkout.write("all.yaml", hook(endpoint), entity_sync("buyers", "hook"), entity_sync("catalogs", "hook"))
    checkout.emulator.clear_requests()


def sends_to(checkout: Checkout) -> str:
    return str(checkout.live()["deliveryConfigs"]["hook"]["DeliveryTargets"]["Http"]["Endpoint"])


def paused(checkout: Checkout) -> list[str]:
    return [path.rpartition("/")[2] for path, sync in checkout.live()["syncs"].items() if sync["Paused"]]


@pytest.mark.usefixtures("on_both")
def test_its_syncs_stand_still_while_the_target_changes(checkout: Checkout) -> None:
    prepare(checkout)
    checkout.applied()
    syncs = [("PATCH", "entitysync/buyers"), ("PATCH", "entitysync/catalogs")]
    pauses, change, resumes = checkout.writes()[:2], checkout.writes()[2:3], checkout.writes()[3:]
    assert (sorted(pauses), change, sorted(resumes)) == (syncs, [("PATCH", "deliveryconfig/hook")], syncs)
    assert (sends_to(checkout), paused(checkout)) == (NEW, [])
    assert checkout.pending() == []


def test_a_sync_keeps_the_config_that_it_has_while_it_is_paused_for_another(checkout: Checkout) -> None:
    prepare(checkout)
    other = document("DeliveryConfig", "other", hook(NEW)["spec"])
    checkout.write("all.yaml", hook(), other, entity_sync("buyers", "other"), entity_sync("catalogs", "hook"))
    checkout.applied()
    assert checkout.writes() == [
        ("POST", "deliveryconfig"),
        ("PATCH", "entitysync/buyers"),
        ("PATCH", "entitysync/buyers"),
        ("PATCH", "entitysync/buyers"),
    ]
    assert checkout.live()["syncs"]["/integrations/entitysync/buyers"]["DeliveryConfigID"] == "other"
    assert paused(checkout) == []
    assert checkout.pending() == []


def test_a_sync_that_somebody_paused_stays_so(checkout: Checkout) -> None:
    prepare(checkout)
    checkout.write("buyers.yaml", entity_sync("suppliers", "hook", pause={"reason": "Stop"}))
    checkout.applied()
    assert (sends_to(checkout), paused(checkout)) == (NEW, ["suppliers"])


def test_a_target_that_refuses_is_not_taken_and_the_syncs_run_on_with_the_old_one(checkout: Checkout) -> None:
    # Nothing listens there.
    prepare(checkout, "http://127.0.0.1:1/hooks", targetHosts=["127.0.0.1", "*.example.com"])
    ended = checkout.call("apply", "--yes")
    assert ended.status == 1, str(ended)
    assert "refuses" in ended.stdout
    assert "the target was not changed" in " ".join(ended.stdout.split())
    assert (sends_to(checkout), paused(checkout)) == ("https://hooks.example.com/oc", [])
    assert ("PATCH", "deliveryconfig/hook") not in checkout.writes()


def test_a_change_that_fails_leaves_nothing_paused(checkout: Checkout) -> None:
    prepare(checkout)
    checkout.emulator.fault("status", status=400, method="PATCH", path="*/deliveryconfig/*")
    assert checkout.call("apply", "--yes").status == 1
    assert paused(checkout) == []


def test_a_sync_that_cannot_be_resumed_is_told_and_the_next_writer_resumes_it(checkout: Checkout) -> None:
    prepare(checkout)
    checkout.emulator.fault("status", status=400, method="PATCH", path="*/entitysync/buyers", nth=2)
    ended = checkout.call("apply", "--yes")
    assert ended.status == 1, str(ended)
    assert "still paused" in ended.stdout
    assert (sends_to(checkout), paused(checkout)) == (NEW, ["buyers"])
    checkout.emulator.clear_faults()
    assert checkout.call("apply", "--yes").status == 0
    assert paused(checkout) == []


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(1, 6))
def test_killed_at_any_write_the_next_writer_resumes_and_only_an_apply_that_may_finishes(
    checkout: Checkout, write: int, when: str
) -> None:
    prepare(checkout)
    checkout.emulator.fault("hang", nth=write, when=when, method="PATCH")
    process = checkout.fork("apply", "--yes")
    wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]))
    process.kill()
    process.communicate()
    checkout.emulator.clear_faults()
    changed = sends_to(checkout)
    # An apply of something else may write, so it resumes; what it was not asked for it leaves alone.
    assert checkout.call("apply", "--yes", "--target", "EntitySync/catalogs").status == 0
    assert (sends_to(checkout), paused(checkout)) == (changed, [])
    assert checkout.call("apply", "--yes").status == 0
    assert (sends_to(checkout), paused(checkout)) == (NEW, [])
    assert checkout.pending() == []
