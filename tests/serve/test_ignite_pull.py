"""A full sync that SparkLayer pulls gives what a full sync by our runs gives, record by record."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from reconciler.http import client as http_client
from reconciler.http.limit import RateLimit
from reconciler.sync.pull.token import PageToken, page_token
from support.checkout import wait_until
from support.service import serving

TOKEN = "sparklayers-own"
IGNITE = {"service": {"ignite": {"dataSync": "shop", "tokens": [TOKEN]}}}
# What each site makes up by itself, or says of the time.
_OWN = {"id", "legacy_id", "uuid", "created_at", "updated_at", "last_updated", "product_id", "customer_id"}
_OWN |= {"position", "variant_ids"}
FLOWS = {"customers": {}, "orders": {"cartID": "xp.sparkCartId"}}


def plain(value):
    """Return what a site holds without what is the site's own, in an order that tells nothing."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items() if name not in _OWN and not name.startswith("calc")}
    if isinstance(value, list):
        return sorted((plain(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


def records(site):
    """Return products with variants, customers with addresses, stock and purchases of a site, by their own IDs."""
    found = {}
    for table in ("products", "variants", "customers", "addresses"):
        rows = site[table]["records"]
        found[table] = {row.get("external_id") or row.get("sku"): plain(row) for row in rows}
    locations = {row["id"]: row["external_id"] for row in site["locations"]["records"]}
    found["stock"] = {
        sku: {locations.get(place, place): plain(level) for place, level in levels.items()}
        for sku, levels in site["stock"].items()
        if levels
    }
    found["prices"] = {name: plain(rows) for name, rows in site["prices"].items()}
    found["purchases"] = {cart: plain(body) for cart, body in site["purchases"].items()}
    return found


@contextmanager
def service(shop, site="demo"):
    with serving(shop.checkout) as running:
        shop.emulator.ignite_at(f"{running.url}/ignite", TOKEN, site)
        yield running


def prepared(shop, mode, **spec):
    shop.prepare(environment=IGNITE, mode=mode, **{**FLOWS, **spec})


def pulled(shop, *types):
    told = shop.emulator.ignite("full", **({"types": list(types)} if types else {}))["types"]
    assert all(each["complete"] for each in told.values()), told
    return told


def begin_anew(shop):
    shop.emulator.empty_site()
    if shop.checkout.ledger.exists():
        shop.checkout.lose_ledger()


CHANGES = {"products": 4, "prices": 3, "stocks": 3, "create": 2, "delete": 2, "rename": 1, "shipOrders": 2}
LOOSE = {"maxDeletePercent": 100}


def compared(found, expected):
    assert found.keys() == expected.keys()
    for kind, rows in expected.items():
        assert found[kind].keys() == rows.keys(), kind
        assert found[kind] == rows, kind


@pytest.mark.parametrize("seed", range(4, 4 + int(os.environ.get("RECONCILER_TEST_PULLS", "1"))))
def test_a_pull_gives_what_a_push_gives_also_once_records_changed_and_went(shop, seed):
    sizes = {"products": 20, "seed_number": seed, "buyers": 2, "users": 8, "orders": 4}
    rounds = []
    for mode in ("push", "pull"):
        begin_anew(shop)
        shop.emulator.seed(**sizes)
        prepared(shop, mode, **LOOSE)
        shop.emulator.add_carts()
        with service(shop):
            rounds.append([])
            for number in range(2):
                if number:
                    shop.emulator.mutate(**CHANGES)
                if mode == "pull":
                    told = pulled(shop)
                    # A cart that SparkLayer does not know is told by our runs; a pull leaves that to SparkLayer.
                    assert all(each["status"] == 404 for each in told.pop("purchases")["problems"])
                    assert not [each["problems"] for each in told.values() if each["problems"]]
                # Of prices there are no pages: our runs send them beside.
                assert shop.checkout.call("sync", "run", "shop", "--full").status in (0, 5)
                rounds[-1].append(records(shop.emulator.site()))
    for pushed, pulled_now in zip(*rounds, strict=True):
        compared(pulled_now, pushed)
    assert all(rounds[0][0].values()), "there is something of every kind"
    assert rounds[0][0] != rounds[0][1]


def test_what_is_pulled_goes_first_of_what_runs_of_the_same_process_read(shop, monkeypatch):
    turns = []

    class Noted(RateLimit):
        def __init__(self, *rate, turn=None, **options):
            super().__init__(*rate, turn=turn, **options)
            turns.extend(() if turn is None else (turn,))

    monkeypatch.setattr(http_client, "RateLimit", Noted)
    shop.emulator.seed(2)
    shop.prepare(environment={"service": {**IGNITE["service"], "loops": ["syncs"]}}, mode="both")
    with serving(shop.checkout, works=True) as running:
        wait_until(lambda: running.logged("run-ended"))
        assert ask(running, "products").status == 200
        pulls = running.service.environments["test"].pulls
    assert {(turn.precedence is pulls, turn.goes_first) for turn in turns} == {(True, False), (True, True)}
    # Its requests were counted.
    assert pulls.taken > 0


class TestPages:
    @pytest.fixture
    def shop(self, shop):
        shop.emulator.seed(104, 2, buyers=1, users=3, orders=1)
        return shop

    def test_any_process_answers_any_page_and_a_page_may_be_asked_for_twice(self, shop):
        prepared(shop, "pull")
        found, page = [], ""
        for _ in range(20):
            with service(shop) as running:
                first, again = (ask(running, "products", page) for _ in range(2))
            assert first.json == again.json or page == ""
            found += [item["external_id"] for item in again.json["items"]]
            page = again.json["next_page"]
            if not page:
                break
        assert page == ""
        assert len(found) == len(set(found)) > 100

    def test_no_full_sync_is_recorded_by_us_and_what_is_wrong_is_told_as_pages_are_answered(self, shop):
        prepared(shop, "push")
        shop.checkout.call("sync", "run", "shop")
        wrong = shop.emulator.site()["logs"]["ordercloud/products"]["errors"]
        assert wrong
        log = shop.emulator.site()["logs"]["ordercloud/products"]
        shop.change(mode="pull", **FLOWS)
        shop.emulator.clear_requests()
        with service(shop) as running:
            page = ask(running, "products").json["next_page"]
            while page:
                page = ask(running, "products", page).json["next_page"]
        written = [each["method"] for each in shop.emulator.requests() if "/sync-log/" in each["path"]]
        assert set(written) == {"PATCH"}
        after = shop.emulator.site()["logs"]["ordercloud/products"]
        assert after["times"]["last_full_sync"] == log["times"]["last_full_sync"]
        assert after["errors"].keys() == wrong.keys()

    def test_a_token_that_is_none_of_ours_is_refused_and_harms_nothing(self, shop):
        prepared(shop, "pull")
        with service(shop) as running:
            good = ask(running, "products").json["next_page"]
            wrong = ["x", "../..", "A" * 9_000, "%00", "W10", good[:-3], PageToken("", [[0]]).text]
            wrong += [PageToken(page_token(good).pull, cursor).text for cursor in ("a", [0, [["texts"]]], [7, []], {})]
            for text in wrong:
                answer = ask(running, "products", text)
                assert (answer.status, answer.json["title"]) == (400, "bad page"), text
            # Another pull began since.
            ask(running, "products")
            assert ask(running, "products", good).status == 400
            assert not running.logged("request-failed")

    def test_more_than_the_manifest_lets_go_stays_and_is_told(self, shop):
        prepared(shop, "pull", maxDeletePercent=0)
        with service(shop) as running:
            pulled(shop, "products")
            shop.emulator.mutate(delete=3)
            before = records(shop.emulator.site())["products"]
            pulled(shop, "products")
            assert records(shop.emulator.site())["products"] == before
            assert any("maxDeletePercent" in line["message"] for line in running.logged("ignite-pull"))

    def test_a_single_record_is_answered_by_its_id(self, shop):
        prepared(shop, "pull")
        with service(shop) as running:
            pulled(shop)
            site = shop.emulator.site()
            for kind, table in (("products", "products"), ("customers", "customers")):
                known = site[table]["records"][0]["external_id"]
                assert shop.emulator.ignite("entity", type=kind, id=known)["body"]["external_id"] == known
            assert shop.emulator.ignite("entity", type="products", id="nobody")["status"] == 404
            assert shop.emulator.ignite("entity", type="products", id="../../x")["status"] == 404
            gone = shop.emulator.mutate(delete=1)["deleted"][0]
            told = shop.emulator.ignite("entity", type="products", id=gone)
            if told["status"] == 200:
                assert {each["status"] for each in told["body"]["variants"]} == {"discontinued"}
            assert not running.logged("request-failed")

    def test_beside_our_runs_pages_are_of_what_those_keep_and_change_nothing_there(self, shop):
        prepared(shop, "both", **LOOSE)
        shop.emulator.add_carts()
        with service(shop):
            assert shop.checkout.call("sync", "run", "shop").status in (0, 5)
            expected = records(shop.emulator.site())
            status = shop.checkout.call("sync", "status", "--format", "json").json["syncs"]
            told = pulled(shop)
            assert not [each["problems"] for each in told.values() if each["problems"]]
            compared(records(shop.emulator.site()), expected)
            again = shop.checkout.call("sync", "status", "--format", "json").json["syncs"]
            assert [each["last_run"] for each in again] == [each["last_run"] for each in status]

    def test_what_is_pushed_is_not_pulled(self, shop):
        prepared(shop, "push")
        with service(shop) as running:
            assert ask(running, "products").status == 501
            assert ask(running, "whatever").status == 404

    def test_what_was_not_applied_is_not_answered(self, shop):
        shop.write_manifests(environment=IGNITE, mode="pull", **FLOWS)
        with service(shop) as running:
            assert ask(running, "products").status == 503

    def test_our_runs_leave_alone_what_is_pulled_and_status_says_who_brings_it(self, shop):
        prepared(shop, "pull", pricing=None)
        ended = shop.run()
        assert ended.status == 64
        assert "SparkLayer pulls" in ended.stderr
        assert "SparkLayer pulls its records (mode: pull)" in shop.checkout.call("sync", "status").stdout

    def test_status_and_page_tell_of_both_once_there_were_runs_and_pages(self, shop):
        prepared(shop, "pull")
        shop.synced("--full", "--type", "prices")  # which nobody pulls
        with service(shop) as running:
            pulled(shop, "products")
            assert running.get("/").status == 200
        syncs = shop.checkout.call("sync", "status", "--format", "json").json["syncs"]
        a_day = {each["data_type"]: each["requests_a_day"] for each in syncs}
        assert a_day["prices"] > 0
        assert a_day["products"] is None


def ask(running, data_type, page=""):
    query = f"?page={quote(page)}" if page else ""
    return running.get(f"/ignite/v1/live/demo/sync/{data_type}{query}", Authorization=f"Bearer {TOKEN}")
