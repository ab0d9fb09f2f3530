"""Syncs through bad weather: they finish, within the limits, say what they went through, and discontinue nothing."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.http.engine import Bounds
from reconciler.sync.run import breaker
from support.checkout import Checkout, wait_until
from support.syncing import Shop, is_write
from support.worked import whoever_works

PRODUCTS = 60
OUTAGE = float(os.environ.get("RECONCILER_TEST_OUTAGE", "4"))
OUTAGES = int(os.environ.get("RECONCILER_TEST_OUTAGES", "1"))
SECRETS = ("marker-client-secret", "marker-site-secret")


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    shop = Shop(checkout)
    shop.emulator.seed(PRODUCTS, 1)
    shop.prepare()
    shop.emulator.clear_requests()
    return shop


def discontinued(shop: Shop) -> list[str]:
    products = shop.held().products.items()
    return [name for name, one in products if {"status": "discontinued"} in one["variants"].values()]


Weather = Callable[[RunningEmulator], Any]
WEATHER: dict[str, Weather] = {
    "429s": lambda emulator: emulator.fault("too_many", probability=0.2, count=None, seconds=0, path="*/v1/*"),
    "429s without Retry-After": lambda emulator: emulator.fault(
        "too_many", probability=0.2, count=None, retry_after="none", path="*/v1/*"
    ),
    "bursts of 500s": lambda emulator: [
        emulator.fault("status", status=status, nth=nth, count=12, path="*/v1/*")
        for nth, status in ((10, 500), (60, 502), (110, 503))
    ],
    "offline": lambda emulator: emulator.fault("offline", nth=20, count=15),
    "resets": lambda emulator: emulator.fault("reset", probability=0.1, count=None, path="*/v1/*"),
    "lost answers": lambda emulator: emulator.fault(
        "reset", probability=0.15, count=None, when="after", path="/sparklayer/api/v1/*"
    ),
    "truncated answers": lambda emulator: emulator.fault("truncated", probability=0.1, count=None, path="*/v1/*"),
    "broken JSON": lambda emulator: emulator.fault("broken_json", probability=0.1, count=None, path="/sparklayer/*"),
    "slow bodies": lambda emulator: emulator.fault("slow_body", seconds=0.2, probability=0.3, count=None),
}


@pytest.fixture
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run inside this process looks sooner whether an API has come back."""
    monkeypatch.setattr(breaker, "_FIRST_WAIT", 0.02)
    monkeypatch.setattr(breaker, "_LONGEST_WAIT", 0.5)


@pytest.mark.usefixtures("_short_pauses")
@pytest.mark.parametrize("weather", WEATHER)
@whoever_works()
def test_it_finishes_and_everything_is_right(shop: Shop, weather: str) -> None:
    WEATHER[weather](shop.emulator)
    report = shop.synced("--full")
    assert any(fault["fired"] >= 3 for fault in shop.emulator.faults())
    assert report["state"] == "finished"
    shop.emulator.clear_faults()
    assert shop.wrong() == []
    assert discontinued(shop) == []
    shop.emulator.clear_requests()
    shop.synced("--full")
    assert shop.writes() == []


@pytest.mark.usefixtures("_short_pauses")
@pytest.mark.parametrize("weather", ["429s", "bursts of 500s", "resets", "lost answers"])
@whoever_works()
def test_changes_come_through_it_too(shop: Shop, weather: str) -> None:
    shop.synced("--full")
    before = shop.held()
    shop.emulator.mutate(products=10, prices=10, stocks=10, delete=2, create=2)
    WEATHER[weather](shop.emulator)
    shop.synced("--full")
    shop.emulator.clear_faults()
    assert shop.wrong(before) == []


@pytest.mark.parametrize("_number", range(1, OUTAGES + 1))
def test_an_outage_is_borne_and_told(shop: Shop, _number: int) -> None:
    """RECONCILER_TEST_OUTAGE=60 for a minute of it, RECONCILER_TEST_OUTAGES=20 for twenty times in a row.

    It ends by itself, and nobody starts the run again.
    """
    shop.emulator.fault("status", status=503, count=None, path="/sparklayer/api/v1/*", nth=40)
    # As a process of its own, which waits between attempts as long as it does in real life.
    with shop.checkout.start("sync", "run", "shop", "--full", "--format", "json") as process:
        wait_until(lambda: bool(shop.emulator.faults()[0]["fired"]))
        timer = threading.Timer(OUTAGE, shop.emulator.clear_faults)
        timer.start()
        stdout, stderr = process.communicate()
    timer.join()
    assert process.returncode == 0, f"exit {process.returncode}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
    report = json.loads(stdout)
    assert report["state"] == "finished", stdout
    assert shop.wrong() == [], stdout
    failed = [request for request in shop.emulator.requests() if request["status"] == 503]
    # It waits for the API rather than to hammer it.
    assert 1 <= len(failed) <= 10 * PRODUCTS, stdout
    assert report["remarks"], stdout


def test_a_server_that_never_answers_the_last_write_ends_the_run_in_time_and_the_next_is_an_ordinary_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.synced("--full")
    shop.emulator.mutate(stocks=4)
    shop.emulator.fault("hang", count=None, method="PATCH", path="*/sync-log/*", contains="last_partial_sync")
    # In real life 60 s; each try waits so long, until the run's patience is over.
    monkeypatch.setattr("reconciler.http.connections.Bounds", lambda: Bounds(read=0.5))
    shop.emulator.clear_requests()
    ended = shop.run("--patience", "2")
    tries = [request for request in shop.emulator.requests() if request["method"] == "PATCH"]
    assert 1 <= len(tries) <= 2 / 0.5 + 1
    assert (ended.status, ended.json["state"]) == (1, "interrupted"), str(ended)
    assert "no answer within 0.5 s" in ended.json["message"], str(ended)
    assert shop.emulator.faults()[0]["fired"] > 1
    shop.emulator.clear_faults()
    report = shop.synced()
    assert (report["mode"], report["resumed"], shop.wrong()) == ("incremental", True, [])
    assert shop.checkout.call("drift").status == 0


def test_an_answer_that_is_no_json_may_end_a_run_and_the_next_goes_on(shop: Shop) -> None:
    shop.emulator.fault("broken_json", nth=30, path="/ordercloud/v1/products*")
    ended = shop.run("--full")
    assert ended.json["state"] in ("finished", "interrupted")
    assert "last_full_sync" not in shop.log() or ended.status == 0
    shop.synced()
    assert shop.wrong() == []


def test_tokens_that_expire_are_renewed(shop: Shop) -> None:
    shop.emulator.add_client("emulator", "emulator", token_seconds=2)
    shop.emulator.add_site("demo", token_seconds=2)
    shop.emulator.traffic(latency=0.05)
    shop.emulator.fault("status", status=401, nth=30, count=2, path="/sparklayer/api/v1/*")
    report = shop.synced("--full", "--no-token-cache")
    assert report["state"] == "finished"
    shop.emulator.traffic()
    assert shop.wrong() == []


def test_tokens_that_are_revoked_are_renewed(shop: Shop) -> None:
    shop.emulator.traffic(latency=0.02)
    timer = threading.Timer(1, lambda: (shop.emulator.revoke_tokens(), shop.emulator.revoke_site_tokens()))
    timer.start()
    report = shop.synced("--full")
    timer.join()
    assert report["state"] == "finished"
    assert shop.wrong() == []


def test_a_rate_limit_is_kept(checkout: Checkout) -> None:
    """With the limit that the environment states, next to nothing is refused."""
    shop = Shop(checkout)
    shop.emulator.seed(PRODUCTS, 1)
    shop.prepare(
        environment={"ordercloud": {"requestsPerSecond": 60}, "sparklayer": {"requestsPerSecond": 60}},
    )
    shop.emulator.traffic(requests_per_second=60)
    shop.emulator.clear_requests()
    shop.synced("--full")
    seen = shop.emulator.requests()
    refused = [request for request in seen if request["status"] == 429]
    assert len(refused) <= 0.01 * len(seen)
    assert shop.wrong() == []


def test_a_search_index_that_lags_hides_nothing_for_ever_and_discontinues_nothing(shop: Shop) -> None:
    shop.synced("--full")
    before = shop.held()
    shop.emulator.search_lag(300)
    touched = shop.emulator.mutate(products=5, stocks=5, create=3)
    shop.synced("--full")
    assert discontinued(shop) == []
    shop.emulator.clock(advance=400)
    shop.synced("--full")
    assert discontinued(shop) == []
    assert shop.wrong(before) == []
    assert set(touched["created"]) <= set(shop.held().products)


def test_an_api_that_stays_away_ends_the_run_and_the_next_one_goes_on(shop: Shop) -> None:
    shop.emulator.fault("status", status=503, count=None, path="/sparklayer/api/v1/*", nth=40)
    ended = shop.run("--full", "--patience", "2")
    assert ended.status == 1, str(ended)
    report = ended.json
    assert report["state"] == "interrupted"
    assert "sync run shop" in report["next_step"]
    assert "last_full_sync" not in shop.log()
    shop.emulator.clear_faults()
    report = shop.synced()
    assert report["resumed"] is True
    assert shop.wrong() == []


def test_a_read_that_fails_for_good_is_no_empty_marketplace(shop: Shop) -> None:
    """A role that is missing stops the run; nobody takes that for products that are gone."""
    shop.synced("--full")
    before = shop.held()
    shop.emulator.clear_requests()
    shop.emulator.fault("status", status=403, count=None, path="/ordercloud/v1/products*")
    assert shop.run("--full").status != 0
    assert shop.held().products == before.products
    assert [line for line in shop.writes() if "products" in line] == []


def test_secrets_are_in_no_output_and_no_ledger(shop: Shop) -> None:
    client, site = SECRETS
    shop.emulator.add_client("emulator", client)
    shop.emulator.add_site("demo", client_secret=site)
    shop.checkout.variables.update(OC_SECRET=client, SPARK_SECRET=site)
    environment = shop.environment(
        ordercloud={"clientSecret": "${secret:OC_SECRET}"}, sparklayer={"clientSecret": "${secret:SPARK_SECRET}"}
    )
    shop.checkout.write("environment.yaml", environment)
    shop.checkout.applied()
    said = []
    for words in (
        ("sync", "run", "shop", "--full", "-vv"),
        ("sync", "run", "shop", "--verify", "--format", "json"),
        ("sync", "status", "shop"),
        ("sync", "errors", "shop", "--format", "json"),
        ("ledger", "show"),
    ):
        ended = shop.checkout.call(*words)
        assert ended.status == 0, str(ended)
        said.append(str(ended))
    # An error while it is under way says no more.
    shop.emulator.fault("status", status=401, count=None, path="/sparklayer/*")
    shop.emulator.revoke_site_tokens()
    said.append(str(shop.checkout.call("sync", "run", "shop", "--full", "-vv")))
    for text in [*said, shop.checkout.ledger.read_bytes().decode("latin-1")]:
        assert client not in text
        assert site not in text
        assert "Bearer" not in text


def test_the_fault_free_run_needs_no_write_twice(shop: Shop) -> None:
    """What the other tests compare with: one write for each product, and batches for the rest."""
    shop.synced("--full")
    creates = [request for request in shop.emulator.requests() if is_write(request) and request["method"] == "POST"]
    assert sum(request["path"].endswith("/products") for request in creates) == len(shop.held().products)
