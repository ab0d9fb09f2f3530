"""OrderCloud's webhooks on its configuration, and the portal's after a restore, over real HTTP from the emulator."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reconciler.ledger.reader import read_memory
from reconciler.serve import loops
from support.checkout import Checkout, document, http_config, wait_until
from support.service import Answered, Running, serving

KEY, OLD_KEY = "key-of-the-webhook", "key-of-last-month"
SYNC = {"deliveryConfig": "hook", "syncProductChanged": True, "syncProductDeleted": True}
CONFIGURATION, RESTORED = "/webhooks/configuration", "/webhooks/restored"
HOOK = {
    "Route": "v1/integrations/productsync",
    "RouteParams": {},
    "Verb": "PATCH",
    "UserToken": "a.eyJ1c3IiOiAiamFuZSJ9.c",
    "Request": {"Body": {"Secret": "sup3rs3cret"}},
    "Response": {"Body": {}},
    "Date": "2026-11-29T14:05:39.6504645+00:00",
}


@pytest.fixture
def shop(checkout: Checkout) -> Checkout:
    """A checkout whose manifests are live, and whose service takes webhooks."""
    service = {"webhooks": {"secrets": [KEY, OLD_KEY]}}
    checkout.write("environment.yaml", checkout.environment(service=service))
    checkout.write("shop.yaml", http_config("hook"), document("ProductSync", "products", SYNC))
    checkout.applied()
    return checkout


@pytest.fixture
def running(shop: Checkout) -> Iterator[Running]:
    with serving(shop) as service:
        yield service


def signature(body: bytes, key: str = KEY) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def send(running: Running, body: Any = HOOK, path: str = CONFIGURATION, **headers: str) -> Answered:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return running.ask("POST", path, content, {"X-oc-hash": signature(content), **headers})


def moves(shop: Checkout) -> list[tuple[str, str, str, bool]]:
    memory = read_memory(shop.ledger_url, "test", [shop.emulator.ordercloud_url])
    found = memory.moves.get(shop.emulator.ordercloud_url, ())
    return [(move.path, move.verb, move.by, move.ours) for move in found]


def hook_at(shop: Checkout, url: str, **more: Any) -> None:
    """Register a webhook as somebody would, for the portal's client and for our own."""
    routes = [
        *({"Route": "v1/integrations/productsync", "Verb": verb} for verb in ("PUT", "PATCH", "DELETE")),
        *({"Route": "v1/integrations/deliveryconfig/{deliveryConfigID}", "Verb": verb} for verb in ("PATCH", "DELETE")),
    ]
    body = {"Name": "H", "Url": url, "HashKey": KEY, "ApiClientIDs": ["portal", "emulator"], "WebhookRoutes": routes}
    assert as_client(shop, "emulator", "POST", "webhooks", body | more).status_code == 201


def as_client(shop: Checkout, client: str, method: str, path: str, body: Any, **whose: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {shop.emulator.mint_token(client, **whose)}"}
    return httpx.request(method, f"{shop.emulator.ordercloud_url}/{path}", headers=headers, json=body, trust_env=False)


def jane(shop: Checkout) -> None:
    user = {"FirstName": "J", "LastName": "D", "Email": "j@acme.test", "Active": True, "Username": "jane@acme.test"}
    assert as_client(shop, "emulator", "PUT", "adminusers/jane", user).is_success
    shop.emulator.add_client("portal", "p", user_roles=["FullAccess"])


def settled(shop: Checkout) -> None:
    wait_until(lambda: shop.emulator.control("GET", "webhooks/pending")["underWay"] == 0)


def test_drift_and_plan_say_who_moved_live_and_know_our_own_applies(shop: Checkout, running: Running) -> None:
    jane(shop)
    hook_at(shop, f"{running.url}{CONFIGURATION}")
    answer = as_client(shop, "portal", "PATCH", "integrations/productsync", {"Paused": True}, username="jane@acme.test")
    assert answer.is_success
    settled(shop)
    assert moves(shop) == [("integrations/productsync", "PATCH", "jane@acme.test", False)]
    # A lease of ours moves it as well, and is no riddle.
    told = shop.call("drift")
    words = " ".join(told.stdout.split())
    assert "live moved: jane@acme.test, " in words, str(told)
    assert ", PATCH productsync" in words
    assert "and who wrote it last is jane@acme.test" in words
    assert "live moved: jane@acme.test, " in " ".join(shop.call("plan").stdout.split())
    shop.applied()
    settled(shop)
    assert moves(shop)[0] == ("integrations/productsync", "PATCH", "emulator", True)
    # Whom no webhook covers: somebody with a client that it does not name.
    shop.emulator.add_client("script", "s")
    as_client(shop, "script", "PATCH", "integrations/deliveryconfig/hook", {"Name": "Other"})
    settled(shop)
    words = " ".join(shop.call("drift").stdout.split())
    assert "live moved by unknown: no webhook told of it" in words
    assert "jane" not in words


def test_without_webhooks_nothing_is_said_of_who_moved(checkout: Checkout) -> None:
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("shop.yaml", http_config("hook"))
    checkout.applied()
    checkout.change_live(lambda live: live["deliveryConfigs"]["hook"].update(Name="Other"))
    told = checkout.call("drift")
    assert "live moved" in told.stdout
    assert "unknown" not in told.stdout


def test_nothing_of_a_body_or_a_token_is_kept_or_logged(shop: Checkout, running: Running) -> None:
    jane(shop)
    hook_at(shop, f"{running.url}{CONFIGURATION}")
    targets = {"Http": {"Endpoint": "https://hooks.example.com/hook", "Secret": "sup3rs3cret-of-jane"}}
    token = shop.emulator.mint_token("portal", username="jane@acme.test")
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{shop.emulator.ordercloud_url}/integrations/deliveryconfig/hook"
    assert httpx.patch(url, headers=headers, json={"DeliveryTargets": targets}, trust_env=False).is_success
    settled(shop)
    assert len(moves(shop)) == 1
    kept = b"".join(path.read_bytes() for path in shop.folder.glob("ledger.db*")) + "\n".join(running.lines).encode()
    for secret in (b"sup3rs3cret-of-jane", token.encode(), token.split(".")[2].encode()):
        assert secret not in kept


@pytest.mark.parametrize(
    "header",
    [{}, {"X-oc-hash": ""}, {"X-oc-hash": "AAAA"}, {"X-oc-hash": "\x80"}, {"X-oc-hash": signature(b"{}")}],
)
def test_what_no_secret_signed_is_refused_before_it_is_read(
    shop: Checkout, running: Running, header: dict[str, str]
) -> None:
    for path in (CONFIGURATION, RESTORED):
        for body in (json.dumps(HOOK).encode(), b"[" * 100_000):
            assert running.ask("POST", path, body, header).status == 401
    assert moves(shop) == []
    assert read_memory(shop.ledger_url, "test", [shop.emulator.ordercloud_url]).restored_at is None


def test_the_secret_of_last_month_holds_while_it_is_rotated_and_an_older_one_does_not(
    shop: Checkout, running: Running
) -> None:
    body = json.dumps(HOOK).encode()
    for key, status in ((KEY, 200), (OLD_KEY, 200), ("key-of-last-year", 401), ("", 401)):
        assert running.ask("POST", CONFIGURATION, body, {"X-oc-hash": signature(body, key)}).status == status


def test_a_replay_changes_nothing(shop: Checkout, running: Running) -> None:
    for _ in range(3):
        assert send(running).json == {"proceed": True}
    assert moves(shop) == [("integrations/productsync", "PATCH", "jane", False)]
    assert len(running.logged("configuration-moved")) == 1
    # By the name of the environment too, as where there are several.
    assert send(running, path="/test/webhooks/configuration").status == 200
    counted = running.get("/metrics").text
    for outcome, count in (("taken", 1), ("known", 3)):
        line = f'reconciler_webhooks_total{{environment="test",hook="configuration",outcome="{outcome}"}} {count}.0'
        assert line in counted


def test_what_is_hostile_is_refused_or_kept_harmlessly(shop: Checkout, running: Running) -> None:
    assert running.ask("POST", CONFIGURATION, b"x" * 1_100_000, {"X-oc-hash": "AAAA"}).status == 413
    for body in (b"[" * 100_000, b"\xff", b"{}", json.dumps({**HOOK, "Date": "x"}).encode()):
        assert send(running, body).status == 400
    name = json.dumps({"usr": "\x1b[2J\u202e\0@everyone <b>\ud800", "cid": "x"}).encode()
    claimed = base64.urlsafe_b64encode(name).decode().rstrip("=")
    odd = {**HOOK, "UserToken": f"a.{claimed}.c", "RouteParams": {"deliveryConfigID": "\0\x1b[2J"}}
    odd["Route"] = "v1/integrations/deliveryconfig/{deliveryConfigID}"
    assert send(running, odd).status == 200
    (path, _, by, _) = moves(shop)[0]
    assert (path.isprintable(), by.isprintable()) == (True, True)
    assert running.get("/healthz").status == 200
    assert not running.logged("request-failed")
    assert running.get(CONFIGURATION).status == 405
    assert running.ask("POST", "/other/webhooks/configuration", b"{}", {"X-oc-hash": "A"}).status == 404


def test_a_pre_hook_by_mistake_locks_nobody_out(shop: Checkout, running: Running) -> None:
    hook_at(shop, f"{running.url}{CONFIGURATION}", BeforeProcessRequest=True)
    assert as_client(shop, "emulator", "PATCH", "integrations/productsync", {"Paused": True}).is_success
    assert moves(shop) == []


def test_after_a_restore_secrets_count_as_unknown_at_once(shop: Checkout, running: Running) -> None:
    assert shop.pending() == []
    shop.emulator.tell_of_restores(f"{running.url}{RESTORED}", KEY)
    assert shop.emulator.restore() == {"webhook": {"status": 200, "error": None}}
    assert shop.pending() == ["update DeliveryConfig/hook"]
    words = " ".join(shop.call("drift").stdout.split())
    assert "live was restored from production" in words
    shop.applied()
    assert shop.live()["deliveryConfigs"]["hook"]["DeliveryTargets"]["Http"]["Secret"] == "signing-key"
    assert shop.pending() == []


def test_an_environment_that_names_no_webhooks_takes_none(checkout: Checkout) -> None:
    checkout.write("environment.yaml", checkout.environment(service={}))
    with serving(checkout) as running:
        assert send(running).status == 404


def test_after_a_restore_the_drift_loop_looks_at_once(shop: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "LOOK_SECONDS", 0.1)
    service = {"webhooks": {"secrets": [KEY]}, "loops": ["drift"], "driftInterval": "1d"}
    shop.write("environment.yaml", shop.environment(service=service))
    with serving(shop, works=True) as running:
        wait_until(lambda: len(running.logged("drift-checked")) == 1)
        assert running.logged("drift-checked")[0]["drifted"] == 0
        shop.emulator.tell_of_restores(f"{running.url}{RESTORED}", KEY)
        shop.emulator.restore()
        wait_until(lambda: len(running.logged("drift-checked")) == 2)
        assert running.logged("drift-checked")[1]["drifted"] == 1
        # Once, and then by the interval again.
        time.sleep(0.5)
        assert len(running.logged("drift-checked")) == 2
