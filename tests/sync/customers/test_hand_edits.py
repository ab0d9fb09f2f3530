"""What somebody changes by hand at the addresses of a customer stays, whatever its user does."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from reconciler.sparklayer.customer_bodies import canonical_customer, merged, projected
from reconciler.sync.customers.mapper import draft
from reconciler.sync.customers.model import HeldCustomer
from reconciler.sync.customers.resolve import CustomerState, resolve
from reconciler.sync.customers.settings import customer_settings
from support.customers import KEY, address, user

Json = dict[str, Any]
DEFAULTS = ("default_billing_address_id", "default_shipping_address_id")
HQ, TWO = address("hq"), address("two", billing=False)


def state_of(record: Json, held: HeldCustomer | None = None) -> CustomerState:
    settings = customer_settings({"customers": {}})
    assert settings is not None
    return resolve(draft(record, settings, None), {}, held or HeldCustomer(), None)


def written(record: Json) -> tuple[HeldCustomer, Json]:
    """Return what the ledger has of a customer that was written, and what the site has."""
    state = state_of(record)
    held = HeldCustomer(external_id=state.key, own_id="u-1", named=state.named, username="anna")
    return held, deepcopy(merged(state.named, {}, state.share))


def sent(state: CustomerState, site: Json) -> Json:
    """Return the body that a site gets; once it has that, nothing is sent again."""
    body = merged(state.named, site, state.share)
    again = canonical_customer(state.named)
    assert projected(state.named, body, state.share) == again
    return body


def addresses(body: Json) -> dict[str, Json]:
    return {each["external_id"]: each for each in body["addresses"]}


@pytest.mark.parametrize("member", DEFAULTS)
@pytest.mark.parametrize("moved", [{"ID": "anne"}, {"CompanyID": "bolt"}])
def test_a_default_that_somebody_chose_moves_along_with_a_renamed_user(member: str, moved: Json) -> None:
    held, site = written(user(Addresses=[HQ, TWO]))
    other = "two" if site[member] == f"{KEY}.hq" else "hq"
    site[member] = f"{KEY}.{other}"

    state = state_of(user(Addresses=[HQ, TWO], **moved), held)
    body = merged(state.named, site, state.share)

    assert state.key != KEY
    assert body[member] == f"{state.key}.{other}"
    assert sorted(addresses(body)) == [f"{state.key}.hq", f"{state.key}.two"]


def test_a_default_of_ours_moves_along_and_follows_ordercloud() -> None:
    held, site = written(user(Addresses=[HQ]))
    state = state_of(user(ID="anne", Addresses=[address("dock"), HQ]), held)
    assert merged(state.named, site, state.share)["default_billing_address_id"] == "acme.anne.dock"


def test_an_address_that_cannot_be_written_moves_along_with_a_renamed_user() -> None:
    held, site = written(user(Addresses=[HQ, TWO]))
    state = state_of(user(ID="anne", Addresses=[{**HQ, "Street1": ""}, TWO]), held)
    body = merged(state.named, site, state.share)
    assert sorted(addresses(body)) == ["acme.anne.hq", "acme.anne.two"]
    assert body["default_billing_address_id"] == "acme.anne.hq"


@pytest.mark.parametrize("others", [[], [address("zoo")]])
def test_a_default_stays_as_long_as_the_address_that_lost_its_first_line(others: list[Json]) -> None:
    held, site = written(user(Addresses=[HQ, *others]))
    incomplete = {**HQ, "Street1": None}

    state = state_of(user(Addresses=[incomplete, *others]), held)
    body = sent(state, site)
    assert addresses(body)[f"{KEY}.hq"]["address_line1"] == "1 High Street"
    assert [body[each] for each in DEFAULTS] == [f"{KEY}.hq"] * 2

    # It is no default any more once OrderCloud does not say so.
    held = HeldCustomer(external_id=KEY, named=state.named)
    undone = [{**each, "IsBilling": False} for each in incomplete["Assignments"]]
    body = sent(state_of(user(Addresses=[{**incomplete, "Assignments": undone}, *others]), held), body)
    assert body.get("default_billing_address_id") == (f"{KEY}.zoo" if others else None)
    assert body["default_shipping_address_id"] == f"{KEY}.hq"


def test_a_default_that_stays_points_at_nothing_that_the_site_lost() -> None:
    held, site = written(user(Addresses=[HQ]))
    site["addresses"] = []
    body = sent(state_of(user(Addresses=[{**HQ, "Street1": None}]), held), site)
    assert not body.keys() & set(DEFAULTS)


def test_an_incomplete_address_that_was_never_written_is_no_default() -> None:
    state = state_of(user(Addresses=[{**HQ, "Street1": None}, address("zoo")]))
    assert sent(state, {})["default_billing_address_id"] == f"{KEY}.zoo"


def test_what_somebody_adds_to_an_address_of_ours_stays() -> None:
    held, site = written(user(Addresses=[HQ]))
    site["addresses"][0] |= {"phone": "0113", "mobile": "07", "city": "Hull"}

    state = state_of(user(FirstName="Anne", Addresses=[HQ]), held)
    ours = addresses(sent(state, site))[f"{KEY}.hq"]
    assert (ours["phone"], ours["mobile"], ours["city"]) == ("0113", "07", "Leeds")

    renamed = state_of(user(ID="anne", Addresses=[HQ]), held)
    assert addresses(merged(renamed.named, site, renamed.share))["acme.anne.hq"]["phone"] == "0113"


def test_a_member_that_we_wrote_is_cleared_once_ordercloud_has_none() -> None:
    held, site = written(user(Addresses=[{**HQ, "Phone": "0113", "AddressName": "Main"}]))
    state = state_of(user(Addresses=[{**HQ, "AddressName": "Main"}]), held)
    ours = addresses(sent(state, site))[f"{KEY}.hq"]
    assert "phone" not in ours
    assert ours["nickname"] == "Main"
