from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sync.customers.mapper import SiteFacts, draft
from reconciler.sync.customers.model import GROUPS, PARENT, SCHEDULES, CustomerDraft, Parent, held_from_json
from reconciler.sync.customers.resolve import CustomerState, resolve
from reconciler.sync.customers.settings import customer_settings
from reconciler.sync.parties.schedules import PartySchedules
from support.customers import KEY, address, user

Json = dict[str, Any]


def settings(section: Json | None = None, **mapping: str) -> Any:
    found = customer_settings({"customers": {**(section or {}), "mapping": mapping}})
    assert found is not None
    return found


def mapped(
    record: Json, section: Json | None = None, *, facts: SiteFacts | None = None, **mapping: str
) -> CustomerDraft:
    return draft(record, settings(section, **mapping), facts)


def codes(found: CustomerDraft) -> list[tuple[str, str]]:
    return [(problem.external_id, problem.code) for problem in found.problems]


def test_a_user_becomes_a_customer_by_the_defaults() -> None:
    found = mapped(user(Addresses=[address("home")]))

    assert found.is_whole
    assert found.problems == ()
    assert found.named == {
        "external_id": KEY,
        "email": "anna@acme.example",
        "first_name": "Anna",
        "last_name": "Berg",
        "company_name": "Acme Ltd",
        "status": "active",
        "addresses": [
            {
                "external_id": f"{KEY}.home",
                "address_line1": "1 High Street",
                "city": "Leeds",
                "country_code": "GB",
            }
        ],
        "default_billing_address_id": f"{KEY}.home",
        "default_shipping_address_id": f"{KEY}.home",
    }


def test_what_no_mapping_names_is_left_as_it_is() -> None:
    named = mapped(user()).named
    untouched = ("role", "group", "discount_percentage", "price_lists", "payment_on_account", "tax_exempt", "title")
    assert not named.keys() & set(untouched)


@pytest.mark.parametrize(("active", "buyers"), [(False, True), (True, False), (None, True)])
def test_a_user_or_a_buyer_that_is_not_active_may_not_log_in(active: bool | None, buyers: bool) -> None:
    assert mapped(user(Active=active, Buyer={"Name": "Acme", "Active": buyers})).named["status"] == "inactive"


def test_every_member_can_be_mapped() -> None:
    record = user(xp={"disc": "22.5", "lists": ["a", "b", "a"], "limit": 100, "main": "boss", "free": True})
    found = mapped(
        record,
        title="'Ms'",
        role="'sales-agent'",
        accountingID="join('-', [Buyer.ID, ID])",
        currencyCode="'EUR'",
        salesAgentGroups="'north'",
        priceLists="xp.lists",
        discountPercentage="xp.disc",
        paymentOnAccount="{credit_limit: xp.limit, currency_code: 'EUR', net_terms: '30'}",
        parentCustomerID="xp.main",
        taxExempt="xp.free",
    ).named
    assert (found["title"], found["role"], found["accounting_id"]) == ("Ms", "sales-agent", "acme-anna")
    assert (found["sales_agent_groups"], found["price_lists"]) == (["north"], ["a", "b"])
    assert (found["discount_percentage"], found["tax_exempt"], found["currency_code"]) == (22.5, True, "EUR")
    assert found["payment_on_account"] == {"credit_limit": 100, "currency_code": "EUR", "net_terms": "30"}
    assert found["parent_customer_id"] == "acme.boss"


def test_a_balance_goes_with_a_creation_alone_and_only_with_its_date() -> None:
    account = "{credit_limit: `5`, balance: `3`, balance_date: '2026-05-01'}"
    found = mapped(user(), paymentOnAccount=account)
    assert found.named["payment_on_account"] == {"credit_limit": 5}
    assert found.opening == {"balance": 3, "balance_date": "2026-05-01"}

    undated = mapped(user(), paymentOnAccount="{balance: `3`}")
    assert codes(undated) == [(KEY, "bad-mapping")]
    assert "payment_on_account" not in undated.named


@pytest.mark.parametrize(
    ("email", "code"), [("anna at acme", "bad-email"), (None, "no-email"), ("x" * 250 + "@a.b", None)]
)
def test_a_customer_needs_an_address_that_can_be_written_to(email: str | None, code: str | None) -> None:
    found = mapped(user(Email=email))
    assert found.is_whole is (code is None and len(email or "") <= 255)
    assert [each for _, each in codes(found)] == ([code] if code else [])


def test_an_address_without_a_first_line_stays_as_it_is_and_is_told() -> None:
    found = mapped(user(Addresses=[address("home"), address("dock", Street1=" "), address("x.y")]))
    assert [each["external_id"] for each in found.named["addresses"]] == [f"{KEY}.home"]
    assert found.kept == {f"{KEY}.dock", f"{KEY}.x.y"}
    assert codes(found) == [(f"{KEY}.dock", "incomplete-address"), (f"{KEY}.x.y", "no-id")]
    assert found.is_whole


def test_an_address_whose_external_id_would_be_one_of_sparklayers_own_is_not_written() -> None:
    found = mapped(user(CompanyID="ca_1", Addresses=[address("home")]))
    assert codes(found) == [("ca_1.anna.home", "over-limit")]
    assert found.named["addresses"] == []
    assert found.is_whole


def test_the_default_address_is_the_one_that_is_assigned_most_closely() -> None:
    far, near = address("a", user_id=None), address("b", billing=False)
    named = mapped(user(Addresses=[far, near])).named
    assert named["default_billing_address_id"] == f"{KEY}.a"
    assert named["default_shipping_address_id"] == f"{KEY}.b"
    mapped_one = mapped(user(Addresses=[far, near]), defaultBillingAddress="'b'")
    assert mapped_one.named["default_billing_address_id"] == f"{KEY}.b"
    assert mapped_one.soft == {"default_shipping_address_id"}


def test_where_no_address_is_a_default_one_that_we_wrote_is_cleared() -> None:
    found = mapped(user(Addresses=[address("a", billing=False)]))
    assert found.named["default_billing_address_id"] is None
    assert "default_billing_address_id" in found.soft


@pytest.mark.parametrize(
    ("number", "code", "whole"), [(250, None, True), (251, "many-addresses", True), (501, "too-many-addresses", False)]
)
def test_more_addresses_than_the_site_takes_are_told_and_never_cut(number: int, code: str | None, whole: bool) -> None:
    found = mapped(user(Addresses=[address(f"a{own:03}") for own in range(number)]))
    assert [each for _, each in codes(found)] == ([code] if code else [])
    assert found.is_whole is whole
    assert len(found.named["addresses"]) == number


def test_the_group_comes_from_a_user_group_that_the_manifest_maps_else_from_the_mapping() -> None:
    section = {"groups": {"gold": "vip", "acme.silver": "trade"}}
    facts = SiteFacts(frozenset({"vip", "trade", "other", "base"}))
    groups = [{"ID": "gold"}, {"ID": "unmapped"}]

    assert mapped(user(UserGroups=groups), section, facts=facts).named["group"] == "vip"
    assert mapped(user(UserGroups=[{"ID": "silver"}]), section, facts=facts).named["group"] == "trade"
    assert mapped(user(), section, facts=facts, group="'other'").named["group"] == "other"
    unmapped = mapped(user(), section, facts=facts)
    assert unmapped.named["group"] is None
    assert "group" in unmapped.soft


def test_a_group_that_is_not_there_or_not_the_only_one_is_told_and_the_customer_keeps_its_own() -> None:
    section = {"groups": {"gold": "vip", "silver": "trade"}}
    both = mapped(user(UserGroups=[{"ID": "gold"}, {"ID": "silver"}]), section, facts=SiteFacts(frozenset({"vip"})))
    absent = mapped(user(UserGroups=[{"ID": "silver"}]), section, facts=SiteFacts(frozenset({"vip"})))
    assert (codes(both), codes(absent)) == ([(KEY, "ambiguous-group")], [(KEY, "unknown-group")])
    assert "group" not in both.named
    assert "group" not in absent.named
    assert both.is_whole


@pytest.mark.parametrize(
    ("parent", "code"),
    [
        (Parent("acme.boss"), None),
        (Parent("acme.boss", is_there=False), "missing-parent"),
        (Parent("acme.boss", in_cycle=True), "parent-cycle"),
        (Parent("acme.boss", children=251), "too-many-sub-accounts"),
    ],
)
def test_a_parent_has_to_be_there_and_above(parent: Parent, code: str | None) -> None:
    found = mapped({**user(), PARENT: parent}, parentCustomerID="'boss'")
    assert [each for _, each in codes(found)] == ([code] if code else [])
    assert found.is_whole is (code is None)
    assert found.named["parent_customer_id"] == "acme.boss"


def state_of(held: Json, parent: Parent, **members: Any) -> CustomerState:
    found = mapped({**user(**members), PARENT: parent}, parentCustomerID="'boss'")
    return resolve(found, {}, held_from_json(held), None)


def test_a_parent_that_a_walk_found_full_stays_so_for_runs_that_do_not_count() -> None:
    full, uncounted, emptier = (Parent("acme.boss", children=number) for number in (251, 0, 250))
    found = state_of({}, full)
    assert (found.held_back, found.news) == (True, True)
    held = dict(found.held(whole=True))
    for parent in (full, uncounted):
        again = state_of(held, parent)
        assert [problem.code for problem in again.problems] == ["too-many-sub-accounts"]
        assert (again.prints, again.held_back, again.news, again.held(whole=True)) == ({}, True, False, held)
    assert state_of(held, Parent("acme.other")).prints
    after = state_of(held, emptier)
    assert after.prints
    assert after.news
    assert "fullParent" not in after.held(whole=True)


def test_the_parents_own_id_stays_known_where_nothing_is_sent() -> None:
    parent = Parent("acme.boss", children=1)
    first = state_of({}, parent)
    first.outcome.parent_id = "its-own-id"
    held = dict(first.held(whole=True))
    assert held["parentId"] == "its-own-id"
    # A problem is to be noted, and nothing to be sent.
    incomplete = state_of(held, parent, Addresses=[address("home", Street1=None)])
    assert incomplete.problems
    assert incomplete.held(whole=True)["parentId"] == "its-own-id"


def test_a_user_with_prices_of_its_own_gets_the_one_list_that_is_complete_for_it() -> None:
    schedules = PartySchedules.of([{"ProductID": "p", "BuyerID": "acme", "UserGroupID": "g", "PriceScheduleID": "s"}])
    own = customer_settings({"customers": {}, "pricing": {"partyPriceLists": True}})
    assert own is not None
    # One of its groups cannot be read; the list is that of all of them.
    inside = draft({**user(UserGroups=[{"ID": "h"}]), SCHEDULES: schedules, GROUPS: ["g", "h"]}, own, None).named
    outside = draft({**user(), SCHEDULES: schedules}, own, None).named
    combination = schedules.combination("acme", ["g"], None)
    assert combination is not None
    assert (inside["price_lists"], outside["price_lists"]) == ([combination.slug], [])


def test_a_mapping_that_fails_is_told_and_the_member_stays_as_it_is() -> None:
    found = mapped(user(), title="Active", discountPercentage="'much'", role="abs(ID)")
    assert {code for _, code in codes(found)} == {"bad-mapping"}
    assert not found.named.keys() & {"title", "discount_percentage", "role"}
    assert found.is_whole


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(user())), _JSON), _JSON)
def test_no_record_breaks_the_mapping(members: Json, first: Any) -> None:
    record = {**user(), "Addresses": [first], "xp": first, **members}
    found = mapped(record, {"groups": {"a": "b"}, "where": "xp"}, priceLists="xp", paymentOnAccount="xp", title="xp")
    assert found.key
