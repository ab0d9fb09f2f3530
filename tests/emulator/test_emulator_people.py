from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from ordercloud.sync_client import SyncOrderCloudClient

from reconciler.emulator.testing import RunningEmulator

SHOP: dict[str, Any] = {
    "Objects": {
        "Buyers": [{"ID": "acme", "Name": "Acme", "Active": True}, {"ID": "bolt", "Name": "Bolt", "Active": True}],
        "Users": [
            {
                "ID": "jane",
                "BuyerID": "acme",
                "Username": "jane@acme.test",
                "Password": "correct horse",
                "FirstName": "Jane",
                "LastName": "Doe",
                "Email": "jane@acme.test",
                "Active": True,
            },
            {
                "ID": "rob",
                "BuyerID": "bolt",
                "Username": "rob@bolt.test",
                "Password": "battery",
                "FirstName": "Rob",
                "LastName": "Roe",
                "Email": "rob@bolt.test",
                "Active": True,
            },
        ],
    }
}
JANE = {"buyer": "acme", "user": "jane"}


@pytest.fixture
def shop(emulator: RunningEmulator) -> RunningEmulator:
    emulator.seed_with(SHOP)
    emulator.add_client("storefront", "", ["Shopper"], buyers=["acme"])
    return emulator


def ask(shop: RunningEmulator, **form: str) -> httpx.Response:
    return httpx.post(shop.ordercloud_auth_url, data={"client_id": "storefront", **form}, trust_env=False)


def log_in(shop: RunningEmulator, username: str, password: str, **form: str) -> httpx.Response:
    return ask(shop, grant_type="password", username=username, password=password, **form)


def get(shop: RunningEmulator, token: str, path: str = "me") -> httpx.Response:
    url = f"{shop.ordercloud_url}/{path}"
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["Errors"][0]["ErrorCode"])


def claims(token: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==="))
    return decoded


def admin(shop: RunningEmulator) -> httpx.Client:
    headers = {"Authorization": f"Bearer {shop.mint_token('emulator')}"}
    return httpx.Client(base_url=shop.ordercloud_url, headers=headers, trust_env=False)


def test_a_buyers_user_logs_in_with_a_password_and_me_says_who_it_is(shop: RunningEmulator) -> None:
    answer = log_in(shop, "Jane@Acme.test", "correct horse")
    assert answer.status_code == 200
    token = answer.json()["access_token"]
    found = claims(token)
    assert (found["usr"], found["cid"], found["usrtype"]) == ("jane@acme.test", "storefront", "buyer")
    assert not found.keys() & {"orderid", "imp"}
    me = get(shop, token).json()
    assert (me["ID"], me["Username"], me["Buyer"]["ID"], me["Supplier"]) == ("jane", "jane@acme.test", "acme", None)
    assert (me["Active"], me["AvailableRoles"]) == (True, ["Shopper"])
    assert "Password" not in me
    # A shopper is no administrator.
    assert get(shop, token, "buyers/acme/users").status_code == 403


@pytest.mark.parametrize(
    ("username", "password", "expected"),
    [
        ("jane@acme.test", "wrong", "Auth.InvalidUsernameOrPassword"),
        ("nobody", "correct horse", "Auth.InvalidUsernameOrPassword"),
        ("jane@acme.test", "", "Auth.UsernameAndPasswordRequired"),
        # Of a buyer that the client is not assigned to.
        ("rob@bolt.test", "battery", "Auth.InvalidUsernameOrPassword"),
    ],
)
def test_who_is_not_let_in_is_told_why_as_the_vendor_does(
    shop: RunningEmulator, username: str, password: str, expected: str
) -> None:
    answer = log_in(shop, username, password)
    assert (answer.status_code, code(answer)) == (400, expected)


def test_inactive_people_and_companies_do_not_log_in(shop: RunningEmulator) -> None:
    with admin(shop) as api:
        api.patch("buyers/acme", json={"Active": False})
        assert code(log_in(shop, "jane@acme.test", "correct horse")) == "Auth.CompanyNotActive"
        api.patch("buyers/acme/users/jane", json={"Active": False})
        assert code(log_in(shop, "jane@acme.test", "correct horse")) == "Auth.UserNotActive"


def test_a_password_follows_its_user_to_another_name_and_can_be_changed(shop: RunningEmulator) -> None:
    with admin(shop) as api:
        api.patch("buyers/acme/users/jane", json={"Username": "jd"})
        assert log_in(shop, "jd", "correct horse").status_code == 200
        assert log_in(shop, "jane@acme.test", "correct horse").status_code == 400
        shown = api.patch("buyers/acme/users/jane", json={"Password": "new"}).json()
        assert "Password" not in shown
        assert log_in(shop, "jd", "new").status_code == 200
        assert log_in(shop, "jd", "correct horse").status_code == 400
    held = json.dumps(shop.state(secrets=True))
    assert "correct horse" not in held
    shop.load(json.loads(held))
    assert log_in(shop, "jd", "new").status_code == 200


@pytest.mark.parametrize(("switch", "status"), [("refused", 401), ("answered", 200)])
def test_a_token_of_somebody_made_inactive_is_refused_or_not(shop: RunningEmulator, switch: str, status: int) -> None:
    shop.switch(inactive_user_token=switch)
    token = shop.mint_token("storefront", **JANE)
    with admin(shop) as api:
        api.patch("buyers/acme/users/jane", json={"Active": False})
        assert get(shop, token).status_code == status
        api.delete("buyers/acme/users/jane")
        assert get(shop, token).status_code == 401


def test_an_anonymous_shopper_has_the_default_users_profile_and_an_order(shop: RunningEmulator) -> None:
    shop.add_client("anonymous", "", ["FullAccess"], anonymous=True, default_user="jane@acme.test")
    token = ask(shop, grant_type="client_credentials", client_id="anonymous").json()["access_token"]
    assert claims(token)["orderid"]
    assert claims(token)["role"] == ["Shopper"]
    assert get(shop, token).json()["ID"] == "jane"


def test_an_admin_acts_for_a_shopper_with_a_token_that_says_so(shop: RunningEmulator) -> None:
    path = "buyers/acme/users/jane/accesstoken"
    with admin(shop) as api:
        token = api.post(path, json={"ClientID": "storefront", "Roles": ["Shopper"]}).json()["access_token"]
        found = claims(token)
        assert (found["usr"], found["cid"], bool(found["imp"])) == ("jane@acme.test", "storefront", True)
        assert get(shop, token).json()["ID"] == "jane"
        assert api.post(path, json={}).status_code == 400
        assert api.post(path, json={"ClientID": "nobody", "Roles": []}).status_code == 404
        asked = {"ClientID": "storefront", "Roles": ["Shopper"]}
        assert api.post("buyers/bolt/users/rob/accesstoken", json=asked).status_code == 404
    shopper = {"Authorization": f"Bearer {token}"}
    asked = httpx.post(f"{shop.ordercloud_url}/{path}", headers=shopper, json={"ClientID": "storefront"})
    assert asked.status_code == 403


def test_a_token_is_minted_for_anybody_without_a_login(shop: RunningEmulator) -> None:
    assert get(shop, shop.mint_token("storefront", username="rob@bolt.test")).json()["Buyer"]["ID"] == "bolt"
    assert claims(shop.mint_token("storefront", **JANE, anonymous=True))["orderid"]
    assert claims(shop.mint_token("storefront", **JANE, impersonated=True))["imp"]
    assert get(shop, shop.mint_token("storefront", **JANE, seconds=-1)).status_code == 401
    assert get(shop, shop.mint_token("emulator")).json()["Username"] == "emulator"
    for wrong in ({"buyer": "acme", "user": "nobody"}, {"username": "nobody"}, {"user": "jane"}):
        with pytest.raises(OSError, match="there is no such"):
            shop.mint_token("storefront", **wrong)


def test_a_refreshed_token_is_still_of_its_user(shop: RunningEmulator) -> None:
    shop.add_client("lasting", "", ["Shopper"], any_buyer=True, refresh_seconds=600)
    first = log_in(shop, "rob@bolt.test", "battery", client_id="lasting").json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "client_id": "lasting"}
    assert get(shop, ask(shop, **form).json()["access_token"]).json()["ID"] == "rob"


def test_a_second_marketplace_of_the_host_has_data_and_clients_of_its_own(shop: RunningEmulator) -> None:
    other = json.loads(json.dumps(SHOP).replace('"Acme"', '"Acme of the sandbox"'))
    shop.add_marketplace("sandbox", other)
    shop.add_client("sandbox-client", "s", marketplace="sandbox")
    form = {"grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": "s"}
    theirs = ask(shop, **form).json()["access_token"]
    ours = shop.mint_token("emulator")
    assert get(shop, theirs, "buyers/acme").json()["Name"] == "Acme of the sandbox"
    assert get(shop, ours, "buyers/acme").json()["Name"] == "Acme"
    # What one writes the other does not have.
    headers = {"Authorization": f"Bearer {theirs}"}
    httpx.post(f"{shop.ordercloud_url}/buyers", headers=headers, json={"Name": "New", "ID": "new"}, trust_env=False)
    assert get(shop, ours, "buyers/new").status_code == 404
    assert get(shop, theirs, "buyers/new").status_code == 200
    # The host answers the token of each: `/me` alone does not tell whose marketplace it is.
    jane = shop.mint_token("sandbox-client", marketplace="sandbox", **JANE)
    assert get(shop, jane).json()["ID"] == "jane"
    assert claims(jane)["cid"] == "sandbox-client"
    with pytest.raises(OSError, match="another marketplace"):
        shop.add_client("sandbox-client", "mine now")
    with pytest.raises(OSError, match="another marketplace"):
        shop.add_client("storefront", "", marketplace="sandbox")


def test_every_token_is_revoked_those_of_a_second_marketplace_too(shop: RunningEmulator) -> None:
    shop.add_marketplace("sandbox", SHOP)
    tokens = [shop.mint_token("emulator"), shop.mint_token("emulator", marketplace="sandbox")]
    shop.revoke_tokens()
    assert [code(get(shop, token)) for token in tokens] == ["Auth.TokenRevoked"] * 2


def test_users_that_a_restore_brings_log_in_as_in_production(shop: RunningEmulator) -> None:
    shop.add_marketplace("production", json.loads(json.dumps(SHOP).replace("correct horse", "of production")))
    shop.restore("production")
    assert log_in(shop, "jane@acme.test", "of production").status_code == 200
    assert log_in(shop, "jane@acme.test", "correct horse").status_code == 400


def test_a_second_marketplace_is_kept_in_a_dump_and_gone_after_a_reset(shop: RunningEmulator) -> None:
    shop.add_marketplace("sandbox", SHOP)
    shop.add_client("sandbox-client", "s", marketplace="sandbox")
    token = shop.mint_token("sandbox-client", marketplace="sandbox")
    held = shop.state(secrets=True)
    shop.reset()
    assert get(shop, token, "buyers/acme").status_code == 401
    shop.load(held)
    assert get(shop, token, "buyers/acme").status_code == 200


def test_the_vendors_models_fit_what_the_emulator_answers(shop: RunningEmulator) -> None:
    """A third party's SDK, generated from the vendor's specification, reads every member."""
    auth = {"base_url": shop.ordercloud_url, "auth_url": shop.ordercloud_auth_url}
    with SyncOrderCloudClient.create(client_id="emulator", client_secret="emulator", **auth) as client:
        assert client.me.get().username == "emulator"
        token = client.users.get_access_token("acme", "jane", {"ClientID": "storefront", "Roles": ["Shopper"]})
        assert get(shop, token.access_token or "").json()["ID"] == "jane"
        hook = {"ID": "h", "Name": "H", "Url": "http://127.0.0.1:1", "ApiClientIDs": ["emulator"], "ElevatedRoles": []}
        routes = [{"Route": "v1/integrations/productsync", "Verb": "PATCH"}]
        made = client.webhooks.create({**hook, "WebhookRoutes": routes})
        assert (made.id, made.api_client_i_ds) == ("h", ["emulator"])
        assert [each.id for each in client.webhooks.list().items] == ["h"]
