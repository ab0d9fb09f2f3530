"""What is refused: its exit status, a message that names the next step, and nothing changed anywhere."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.reconcile.guard import RULES
from support.checkout import Checkout, document, entity_sync, http_config, wait_until

COMMANDS = (("plan",), ("apply", "--yes"), ("drift",), ("import",))
ROLES = ["DeliveryConfigAdmin", "ProductSyncConfigAdmin", "OrderSyncConfigAdmin", "ErrorConfigAdmin"]


@pytest.fixture
def shop(checkout: Checkout) -> Checkout:
    """Return a checkout whose manifests are live: a hook, and two syncs that use it."""
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("shop.yaml", http_config("hook"), entity_sync("buyers", "hook"), entity_sync("catalogs", "hook"))
    checkout.applied()
    return checkout


def refused(checkout: Checkout, *words: str, status: int, says: str, next_step: str) -> None:
    """Run a command that is to be refused, and hold what it leaves against what was there."""
    with checkout.unchanged():
        ended = checkout.call(*words)
    told = " ".join(ended.stderr.split())
    assert ended.status == status, str(ended)
    assert says in told, str(ended)
    assert next_step in told, str(ended)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_manifest_folder(shop: Checkout, command: tuple[str, ...]) -> None:
    shop.clear()
    refused(shop, *command, status=1, says="unreadable-input", next_step="-m")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_manifest_folder(shop: Checkout, command: tuple[str, ...]) -> None:
    refused(shop, *command, "-m", "elsewhere", status=1, says="unreadable-input", next_step="-m")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_manifest_folder_that_cannot_be_read(shop: Checkout, command: tuple[str, ...]) -> None:
    (shop.folder / "file").write_bytes(b"\x80 is no YAML")
    refused(shop, *command, "-m", "file", status=1, says="error[", next_step="→")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(shop: Checkout) -> None:
    path = shop.write("closed.yaml", entity_sync("suppliers", "hook"))
    before = shop.live()
    path.chmod(0)
    ended = shop.call("apply", "--yes")
    path.chmod(0o600)
    assert ended.status == 1, str(ended)
    assert "closed.yaml" in ended.stderr
    assert shop.live() == before


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes"), ("drift",)])
def test_one_bad_manifest_stops_all(shop: Checkout, command: tuple[str, ...]) -> None:
    (shop.manifests / "bad.yaml").write_text("kind: [")
    refused(shop, *command, status=1, says="manifests/bad.yaml:2:1", next_step="reconciler validate")


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes"), ("drift",)])
def test_a_missing_variable(shop: Checkout, command: tuple[str, ...]) -> None:
    hook = http_config("hook")
    hook["spec"]["name"] = "${env:OC_CLIENT_ID}"
    shop.write("shop.yaml", hook)
    refused(shop, *command, status=1, says="${env:OC_CLIENT_ID} has no value", next_step="Set the environment variable")


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes")])
def test_a_secret_that_is_needed_and_unset(shop: Checkout, command: tuple[str, ...]) -> None:
    shop.write("more.yaml", http_config("more", "${secret:NOT_SET}"))
    refused(shop, *command, status=1, says="manifests/more.yaml:", next_step="Set it in the environment of this run")
    refused(shop, *command, status=1, says="${secret:NOT_SET}", next_step="--target")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("login_status", ["400", "401"])
def test_wrong_credentials(shop: Checkout, command: tuple[str, ...], login_status: str) -> None:
    shop.emulator.switch(login_status=login_status)
    shop.write("environment.yaml", shop.environment(ordercloud={"clientSecret": "wrong"}))
    refused(shop, *command, status=1, says="api-login-refused", next_step="clientSecret")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("body", ["listed", "mapped", "bare"])
@pytest.mark.parametrize("scope", ["narrowed", "refused"])
def test_a_missing_role(shop: Checkout, command: tuple[str, ...], body: str, scope: str) -> None:
    shop.emulator.switch(missing_role_body=body, scope_beyond_roles=scope)
    shop.emulator.add_client("few", "few", ROLES)
    shop.write("environment.yaml", shop.environment(ordercloud={"clientID": "few", "clientSecret": "few"}))
    refused(shop, *command, status=1, says="EntitySyncConfigAdmin", next_step="--target")


def test_a_target_leaves_out_what_the_missing_role_is_for(shop: Checkout) -> None:
    shop.emulator.add_client("few", "few", ROLES)
    shop.write("environment.yaml", shop.environment(ordercloud={"clientID": "few", "clientSecret": "few"}))
    shop.write("more.yaml", http_config("more"))
    ended = shop.call("apply", "--yes", "--target", "DeliveryConfig")
    assert ended.status == 0, str(ended)
    assert "more" in shop.live()["deliveryConfigs"]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unreachable_host(shop: Checkout, command: tuple[str, ...]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        connection = {"apiUrl": f"{url}/v1", "authUrl": f"{url}/token"}
        # Under its old name the ledger would know it as another place.
        shop.write("environment.yaml", shop.environment("elsewhere", ordercloud=connection))
        refused(shop, *command, status=1, says="api-unreachable", next_step="→")


@pytest.mark.parametrize("status", ["400", "409"])
def test_a_delivery_config_that_a_manifest_still_uses(shop: Checkout, status: str) -> None:
    shop.emulator.switch(in_use_delete_status=status)
    absent = document("DeliveryConfig", "hook", state="absent")
    shop.write("shop.yaml", absent, entity_sync("buyers", "hook"), entity_sync("catalogs", "hook"))
    refused(shop, "apply", "--yes", status=1, says="hook", next_step="reconciler validate")


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes")])
def test_a_delivery_config_that_something_unmanaged_uses(shop: Checkout, command: tuple[str, ...]) -> None:
    shop.write("shop.yaml", document("DeliveryConfig", "hook", state="absent"))
    with shop.unchanged():
        ended = shop.call(*command)
    assert ended.status == 3, str(ended)
    assert "EntitySync/buyers" in ended.stdout + ended.stderr
    assert "in-use" in ended.stdout + ended.stderr


Breaking = Callable[[Checkout], None]
HOOK = http_config("hook")
BOTH = (entity_sync("buyers", "hook"), entity_sync("catalogs", "hook"))
GONE = document("EntitySync", "catalogs", {"entity": "catalogs"}, state="absent")
SOON = {"until": "2076-01-01T00:00:00Z", "reason": "load"}


def breaking(*documents: Any, guardrails: dict[str, Any] | None = None, **environment: Any) -> Breaking:
    def _break(shop: Checkout) -> None:
        shop.write("environment.yaml", shop.environment(guardrails=guardrails or {}, **environment))
        shop.write("shop.yaml", *documents)

    return _break


def unheld_secret(shop: Checkout) -> None:
    """Somebody gave the hook a target that this version does not know; then its endpoint changes."""
    shop.change_live(lambda live: live["deliveryConfigs"]["hook"]["DeliveryTargets"].update(Novel={"Key": "k"}))
    moved = http_config("hook")
    moved["spec"]["deliveryTargets"]["http"]["endpoint"] = "https://elsewhere.example.com"
    shop.write("shop.yaml", moved, *BOTH)


def breaking_on_a_site(*documents: Any) -> Breaking:
    def _break(shop: Checkout) -> None:
        site = {
            "url": shop.emulator.sparklayer_url,
            "siteID": "demo",
            "clientID": "emulator",
            "clientSecret": "emulator",
        }
        breaking(HOOK, *BOTH, *documents, sparklayer=site)(shop)

    return _break


def frozen_currency(shop: Checkout) -> None:
    """The base currency is set, and then the manifest asks for another one."""
    breaking_on_a_site(document("Store", "store", {"baseCurrency": "GBP"}))(shop)
    assert shop.call("apply", "--yes").status == 0
    breaking_on_a_site(document("Store", "store", {"baseCurrency": "EUR"}))(shop)


BREACHES: dict[str, Breaking] = {
    "missing-reference": breaking_on_a_site(document("CustomerGroup", "g", {"name": "G", "parent": "nowhere"})),
    "unsupported": frozen_currency,
    "in-use": breaking(document("DeliveryConfig", "hook", state="absent")),
    "protect": breaking(
        HOOK,
        BOTH[0],
        document("EntitySync", "catalogs", {"entity": "catalogs"}, state="absent", metadata={"protect": True}),
    ),
    "loses-data": unheld_secret,
    "stopAll": breaking(
        HOOK,
        *(entity_sync(entity, "hook", pause=True) for entity in ("buyers", "catalogs")),
        guardrails={"stopAll": "forbid"},
    ),
    "maxDeletes": breaking(
        HOOK,
        BOTH[0],
        document("EntitySync", "catalogs", {"entity": "catalogs"}, state="absent"),
        guardrails={"maxDeletes": 0},
    ),
    "maxChanges": breaking(http_config("hook", enabled=False), *BOTH, guardrails={"maxChanges": 0}),
    "requirePauseEnd": breaking(
        HOOK, BOTH[0], entity_sync("catalogs", "hook", pause=True), guardrails={"requirePauseEnd": True}
    ),
    "maxPause": breaking(HOOK, BOTH[0], entity_sync("catalogs", "hook", pause=SOON), guardrails={"maxPause": "1d"}),
    # A literal host would be refused by validate already.
    "targetHosts": breaking(
        document(
            "DeliveryConfig",
            "hook",
            {"name": "hook", "deliveryTargets": {"cosmosDb": {"connectionString": "${secret:CONNECTION}"}}},
        ),
        *BOTH,
        targetHosts=["*.example.com"],
    ),
    "literalSecrets": breaking(http_config("hook", "another"), *BOTH, guardrails={"literalSecrets": "forbid"}),
}
FIXED = {"in-use", "protect", "missing-reference", "unsupported"}


def test_every_guardrail_is_tried_here() -> None:
    assert BREACHES.keys() == RULES.keys()


@pytest.mark.parametrize("rule", BREACHES)
def test_each_guardrail_refuses(shop: Checkout, rule: str) -> None:
    shop.variables["CONNECTION"] = "AccountEndpoint=https://evil.invalid:443/;AccountKey=k"
    BREACHES[rule](shop)
    for command in (("plan",), ("apply", "--yes")):
        with shop.unchanged():
            ended = shop.call(*command)
        told = ended.stdout + ended.stderr
        assert ended.status == 3, str(ended)
        assert rule in told, str(ended)
        assert (f"--override {rule}" in " ".join(told.split())) == (rule not in FIXED), str(ended)


@pytest.mark.parametrize("rule", BREACHES)
def test_each_guardrail_can_be_overridden_once_with_a_reason_or_never(shop: Checkout, rule: str) -> None:
    shop.variables["CONNECTION"] = "AccountEndpoint=https://evil.invalid:443/;AccountKey=k"
    BREACHES[rule](shop)
    with shop.unchanged():
        assert shop.call("apply", "--yes", "--override", rule).status == 64
    if rule in FIXED:
        with shop.unchanged():
            assert shop.call("apply", "--yes", "--override", rule, "--reason", "I know").status == 64
        return
    ended = shop.call("apply", "--yes", "--override", rule, "--reason", "I know")
    assert ended.status == 0, str(ended)
    assert shop.writes()
    assert "I know" in shop.call("ledger", "show").stdout


def test_the_age_of_a_plan_is_a_guardrail_too(shop: Checkout) -> None:
    shop.write("environment.yaml", shop.environment(guardrails={"maxPlanAge": "1s"}))
    shop.write("more.yaml", http_config("more"))
    assert shop.call("plan", "--save", "plan.json").status == 0
    # A name that is wrong keeps it from being applied until it is too old.
    wait_until(lambda: shop.call("apply", "plan.json", "-e", "wrong").status == 4)
    refused(shop, "apply", "plan.json", status=4, says="stale-plan", next_step="Plan again")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plan", "--exitcode"), "--exit-code"),
        (("plann",), "plan"),
        (("plan", "--format", "yaml"), "markdown"),
        (("plan", "--target", "EntitySync/nothing"), "names no manifest"),
        (("plan", "--target", "Entity"), "names no manifest"),
        (("plan", "--override", "maxDeletez", "--reason", "x"), "maxDeletes"),
        (("plan", "--override", "maxDeletes"), "--reason"),
        (("plan", "--reason", "x"), "--override"),
        (("apply",), "--yes"),
        (("apply", "plan.json", "--resume"), "leave it out to apply the file"),
        (("apply", "--yes", "--lock-wait", "-1"), "--lock-wait"),
        (("drift", "--format", "sarif"), "markdown"),
        (("drift", "--adopt", "EntitySync/nothing"), "has not drifted"),
        (("drift", "snooze", "nothing", "--for", "1d", "--reason", "x"), "KIND/NAME"),
        (("drift", "snooze", "EntitySync/buyers", "--for", "tomorrow", "--reason", "x"), "30m, 2h or 7d"),
        (("drift", "snooze", "EntitySync/buyers", "--for", "1d"), "--reason"),
        (("import", "--into"), "--into"),
        (("ledger", "unlock", "--forced"), "--force"),
        ((), "Usage"),
    ],
)
def test_a_mistyped_command_line(shop: Checkout, words: tuple[str, ...], says: str) -> None:
    with shop.unchanged():
        ended = shop.call(*words)
    assert ended.status == 64, str(ended)
    assert says in " ".join((ended.stdout + ended.stderr).split()), str(ended)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_mistyped_environment(shop: Checkout, command: tuple[str, ...]) -> None:
    with shop.unchanged():
        ended = shop.call(*command, "-e", "tset")
    assert ended.status == 64, str(ended)
    assert "test" in ended.stderr
