"""What a plan says is sent again, held against the digests by which a run chooses a full sync."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from reconciler.reconcile.diff import differences
from reconciler.sparklayer.kinds.data_sync.cost import PARTY_PRICES, touched
from reconciler.sparklayer.kinds.data_sync.spec import DataSyncSpec
from reconciler.sync.datasync import DATA_TYPES

State = dict[str, Any]
WHOLE: State = {
    "integration": "ordercloud",
    "products": {"shipWeightUnit": "kg", "mapping": {"variants.sku": "ID"}},
    "stock": {"default": "main"},
    "pricing": {"priceList": "one", "partyPriceLists": True, "partyPrices": "rules"},
    "customers": {"buyers": ["b-*"], "onDelete": "deactivate", "overwriteUnread": False},
    "orders": {"cartID": "xp.cart", "since": "2026-01-01"},
    "currency": "GBP",
}
# Sections in whose words a plan tells what is sent again, by the data type whose runs send it.
TYPES = {"products": "products", "stock": "products", "pricing": "products", PARTY_PRICES: "party-prices"}


def digests(state: State) -> dict[str, str]:
    return {data.name: data.digest for bind in DATA_TYPES if (data := bind(state)) is not None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("products/catalogs", ["spring"]),
        ("products/mapping/variants.sku", "xp.Code"),
        ("products/mapping/title", "Name"),
        ("products/recordUrl", "https://x/{ID}"),
        ("stock/default", "other"),
        ("pricing/priceList", "two"),
        ("pricing/partyPrices", "rows"),
        ("customers/buyers", ["c-*"]),
        ("customers/where", "Active"),
        ("customers/groups", {"gold": "vip"}),
        ("customers/groupPriceLists", {"vip": ["extra"]}),
        ("customers/mapping", {"title": "xp.title"}),
        ("customers/mapping", {"email": "xp.mail"}),
        ("customers/onDelete", "delete"),
        ("customers/overwriteUnread", True),
        ("customers/walkInterval", "12h"),
        ("customers/recordUrl", "https://x/{ID}"),
        ("orders/cartID", "xp.other"),
        ("orders/since", "2026-02-01"),
        ("orders/recordUrl", "https://x/{ID}"),
        ("currency", "EUR"),
    ],
)
def test_a_plan_says_that_records_are_sent_again_where_a_full_sync_of_them_is_due(path: str, value: Any) -> None:
    after = deepcopy(WHOLE)
    *parents, last = path.split("/")
    inner = after
    for name in parents:
        inner = inner[name]
    inner[last] = value
    changed = frozenset(field.path for field in differences(DataSyncSpec, after, WHOLE, frozenset()))
    before, now = digests(WHOLE), digests(after)
    assert changed
    assert {TYPES.get(section, section) for section in touched(changed)} == {
        name for name in before if now[name] != before[name]
    }
