"""Seed files: the vendor's format in all its sections, and clear words where a file is wrong."""

from __future__ import annotations

import contextlib
import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.app import new_state
from reconciler.emulator.ordercloud.commerce.marketplace import MARKETPLACE_ID
from reconciler.emulator.ordercloud.commerce.resources import RESOURCES
from reconciler.emulator.ordercloud.models import Member, Model
from reconciler.emulator.ordercloud.room import OrderCloud
from reconciler.emulator.seeds.files import read_seed, seed_of, shipped_seeds
from reconciler.emulator.seeds.sections import EMULATED
from reconciler.emulator.seeds.seed import FlawLog, Seed
from reconciler.emulator.seeds.yamltext import parse
from reconciler.emulator.switches import Switches
from reconciler.emulator.testing import RunningEmulator, running_emulator
from reconciler.emulator.traffic import TrafficSetting
from reconciler.errors import LoadError

VENDOR = Path(__file__).parents[1] / "data" / "marketplaces"
Rows = dict[str, dict[str, dict[str, Any]]]


def rows_of(seed: Seed) -> Rows:
    room = new_state(Switches(), TrafficSetting(), seed).rooms["ordercloud"]
    assert isinstance(room, OrderCloud)
    dumped = orjson.loads(orjson.dumps(room.commerce.market.dump()["objects"]))
    return {
        name: {scope: {row.get("ID", str(n)): row for n, row in enumerate(table)} for scope, table in tables.items()}
        for name, tables in dumped.items()
    }


def rows_in(text: str) -> Rows:
    return rows_of(seed_of(text.encode(), "shop.yaml"))


def refused(text: str | bytes) -> LoadError:
    with pytest.raises(LoadError) as caught:
        seed_of(text if isinstance(text, bytes) else text.encode(), "shop.yaml")
    return caught.value


ALL_SECTIONS = """
Meta: {CreatedBySeedingVersion: 1.0.17}
Objects:
  SecurityProfiles: [{ID: everything, Name: Everything, Roles: [FullAccess]}]
  AdminUsers: [{ID: boss, Username: boss, FirstName: A, LastName: B, Email: a@example.com, Active: true}]
  AdminAddresses: [{ID: depot, Street1: 1 Road, City: Oslo, Country: NO, Zip: '0150'}]
  ApiClients: []
  Buyers: [{ID: acme, Name: Acme}]
  Users: [{BuyerID: acme, ID: ann, Username: ann, FirstName: A, LastName: N, Email: ann@example.com, Active: true}]
  UserGroups: [{BuyerID: acme, ID: all, Name: All}]
  Addresses: [{BuyerID: acme, ID: home, Street1: 2 Road, City: Oslo, Country: NO}]
  Suppliers: [{ID: sup, Name: Sup}]
  SupplierUsers: [{SupplierID: sup, ID: sid, Username: sid, FirstName: S, LastName: D, Email: s@x.org, Active: true}]
  SupplierUserGroups: [{SupplierID: sup, ID: all, Name: All}]
  SupplierAddresses: [{SupplierID: sup, ID: dock, Street1: 3 Road, City: Oslo, Country: NO}]
  Catalogs: [{ID: cat, Name: Cat, OwnerID: <MarketplaceID placeholder>}]
  Categories: [{CatalogID: cat, ID: sub, Name: Sub, ParentID: top}, {CatalogID: cat, ID: top, Name: Top}]
  ProductFacets: [{ID: brand, Name: Brand, XpPath: Brand}]
  PriceSchedules: [{ID: p1, Name: P1, PriceBreaks: [{Quantity: 1, Price: 2}]}]
  Specs: [{ID: color, Name: Color, DefinesVariant: true}]
  SpecOptions: [{SpecID: color, ID: red, Value: Red}, {SpecID: color, ID: blue, Value: Blue}]
  Products: [{ID: hat, Name: Hat, VariantCount: 2, DefaultPriceScheduleID: p1}, {ID: bag, Name: Bag}]
  Variants: [{ProductID: hat, ID: sky, Specs: [{SpecID: color, OptionID: blue}]}]
  InventoryRecords: [{ProductID: bag, AddressID: depot, QuantityAvailable: 3, OwnerID: <MarketplaceID placeholder>}]
  VariantInventoryRecords: [{ProductID: hat, VariantID: hat-red, AddressID: dock, QuantityAvailable: 4, OwnerID: sup}]
  Promotions: [{ID: ten, Code: TEN}]
Assignments:
  UserGroupAssignments: [{BuyerID: acme, UserGroupID: all, UserID: ann}]
  AddressAssignments: [{BuyerID: acme, AddressID: home, UserID: ann, IsShipping: true}]
  SupplierUserGroupsAssignments: [{SupplierID: sup, UserGroupID: all, UserID: sid}]
  SupplierBuyerAssignments: [{SupplierID: sup, BuyerID: acme}]
  SpecProductAssignments: [{SpecID: color, ProductID: hat}]
  ProductSupplierAssignments: [{ProductID: hat, SupplierID: sup, DefaultPriceScheduleID: p1}]
  ProductAssignments: [{ProductID: hat, BuyerID: acme, PriceScheduleID: p1, SellerID: <MarketplaceID placeholder>}]
  CatalogAssignments: [{CatalogID: cat, BuyerID: acme, ViewAllProducts: true}]
  ProductCatalogAssignment: [{CatalogID: cat, ProductID: hat}]
  CategoryAssignments: [{CatalogID: cat, CategoryID: top, BuyerID: acme, Visible: true}]
  CategoryProductAssignments: [{CatalogID: cat, CategoryID: sub, ProductID: hat}]
  PromotionAssignments: [{PromotionID: ten, BuyerID: acme}]
"""


def test_every_section_that_is_emulated_is_loaded() -> None:
    rows = rows_in(ALL_SECTIONS)
    expected = {
        *("AdminUser", "AdminAddress", "Buyer", "BuyerUser", "UserGroup", "BuyerAddress", "Supplier", "SupplierUser"),
        *("SupplierUserGroup", "SupplierAddress", "Catalog", "Category", "ProductFacet", "PriceSchedule", "Spec"),
        *("SpecOption", "Product", "Variant", "InventoryRecord", "VariantInventoryRecord", "UserGroupAssignment"),
        *("AddressAssignment", "SupplierUserGroupAssignment", "SupplierBuyer", "SpecProductAssignment"),
        *("ProductSupplier", "ProductAssignment", "CatalogAssignment", "ProductCatalogAssignment"),
        *("CategoryAssignment", "CategoryProductAssignment"),
    }
    assert set(rows) == expected
    assert rows["BuyerUser"]["acme"]["ann"]["Email"] == "ann@example.com"
    assert rows["Catalog"][""]["cat"]["OwnerID"] == MARKETPLACE_ID
    assert rows["Category"]["cat"]["top"]["ChildCount"] == 1


def test_sections_that_are_not_emulated_are_named_with_their_size_unless_empty() -> None:
    seed = seed_of(ALL_SECTIONS.encode(), "shop.yaml")
    assert seed.skipped == {"SecurityProfiles": 1, "Promotions": 1, "PromotionAssignments": 1}
    assert seed.remarks == ()


def test_a_country_is_no_boolean_and_a_date_stays_text() -> None:
    assert parse(b"a: [NO, yes, off, 2026-01-01, 12:30, 1e3, 0x10, -4, '5', ~, true, .5]", "x") == {
        "a": ["NO", "yes", "off", "2026-01-01", "12:30", 1000.0, "0x10", -4, "5", None, True, 0.5]
    }
    assert rows_in(ALL_SECTIONS)["AdminAddress"][""]["depot"]["Country"] == "NO"


def test_names_are_text_and_numbers_beyond_json_are_taken_as_floats() -> None:
    found = parse(b"{NO: 1, 12: 2, null: 3, big: 12345678901234567890123, bad: 1e999}", "x")
    assert found == {"NO": 1, "12": 2, "null": 3, "big": 12345678901234567890123.0, "bad": float("inf")}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", "b", "NO", "2026-01-01"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ID", "SpecID", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def value_of(member: Member) -> st.SearchStrategy[Any]:
    if member.choices:
        return st.sampled_from(sorted(member.choices))
    if member.is_date:
        return st.sampled_from(["2026-01-01", "2026-01-01T00:00:00Z"])
    if member.model is not None:
        inner = body_of(member.model)
        return st.lists(inner, max_size=2) if member.type is list else inner
    simple: dict[type, st.SearchStrategy[Any]] = {
        str: st.sampled_from(["a", "b"]),
        bool: st.booleans(),
        int: st.integers(-3, 2**31 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
        list: st.just(["a"]),
        dict: st.dictionaries(st.sampled_from(["SKU", "x"]), VALUES, max_size=2),
    }
    return simple.get(member.type, VALUES)


def body_of(model: Model) -> st.SearchStrategy[dict[str, Any]]:
    values = {name: value_of(member) for name, member in model.members.items()}
    required = {name: value for name, value in values.items() if model.members[name].required}
    return st.fixed_dictionaries(required, optional={name: values[name] for name in values if name not in required})


def entries_of(section: str) -> st.SearchStrategy[Any]:
    wanted = EMULATED[section]
    parents = st.fixed_dictionaries(dict.fromkeys(wanted.parents, st.just("a")))
    names = st.fixed_dictionaries({"ID": st.sampled_from(["b", "c"])})
    bodies = st.builds(dict.__or__, body_of(RESOURCES[wanted.resource].model), parents)
    return st.lists(st.builds(dict.__or__, bodies, names), max_size=2, unique_by=lambda entry: entry["ID"])


# What others belong to is always there.
PARENTS: dict[str, dict[str, Any]] = {
    "Suppliers": {"Name": "A"},
    "Catalogs": {"Name": "A"},
    "Buyers": {"Name": "A"},
    "Specs": {"Name": "A"},
    "Products": {"Name": "A"},
    "Variants": {"ProductID": "a"},
    "Orders": {},
    "Shipments": {},
}


@st.composite
def shops(draw: st.DrawFn) -> dict[str, Any]:
    shop: dict[str, Any] = {name: [{"ID": "a", **body}] for name, body in PARENTS.items()}
    for name in draw(st.lists(st.sampled_from(sorted(EMULATED)), min_size=1, max_size=4, unique=True)):
        shop[name] = [*shop.get(name, ()), *draw(entries_of(name))]
    return shop


@given(shops())
def test_any_marketplace_is_loaded_or_refused_with_its_place(shop: dict[str, Any]) -> None:
    data = json.dumps({"Objects": shop}).encode()
    refusals = []
    try:
        rows_of(seed_of(data, "shop.json"))
    except LoadError as error:
        refusals.append(error)
    assert all(error.place is not None for error in refusals)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_loaded_or_refused(data: bytes) -> None:
    with contextlib.suppress(LoadError):
        seed_of(data, "shop.yaml")


def test_anchors_aliases_and_merges_work() -> None:
    text = b"base: &b {x: 1, y: &l [1, 2]}\nmore: {<<: *b, x: 3}\nlist: *l"
    assert parse(text, "x") == {"base": {"x": 1, "y": [1, 2]}, "more": {"x": 3, "y": [1, 2]}, "list": [1, 2]}


def test_variants_that_the_file_leaves_out_are_made_as_the_api_makes_them() -> None:
    variants = rows_in(ALL_SECTIONS)["Variant"]["hat"]
    assert set(variants) == {"sky", "hat-red"}
    chosen = variants["sky"]["Specs"][0]
    assert (chosen["Name"], chosen["Value"], chosen["OptionID"]) == ("Color", "Blue", "blue")


def test_an_inventory_record_without_an_id_gets_the_same_one_each_time() -> None:
    keys = [list(rows_in(ALL_SECTIONS)["InventoryRecord"]["bag"]) for _ in range(2)]
    assert keys[0] == keys[1]


def test_options_and_variants_inside_their_parents_are_read_too() -> None:
    rows = rows_in("""
Objects:
  Specs: [{ID: size, Name: Size, DefinesVariant: true, Options: [{ID: s, Value: S}]}]
  Products: [{ID: cap, Name: Cap, Variants: [{ID: cap-s, Specs: [{SpecID: size, OptionID: s}]}]}]
""")
    assert list(rows["SpecOption"]["size"]) == ["s"]
    assert list(rows["Variant"]["cap"]) == ["cap-s"]


def test_copies_inside_parents_give_way_to_sections_of_their_own() -> None:
    rows = rows_in("""
Objects:
  Specs: [{ID: size, Name: Size, Options: [{ID: s, Value: old}]}]
  SpecOptions: [{SpecID: size, ID: s, Value: S}]
""")
    assert rows["SpecOption"]["size"]["s"]["Value"] == "S"


def test_a_reference_that_leads_nowhere_is_loaded_and_told() -> None:
    seed = seed_of(b"Objects: {Products: [{ID: hat, Name: Hat, DefaultPriceScheduleID: gone}]}", "shop.yaml")
    assert seed.remarks == ("Product hat: there is no PriceSchedule gone.",)
    assert rows_of(seed)["Product"][""]["hat"]["DefaultPriceScheduleID"] == "gone"


def test_a_mistyped_section_is_told_with_the_one_that_was_meant() -> None:
    seed = seed_of(b"Objects: {Produts: [{ID: hat}]}", "shop.yaml")
    assert (seed.skipped, seed.remarks) == ({"Produts": 1}, ("There is no section Produts; did you mean Products?",))


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("Objects:\n  Specs:\n    - ID: a\n      Options: 3\n", "Options has to be a list", 4),
        ("Objects:\n  Products: 3\n", "Products has to be a list", 2),
        ("Objects: []\n", "Objects has to be a map", 1),
        ("Products: []\n", "neither Objects nor Assignments", 1),
        ("- 1\n", "neither Objects nor Assignments", 1),
        ("Objects:\n  Products:\n    - hat\n", "entry of Products has to be a map", 3),
        ("Objects:\n  Products:\n    - ID: a\n      Active: 'yes'\n", "Active has to be", 4),
        ("Objects:\n  Products:\n    - ID: a b\n", "ID may have letters", 3),
        ("Objects:\n  Products:\n    - ID: 7\n", "ID has to be", 3),
        ("Objects:\n  Products:\n    - {ID: a, Name: A}\n    - {ID: a, Name: A}\n", "stands here twice", 4),
        ("Objects:\n  Users:\n    - ID: a\n      BuyerID: b\n", "there is no Buyer b", 4),
        ("Objects:\n  Users:\n    - ID: a\n", "BuyerID is required", 3),
        ("Objects:\n  Buyers:\n    - ID: a\n", "Name is required", 3),
        (
            "Objects:\n  PriceSchedules:\n    - {ID: a, Name: A,\n      PriceBreaks: [{Price: 1}]}\n",
            "Quantity is required",
            4,
        ),
        ("Objects:\n  AdminAddresses:\n    - ID: a\n      Zip: 55409\n", "Zip has to be", 4),
        ("Objects:\n  PriceSchedules:\n    - ID: a\n      PriceBreaks: [1]\n", "list of objects", 4),
        ("Objects:\n  PriceSchedules:\n    - ID: a\n      SaleStart: soon\n", "SaleStart has to be a date", 4),
        ("Objects:\n  Products:\n    - ID: [a\n", "this is not YAML", 4),
        ("Objects:\n  A: *x\n", "names no anchor", 2),
        ("Objects:\n  A: 1\n  A: 2\n", "stands here twice", 3),
        ("Objects:\n\tA: 1\n", "this is not YAML", 2),
        ("a: " + "[" * 500, "nesting is too deep", 1),
        ("Assignments:\n  CatalogAssignments:\n    - BuyerID: a\n", "CatalogID is required", 3),
        ("", "neither Objects nor Assignments", 0),
    ],
)
def test_a_bad_file_is_refused_at_its_place(text: str, message: str, line: int) -> None:
    error = refused(text)
    assert message in error.message
    assert error.place is not None
    assert (error.place.file, error.place.line) == ("shop.yaml", line)


def test_bytes_that_are_no_text_are_refused() -> None:
    assert "not YAML" in refused(b"Objects: \xff\xfe\x00").message


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
        "a0: &a0 {x: x}\n" + "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 40)),
        f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1_000)}]\n",
    ],
)
def test_an_alias_bomb_is_refused_before_it_goes_off(text: str) -> None:
    started = time.thread_time()
    xp = "Objects:\n  Products: [{ID: p, Name: P, Active: true, xp: {b: *a39}}]\n"
    error = refused(text + (xp if "a39" in text else ""))
    assert error.message == "aliases repeat too much"
    assert error.place is not None
    assert error.place.line > 1
    assert time.thread_time() - started < 5


def test_many_aliases_of_something_small_are_fine() -> None:
    items = ", ".join(f"{{ID: p{n}, Name: P, Active: true, xp: *a}}" for n in range(2_000))
    rows = rows_in(f"Common: &a {{color: red, sizes: [1, 2, 3]}}\nObjects:\n  Products: [{items}]\n")
    assert rows["Product"][""]["p1999"]["xp"] == {"color": "red", "sizes": [1, 2, 3]}


def test_a_missing_file_names_the_seeds_that_there_are() -> None:
    with pytest.raises(LoadError) as caught:
        read_seed("nowhere.yaml")
    assert "corner-shop" in (caught.value.next_step or "")


@pytest.mark.parametrize("name", shipped_seeds())
def test_the_shipped_seeds_are_whole(name: str) -> None:
    seed = read_seed(name)
    assert (seed.skipped, seed.remarks) == ({}, ())
    assert rows_of(seed)["Product"]


def test_the_workwear_shop_shows_what_it_says() -> None:
    rows = rows_of(read_seed("workwear"))
    assert set(rows["Variant"]["jacket"]) == {"jacket-m", "jacket-l", "jacket-xxl"}
    assert rows["Product"][""]["jacket"]["Inventory"]["QuantityAvailable"] == 20
    assert rows["Product"][""]["hammer"]["Inventory"]["QuantityAvailable"] == 47
    order = rows["Order"][""]["order-1"]
    assert (order["Status"], order["LineItemCount"], order["Subtotal"]) == ("Open", 2, 4 * 14 + 2 * 64)


def test_the_site_has_the_carts_that_orders_of_a_file_name() -> None:
    with running_emulator(seed="workwear") as emulator:
        assert set(emulator.site()["purchases"]) == {"5b0f3a52-9c1e-4c0b-8d7a-2f6e1c9a4b30"}
        orders = [{"ID": f"o-{n}", "xp": {"sparkCartId": cart}} for n, cart in enumerate(("cart-1", 7, None))]
        emulator.empty_site()
        emulator.seed_with({"Objects": {"Orders": [*orders, {"ID": "o", "xp": None}]}})
        assert emulator.site()["purchases"] == {}


@pytest.mark.parametrize(
    ("name", "products", "variants"), [("Vercel-B2C", 10, 58), ("Variant-Inventory-Records-Example", 1, 4)]
)
def test_the_vendors_own_files_load(name: str, products: int, variants: int) -> None:
    seed = read_seed(str(VENDOR / f"{name}.yml"))
    rows = rows_of(seed)
    assert len(rows["Product"][""]) == products
    assert sum(len(table) for table in rows["Variant"].values()) == variants
    assert seed.remarks == ()


def test_a_large_file_loads_in_little_time() -> None:
    entry = "    - {{ID: p{0}, Name: Product {0}, Active: true, xp: {{SKU: S{0}, weight: {0}}}}}\n"
    text = "Objects:\n  Products:\n" + "".join(entry.format(number) for number in range(20_000))
    started = time.process_time()
    assert len(list(seed_of(text.encode(), "big.yaml").rows(FlawLog()))) == 20_000
    assert time.process_time() - started < 10


def test_a_running_emulator_serves_and_takes_seeds(tmp_path: Path) -> None:
    with running_emulator(seed="corner-shop") as emulator:
        assert emulator.seeded()["objects"]["Product"] == 2
        names = {item["ID"] for item in products_of(emulator)}
        assert names == {"tea", "milk"}
        report = emulator.seed_with(
            {"Objects": {"Products": [{"ID": "hat", "Name": "Hat"}], "Promotions": [{"ID": "x"}]}}
        )
        assert report["skipped"] == {"Promotions": 1}
        assert {item["ID"] for item in products_of(emulator)} == {"hat"}
        answer = put_seed(emulator, b"Objects:\n  Products: 3\n")
        assert answer.status_code == 400
        assert "Products has to be a list" in answer.json()["error"]
        assert {item["ID"] for item in products_of(emulator)} == {"hat"}
        emulator.reset()
        assert {item["ID"] for item in products_of(emulator)} == {"tea", "milk"}


def put_seed(emulator: RunningEmulator, body: bytes) -> httpx.Response:
    headers = {"content-type": "application/yaml"}
    return httpx.put(f"{emulator.url}/_emulator/seed", content=body, headers=headers, trust_env=False)


def products_of(emulator: RunningEmulator) -> list[dict[str, Any]]:
    login = {"grant_type": "client_credentials", "client_id": "emulator", "client_secret": "emulator"}
    token = httpx.post(emulator.ordercloud_auth_url, data=login, trust_env=False).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    found = httpx.get(f"{emulator.ordercloud_url}/products", headers=headers, trust_env=False).json()
    items: list[dict[str, Any]] = found["Items"]
    return items


def test_a_state_file_is_written_at_the_start_and_comes_before_the_seed(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with running_emulator(seed="corner-shop", file=file) as emulator:
        pass
    kept = json.loads(file.read_text())
    assert len(kept["ordercloud"]["commerce"]["objects"]["Product"][""]) == 2
    with running_emulator(seed="workwear", file=file) as emulator:
        assert {item["ID"] for item in products_of(emulator)} == {"tea", "milk"}
        assert emulator.seeded() == {"source": "state"}
        emulator.reset()
        assert {item["ID"] for item in products_of(emulator)} == {"hammer", "jacket"}


def test_places_are_counted_like_editors_do() -> None:
    error = refused("Objects:\n  Products:\n    - ID: a\n      QuantityMultiplier: many\n")
    assert re.fullmatch(r"shop\.yaml:4:7", str(error.place))
