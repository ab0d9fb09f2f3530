"""Products as they should not be: what hypothesis throws at the mapping, and a product that is well."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from reconciler.sync.products.settings import ProductSettings, product_settings

Json = Any
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

_TEXTS = st.sampled_from(
    [
        *("", " ", "A", "a b", "A-1", "ä", "-3", "1.5", "1e3", "ca. 1 kg", "true", "<b>x</b>", "x" * 300, "\ud800"),
        *("2026-05-01", "2026-05-01T00:00:00Z", "2026-02-30", "pp_1", "pv_1", "main", "GBP", "eur", "http://x/y.jpg"),
        *("live", "discontinued", "Percentage", "AmountPerQuantity", "9" * 50),
    ]
)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 1, 2**31, 10**30, 2**600])
    | st.floats()
    | _TEXTS
    | st.text(max_size=5)
)
junk: st.SearchStrategy[Json] = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3), max_leaves=6
)


def _object(*names: str, **known: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """An object where any of these members may be missing or anything; or no object at all."""
    members = dict.fromkeys(names, junk) | {name: strategy | junk for name, strategy in known.items()}
    return st.fixed_dictionaries({}, optional=members) | junk


_xp = _object(
    *("SKU", "sku", "weight", "restockDate", "rrp"),
    Images=st.lists(_object("Url", "url", "ThumbnailUrl"), max_size=2),
)
_inventory = _object("QuantityAvailable", Enabled=st.just(True), VariantLevelTracking=st.booleans())
_records = st.lists(_object("QuantityAvailable", AddressID=st.sampled_from(["main", "north", "closed"])), max_size=3)
_specs = st.lists(
    _object(
        *("Name", "SpecID", "Value", "OptionID", "PriceMarkup"),
        PriceMarkupType=st.sampled_from(["AmountPerQuantity", "Percentage", "AmountTotal", "NoMarkup"]),
    ),
    max_size=3,
)
_variant = _object(
    *("ID", "ShipWeight"),
    Active=st.booleans(),
    xp=_xp,
    Specs=_specs,
    Inventory=_inventory,
    InventoryRecords=_records,
)
_breaks = st.lists(_object("Price", "SalePrice", Quantity=st.integers(0, 3)), max_size=3)
_schedule = _object(
    *("ID", "Currency", "MinQuantity", "MaxQuantity", "SaleStart", "SaleEnd", "IsOnSale"),
    PriceBreaks=_breaks,
)
products = _object(
    *("Name", "ShipWeight", "QuantityMultiplier", "DefaultPriceScheduleID"),
    ID=st.sampled_from(["P", "p_2", "pp_3", "P 4", "ä", "__", "7"]),
    Active=st.booleans(),
    xp=_xp,
    Variants=st.lists(_variant, max_size=3),
    Inventory=_inventory,
    InventoryRecords=_records,
    DefaultPriceSchedule=_schedule,
)

_GOOD: Json = {
    "ID": "chair",
    "Name": "Chair",
    "Active": True,
    "ShipWeight": 2.5,
    "QuantityMultiplier": 1,
    "xp": {"rrp": 99, "restockDate": "2026-12-24"},
    "Inventory": {"Enabled": True, "VariantLevelTracking": False, "QuantityAvailable": 7},
    "InventoryRecords": [],
    "DefaultPriceSchedule": {
        "ID": "chair-price",
        "Currency": "GBP",
        "MinQuantity": 1,
        "PriceBreaks": [{"Quantity": 1, "Price": 80.0}, {"Quantity": 10, "Price": 72.5}],
    },
    "Variants": [
        {
            "ID": "oak",
            "Active": True,
            "xp": {"SKU": "CHAIR-OAK"},
            "Specs": [{"SpecID": "wood", "Name": "Wood", "OptionID": "oak", "Value": "Oak"}],
        },
        {
            "ID": "elm",
            "Active": True,
            "xp": {"sku": "CHAIR-ELM", "weight": "1800"},
            "Specs": [{"SpecID": "wood", "Name": "Wood", "OptionID": "elm", "Value": "Elm"}],
        },
    ],
}


def chair(**members: Json) -> Json:
    """A product with two variants and nothing wrong with it, with some members replaced."""
    return {**deepcopy(_GOOD), **members}


def stool(**members: Json) -> Json:
    """A product without variants and nothing wrong with it, with some members replaced."""
    return {**deepcopy(_GOOD), "ID": "stool", "Variants": [], "xp": {"SKU": "STOOL"}, **members}


def data_sync_state(**members: Json) -> dict[str, Json]:
    """What a DataSync with everything on wants, with some members replaced; None leaves a section out."""
    state = {
        "integration": "ordercloud",
        "interval": "15m",
        "lookInterval": "1h",
        "walkInterval": "24h",
        "freshness": "2h",
        "maxHeldBackPercent": 10,
        "maxOpenProblems": 500,
        "maxDeletePercent": 10,
        "products": {"shipWeightUnit": "kg"},
        "stock": {"locations": {"main": "warehouse-1", "north": "warehouse-2", "annex": "warehouse-1"}}
        | {"default": "warehouse-1"},
        "pricing": {"priceList": "ordercloud-price"},
        **members,
    }
    return {name: value for name, value in state.items() if value is not None}


def settings(**members: Json) -> ProductSettings:
    """What a DataSync with everything on says of products, with some members replaced; None leaves a section out."""
    return product_settings(data_sync_state(**members))


def mapping(**expressions: str) -> Json:
    """The products section of a DataSync with expressions; `variants_sku` stands for `variants.sku`."""
    named = {key.replace("_", ".", 1): text for key, text in expressions.items()}
    return {"shipWeightUnit": "kg", "mapping": named}
