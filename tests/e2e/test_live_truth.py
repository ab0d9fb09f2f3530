"""What live is like, told as it is: what cannot be compared, what a restore brought, and hosts that are forbidden."""

from __future__ import annotations

from typing import Any

import pytest

from support.checkout import Checkout, document, http_config

FORBIDDEN = "hooks.production.example.org"


@pytest.fixture
def store(checkout: Checkout) -> Checkout:
    """Return a checkout of a Store, whose ledger is the default one."""
    spark = {
        "url": checkout.emulator.sparklayer_url,
        "siteID": "demo",
        "clientID": "emulator",
        "clientSecret": "emulator",
    }
    environment = checkout.environment(sparklayer=spark)
    del environment["spec"]["ledger"]
    checkout.write("environment.yaml", environment)
    checkout.write("shop.yaml", document("Store", "store", {"baseCurrency": "GBP", "settings": {"theme": "dark"}}))
    return checkout


def forget(checkout: Checkout) -> None:
    """Begin on a new runner."""
    for path in (checkout.folder / ".reconciler").glob("*"):
        path.unlink()


def test_without_a_lasting_ledger_a_store_cannot_be_compared_and_is_no_drift(store: Checkout) -> None:
    store.applied()
    forget(store)
    store.variables["CI"] = "true"
    store.emulator.switch(spark_settings_read="absent")
    for command in (("drift",), ("plan", "--exit-code")):
        ended = store.call(*command)
        told = " ".join(ended.stdout.split())
        assert ended.status == 0, str(ended)
        assert told.count("cannot be compared") == 1, str(ended)
    before = store.emulator.state()["sparklayer"]["sites"]
    store.applied()
    assert store.emulator.state()["sparklayer"]["sites"] == before
    forget(store)
    ended = store.call("apply", "--yes", "--push-secrets", "--format", "json")
    assert ended.json["summary"]["applied"] == 1, str(ended)


def test_a_store_that_was_not_compared_is_not_remembered_as_if_it_were(store: Checkout) -> None:
    store.variables["CI"] = "true"
    store.applied()
    store.variables["RECONCILER_LEDGER"] = "sqlite:///.reconciler/ledger.db"
    assert store.pending() == ["create Store/store"]


def test_a_lasting_ledger_of_nothing_yet_sends_the_store(store: Checkout) -> None:
    assert store.pending() == ["create Store/store"]


def test_plan_and_drift_say_that_most_prices_are_in_another_currency(store: Checkout) -> None:
    store.applied()
    rows = [{"ID": f"s{number}", "Name": "S", "Currency": "EUR" if number < 6 else "GBP"} for number in range(10)]
    for schedules, told in ((rows, True), (rows[4:], False), ([], False)):
        store.emulator.seed_with({"Objects": {"PriceSchedules": schedules}})
        for command in ("plan", "drift"):
            ended = store.call(command)
            words = "6 of 10 price schedules of the marketplace are in another one, mostly EUR"
            assert (words in " ".join(ended.stdout.split())) == told, str(ended)
            assert ended.status == 0, str(ended)


def production_host(state: dict[str, Any]) -> None:
    config = next(iter(state["deliveryConfigs"].values()))
    config["DeliveryTargets"]["Http"]["Endpoint"] = f"https://{FORBIDDEN}/in"


@pytest.fixture
def staging(checkout: Checkout) -> Checkout:
    checkout.write("environment.yaml", checkout.environment(targetHosts=["hooks.example.com"]))
    checkout.write("shop.yaml", http_config("hook"))
    checkout.applied()
    checkout.change_live(production_host)
    return checkout


@pytest.mark.parametrize("managed", [True, False])
@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_a_forbidden_host_that_is_live_stands_on_top(staging: Checkout, managed: bool, form: str) -> None:
    if not managed:
        staging.write("shop.yaml", http_config("other"))
    drift, plan = (staging.call(command, "--format", form) for command in ("drift", "plan"))
    assert drift.status == 2, str(drift)
    for ended in (drift, plan):
        assert FORBIDDEN in ended.stdout, str(ended)
    if form == "json":
        assert drift.json["items"][0]["cause"] == "forbidden-host"
        assert plan.json["notes"][0]["kind"] == "forbidden-host"
    elif form == "text":
        assert FORBIDDEN in " ".join(plan.stdout.splitlines()[:4])
        assert FORBIDDEN in " ".join(drift.stdout.splitlines()[:8])


def test_it_is_never_adopted(staging: Checkout) -> None:
    before = (staging.manifests / "shop.yaml").read_bytes()
    ended = staging.call("drift", "--adopt", "DeliveryConfig/hook")
    assert ended.status == 64, str(ended)
    assert "targetHosts" in ended.stderr
    assert (staging.manifests / "shop.yaml").read_bytes() == before


def test_a_host_that_is_allowed_is_no_alarm(staging: Checkout) -> None:
    staging.applied()
    assert staging.call("drift").status == 0
    assert staging.call("plan", "--format", "json").json["notes"] == []
