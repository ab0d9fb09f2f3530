"""SparkLayer calls the service as its Ignite integration; the emulated SparkLayer does the calling."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager

import pytest

from reconciler.app.ignite.keys import KEY
from reconciler.serve.routes import ignite
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


class TestGuards:
    @pytest.fixture
    def running(self, shop):
        shop.write_manifests(environment=settings())
        with serving(shop.checkout) as running:
            yield running

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", BASE),
            ("DELETE", BASE),
            ("POST", f"{BASE}/status/products"),
            ("GET", f"{BASE}/sync/products"),
            ("POST", f"{BASE}/sync/products/p1"),
            ("GET", f"{BASE}/metafield-configuration"),
            ("POST", f"{BASE}/authentication/verify"),
            ("POST", f"{BASE}/checkout/complete"),
            ("GET", "/ignite/v1/live/another"),
        ],
    )
    def test_nobody_is_answered_without_the_token(self, running, method, path):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            answer = running.ask(method, path, "{}", headers)
            assert answer.status == 401
            assert TOKEN not in answer.text

    @pytest.mark.parametrize("path", ["/ignite/v1/test/demo", "/ignite/v1/live/another", "/ignite/v1/live/DEMO"])
    def test_a_site_that_is_not_the_environments_is_unknown(self, running, path):
        assert ask(running, "POST", path, {}).status == 404
        assert ask(running, "GET", f"{path}/sync/products").status == 404

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/checkout/calculate"),
            ("POST", "/checkout/complete"),
            ("PUT", "/customers"),
            ("POST", "/sub-accounts"),
            ("DELETE", "/sub-accounts/a.b"),
            ("POST", "/customers/a.b/addresses"),
            ("PUT", "/addresses/a.b.c"),
            ("DELETE", "/addresses/a.b.c"),
            ("GET", "/whatever/there/may/be"),
            ("GET", ""),
        ],
    )
    def test_what_is_not_here_says_so_in_json(self, running, method, path):
        answer = ask(running, method, f"{BASE}{path}", {})
        assert (answer.status, answer.json["title"]) == (501, "not here")

    def test_an_allow_list_and_a_token_have_to_agree(self, shop):
        shop.write_manifests(environment=settings(allow=["192.0.2.0/24"]))
        with serving(shop.checkout) as running:
            assert ask(running, "GET", f"{BASE}/metafield-configuration").status == 401
        shop.write_manifests(environment=settings(allow=["127.0.0.0/8"]))
        with serving(shop.checkout) as running:
            assert ask(running, "GET", f"{BASE}/metafield-configuration").status == 200
            assert running.get(f"{BASE}/metafield-configuration").status == 401

    @pytest.mark.parametrize("body", ["", "[]", "{", '{"data": 7}', '{"store_id": "a"}', "\ud800", "[" * 5_000])
    def test_bodies_that_are_none_are_refused_and_tell_nothing(self, shop, body):
        shop.write_manifests(environment=settings(), customers={})
        with serving(shop.checkout) as running:
            raw = body.encode("utf-8", "surrogatepass")
            for path in ("", "/authentication/verify"):
                answer = running.ask("POST", f"{BASE}{path}", raw, {"Authorization": f"Bearer {TOKEN}"})
                assert answer.status == 400, answer.text
            assert not running.logged("request-failed")


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
        assert "handed over no credentials" in ended.stderr

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
            # Once more, and without credentials there is nothing left to do.
            assert shop.emulator.ignite("disconnect")["status"] == 204

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

    def test_a_reconnect_believes_nothing_of_what_was_written_before(self, shop):
        shop.emulator.seed(6)
        shop.prepare(environment=settings())
        with connected(shop):
            shop.emulator.ignite("connect")
            shop.synced()
            shop.emulator.ignite("disconnect")
            assert shop.emulator.ignite("connect")["status"] == 204
        assert shop.synced()["records"]["written"] > 0
