"""What each type of message touches: the whole list of the fact sheet."""

from __future__ import annotations

import pytest

from reconciler.intake.dependencies import ENDING, KNOWN, RULES, Flows, placement_of
from reconciler.ledger.data.inbox_model import NOTHING, PLACED, UNKNOWN
from reconciler.ordercloud.deliveries.message import Message
from reconciler.sync.datasync import TYPE_NAMES
from reconciler.sync.mode import Mode

ALL = Flows(frozenset(TYPE_NAMES))
NOTHING_TOUCHED: tuple = ((), (), ())
STOCK = {"ID": "r1", "ProductID": "p1", "InventoryRecords": [{"ID": "r1", "QuantityAvailable": 3}]}
LISTS = (KNOWN, {"type": "party-prices", "text": "prices:"})
OF_ACME = (
    (KNOWN, {"type": "customers", "text": "acme."}),
    (KNOWN, {"type": "party-prices", "text": "prices:acme"}),
)

TOUCHED = {
    "product.updated": [({"ProductID": "p1", "Name": "Shoe"}, (("products", "p1"),), (), (LISTS,))],
    "product.deleted": [({"ProductId": "p1"}, (("products", "p1"),), (), (LISTS,))],
    "ordersync.updated": [({"ID": "o1", "Status": 4}, (("orders", "o1"),), (), ())],
    "entitysync.inventoryrecord.updated": [(STOCK, (("products", "p1"),), (), ())],
    "entitysync.inventoryrecord.full.updated": [(STOCK, (("products", "p1"),), (), ())],
    "entitysync.inventoryrecord.deleted": [
        ({"ID": "r1"}, (), (("products", Mode.LIGHT),), ()),
        ({"ID": "r1", "ProductID": "p1"}, (("products", "p1"),), (), ()),
    ],
    "entitysync.buyeruser.updated": [({"ID": "jane", "CompanyID": "acme"}, (("customers", "acme.jane"),), (), ())],
    "entitysync.buyeruser.deleted": [
        ({"ID": "jane", "CompanyID": "acme"}, (("customers", "acme.jane"),), (), ()),
        ({"ID": "jane"}, (), (), ((ENDING, {"type": "customers", "text": ".jane"}),)),
    ],
    "entitysync.buyer.updated": [({"ID": "acme", "Active": False}, (), (), OF_ACME)],
    "entitysync.buyer.deleted": [({"ID": "acme"}, (), (), OF_ACME)],
    "entitysync.buyerusergroup.updated": [
        ({"ID": "vip", "BuyerID": "acme"}, (), (), OF_ACME),
        ({"ID": "vip"}, (), (("customers", Mode.WALK), ("party-prices", Mode.WALK)), ()),
    ],
    "entitysync.buyerusergroup.deleted": [
        ({"ID": "vip", "BuyerID": "acme"}, (), (), OF_ACME),
        ({"ID": "vip"}, (), (("customers", Mode.WALK), ("party-prices", Mode.WALK)), ()),
    ],
    **{
        f"entitysync.{what}.{change}": [({"ID": "x", "CatalogID": "c"}, *NOTHING_TOUCHED)]
        for what in ("category", "catalog", "adminuser", "supplier", "supplieruser")
        for change in ("updated", "deleted")
    },
}


def test_every_type_stands_here():
    assert TOUCHED.keys() == RULES.keys()


@pytest.mark.parametrize(
    ("kind", "payload", "raised", "walks", "later"),
    [(kind, *case) for kind, cases in TOUCHED.items() for case in cases],
)
def test_each_type_touches_what_its_rule_says(kind, payload, raised, walks, later):
    found = placement_of(Message(kind, payload), ALL)
    assert tuple((data_type, key) for data_type, key, _ in found.raised) == raised
    assert found.walks == walks
    assert tuple((each.type, each.names) for each in found.later) == later
    assert found.outcome == (PLACED if raised or walks or later else NOTHING)


@pytest.mark.parametrize("kind", RULES)
@pytest.mark.parametrize("bad", [None, "", 7, "a/b", "x" * 101, "nul\0", "\ud800", {"a": 1}, ["x"]])
def test_what_can_be_no_id_is_no_id(kind, bad):
    payload = dict.fromkeys(("ID", "ProductID", "CompanyID", "BuyerID", "CatalogID", "InventoryRecords"), bad)
    assert placement_of(Message(kind, payload), ALL).raised == ()


@pytest.mark.parametrize("kind", RULES)
def test_where_a_data_type_does_not_flow_nothing_of_it_is_touched(kind):
    for payload, *_ in TOUCHED[kind]:
        for only in TYPE_NAMES:
            found = placement_of(Message(kind, payload), Flows(frozenset({only})))
            types = {data_type for data_type, *_ in (*found.raised, *found.walks)} | {
                each.names["type"] for each in found.later
            }
            assert types <= {only}


def test_users_of_a_buyer_out_of_the_scope_touch_nothing():
    flows = Flows(frozenset(TYPE_NAMES), ("b2b-*",))
    for kind, payload in (("buyeruser.updated", {"ID": "j", "CompanyID": "acme"}), ("buyer.updated", {"ID": "acme"})):
        assert placement_of(Message(f"entitysync.{kind}", payload), flows).outcome == NOTHING


def test_a_type_that_is_in_no_list_is_unknown():
    assert placement_of(Message("cart.updated", {"ID": "x"}), ALL).outcome == UNKNOWN


def test_a_product_message_tells_what_a_read_must_bear_out():
    ((_, _, told),) = placement_of(Message("product.updated", {"ProductID": "p", "Name": "Shoe", "xp": {}}), ALL).raised
    assert told.members.keys() == {"Name", "xp"}
    ((_, _, told),) = placement_of(Message("product.deleted", {"ProductID": "p"}), ALL).raised
    assert told.gone
    ((_, _, told),) = placement_of(Message("entitysync.inventoryrecord.updated", STOCK), ALL).raised
    assert told.members.keys() == {"InventoryRecords/r1"}
