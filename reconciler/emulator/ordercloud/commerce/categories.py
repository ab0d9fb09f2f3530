"""Rules of catalogs and their trees of categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.commerce.resource import Preset, Rules, Scope
from reconciler.emulator.ordercloud.errors import invalid, refuse
from reconciler.emulator.ordercloud.models import JsonObject


class CatalogRules(Rules):
    """Rules of catalogs: they count their categories."""

    def derive(self, market: Marketplace, scope: Scope, row: JsonObject) -> JsonObject:
        return {"CategoryCount": len(market.store.table("Category", (row["ID"],)))}

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        market.touch("Catalog", (), row["ID"])


class CategoryRules(Rules):
    """Rules of categories: no circles, the number of children, and lists down to a depth."""

    def check(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        parent_id = row.get("ParentID")
        own = {row["ID"], (before or row)["ID"]}
        while parent_id:
            if parent_id in own:
                raise invalid([("ParentID", "A category cannot be below itself.")])
            parent_id = (market.row("Category", scope, parent_id) or {}).get("ParentID")

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        market.touch("Catalog", (), scope[0])
        market.touch("Category", scope, row["ID"])
        for parent_id in {row.get("ParentID"), (before or {}).get("ParentID")}:
            market.touch("Category", scope, parent_id)

    def removed(self, market: Marketplace, scope: Scope, row: JsonObject) -> None:
        market.touch("Catalog", (), scope[0])
        market.touch("Category", scope, row.get("ParentID"))

    def derive(self, market: Marketplace, scope: Scope, row: JsonObject) -> JsonObject:
        return {"ChildCount": len(market.store.holding("Category", scope, "ParentID", row["ID"]))}

    def presets(self, market: Marketplace, scope: Scope, options: Mapping[str, str]) -> Sequence[Preset]:
        depth = options.get("depth", "1").lower()
        if depth == "all":
            return ()
        levels = int(depth[:4]) if depth.isascii() and depth.isdigit() else 0
        if not levels:
            raise refuse(400, "List.InvalidType", "depth has to be a number from 1 on, or all.")
        return [Preset(("depth", levels), lambda: lambda entry, _row: _level(market, scope, entry) <= levels)]


def _level(market: Marketplace, scope: Scope, category_id: str) -> int:
    """Return the depth of a category, 1 at the top. A parent that is not there, as in flawed seeds, counts as none."""
    seen: set[str] = set()
    row = market.row("Category", scope, category_id)
    while row is not None and row["ID"] not in seen:
        seen.add(row["ID"])
        row = market.row("Category", scope, row.get("ParentID"))
    return len(seen)


def shift_siblings(market: Marketplace, scope: Scope, row: JsonObject) -> None:
    """Shift the siblings from a category's ListOrder on by one, for adjustListOrders."""
    for sibling in list(market.store.rows("Category", scope)):
        beside = sibling.get("ParentID") == row.get("ParentID") and sibling["ID"] != row["ID"]
        if beside and sibling.get("ListOrder") is not None and sibling["ListOrder"] >= (row.get("ListOrder") or 0):
            market.update("Category", scope, sibling["ID"], {"ListOrder": sibling["ListOrder"] + 1})
