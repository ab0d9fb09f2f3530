"""Whoever logs in at SparkLayer with an OrderCloud token is that buyer's user, of our marketplace and storefront.

A forged or borrowed token is a login to somebody else's prices.
"""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime

import pytest

from reconciler.app.ignite.verify import verified_customer
from reconciler.errors import ApiError
from reconciler.manifest.connection import Connection
from reconciler.ordercloud.claims import LONGEST_TOKEN
from reconciler.ordercloud.identity import claims_of
from reconciler.secret import Secret
from reconciler.sparklayer.kinds.data_sync.expressions import Expression
from reconciler.sync.customers.settings import CustomerSettings

JANE = {"buyer": "acme", "user": "jane"}
BUYERS = [{"ID": "acme", "Name": "Acme", "Active": True}, {"ID": "bolt", "Name": "Bolt", "Active": True}]


def _user(own, buyer="acme", **members):
    name = f"{own}@{buyer}.test"
    plain = {"FirstName": own, "LastName": "Doe", "Email": name, "Active": True}
    return {"ID": own, "BuyerID": buyer, "Username": name, **plain, **members}


SHOP = {"Objects": {"Buyers": BUYERS, "Users": [_user("jane"), _user("rob", "bolt"), _user("ida", Active=False)]}}


@pytest.fixture
def shop(emulator):
    emulator.seed_with(SHOP)
    emulator.add_client("storefront", "", ["Shopper"], buyers=["acme", "bolt"])
    emulator.add_client("elsewhere", "", ["Shopper"], any_buyer=True)
    return emulator


def verify(shop, token, settings=None, now=None):
    secret = Secret("(literal)", lambda: shop.client_secret)
    connection = Connection(
        "ordercloud", shop.ordercloud_url, shop.ordercloud_auth_url, shop.client_id, secret, requests_per_second=500
    )
    moment = now or datetime.now(UTC)
    asked = verified_customer(connection, settings or CustomerSettings(), ["another", "storefront"], token, moment)
    return asyncio.run(asked)


def _part(data):
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def _changed(token, *, header=None, **claims):
    first, second, signature = token.split(".")
    before = json.loads(base64.urlsafe_b64decode(second + "==="))
    return ".".join([first if header is None else _part(header), _part({**before, **claims}), signature])


def test_a_buyers_user_of_the_storefront_is_the_customer_that_flows(shop):
    assert verify(shop, shop.mint_token("storefront", **JANE)) == "acme.jane"


def test_the_token_is_in_no_request_but_the_one_that_asks_whose_it_is(shop):
    token = shop.mint_token("storefront", **JANE)
    shop.keep_bodies("*")
    verify(shop, token)
    assert token not in json.dumps(shop.requests())
    assert [each["path"] for each in shop.requests() if each["path"].endswith("/me")] == ["/ordercloud/v1/me"]


REFUSED = {
    "asked for by another client": lambda shop: shop.mint_token("elsewhere", **JANE),
    "of the integration itself": lambda shop: shop.mint_token("emulator"),
    "of an admin user by the storefront": lambda shop: shop.mint_token("storefront"),
    "anonymous": lambda shop: shop.mint_token("storefront", **JANE, anonymous=True),
    "impersonated": lambda shop: shop.mint_token("storefront", **JANE, impersonated=True),
    "expired": lambda shop: shop.mint_token("storefront", **JANE, seconds=-1),
    "without a signature": lambda shop: shop.mint_token("storefront", **JANE).rpartition(".")[0] + ".",
    "of an algorithm that signs nothing": lambda shop: _changed(
        shop.mint_token("storefront", **JANE), header={"alg": "none", "typ": "JWT"}
    ),
    "of another user by changed claims": lambda shop: _changed(
        shop.mint_token("storefront", buyer="bolt", user="rob"), usr="jane@acme.test"
    ),
    "of another client by changed claims": lambda shop: _changed(
        shop.mint_token("elsewhere", **JANE), cid="storefront"
    ),
    "longer than any": lambda shop: shop.mint_token("storefront", **JANE) + "a" * LONGEST_TOKEN,
    "no token at all": lambda shop: "jane@acme.test",
    "empty": lambda shop: "",
    "with what no header takes": lambda shop: shop.mint_token("storefront", **JANE) + "\r\nx: y",
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_a_token_opens_nothing_that_is(shop, make):
    assert verify(shop, make(shop)) is None


@pytest.mark.parametrize("answered", ["refused", "answered"])
def test_an_inactive_user_opens_nothing_whatever_the_api_says_to_its_token(shop, answered):
    shop.switch(inactive_user_token=answered)
    assert verify(shop, shop.mint_token("storefront", buyer="acme", user="ida")) is None


@pytest.mark.parametrize(
    "settings",
    [CustomerSettings(buyers=("bolt",)), CustomerSettings(where=Expression("ID != 'jane'"))],
    ids=["buyers", "where"],
)
def test_a_user_who_does_not_flow_opens_nothing(shop, settings):
    assert verify(shop, shop.mint_token("storefront", **JANE), settings) is None


def test_a_free_sandbox_of_the_same_host_opens_nothing_though_the_host_accepts_its_tokens(shop):
    shop.add_marketplace("sandbox", SHOP)
    shop.add_client("theirs", "", ["Shopper"], buyers=["acme"], marketplace="sandbox")
    token = shop.mint_token("theirs", "sandbox", **JANE)
    assert verify(shop, token) is None
    assert verify(shop, _changed(token, cid="storefront")) is None


def test_a_user_of_that_name_whom_our_own_credentials_do_not_find_opens_nothing(shop):
    token = shop.mint_token("storefront", **JANE)
    shop.fault("status", method="GET", path="/ordercloud/v1/buyers/acme/users/jane", status=404, count=None)
    assert verify(shop, token) is None


def test_where_ordercloud_cannot_say_nobody_is_let_in(shop):
    token = shop.mint_token("storefront", **JANE)
    shop.fault("status", method="GET", path="/ordercloud/v1/me", status=500, count=None)
    with pytest.raises(ApiError) as error:
        verify(shop, token)
    assert token not in f"{error.value}{error.value.next_step}"


@pytest.mark.parametrize("text", ["\ud800.a.b", "a.b.c", "..", "é.é.é", "W10.W10.W10", _part([1]) + ".x.y"])
def test_whatever_is_sent_as_a_token_is_read_without_an_error(text):
    assert claims_of(text) is None


def test_claims_that_are_odd_are_read_without_an_error():
    odd = {"cid": "\ud800", "exp": "1e400", "usr": 7, "usrtype": ["buyer"]}
    found = claims_of(f"{_part({'alg': 'HS256'})}.{_part(odd)}.x")
    assert found is not None
    assert not found.is_buyer
    assert claims_of(f"{_part({'alg': 'HS256'})}.{'[' * 12_000}.x") is None
