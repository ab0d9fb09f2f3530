"""The open problems of a data sync: their codes, and a page of them. Plain values."""

from __future__ import annotations

from msgspec import Struct, field

from reconciler.ledger.data.model import CodeCount, OpenProblem
from reconciler.sync.heldback import HeldBack

CODES = (
    "no-sku",
    "duplicate-sku",
    "no-name",
    "no-slug",
    "duplicate-slug",
    "no-id",
    "bad-record",
    "not-listed",
    "weight-not-a-number",
    "rrp-not-a-number",
    "price-not-a-number",
    "stock-not-a-number",
    "date-not-a-date",
    "over-limit",
    "unknown-location",
    "no-currency",
    "other-currency",
    "ambiguous-price",
    "no-price-schedule",
    "no-price-breaks",
    "quantity-rule-lost",
    "bad-mapping",
    "costly-mapping",
    "bad-cart",
    "unknown-cart",
    "duplicate-cart",
    "unknown-status",
    "no-lines",
    "bad-quantity",
    "returns-unreadable",
    "no-list",
    "product-gone",
    "total-differs",
    "bad-address",
    "shipped-beyond",
    "order-gone",
    "refused",
    "failed",
    "no-email",
    "bad-email",
    "duplicate-email",
    "unknown-group",
    "ambiguous-group",
    "unknown-price-list",
    "missing-parent",
    "parent-cycle",
    "too-many-sub-accounts",
    "incomplete-address",
    "many-addresses",
    "too-many-addresses",
    "too-many-customers",
    "unread",
    "balance-unread",
    "left-scope",
    "archived",
)
"""What can be wrong with a record, in its order there. docs/sync.md says more."""


class Problems(Struct, frozen=True):
    """Open problems of a data sync, as `sync errors` lists them.

    Args:
        sync: name of the DataSync.
        data_type: what flows.
        entries: what has problems, one and several.
        open: how many of those have a problem, listed or not.
        logged: those of them that the sync log has.
        codes: how often each problem is open, the most frequent first.
        held_back: what they hold back as a whole, and what would let most of that through.
        listed: this page.
        offset: problems before this page.
        more: whether there are more after it.
        code: the only ones that are listed; None: all.
    """

    sync: str
    data_type: str
    entries: tuple[str, str]
    open: int
    logged: int
    listed: tuple[OpenProblem, ...]
    codes: tuple[CodeCount, ...] = ()
    held_back: HeldBack = field(default_factory=HeldBack)
    offset: int = 0
    more: bool = False
    code: str | None = None
