import string

from hypothesis import given
from hypothesis import strategies as st

from reconciler.sync.mapping.identity import (
    CustomerKey,
    address_external_id,
    address_of,
    customer_key,
    is_usable,
)

_IDS = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=100)


@given(_IDS, _IDS)
def test_the_external_id_of_a_customer_names_its_buyer_and_its_user(buyer, user):
    assert customer_key(CustomerKey(buyer, user).external_id) == CustomerKey(buyer, user)


@given(_IDS, _IDS, _IDS)
def test_the_external_id_of_an_address_names_its_customer_and_its_own_id(buyer, user, address):
    key = CustomerKey(buyer, user)
    assert address_of(address_external_id(key.external_id, address)) == (key, address)


def test_the_same_user_id_of_two_buyers_makes_two_customers():
    assert CustomerKey("acme", "anna").external_id == "acme.anna"
    assert CustomerKey("bolt", "anna").external_id == "bolt.anna"


def test_what_we_did_not_make_names_nobody():
    assert [customer_key(each) for each in ("anna", "a.", ".a", "a.b.c", "")] == [None] * 5
    assert [address_of(each) for each in ("a.b", "a.b.", "a.b.c.d", "..", "")] == [None] * 5


def test_an_id_with_the_separator_cannot_be_part_of_one():
    assert is_usable("anna-1_x")
    assert not is_usable("anna.1")
    assert not is_usable("")
