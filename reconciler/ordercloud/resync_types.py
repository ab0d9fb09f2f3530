"""The record types that /sync operations take. Apart from the operations, so that a command's help needs no kind."""

from __future__ import annotations

from typing import Literal, get_args

ResyncType = Literal[
    "products",
    "adminUsers",
    "buyers",
    "buyerUsers",
    "buyerUserGroups",
    "catalogs",
    "categories",
    "inventoryRecords",
    "suppliers",
    "supplierUsers",
]
TYPES: tuple[str, ...] = get_args(ResyncType)
