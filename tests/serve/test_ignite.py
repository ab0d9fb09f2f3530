"""SparkLayer calls the service as its Ignite integration; the emulated SparkLayer does the calling."""

from __future__ import annotations

import base64
import json
import re
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.app.ignite.keys import KEY
from reconciler.app.ignite.site import IgniteSite
from reconciler.ledger.writer import Ledger
from reconciler.serve import ignite_runs
from reconciler.serve.routes import ignite
from support.checkout import http_config
from support.service import serving

TOKEN = "sparklayers-own"
BASE = "/ignite/v1/live/demo"
KEYS = {KEY: base64.b64encode(b"k" * 32).decode()}
HANDED_OVER = {"clientID": None, "clientSecret": None}


@pytest.fixture(autouse=True)
def _keys(monkeypatch, checkout):
    monkeypatch.setattr(ignite, "REFUSED_AFTER_SECONDS", 0.0)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
        checkout.variables[name] = value


def settings(**more):
    return {"service": {"ignite": {"dataSync": "shop", "tokens": [TOKEN], **more}}}


@contextmanager
def connected(shop, **more):
    """Within, the service runs, and the emulated SparkLayer knows where."""
    with serving(shop.checkout, **more) as running:
        shop.emulator.ignite_at(f"{running.url}/ignite", TOKEN)
        yield running


def without_credentials(shop, **spec):
    """Write manifests whose Environment leaves SparkLayer's credentials to Ignite."""
    shop.emulator.seed(6)
    shop.prepare(environment=settings(), **spec)
    whole = shop.environment(**settings())
    for name in HANDED_OVER:
        del whole["spec"]["sparklayer"][name]
    shop.checkout.write("environment.yaml", whole)


PATHS = [
    ("POST", ""),
    ("DELETE", ""),
    ("POST", "/status/products"),
    ("GET", "/sync/products"),
    ("POST", "/sync/products/p1"),
    ("GET", "/metafield-configuration"),
    ("POST", "/authentication/verify"),
    ("POST", "/checkout/complete"),
]
COVERAGE = Path(__file__).parents[2] / "docs" / "api-coverage.md"


def documented():
    """Yield method and path of what the page lists of Ignite, with whether it says that it is served."""
    table = COVERAGE.read_text().partition("\nIgnite: ")[2].partition("\n## ")[0]
    for line in table.splitlines():
        if line.startswith("| `"):
            paths, does, _, served = (cell.strip() for cell in line.strip("|").split("|"))
            for path in re.findall(r"`([^`]+)`", paths):
                real = re.sub(r"\{\w*[tT]ype\}", "products", path.replace("(itself)", ""))
                for method in re.findall(r"\b(GET|POST|PUT|PATCH|DELETE)\b", does):
                    yield method, f"/{re.sub(r'{.+?}', 'a.b', real)}".rstrip("/"), served == "yes"


DOCUMENTED = list(documented())
assert {is_served for *_, is_served in DOCUMENTED} == {True, False}
NOT_HERE = [
    *((method, path) for method, path, is_served in DOCUMENTED if not is_served),
    ("GET", "/whatever/there/may/be"),
    ("GET", ""),
]
NO_BODIES = ["", "[]", "{", '{"data": 7}', '{"store_id": "a"}', "\ud800", "[" * 5_000, '{"data": null}']


class TestGuards:
    def test_nobody_is_answered_without_the_token_and_only_about_the_site_of_the_environment(self, shop):
        shop.write_manifests(environment=settings(), customers={})
        with serving(shop.checkout) as running:
            for method, path in PATHS:
                for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
                    answer = running.ask(method, f"{BASE}{path}", "{}", headers)
                    assert answer.status == 401, (method, path)
                    assert TOKEN not in answer.text
            assert running.get("/ignite/v1/live/another").status == 401
            for site in ("test/demo", "live/another", "live/DEMO"):
                assert ask(running, "POST", f"/ignite/v1/{site}", {}).status == 404
                assert ask(running, "GET", f"/ignite/v1/{site}/sync/products").status == 404
            for method, path in NOT_HERE:
                answer = ask(running, method, f"{BASE}{path}", {})
                assert (answer.status, answer.json["title"]) == (501, "not here"), path
            # Without what it needs it is refused, and not as something that is not here.
            for method, path, is_served in DOCUMENTED:
                if is_served and method != "DELETE":
                    answer = ask(running, method, f"{BASE}{path}", [])
                    assert answer.status != 501 or answer.json["title"] != "not here", (method, path)
            for body in NO_BODIES:
                raw = body.encode("utf-8", "surrogatepass")
                for path in ("", "/authentication/verify"):
                    answer = running.ask("POST", f"{BASE}{path}", raw, {"Authorization": f"Bearer {TOKEN}"})
                    assert answer.status == 400, (body, answer.text)
                    assert path or "spark_api_client_id" in answer.json["detail"], body
            large = running.ask("POST", BASE, b"x" * 70_000, {"Authorization": f"Bearer {TOKEN}"})
            assert large.status == 413
            assert not running.logged("request-failed")
            assert TOKEN not in "".join(running.lines)

    def test_an_allow_list_and_a_token_have_to_agree(self, shop):
        for network, known, unknown in (("192.0.2.0/24", 401, 401), ("127.0.0.0/8", 200, 401)):
            shop.write_manifests(environment=settings(allow=[network]))
            with serving(shop.checkout) as running:
                assert ask(running, "GET", f"{BASE}/metafield-configuration").status == known
                assert running.get(f"{BASE}/metafield-configuration").status == unknown


def ask(running, method, path, body=None):
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    return running.ask(method, path, None if body is None else json.dumps(body), headers)


class TestConnect:
    def test_what_was_handed_over_is_used_kept_sealed_and_connects_again(self, shop):
        without_credentials(shop)
        with connected(shop) as running:
            assert shop.emulator.ignite("connect")["status"] == 204
            assert shop.emulator.ignite("connect")["status"] == 204
            assert not [line for line in running.lines if "emulator" in line and "secret" in line.lower()]
        ended = shop.run()
        assert ended.status == 0, ended
        assert shop.held().products

    def test_the_secret_is_in_no_file_and_no_log_and_a_backup_says_what_it_carries(self, shop, tmp_path):
        without_credentials(shop)
        shop.emulator.add_site("demo", client_id="key-7", client_secret="s3cr3t-handed-over")
        with connected(shop) as running:
            assert shop.emulator.ignite("connect")["status"] == 204
        assert shop.run().status == 0
        said = shop.checkout.call("ledger", "backup", str(tmp_path / "copy.db"))
        assert "carries the credentials that SparkLayer handed over, encrypted" in said.stdout
        shown = shop.checkout.call("ledger", "show").stdout
        files = [path.read_bytes() for path in shop.checkout.folder.rglob("*") if path.is_file()]
        files.append((tmp_path / "copy.db").read_bytes())
        assert not [each for each in files if b"s3cr3t-handed-over" in each]
        assert "s3cr3t-handed-over" not in "".join(running.lines) + shown

    def test_nothing_is_made_and_a_full_sync_is_wanted(self, shop):
        without_credentials(shop)
        before = shop.emulator.site()
        with connected(shop):
            shop.emulator.ignite("connect")
        assert shop.emulator.site() == before
        assert shop.run().json["mode"] == "full"

    def test_what_was_not_applied_is_pending(self, shop):
        shop.write_manifests(environment=settings())
        with connected(shop):
            told = shop.emulator.ignite("connect")
        assert told["status"] == 201
        assert told["body"]["redirect_url"].startswith("http")

    def test_credentials_that_log_nobody_in_are_refused_and_not_kept(self, shop):
        without_credentials(shop)
        with connected(shop):
            assert shop.emulator.ignite("connect", client_secret="guessed")["status"] == 401
        ended = shop.run()
        assert ended.status == 1
        assert "there are no credentials for the site demo" in ended.stderr

    def test_nobody_takes_over_a_live_connection_without_an_operators_word(self, shop):
        without_credentials(shop)
        with connected(shop):
            shop.emulator.ignite("connect")
            # Another key of the same site logs in as well: whoever made it may not be who connected.
            shop.emulator.add_site("demo", client_id="other", client_secret="other")
            assert shop.emulator.ignite("connect")["status"] == 409
            said = shop.checkout.call("ignite", "allow-reconnect", "--for", "10m")
            assert said.status == 0, said
            assert shop.emulator.ignite("connect")["status"] == 204
            # It was for once.
            shop.emulator.add_site("demo", client_id="third", client_secret="third")
            assert shop.emulator.ignite("connect")["status"] == 409

    def test_credentials_of_the_environment_win(self, shop):
        shop.prepare(environment=settings())
        with connected(shop):
            assert shop.emulator.ignite("connect", client_secret="guessed")["status"] == 204
        assert shop.run().status == 0

    def test_a_lost_key_is_told(self, shop):
        without_credentials(shop)
        with connected(shop):
            shop.emulator.ignite("connect")
        shop.checkout.variables[KEY] = base64.b64encode(b"x" * 32).decode()
        ended = shop.run()
        assert ended.status == 1
        assert f"{KEY} is not the key that sealed them" in ended.stderr


class TestDisconnect:
    def test_it_deletes_the_logs_forgets_the_credentials_and_stops_what_runs(self, shop):
        without_credentials(shop)
        with connected(shop):
            shop.emulator.ignite("connect")
            shop.synced()
            assert shop.emulator.site()["logs"]
            assert shop.emulator.ignite("disconnect")["status"] == 204
            assert not shop.emulator.site()["logs"]
            ended = shop.run()
            assert ended.status == 1
            assert "SparkLayer disconnected the site demo" in ended.stderr
            for kind in ("products", "merchant"):
                assert shop.emulator.ignite("trigger", type=kind)["status"] == 401, kind
            # Once more, and without credentials there is nothing left to do.
            assert shop.emulator.ignite("disconnect")["status"] == 204
            assert shop.emulator.ignite("connect")["status"] == 204
            assert shop.emulator.ignite("trigger", type="merchant")["status"] == 201

    def test_a_site_that_lets_us_in_no_more_is_disconnected_all_the_same(self, shop):
        without_credentials(shop)
        with connected(shop):
            shop.emulator.ignite("connect")
            shop.emulator.fault("status", path="/sparklayer/*", status=401, count=None)
            assert shop.emulator.ignite("disconnect")["status"] == 204

    def test_drift_says_that_it_is_disconnected_and_not_that_it_is_old(self, shop):
        shop.prepare(environment=settings(), freshness="2h")
        with connected(shop):
            shop.emulator.ignite("connect")
            shop.synced()
            shop.emulator.ignite("disconnect")
        ended = shop.checkout.call("drift", "--format", "json")
        causes = [item["cause"] for item in ended.json["items"] if item["kind"] == "DataSync"]
        assert causes == ["disconnected"]
        status = shop.checkout.call("sync", "status")
        assert "disconnected" in status.stdout

    def test_drift_of_the_other_api_is_found_though_the_credentials_are_gone(self, shop):
        shop.checkout.write("out.yaml", http_config("out"))
        without_credentials(shop)
        with connected(shop):
            shop.emulator.ignite("connect")
            shop.synced()
            shop.emulator.ignite("disconnect")
        shop.portal("PATCH", "integrations/deliveryconfig/out", {"Enabled": False})
        ended = shop.checkout.call("drift", "--format", "json")
        found = {(item["kind"], item["cause"]) for item in ended.json["items"]}
        assert found == {("DataSync", "disconnected"), ("DeliveryConfig", "live-moved")}
        assert [note["message"] for note in ended.json["notes"] if note["subject"] == "site demo"] == [
            "its configuration is not compared: the site was disconnected, and its credentials are gone"
        ]
        # Nor can it be planned; the other API can.
        refused = shop.checkout.call("plan")
        assert refused.status == 1
        assert "--target KIND" in refused.stderr
        assert "1 to update" in shop.checkout.call("plan", "--target", "DeliveryConfig").stdout

    def test_a_reconnect_believes_nothing_of_what_was_written_before(self, shop):
        shop.emulator.seed(6)
        shop.prepare(environment=settings())
        with connected(shop):
            shop.emulator.ignite("connect")
            shop.synced()
            shop.emulator.ignite("disconnect")
            assert shop.emulator.ignite("connect")["status"] == 204
        assert shop.synced()["records"]["written"] > 0


PEOPLE = {
    "Objects": {
        "Buyers": [{"ID": "acme", "Name": "Acme", "Active": True}],
        "Users": [
            {
                "ID": "jane",
                "BuyerID": "acme",
                "Username": "jane@acme.test",
                "Email": "jane@acme.test",
                "FirstName": "Jane",
                "LastName": "Doe",
                "Active": True,
            }
        ],
    }
}
JANE = {"buyer": "acme", "user": "jane"}


class TestVerify:
    def test_sparklayer_learns_whose_a_token_is_and_nothing_of_one_that_opens_nothing(self, shop):
        emulator = shop.emulator
        emulator.seed_with(PEOPLE)
        emulator.add_client("storefront", "", ["Shopper"], buyers=["acme"])
        emulator.add_marketplace("sandbox", PEOPLE)
        emulator.add_client("theirs", "", ["Shopper"], buyers=["acme"], marketplace="sandbox")
        shop.prepare(environment=settings(clientIDs=["storefront"]), customers={})
        assert shop.checkout.call("sync", "run", "shop").status == 0
        good = emulator.mint_token("storefront", **JANE)
        refused = [
            emulator.mint_token("storefront", **JANE, anonymous=True),
            emulator.mint_token("storefront", **JANE, impersonated=True),
            emulator.mint_token("storefront", **JANE, seconds=-1),
            emulator.mint_token("theirs", "sandbox", **JANE),
            emulator.mint_token("emulator"),
            "a.b.c",
            "",
        ]
        with connected(shop) as running:
            told = emulator.ignite("verify", data=good)
            assert (told["status"], told["customer"], told["known"]) == (200, "acme.jane", True)
            answers = [emulator.ignite("verify", data=data) for data in refused]
            assert {answer["status"] for answer in answers} == {401}
            assert len({json.dumps(answer["body"]) for answer in answers}) == 1
            assert not [token for token in (good, *refused[:5]) if token in "".join(running.lines)]

    def test_where_customers_do_not_flow_there_is_nobody_to_log_in(self, shop):
        shop.write_manifests(environment=settings(clientIDs=["storefront"]))
        with connected(shop):
            assert shop.emulator.ignite("verify", data="a.b.c")["status"] == 501


class TestTrigger:
    def test_it_verifies_and_puts_right_what_the_site_lost(self, shop):
        shop.emulator.seed(6)
        shop.prepare(environment=settings())
        shop.synced()
        expected = shop.held()
        shop.emulator.empty_site()
        shop.checkout.call("apply", "--yes")
        with connected(shop) as running:
            assert shop.emulator.ignite("trigger", type="products")["status"] == 201
            wait_for(lambda: running.logged("triggered-run-ended"))
            assert "finished" in running.logged("triggered-run-ended")[0]["message"]
        assert shop.held().products == expected.products
        assert shop.checkout.call("sync", "status", "--format", "json").json["syncs"][0]["last_run"]["mode"] == "verify"

    def test_it_is_refused_while_one_is_wanted_or_runs(self, shop):
        shop.emulator.seed(6)
        shop.prepare(environment=settings())
        with connected(shop) as running:
            shop.emulator.traffic(latency=0.2)
            first = shop.emulator.ignite("trigger", type="products")
            second = shop.emulator.ignite("trigger", type="products")
            shop.emulator.traffic()
            wait_for(lambda: running.logged("triggered-run-ended"))
        assert (first["status"], second["status"]) == (201, 400)

    def test_it_waits_for_no_run_that_is_no_full_sync_and_the_next_one_verifies(self, shop, monkeypatch):
        monkeypatch.setattr(ignite_runs, "_LOCK_WAIT", 0.0)
        shop.prepare(environment=settings())
        shop.synced()
        with connected(shop) as running, Ledger.open(shop.checkout.ledger_url) as ledger:
            [served] = running.service.environments.values()
            [chosen] = IgniteSite(served.session, served.section.settings.ignite).syncs()
            store, config = ledger.store(chosen.sync.scope), chosen.sync.data.digest
            with store.lock("a watch"):
                store.runs.begin("incremental", config, "a watch", running.service.now(), walks=False, full=False)
                told = shop.emulator.ignite("trigger", type="products")
                assert told["status"] == 201, told
                wait_for(lambda: running.logged("triggered-run-waits"))
            assert not running.logged("triggered-run-failed")
        assert shop.run().json["mode"] == "verify"

    def test_configuration_is_compared_and_never_written(self, shop):
        shop.prepare(environment=settings())
        site = shop.emulator.site()
        shop.emulator.load_site({**site, "currency": "EUR"})
        shop.emulator.clear_requests()
        with connected(shop) as running:
            for kind in ("merchant", "customer_groups"):
                assert shop.emulator.ignite("trigger", type=kind)["status"] == 201
            wait_for(lambda: len(running.logged("ignite-compared")) == 2)
            told = {line["message"].partition(":")[0]: line for line in running.logged("ignite-compared")}
        assert told["merchant"]["differs"] == 1
        assert told["customer_groups"]["differs"] == 0
        writes = [each for each in shop.emulator.requests() if each["method"] != "GET" and "token" not in each["path"]]
        assert not writes

    def test_types_that_are_none_and_those_that_do_not_flow_say_so(self, shop):
        shop.prepare(environment=settings())
        with connected(shop) as running:
            assert shop.emulator.ignite("trigger", type="purchases")["status"] == 501
            assert ask(running, "POST", f"{BASE}/status/whatever").status == 404


def wait_for(what, seconds=30.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)
