"""Models of the marketplace: members from members.json, and what the OpenAPI file does not say."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

import orjson

from reconciler.emulator.ordercloud.models import JsonObject, Member, Model, Problems

XP_LIMIT = 8_000
_TYPES: Mapping[str, type] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": float,
    "array": list,
    "object": dict,
}
_ZEROS: Mapping[str, Any] = {"string": "", "boolean": False, "integer": 0, "number": 0}

# From the docstrings of the third-party SDK, which is generated from the vendor's full specification.
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Product": ("Name",),
    "VariantSpec": ("SpecID",),
    "Spec": ("Name",),
    "SpecOption": ("Value",),
    "PriceSchedule": ("Name",),
    "PriceBreak": ("Quantity", "Price"),
    "InventoryRecord": ("AddressID",),
    "Buyer": ("Name",),
    "User": ("Username", "FirstName", "LastName", "Email", "Active"),
    "UserGroup": ("Name",),
    "UserGroupAssignment": ("UserGroupID", "UserID"),
    "Category": ("Name",),
    "CategoryProductAssignment": ("CategoryID", "ProductID"),
    "Catalog": ("Name",),
    "Supplier": ("Name",),
    "Address": ("Street1", "City", "Country"),
    "ProductAssignment": ("ProductID", "BuyerID"),
    "SpecProductAssignment": ("SpecID", "ProductID"),
    "LineItem": ("ProductID",),
    "LineItemSpec": ("SpecID",),
    "ShipmentItem": ("OrderID", "LineItemID", "QuantityShipped"),
}
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Product": {"QuantityMultiplier": 1},
    "PriceSchedule": {"MinQuantity": 1},
    "InventoryRecord": {"AllowAllBuyers": True},
    "LineItem": {"Quantity": 1},
    "LineItemProduct": {"QuantityMultiplier": 1},
    # inferred: null would be as good; an exported marketplace shows NoMarkup.
    "SpecOption": {"PriceMarkupType": "NoMarkup"},
}


def _models() -> dict[str, Model]:
    raw = orjson.loads(resources.files(__package__).joinpath("members.json").read_bytes())
    built: dict[str, Model] = {}

    def build(name: str) -> Model:
        if name not in built:
            required, defaults = _REQUIRED.get(name, ()), _DEFAULTS.get(name, {})
            members = {
                member: _member(described, member in required, defaults.get(member), build)
                for member, described in raw[name].items()
            }
            built[name] = Model(name, members, closed=True)
        return built[name]

    for name in raw:
        build(name)
    return built


def _member(described: Mapping[str, Any], required: bool, default: Any, build: Any) -> Member:
    kind = described["type"]
    if default is None and not described["nullable"]:
        default = _ZEROS.get(kind)
    if kind == "array":
        # inferred: an empty list where there is none.
        default = []
    return Member(
        _TYPES[kind],
        required=required,
        write_only=described.get("writeOnly", False),
        max_length=described.get("maxLength"),
        model=build(described["model"]) if "model" in described else None,
        default=default,
        read_only=described.get("readOnly", False),
        choices=frozenset(described["enum"]) if "enum" in described else None,
        is_date=described.get("format") == "date-time",
    )


_CLIENT_FLAGS = ("AllowAnyBuyer", "AllowAnySupplier", "AllowSeller", "IsAnonBuyer")
_ID = Member(str)
_REQUIRED_ID = Member(str, required=True)
_FLAG = Member(bool)
_SET_DATE = Member(str, read_only=True, is_date=True)
_STATUSES = frozenset({"Unsubmitted", "AwaitingApproval", "Declined", "Open", "Completed", "Canceled"})
_RETURN_ITEM = Model(
    "OrderReturnItem",
    {
        "LineItemID": _REQUIRED_ID,
        "Quantity": Member(int, default=0),
        "RefundAmount": Member(float),
        "Comments": Member(str),
    },
    closed=True,
)

MODELS: Mapping[str, Model] = {
    **_models(),
    # The OpenAPI file has no schema for these; members from the third-party SDK.
    "CatalogAssignment": Model(
        "CatalogAssignment",
        {
            "CatalogID": _REQUIRED_ID,
            "BuyerID": _ID,
            "BuyerGroupID": _ID,
            "ViewAllCategories": _FLAG,
            "ViewAllProducts": _FLAG,
        },
        closed=True,
    ),
    "ProductCatalogAssignment": Model(
        "ProductCatalogAssignment", {"CatalogID": _REQUIRED_ID, "ProductID": _REQUIRED_ID}, closed=True
    ),
    "CategoryAssignment": Model(
        "CategoryAssignment",
        {
            "CategoryID": _REQUIRED_ID,
            "BuyerID": _REQUIRED_ID,
            "UserGroupID": _ID,
            "Visible": _FLAG,
            "ViewAllProducts": _FLAG,
        },
        closed=True,
    ),
    "AddressAssignment": Model(
        "AddressAssignment",
        {
            "AddressID": _REQUIRED_ID,
            "UserID": _ID,
            "UserGroupID": _ID,
            "IsShipping": Member(bool, default=False),
            "IsBilling": Member(bool, default=False),
        },
        closed=True,
    ),
    "InventoryRecordAssignment": Model(
        "InventoryRecordAssignment",
        {"InventoryRecordID": _REQUIRED_ID, "BuyerID": _REQUIRED_ID, "UserGroupID": _ID},
        closed=True,
    ),
    "ProductSupplier": Model(
        "ProductSupplier", {"SupplierID": _REQUIRED_ID, "DefaultPriceScheduleID": _ID}, closed=True
    ),
    "SupplierBuyer": Model("SupplierBuyer", {"BuyerID": _REQUIRED_ID}, closed=True),
    "OrderReturn": Model(
        "OrderReturn",
        {
            "ID": Member(str, max_length=100),
            "OrderID": _REQUIRED_ID,
            "Status": Member(str, read_only=True, choices=_STATUSES),
            "DateCreated": _SET_DATE,
            "DateSubmitted": _SET_DATE,
            "DateApproved": _SET_DATE,
            "DateDeclined": _SET_DATE,
            "DateCanceled": _SET_DATE,
            "DateCompleted": _SET_DATE,
            "LastUpdated": _SET_DATE,
            "RefundAmount": Member(float),
            "Comments": Member(str),
            "ItemsToReturn": Member(list, model=_RETURN_ITEM, default=[]),
            "xp": Member(dict),
        },
        closed=True,
    ),
    # Members from a seed of the vendor's.
    "ApiClient": Model(
        "ApiClient",
        {
            "ID": Member(str, max_length=100),
            "AccessTokenDuration": Member(int, default=600),
            "Active": Member(bool, default=False),
            "AppName": Member(str, required=True, max_length=100),
            "RefreshTokenDuration": Member(int, default=0),
            "DefaultContextUserName": _ID,
            "xp": Member(dict),
            **{name: Member(bool, default=False) for name in _CLIENT_FLAGS},
        },
        closed=True,
    ),
    "ProductFacet": Model(
        "ProductFacet",
        {
            "ID": Member(str, max_length=100),
            "Name": Member(str, required=True, max_length=100),
            "XpPath": _ID,
            "ListOrder": Member(int, default=0),
            "MinCount": Member(int, default=1),
            "xp": Member(dict),
        },
        closed=True,
    ),
}


class Shape:
    """Shape of a model's stored rows and shown objects.

    A stored row holds the members that have a value; a shown object holds all but the write-only ones.
    """

    def __init__(self, model: Model) -> None:
        self._blank = {name: member.default for name, member in model.members.items() if not member.write_only}
        self._nested = [
            (name, Shape(member.model), member.type is list)
            for name, member in model.members.items()
            if member.model is not None and not member.write_only
        ]

    def show(self, row: JsonObject) -> JsonObject:
        """Show a row as reads do, members in the model's order."""
        shown = {**self._blank, **row}
        for name, shape, many in self._nested:
            value = shown[name]
            if value:
                shown[name] = [shape.show(item) for item in value] if many else shape.show(value)
        return shown


SHAPES: Mapping[str, Shape] = {name: Shape(model) for name, model in MODELS.items()}


def snapshot(model: str, row: JsonObject) -> JsonObject:
    """Return the members of a row that a model has."""
    return {name: value for name, value in row.items() if name in MODELS[model].members}


def check_xp(row: JsonObject, problems: Problems) -> None:
    """Note an xp that is too long, or nested deeper than JSON can be written."""
    xp = row.get("xp")
    if xp is None:
        return
    try:
        length = len(orjson.dumps(xp).decode())
    except orjson.JSONEncodeError:
        problems.append(("xp", "xp is nested too deeply."))
        return
    # documented: the limit; inferred: that it counts the characters of the JSON text.
    if length > XP_LIMIT:
        problems.append(("xp", f"xp may have {XP_LIMIT} characters at most."))
