"""Operations /sync: which there are, where they are, which IDs each takes, and which sync has to be configured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from reconciler.kind.kind import Observed
from reconciler.kind.request import Call

# What can be sent again by a re-sync only in the portal, in a browser: it asks for a captcha (fact sheet §2).
IN_THE_PORTAL = "the portal's full sync of that very catalogue (for people: it asks for a captcha)"
INSTEAD = (
    "Targeted re-syncs are for a few records. For more, pause the sync, let what belongs together change, and resume "
    f"it: each record goes out once. For a whole catalogue use {IN_THE_PORTAL}"
)
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Operation(Struct, frozen=True):
    """One /sync operation.

    Args:
        members: of its body, the parent's ID first.
        sync: kind and live ID of the sync that has to be configured.
        noun: one record, in words.
        paths: its spellings, that of the vendor's SDKs first (S). Those after it are tried only where that is no path.
    """

    members: tuple[str, ...]
    sync: tuple[str, str]
    noun: str
    paths: tuple[str, ...]

    @property
    def shape(self) -> str:
        """How a record is written."""
        return "/".join(self.members)

    def refusal(self, record: str) -> str | None:
        """Say what is wrong with how a record is written; None: nothing."""
        parts = record.split("/")
        if len(parts) == len(self.members) and all(_ID.fullmatch(part) for part in parts):
            return None
        return f"{record[:100] or 'an empty text'} is not {self.shape}"

    def call(self, record: str) -> Call:
        """Return the request that sends one record again."""
        return Call(self.paths, dict(zip(self.members, record.split("/"), strict=True)))


def _entity(entity: str, noun: str, *members: str, paths: Sequence[str]) -> Operation:
    return Operation(members, ("EntitySync", entity), noun, tuple(paths))


_BASE = "integrations/entitysync"
# inferred: every spelling but the first. The guide writes ProductSync, and in one line entitysync/categories without
# `integrations`; that of suppliers is what the path of its sync would lead one to expect.
OPERATIONS: Mapping[str, Operation] = {
    "products": Operation(
        ("ProductID",),
        ("ProductSync", "productsync"),
        "product",
        ("integrations/productsync/sync", "integrations/ProductSync/sync"),
    ),
    "adminUsers": _entity("adminUsers", "admin user", "UserID", paths=[f"{_BASE}/adminusers/sync"]),
    "buyers": _entity("buyers", "buyer", "BuyerID", paths=[f"{_BASE}/buyers/sync"]),
    "buyerUsers": _entity("buyerUsers", "buyer user", "BuyerID", "UserID", paths=[f"{_BASE}/buyers/users/sync"]),
    "buyerUserGroups": _entity(
        "buyerUserGroups", "buyer user group", "BuyerID", "UserGroupID", paths=[f"{_BASE}/buyers/usergroups/sync"]
    ),
    "catalogs": _entity("catalogs", "catalog", "CatalogID", paths=[f"{_BASE}/catalogs/sync"]),
    "categories": _entity(
        "categories",
        "category",
        "CatalogID",
        "CategoryID",
        paths=[f"{_BASE}/categories/sync", "entitysync/categories/sync"],
    ),
    "inventoryRecords": _entity(
        "inventoryRecords",
        "inventory record",
        "ProductID",
        "InventoryRecordID",
        paths=[f"{_BASE}/products/inventoryrecords/sync"],
    ),
    # The operation is singular in every SDK, unlike the sync itself.
    "suppliers": _entity(
        "suppliers", "supplier", "SupplierID", paths=[f"{_BASE}/supplier/sync", f"{_BASE}/suppliers/sync"]
    ),
    "supplierUsers": _entity(
        "supplierUsers", "supplier user", "SupplierID", "UserID", paths=[f"{_BASE}/suppliers/users/sync"]
    ),
}


def plural(operation: Operation, count: int) -> str:
    """Return `3 categories`, as people write it."""
    noun = operation.noun
    if count != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun}"


def remarks(operation: Operation, live: Mapping[str, Mapping[str, Observed]]) -> Iterator[str]:
    """Yield what stands in the way of a re-sync as live is now, and what of it cannot be known.

    Args:
        operation: which.
        live: the syncs and delivery configs that were read.
    """
    kind, live_id = operation.sync
    sync = live.get(kind, {}).get(live_id)
    if sync is None:
        return
    if sync.state.get("pause") is True:
        # inferred: nothing is published about it.
        yield (
            f"{kind} {live_id} is paused: whether OrderCloud sends at once what is asked for during a pause, or only "
            "at the resume, is not documented; resume it first to be sure"
        )
    config = live.get("DeliveryConfig", {}).get(str(sync.state.get("deliveryConfig")))
    if config is not None and config.state.get("enabled") is False:
        yield (
            f"the delivery config {config.id} of {kind} {live_id} is disabled: OrderCloud refuses to sync "
            "(DeliveryConfig.ConfigurationDisabled) until it is enabled"
        )


def shown(records: Iterable[str], at_most: int = 5) -> str:
    """Return the first few records, and how many more there are."""
    listed = list(records)
    more = f" and {len(listed) - at_most:,} more" if len(listed) > at_most else ""
    return f"{', '.join(listed[:at_most])}{more}"


def state_of(record_type: str, records: Sequence[str], **others: Any) -> dict[str, Any]:
    """Return what a Resync manifest would say."""
    return {"type": record_type, "records": list(records), **others}
