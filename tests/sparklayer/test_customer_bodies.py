from hypothesis import given
from hypothesis import strategies as st

from reconciler.sparklayer.customer_bodies import (
    INACTIVE,
    MEMBERS,
    Share,
    canonical_customer,
    merged,
    projected,
    with_balance,
    without_balance,
)
from support.customers import AT_SITE, NAMED, PREFIX

SHARE = Share((PREFIX,), soft=frozenset({"group"}))
_CARRIED = (
    "title",
    "role",
    "accounting_id",
    "sales_agent_groups",
    "price_lists",
    "discount_percentage",
    "tax_exempt",
    "currency_code",
    "parent_customer_id",
)


@given(NAMED, AT_SITE)
def test_no_put_loses_what_no_mapping_names(named, found):
    body = merged(named, found, SHARE)

    for member in _CARRIED:
        assert body.get(member) == found.get(member)
    account = {name: value for name, value in found.get("payment_on_account", {}).items() if name != "balance"}
    assert body.get("payment_on_account", {}) == account


@given(NAMED, AT_SITE)
def test_no_put_loses_an_address_of_others(named, found):
    body = merged(named, found, SHARE)

    sent = [address.get("external_id") for address in body["addresses"]]
    foreign = [each["external_id"] for each in found["addresses"] if not (each["external_id"] or "").startswith(PREFIX)]
    assert sorted(map(str, foreign)) == sorted(str(each) for each in sent if not (each or "").startswith(PREFIX))
    assert {each for each in sent if (each or "").startswith(PREFIX)} == {
        address["external_id"] for address in named["addresses"]
    }


@given(NAMED, AT_SITE, st.sets(st.sampled_from([f"{PREFIX}{own}" for own in "xyz"])))
def test_an_address_of_ours_that_cannot_be_written_stays_as_it_is(named, found, kept):
    named = {**named, "addresses": [each for each in named["addresses"] if each["external_id"] not in kept]}

    body = merged(named, found, Share((PREFIX,), kept=frozenset(kept)))

    there = {each["external_id"] for each in found["addresses"]}
    assert {each.get("external_id") for each in body["addresses"]} >= kept & there


@given(NAMED, AT_SITE)
def test_a_default_of_others_stays_as_long_as_its_address_does(named, found):
    body = merged(named, found, SHARE)

    there = {address.get("external_id") for address in body["addresses"]} | {
        address["id"] for address in found["addresses"] if address["external_id"] is None
    }
    own_ids = {address["id"]: address["external_id"] for address in found["addresses"]}
    for member in ("default_billing_address_id", "default_shipping_address_id"):
        reference = own_ids.get(found.get(member)) or found.get(member)
        if reference is not None and reference in there:
            assert (own_ids.get(body[member]) or body[member]) == reference


@given(NAMED, AT_SITE)
def test_what_was_just_written_is_seen_to_be_as_it_should_be(named, found):
    body = merged(named, found, SHARE)
    written = {name: value for name, value in named.items() if isinstance(value, str)}

    seen = projected(named, body, Share((PREFIX,), written=written, soft=SHARE.soft))

    assert seen == canonical_customer(named)


@given(AT_SITE)
def test_the_balance_is_never_sent(found):
    assert "balance" not in merged({}, found, SHARE).get("payment_on_account", {})
    assert "balance" not in without_balance(found).get("payment_on_account", {})


def test_the_balance_that_was_read_goes_with_the_account_where_it_has_to():
    found = {"payment_on_account": {"credit_limit": 100, "balance": 7}}

    body = merged({"payment_on_account": {"credit_limit": 50, "net_terms": None}}, found, SHARE)

    assert body == {"payment_on_account": {"credit_limit": 50}}
    assert with_balance(body, 7) == {"payment_on_account": {"credit_limit": 50, "balance": 7}}


def test_lists_of_our_own_are_moved_and_those_of_others_stay():
    share = Share((PREFIX,), lists_prefix="oc-")
    found = {"price_lists": ["oc-old", "theirs"]}

    assert merged({"price_lists": ["oc-new"]}, found, share)["price_lists"] == ["oc-new", "theirs"]
    assert merged({"price_lists": []}, found, share)["price_lists"] == ["theirs"]
    assert projected({"price_lists": ["oc-new"]}, found, share) == {"price_lists": ["oc-old"]}


def test_a_default_that_somebody_chose_at_the_site_stays_and_one_of_ours_moves():
    named = {
        "addresses": [{"external_id": f"{PREFIX}x"}, {"external_id": f"{PREFIX}y"}],
        "default_billing_address_id": f"{PREFIX}y",
    }
    found = {"addresses": named["addresses"], "default_billing_address_id": f"{PREFIX}x"}
    soft = frozenset({"default_billing_address_id"})

    chosen = Share((PREFIX,), soft=soft)
    ours = Share((PREFIX,), soft=soft, written={"default_billing_address_id": f"{PREFIX}x"})
    mapped = Share((PREFIX,))

    assert merged(named, found, chosen)["default_billing_address_id"] == f"{PREFIX}x"
    assert merged(named, found, ours)["default_billing_address_id"] == f"{PREFIX}y"
    assert merged(named, found, mapped)["default_billing_address_id"] == f"{PREFIX}y"
    assert projected(named, found, chosen) == canonical_customer(named)
    assert projected(named, found, ours) != canonical_customer(named)


def test_a_default_does_not_point_at_an_address_that_goes():
    named = {"addresses": [{"external_id": f"{PREFIX}y"}]}
    found = {
        "addresses": [{"id": "ca_1", "external_id": f"{PREFIX}x"}],
        "default_billing_address_id": "ca_1",
        "default_shipping_address_id": f"{PREFIX}x",
    }

    assert merged(named, found, SHARE) == named


def test_every_status_that_deactivates_counts_as_the_same():
    assert {canonical_customer({"status": status})["status"] for status in INACTIVE} == {INACTIVE[0]}
    assert canonical_customer({"status": "active"}) == {"status": "active"}


def test_an_address_without_an_external_id_keeps_its_own():
    found = {"addresses": [{"id": "ca_1", "address_line1": "1"}, {"id": "ca_2", "external_id": "erp", "city": "Leeds"}]}

    sent = merged({"addresses": []}, found, SHARE)["addresses"]

    assert sent == [{"id": "ca_1", "address_line1": "1"}, {"external_id": "erp", "city": "Leeds"}]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "external_id"]), inner),
    max_leaves=6,
)


@given(NAMED, st.dictionaries(st.sampled_from(MEMBERS), _JSON))
def test_whatever_a_site_shows_is_carried_over_or_left_out(named, found):
    merged(named, found, SHARE)
    projected(named, found, SHARE)
