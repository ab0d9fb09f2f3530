"""Where the values of a product and its variants come from, and what a merchant reads where one is missing."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.sync.products.mapper import draft
from reconciler.sync.products.model import Held, Part, Wanted
from reconciler.sync.products.resolve import settle
from reconciler.sync.products.settings import ProductSettings
from support.mapping_strategies import NOW, chair, mapping, settings, stool

ONLY_PRODUCTS = settings(stock=None, pricing=None)


def mapped(source: Any, said: ProductSettings = ONLY_PRODUCTS, currency: str | None = "GBP") -> Wanted:
    return settle(draft(source, said, NOW, currency), {}, Held())


def only(source: Any, said: ProductSettings = ONLY_PRODUCTS, currency: str | None = "GBP") -> Any:
    """The only variant of a product with nothing wrong with it."""
    wanted = mapped(source, said, currency)
    assert wanted.problems == ()
    assert wanted.product is not None
    (variant,) = wanted.product["variants"]
    return variant


def problems(source: Any, said: ProductSettings = ONLY_PRODUCTS, currency: str | None = "GBP") -> list[tuple[str, str]]:
    return [(problem.external_id, problem.code) for problem in mapped(source, said, currency).problems]


def expressed(**expressions: str) -> ProductSettings:
    return settings(products=mapping(**expressions), stock=None, pricing=None)


def test_a_product_with_variants() -> None:
    assert mapped(chair()).product == {
        "external_id": "chair",
        "title": "Chair",
        "slug": "chair",
        "variants": [
            {
                "external_id": "chair/elm",
                "sku": "CHAIR-ELM",
                "weight_in_grams": 1800,
                "position": 2,
                "rrp": [{"currency_code": "GBP", "price": 99}],
                "options": [{"group": "Wood", "value": "Elm"}],
                "status": "live",
            },
            {
                "external_id": "chair/oak",
                "sku": "CHAIR-OAK",
                "weight_in_grams": 2500,
                "position": 1,
                "rrp": [{"currency_code": "GBP", "price": 99}],
                "options": [{"group": "Wood", "value": "Oak"}],
                "status": "live",
            },
        ],
    }


@pytest.mark.parametrize("variants", [[], None, "none", [7]])
def test_a_product_without_variants_is_its_own_variant(variants: Any) -> None:
    assert only(stool(Variants=variants)) == {
        "external_id": "stool",
        "sku": "STOOL",
        "weight_in_grams": 2500,
        "position": 1,
        "status": "live",
    }


@pytest.mark.parametrize(
    ("product_id", "slug"),
    [("Chair_No-7", "chair-no-7"), ("--A--", "a"), ("ABC", "abc"), ("a__b", "a-b"), ("x-ü-y", "x-y")],
)
def test_the_slug_comes_from_the_id(product_id: str, slug: str) -> None:
    wanted = mapped(stool(ID=product_id))
    assert wanted.product is not None
    assert wanted.product["slug"] == slug


@pytest.mark.parametrize(
    ("xp", "sku"),
    [
        ({"SKU": "A", "sku": "B"}, "A"),
        ({"SKU": " ", "sku": " B "}, "B"),
        ({"SKU": None, "sku": 123}, "123"),
        ({"SKU": 123.0}, "123"),
        ({"SKU": 12.5}, "12.5"),
        ({"SKU": ["A"], "sku": "B"}, "B"),
    ],
)
def test_where_the_sku_comes_from(xp: Any, sku: str) -> None:
    assert only(stool(xp=xp))["sku"] == sku


@pytest.mark.parametrize("xp", [None, [], "SKU", {}, {"SKU": True}, {"SKU": ""}, {"SKU": {"a": 1}}])
def test_without_a_sku_a_product_does_not_go_through(xp: Any) -> None:
    wanted = mapped(stool(xp=xp))
    assert wanted.product is None
    (problem,) = wanted.problems
    assert (problem.external_id, problem.part, problem.code) == ("stool", Part.PRODUCT, "no-sku")
    assert problem.message == "The SKU is not set. Set xp.SKU in OrderCloud."


def test_a_variant_never_has_the_sku_of_its_product_or_its_id() -> None:
    source = chair(xp={"SKU": "CHAIR"})
    source["Variants"][0]["xp"] = None
    wanted = mapped(source)
    assert problems(source) == [("chair/oak", "no-sku")]
    assert wanted.product is not None
    assert [variant["external_id"] for variant in wanted.product["variants"]] == ["chair/elm"]


@pytest.mark.parametrize("name", [None, "", "  ", ["Chair"], True])
def test_without_a_name_a_product_does_not_go_through(name: Any) -> None:
    assert problems(stool(Name=name)) == [("stool", "no-name")]
    assert mapped(stool(Name=name)).product is None


def test_html_in_a_name_is_passed_on_as_it_is() -> None:
    name = "<b>Chair</b> &amp; <script>alert('x')</script>"
    wanted = mapped(stool(Name=f" {name}\n"))
    assert wanted.product is not None
    assert wanted.product["title"] == name


@pytest.mark.parametrize(
    ("members", "unit", "grams"),
    [
        ({"xp": {"SKU": "A", "weight": 1250.5}}, "kg", 1251),
        ({"xp": {"SKU": "A", "weight": " 12.49 "}}, "kg", 12),
        ({"xp": {"SKU": "A", "weight": "0"}}, "kg", 0),
        ({"xp": {"SKU": "A", "weight": ""}}, "kg", 2500),
        ({"ShipWeight": 0.1}, "kg", 100),
        ({"ShipWeight": 1.005}, "kg", 1005),
        ({"ShipWeight": 3}, "lb", 1361),
        ({"ShipWeight": 2}, "oz", 57),
        ({"ShipWeight": 2.5}, "g", 3),
        ({"ShipWeight": None}, "kg", None),
        ({"ShipWeight": "2"}, "kg", None),
    ],
)
def test_the_weight_in_grams(members: Any, unit: str, grams: int | None) -> None:
    said = settings(products={"shipWeightUnit": unit}, stock=None, pricing=None)
    assert only(stool(**members), said).get("weight_in_grams") == grams


@pytest.mark.parametrize("weight", ["ca. 1.2 kg", "1,5", "1e3", True, [1], {"g": 1}, -1, "-0.5"])
def test_a_weight_that_is_no_number_of_grams(weight: Any) -> None:
    assert problems(stool(xp={"SKU": "A", "weight": weight})) == [("stool", "weight-not-a-number")]


def test_a_bad_value_of_the_product_is_one_problem_of_the_product() -> None:
    source = chair(xp={"weight": "heavy"})
    del source["Variants"][1]["xp"]["weight"]
    assert problems(source) == [("chair", "weight-not-a-number")]


def test_the_weight_of_the_variant_goes_before_that_of_the_product() -> None:
    source = chair(xp={"weight": "heavy"}, Variants=[{"ID": "v", "Active": True, "xp": {"SKU": "A", "weight": 3}}])
    assert only(source)["weight_in_grams"] == 3


@pytest.mark.parametrize(
    ("images", "url"),
    [
        ([{"Url": "https://a/1.jpg", "ThumbnailUrl": "https://a/t.jpg"}], "https://a/1.jpg"),
        ([{"Url": "/1.jpg", "url": " HTTP://a/2.jpg "}], "HTTP://a/2.jpg"),
        ([{"ThumbnailUrl": "http://a/t.jpg"}], "http://a/t.jpg"),
        ([{"Url": 7}, {"Url": "https://a/2.jpg"}], None),
        (["https://a/1.jpg"], None),
        ("https://a/1.jpg", None),
        ([], None),
        (None, None),
    ],
)
def test_the_picture(images: Any, url: str | None) -> None:
    assert only(stool(xp={"SKU": "A", "Images": images})).get("cart_image_url") == url


def test_options_have_each_group_once_and_no_empty_values() -> None:
    specs = [
        {"SpecID": "s1", "Name": "Size", "Value": "L"},
        {"SpecID": "s2", "Name": "Size", "Value": "Wide"},
        {"SpecID": "s3", "Value": None, "OptionID": "red"},
        {"SpecID": "s4", "Name": "Empty"},
        {"Value": "nameless"},
        "junk",
    ]
    variant = {"ID": "v", "Active": True, "xp": {"SKU": "A"}, "Specs": specs}
    assert only(chair(Variants=[variant]))["options"] == [
        {"group": "Size", "value": "L"},
        {"group": "s2", "value": "Wide"},
        {"group": "s3", "value": "red"},
    ]


@pytest.mark.parametrize(
    ("product", "variant", "status"),
    [(True, True, "live"), (False, True, "suspended"), (True, False, "suspended"), (None, True, "suspended")],
)
def test_the_status_follows_product_and_variant(product: Any, variant: Any, status: str) -> None:
    source = chair(Active=product, Variants=[{"ID": "v", "Active": variant, "xp": {"SKU": "A"}}])
    assert only(source)["status"] == status


def test_settings_come_from_the_product_and_its_price_schedule() -> None:
    source = stool(QuantityMultiplier=6, DefaultPriceSchedule={"MinQuantity": 2, "MaxQuantity": 48})
    assert only(source)["settings"] == [
        {"customer_group": "base", "pack_size": 6, "min_order_quantity": 2, "max_order_quantity": 48}
    ]
    assert "settings" not in only(stool(QuantityMultiplier=1, DefaultPriceSchedule={"MinQuantity": 1}))
    assert "settings" not in only(stool(QuantityMultiplier="6", DefaultPriceSchedule=None))


def test_the_recommended_price_is_in_the_lists_currency_else_the_stores_else_the_schedules() -> None:
    source = stool(xp={"SKU": "A", "rrp": "12.50"}, DefaultPriceSchedule={"Currency": "usd"})
    stores = settings(stock=None, pricing=None, currency="EUR")
    assert only(source, stores, "GBP")["rrp"] == [{"currency_code": "GBP", "price": 12.5}]
    assert only(source, stores, None)["rrp"] == [{"currency_code": "EUR", "price": 12.5}]
    assert only(source, ONLY_PRODUCTS, None)["rrp"] == [{"currency_code": "USD", "price": 12.5}]
    assert problems(stool(xp={"SKU": "A", "rrp": 1}, DefaultPriceSchedule=None), currency=None) == [
        ("stool", "no-currency")
    ]
    assert problems(stool(xp={"SKU": "A", "rrp": "n/a"})) == [("stool", "rrp-not-a-number")]


@pytest.mark.parametrize(
    "members",
    [
        {"ID": "pp_1"},
        {"Name": "x" * 256},
        {"ID": "a" * 256},
        {"xp": {"SKU": "x" * 256}},
        {"xp": {"SKU": "A", "weight": 2**31}},
        {"xp": {"SKU": "A", "Images": [{"Url": "https://a/" + "x" * 2048}]}},
        {"xp": {"SKU": "A", "rrp": -1}},
        {"QuantityMultiplier": 2**31},
    ],
)
def test_what_is_over_a_limit_does_not_go_through(members: Any) -> None:
    wanted = mapped(stool(**members))
    assert [problem.code for problem in wanted.problems] == ["over-limit"]
    assert wanted.product is None


def test_what_is_at_its_limit_goes_through() -> None:
    source = stool(Name="x" * 255, xp={"SKU": "x" * 255, "weight": 2**31 - 1, "rrp": 999_999_999.99})
    assert mapped(source).problems == ()


def test_variants_without_an_id_or_with_that_of_another_are_left_out() -> None:
    source = chair()
    source["Variants"] += [{"xp": {"SKU": "B"}}, {"ID": "oak", "xp": {"SKU": "C"}}]
    wanted = mapped(source)
    assert [problem.code for problem in wanted.problems] == ["no-id", "no-id"]
    assert wanted.product is not None
    assert [variant["sku"] for variant in wanted.product["variants"]] == ["CHAIR-ELM", "CHAIR-OAK"]


def test_of_two_variants_with_one_sku_the_first_keeps_it() -> None:
    source = chair()
    source["Variants"][1]["xp"]["sku"] = "CHAIR-OAK"
    wanted = mapped(source)
    (problem,) = wanted.problems
    assert (problem.external_id, problem.code) == ("chair/elm", "duplicate-sku")
    assert "the variant oak of this product" in problem.message


def test_a_product_that_does_not_flow_has_no_problems_of_its_own() -> None:
    said = settings(products=None, pricing=None)
    wanted = mapped(stool(Name="", xp={"SKU": "STOOL", "weight": "heavy"}), said)
    assert (wanted.problems, wanted.product) == ((), None)
    assert [level.sku for level in wanted.stock or ()] == ["STOOL"]
    assert mapped(stool(xp=None), said).problems[0].part is Part.STOCK


# Expressions


def test_expressions_see_the_variant_then_the_product() -> None:
    said = expressed(
        title="join(' ', [Name, xp.Brand])",
        slug="xp.Slug",
        variants_sku="ID",
        variants_weightInGrams="xp.grams || ShipWeight",
        variants_position="to_number(xp.place)",
        variants_cartImageUrl="Product.xp.picture",
        variants_options="{Colour: xp.colour}",
        variants_status="xp.state",
        variants_rrp="xp.listPrice",
        variants_settings="{pack_size: xp.pack, display: `true`}",
    )
    xp = {"Brand": "Elm & Co", "Slug": "Best Chair!", "listPrice": "10", "picture": "https://a/p.png", "colour": "no"}
    variants = [{"ID": "v1", "xp": {"place": "7", "pack": 12, "colour": "red", "state": "pending", "grams": 5}}]
    wanted = mapped(chair(xp=xp, Variants=variants), said)
    assert wanted.problems == ()
    assert wanted.product == {
        "external_id": "chair",
        "title": "Chair Elm & Co",
        "slug": "best-chair",
        "variants": [
            {
                "external_id": "chair/v1",
                "sku": "v1",
                "weight_in_grams": 5,
                "position": 7,
                "cart_image_url": "https://a/p.png",
                "rrp": [{"currency_code": "GBP", "price": 10}],
                "options": [{"group": "Colour", "value": "red"}],
                "status": "pending",
                "settings": [{"customer_group": "base", "display": True, "pack_size": 12}],
            }
        ],
    }


def test_options_that_an_expression_gives_without_a_group_or_a_value_are_left_out() -> None:
    said = expressed(variants_options="xp.options")
    odd = [{"group": "Size", "value": "L"}, {"group": "Colour"}, {"value": "red"}, {"group": None, "value": None}]
    assert only(stool(xp={"SKU": "S", "options": odd}), said)["options"] == [{"group": "Size", "value": "L"}]


@pytest.mark.parametrize("odd", [[{"group": "Size", "value": "L"}, "red"], ["red"], "red", 1])
def test_options_that_are_no_groups_are_a_problem_of_the_record(odd: Any) -> None:
    ((_, code),) = problems(stool(xp={"SKU": "S", "options": odd}), expressed(variants_options="xp.options"))
    assert code == "bad-mapping"


def test_an_expression_for_sku_or_options_does_not_fall_back_to_the_product() -> None:
    said = expressed(variants_sku="xp.code", variants_options="xp.options")
    source = chair(xp={"code": "CHAIR", "options": {"Colour": "red"}})
    assert [code for _, code in problems(source, said)] == ["no-sku", "no-sku"]
    assert only(stool(xp={"code": "S", "options": {"Colour": "red"}}), said)["options"] == [
        {"group": "Colour", "value": "red"}
    ]


def test_an_expression_for_sku_or_options_sees_the_product_beside_the_variant() -> None:
    options = "[{group: 'Of', value: Product.ID}]"
    said = expressed(variants_sku="join('-', [Product.ID, ID])", variants_options=options)
    found = mapped(chair(), said).product
    assert found is not None
    assert [item["sku"] for item in found["variants"]] == [
        f"chair-{item['external_id'][6:]}" for item in found["variants"]
    ]
    assert found["variants"][0]["options"] == [{"group": "Of", "value": "chair"}]


@pytest.mark.parametrize("key", ["slug", "variants_position", "variants_status"])
def test_an_expression_that_gives_null_leaves_the_default(key: str) -> None:
    wanted = mapped(stool(), expressed(**{key: "nothing"}))
    assert wanted == mapped(stool())


@pytest.mark.parametrize(
    ("key", "expression", "code"),
    [
        ("title", "xp", "bad-mapping"),
        ("title", "nothing", "no-name"),
        ("slug", "`true`", "bad-mapping"),
        ("variants_sku", "keys(@)", "bad-mapping"),
        ("variants_sku", "nothing", "no-sku"),
        ("variants_weightInGrams", "Name", "weight-not-a-number"),
        ("variants_weightInGrams", "`-1`", "weight-not-a-number"),
        ("variants_position", "Name", "bad-mapping"),
        ("variants_position", "`1.5`", "bad-mapping"),
        ("variants_position", "`-1`", "over-limit"),
        ("variants_cartImageUrl", "Name", "bad-mapping"),
        ("variants_options", "Name", "bad-mapping"),
        ("variants_options", "`[[1]]`", "bad-mapping"),
        ("variants_status", "'sold'", "bad-mapping"),
        ("variants_rrp", "Name", "rrp-not-a-number"),
        ("variants_settings", "Name", "bad-mapping"),
        ("variants_settings", '`{"colour": 1}`', "bad-mapping"),
        ("variants_settings", '`{"pack_size": "6"}`', "bad-mapping"),
        ("variants_settings", '`{"display": 1}`', "bad-mapping"),
        ("variants_settings", '`{"pack_size": -1}`', "over-limit"),
        ("title", "length(ShipWeight)", "bad-mapping"),
        ("title", "Variants[::0]", "bad-mapping"),
    ],
)
def test_an_expression_that_gives_something_else_is_a_problem(key: str, expression: str, code: str) -> None:
    wanted = mapped(stool(), expressed(**{key: expression}))
    assert [problem.code for problem in wanted.problems] == [code]
    assert wanted.product is None


def test_a_variant_that_is_mapped_to_discontinued_is_nothing_else() -> None:
    assert only(stool(), expressed(variants_status="'discontinued'")) == {
        "external_id": "stool",
        "status": "discontinued",
    }


def test_settings_by_group_are_one_entry_each() -> None:
    expression = '`[{"customer_group": "trade", "pack_size": 2}, {"pack_size": 1, "sell": false}, {"sell": true}]`'
    assert only(stool(), expressed(variants_settings=expression))["settings"] == [
        {"customer_group": "base", "sell": False},
        {"customer_group": "trade", "pack_size": 2},
    ]
