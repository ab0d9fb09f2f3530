from __future__ import annotations

import base64
import json
from collections.abc import Callable

import httpx
import pytest

from reconciler.emulator.app import new_state
from reconciler.emulator.switches import Switches
from reconciler.emulator.testing import RunningEmulator
from reconciler.emulator.traffic import TrafficSetting
from reconciler.emulator.wire import Request
from support.emulator_contract import Contract

Login = Callable[..., httpx.Response]


def bearer(emulator: RunningEmulator, token: str, path: str = "integrations/deliveryconfig") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(f"{emulator.ordercloud_url}/{path}", headers=headers, trust_env=False)


def first_error(response: httpx.Response) -> str:
    return str(response.json()["Errors"][0]["ErrorCode"])


def test_the_client_emulator_may_do_everything(emulator: RunningEmulator, login: Login) -> None:
    body = login(emulator).json()
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 35_999
    assert body["refresh_token"] is None
    claims = body["access_token"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "==="))["role"] == ["FullAccess"]
    for path in ("deliveryconfig", "productsync", "OrderSync", "ErrorConfig", "entitysync/buyers"):
        assert bearer(emulator, body["access_token"], f"integrations/{path}").status_code in (200, 404)


def test_token_answers_are_as_the_contract_has_them(
    emulator: RunningEmulator, login: Login, contract: Contract
) -> None:
    contract.check(login(emulator))
    contract.check(login(emulator, secret="wrong"))
    contract.check(login(emulator, scope="NoSuchRole", grant_type="other"))
    for token in ("", login(emulator, scope="CatalogReader").json()["access_token"]):
        contract.check(bearer(emulator, token))


def test_every_configuration_operation_of_the_contract_is_there(contract: Contract) -> None:
    room = new_state(Switches(), TrafficSetting()).rooms["ordercloud"]
    operations = [
        (method.upper(), path)
        for path, methods in contract.document["paths"].items()
        for method in methods
        if path.startswith("/integrations/") and method in ("get", "put", "post", "patch", "delete")
    ]
    assert len(operations) == 65
    for method, path in operations:
        request = Request(method, ["ordercloud", "v1", *path.strip("/").split("/")])
        assert room.answer(request).status == 401, (method, path)


@pytest.mark.parametrize(("client", "secret"), [("emulator", "wrong"), ("nobody", "emulator"), ("emulator", "")])
def test_wrong_credentials_are_refused(emulator: RunningEmulator, login: Login, client: str, secret: str) -> None:
    answer = login(emulator, client, secret)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.json()["error_description"]
    assert first_error(answer) == "Auth.OauthError"


def test_other_grants_and_inactive_clients_are_refused(emulator: RunningEmulator, login: Login) -> None:
    assert login(emulator, grant_type="implicit").json()["error"] == "unsupported_grant_type"
    emulator.add_client("off", "s", active=False)
    assert first_error(login(emulator, "off", "s")) == "Auth.ClientNotActive"


def test_a_missing_role_is_named(emulator: RunningEmulator, login: Login) -> None:
    emulator.add_client("narrow", "s", ["ProductSyncConfigAdmin"])
    token = login(emulator, "narrow", "s").json()["access_token"]
    assert bearer(emulator, token, "integrations/productsync").status_code == 404
    refused = bearer(emulator, token)
    assert refused.status_code == 403
    assert first_error(refused) == "Auth.InsufficientRoles"
    assert refused.json()["Errors"][0]["Data"] == ["DeliveryConfigAdmin"]


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("deliveryconfig", "DeliveryConfigAdmin"),
        ("productsync", "ProductSyncConfigAdmin"),
        ("OrderSync", "OrderSyncConfigAdmin"),
        ("ErrorConfig", "ErrorConfigAdmin"),
        ("entitysync/suppliers/users", "EntitySyncConfigAdmin"),
    ],
)
def test_scope_narrows_the_roles(emulator: RunningEmulator, login: Login, path: str, role: str) -> None:
    only = login(emulator, scope=role).json()["access_token"]
    other = login(emulator, scope="CatalogReader").json()["access_token"]
    assert bearer(emulator, only, f"integrations/{path}").status_code in (200, 404)
    assert bearer(emulator, other, f"integrations/{path}").json()["Errors"][0]["Data"] == [role]


def test_scope_grants_no_role_that_the_client_lacks(emulator: RunningEmulator, login: Login) -> None:
    emulator.add_client("narrow", "s", ["ProductSyncConfigAdmin"])
    token = login(emulator, "narrow", "s", scope="ProductSyncConfigAdmin DeliveryConfigAdmin").json()["access_token"]
    assert bearer(emulator, token).status_code == 403
    refused = login(emulator, "narrow", "s", scope="FullAccess")
    assert first_error(refused) == "Auth.InsufficientRoles"


def test_tokens_expire_by_the_emulators_clock(emulator: RunningEmulator, login: Login) -> None:
    emulator.add_client("short", "s", token_seconds=60)
    emulator.clock(frozen=True)
    token = login(emulator, "short", "s").json()["access_token"]
    emulator.clock(advance=59)
    assert bearer(emulator, token).status_code == 200
    emulator.clock(advance=1)
    assert bearer(emulator, token).status_code == 401


def test_revoked_and_invented_tokens_are_refused(emulator: RunningEmulator, login: Login) -> None:
    token = login(emulator).json()["access_token"]
    emulator.revoke_tokens()
    assert first_error(bearer(emulator, token)) == "Auth.TokenRevoked"
    assert first_error(bearer(emulator, "invented")) == "InvalidToken"
    assert first_error(bearer(emulator, "")) == "InvalidToken"
    assert bearer(emulator, login(emulator).json()["access_token"]).status_code == 200


def test_refresh_token_is_given_only_to_clients_that_have_a_lifetime_for_it(
    emulator: RunningEmulator, login: Login
) -> None:
    emulator.add_client("refreshing", "s", ["ProductSyncConfigAdmin"], refresh_seconds=600)
    held = login(emulator, "refreshing", "s").json()["refresh_token"]
    again = login(emulator, "refreshing", "", grant_type="refresh_token", refresh_token=held)
    assert bearer(emulator, again.json()["access_token"], "integrations/productsync").status_code == 404
    assert login(emulator, grant_type="refresh_token", refresh_token=held).status_code == 400
    emulator.clock(advance=601)
    late = login(emulator, "refreshing", "", grant_type="refresh_token", refresh_token=held)
    assert late.json()["error"] == "invalid_grant"
