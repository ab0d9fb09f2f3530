"""`--exclude` leaves out what it names: in the plan, in its approval, in drift."""

from __future__ import annotations

import pytest

from support.checkout import Checkout, entity_sync, http_config, outcomes

PAUSE_ENDED = {"until": "2020-01-01T00:00:00Z", "reason": "load"}


@pytest.fixture
def shop(checkout: Checkout) -> Checkout:
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("shop.yaml", http_config("hook"), http_config("other"), entity_sync("buyers", "hook"))
    return checkout


def planned(shop: Checkout, *words: str) -> list[str]:
    ended = shop.call("plan", "--format", "json", *words)
    assert ended.status == 0, str(ended)
    return [f"{change['kind']}/{change['name']}" for change in ended.json["changes"]]


def test_it_is_the_opposite_of_target(shop: Checkout) -> None:
    assert planned(shop, "--exclude", "DeliveryConfig/other") == ["DeliveryConfig/hook", "EntitySync/buyers"]
    assert planned(shop, "--exclude", "EntitySync") == ["DeliveryConfig/hook", "DeliveryConfig/other"]
    assert planned(shop, "--target", "DeliveryConfig", "--exclude", "DeliveryConfig/hook") == ["DeliveryConfig/other"]


def test_a_saved_plan_is_applied_without_what_it_left_out(shop: Checkout) -> None:
    saved = shop.call("plan", "--exclude", "DeliveryConfig/other", "--save", "plan.json", "--format", "json")
    assert saved.json["excluded"] == ["DeliveryConfig/other"]
    ended = shop.call("apply", "plan.json", "--format", "json")
    assert outcomes(ended.json) == {"DeliveryConfig/hook": "applied", "EntitySync/buyers": "applied"}
    assert set(shop.live()["deliveryConfigs"]) == {"hook"}
    # It was never there to be said to be left alone.
    assert "Left alone" not in ended.stderr


def test_what_was_left_out_is_in_the_digest(shop: Checkout) -> None:
    shop.call("plan", "--exclude", "DeliveryConfig/other", "--save", "plan.json")
    path = shop.folder / "plan.json"
    path.write_text(path.read_text().replace('"DeliveryConfig/other"', ""))
    refused = shop.call("apply", "plan.json")
    assert refused.status != 0
    assert shop.live()["deliveryConfigs"] == {}


def test_nothing_to_do_says_in_what(shop: Checkout) -> None:
    assert shop.call("apply", "--yes", "--exclude", "DeliveryConfig/other").status == 0
    ended = shop.call("plan", "--exclude", "DeliveryConfig/other")
    assert "limited to (--exclude DeliveryConfig/other)" in " ".join(ended.stdout.split())
    pending = shop.call("plan", "--exclude", "EntitySync")
    assert "`reconciler apply -e test --exclude EntitySync`" in " ".join(pending.stdout.split())


def test_what_a_planned_object_needs_cannot_be_left_out(shop: Checkout) -> None:
    with shop.unchanged():
        refused = shop.call("plan", "--exclude", "DeliveryConfig/hook")
    assert refused.status == 64
    assert "EntitySync/buyers refers to DeliveryConfig hook" in " ".join(refused.stderr.split())


def test_what_names_nothing_is_refused(shop: Checkout) -> None:
    refused = shop.call("plan", "--exclude", "EntitySync/suppliers")
    assert refused.status == 64
    assert "--exclude EntitySync/suppliers" in refused.stderr


def test_drift_leaves_it_out_and_so_does_what_it_resumes(shop: Checkout) -> None:
    shop.write(
        "shop.yaml",
        http_config("hook"),
        entity_sync("buyers", "hook", pause=PAUSE_ENDED),
        entity_sync("suppliers", "hook", pause=PAUSE_ENDED),
    )
    shop.applied()
    shop.change_live(lambda live: [sync.update(Paused=True) for sync in live["syncs"].values()])
    ended = shop.call("drift", "--format", "json", "--exclude", "EntitySync/buyers")
    assert [item["name"] for item in ended.json["items"]] == ["suppliers"]
    shop.call("drift", "--resume-expired", "--exclude", "EntitySync/buyers")
    paused = {path.rpartition("/")[2]: sync["Paused"] for path, sync in shop.live()["syncs"].items()}
    assert paused == {"buyers": True, "suppliers": False}
