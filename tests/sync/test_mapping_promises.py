"""What the mapping promises of any record whatever, good or not."""

from __future__ import annotations

import json
import random
import re
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sparklayer.kinds.data_sync.budget import Budget
from reconciler.sparklayer.products import canonical_product
from reconciler.sparklayer.records import Price, Tier
from reconciler.sync.monitor.problems import CODES
from reconciler.sync.products.fingerprint import fingerprints, of_prices, of_product, of_stock
from reconciler.sync.products.mapper import Draft, draft, slugged
from reconciler.sync.products.model import Held, Name, Part, Wanted
from reconciler.sync.products.resolve import Removals, deleted, removals, settle
from support.hostile import bounded
from support.mapping_strategies import NOW, chair, junk, mapping, products, settings, stool

EVERY_EXPRESSION = mapping(
    title="Name",
    slug="xp.sku",
    variants_sku="xp.SKU || ID",
    variants_weightInGrams="xp.weight",
    variants_position="xp.rrp",
    variants_cartImageUrl="xp.Images[0].Url",
    variants_options="Specs[].{group: Name, value: Value}",
    variants_status="xp.status",
    variants_rrp="xp.rrp",
    variants_settings="xp",
    variants_restockDate="Product.xp.restockDate",
)
ALL_SETTINGS = (
    settings(),
    settings(currency="GBP"),
    settings(products=EVERY_EXPRESSION),
    settings(products=None),
    settings(stock=None, pricing=None),
    settings(products=mapping(variants_sku="sort_by(Specs, &Name)[0].Value", title="join('-', keys(xp))")),
)
any_settings = st.sampled_from(ALL_SETTINGS)
any_currency = st.sampled_from(["GBP", None])
skus = st.sampled_from(["A", "B", "A-1", "CHAIR-OAK", "gone"])
any_held = st.builds(
    Held,
    variants=st.frozensets(st.sampled_from(["P", "P/A", "P/gone", "chair/oak", "chair/gone"])),
    skus=st.dictionaries(skus, st.sampled_from([("warehouse-1",), ("warehouse-2", "warehouse-9")])),
    priced=st.frozensets(skus),
    slug=st.sampled_from([None, "p", "old"]),
    discontinued=st.booleans(),
)
any_taken = st.dictionaries(
    st.sampled_from([Name("sku", "A"), Name("sku", "CHAIR-OAK"), Name("slug", "p"), Name("slug", "old")]),
    st.sampled_from(["P", "other"]),
)


def settled(draft_: Draft, held: Held) -> Wanted:
    return settle(draft_, {}, held)


@given(products, any_settings, any_currency, any_held, any_taken)
def test_any_record_gives_something_or_a_problem_and_never_an_error(
    source: Any, said: Any, currency: str | None, held: Held, taken: dict[Name, str]
) -> None:
    made = draft(source, said, NOW, currency)
    wanted = settle(made, taken, held)
    assert made == draft(source, said, NOW, currency)
    orjson.dumps(wanted.product)
    assert fingerprints(wanted).keys() <= said.parts
    if Part.PRODUCT in said.parts and wanted.product is None:
        assert wanted.problems
    assert all(problem.external_id and problem.code in CODES and problem.message for problem in wanted.problems)
    assert all(problem.part in said.parts for problem in wanted.problems)
    "".join(problem.external_id + problem.message for problem in wanted.problems).encode()


@given(junk, any_settings)
def test_what_is_no_product_at_all_is_a_problem(source: Any, said: Any) -> None:
    wanted = settled(draft(source, said, NOW, "GBP"), Held())
    assert wanted.product is None
    assert wanted.problems


@given(products, any_settings, any_currency, any_held)
def test_what_is_written_is_what_the_target_is_held_to_hold(
    source: Any, said: Any, currency: str | None, held: Held
) -> None:
    """Settling again with what the target holds afterwards gives the same, and nothing to remove."""
    made = draft(source, said, NOW, currency)
    first = settled(made, held)
    again = settled(made, first.held)
    if first.product is not None or Part.PRODUCT not in said.parts or held.variants == first.held.variants:
        assert again.product == first.product
    third = settled(made, again.held)
    assert (third.product, third.stock, third.prices, third.held) == (
        again.product,
        again.stock,
        again.prices,
        again.held,
    )
    assert removals(again.held, third) == removals(Held(), third)
    if first.product is not None:
        assert fingerprints(again) == fingerprints(first)
        assert again.held == first.held


@given(products, any_settings, any_currency, any_held, any_taken)
def test_nothing_is_removed_from_the_target_but_what_the_record_no_longer_has(
    source: Any, said: Any, currency: str | None, held: Held, taken: dict[Name, str]
) -> None:
    made = draft(source, said, NOW, currency)
    wanted = settle(made, taken, held)
    own = {variant.sku for variant in made.variants}
    assert not set(wanted.gone_skus) & own
    if wanted.product is not None:
        assert {variant["external_id"] for variant in wanted.product["variants"]} >= held.variants
    elif Part.PRODUCT in said.parts:
        assert wanted.gone_skus == ()
        assert wanted.held.variants == held.variants
    gone = removals(held, wanted)
    untracked = {variant.sku for variant in made.variants if variant.stock == ()}
    unpriced = {variant.sku for variant in made.variants if variant.price is not None and not variant.price.tiers}
    assert gone.stock <= set(wanted.gone_skus) | untracked
    assert gone.prices <= set(wanted.gone_skus) | unpriced


@given(products, any_settings, any_currency)
def test_bodies_are_as_a_read_returns_them(source: Any, said: Any, currency: str | None) -> None:
    wanted = settled(draft(source, said, NOW, currency), Held())
    if wanted.product is not None:
        read = {"id": "pp_1", "created_at": "x", **wanted.product}
        assert of_product(canonical_product(read)) == of_product(wanted.product)


@given(products, any_settings, any_held)
def test_names_cover_what_is_written_and_what_is_held(source: Any, said: Any, held: Held) -> None:
    made = draft(source, said, NOW, "GBP")
    wanted = settled(made, held)
    written = {level.sku for level in wanted.stock or ()} | {price.sku for price in wanted.prices or ()}
    assert {Name("sku", sku) for sku in written} <= made.names
    after = made.names_for(wanted.held)
    assert {Name("sku", sku) for sku in (*wanted.held.skus, *wanted.held.priced)} <= after
    if wanted.product is not None:
        assert Name("slug", wanted.product["slug"]) in after


EXPLODING = "[@,@]" + "|[@,@][]" * 34 + "|length(@)"


def test_a_mapping_that_explodes_is_a_problem_of_its_record_and_the_rest_is_mapped() -> None:
    with bounded(seconds=5, megabytes=100):
        costly = settings(products=mapping(variants_weightInGrams=EXPLODING))
        wanted = settled(draft(stool(), costly, NOW, "GBP"), Held())
    assert [(problem.external_id, problem.code) for problem in wanted.problems] == [("stool", "costly-mapping")]
    assert "variants.weightInGrams" in wanted.problems[0].message
    assert wanted.product is None
    assert draft(stool(), settings(products=mapping(title=EXPLODING)), NOW, "GBP").variants[0].body is not None


def test_all_mappings_of_all_variants_of_a_record_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many that each stay within theirs would hold up everything else for minutes."""
    work: list[int] = []
    spend = Budget.spend

    def counted(budget: Budget, units: int) -> None:
        work.append(units)
        spend(budget, units)

    monkeypatch.setattr(Budget, "spend", counted)
    busy = "sort_by(Product.Variants, &ID)[0].xp.none || Product.Variants[].[@,@][].ID | join('', @) && Name"
    keys = ("title", "variants_weightInGrams", "variants_rrp", "variants_cartImageUrl", "variants_settings")
    variants = [{"ID": f"v{number}", "xp": {"SKU": f"S{number}"}} for number in range(200)]
    draft(chair(Variants=variants), settings(products=mapping(**dict.fromkeys(keys, busy))), NOW, "GBP")
    assert sum(work) < 550_000


def test_a_mapping_may_look_through_all_variants_for_each_of_them() -> None:
    variants = [{"ID": f"v{number}", "Active": True, "xp": {"SKU": f"S{number}"}} for number in range(150)]
    said = settings(products=mapping(variants_position="length(Product.Variants[?Active].xp.SKU)"))
    wanted = settled(draft(chair(Variants=variants), said, NOW, "GBP"), Held())
    assert wanted.problems == ()


@given(st.text())
def test_a_slug_is_lower_case_letters_digits_and_single_hyphens(name: str) -> None:
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", slugged(name))


def shuffled(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        dice.shuffle(names)
        return {name: shuffled(value[name], dice) for name in names}
    if isinstance(value, list):
        return [shuffled(item, dice) for item in value]
    return value


@given(products, any_settings, any_held, st.randoms(use_true_random=False))
def test_the_order_of_members_means_nothing(source: Any, said: Any, held: Held, dice: random.Random) -> None:
    keyed = said.rules.expressions.keys() & {"variants.options", "variants.settings", "title"}
    one, other = (settled(draft(each, said, NOW, "GBP"), held) for each in (source, shuffled(source, dice)))
    if not keyed:
        assert one == other
        assert fingerprints(one) == fingerprints(other)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, 2.0, -0.0]) | st.text("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1), inner, max_size=3),
    max_leaves=8,
)


def canonical(value: Any) -> Any:
    """Written apart from the code: nulls out, whole numbers whole, lists of objects in any order."""
    if isinstance(value, dict):
        return {name: canonical(item) for name, item in sorted(value.items()) if item is not None}
    if isinstance(value, list):
        items = [canonical(item) for item in value]
        objects = bool(value) and all(isinstance(item, dict) for item in value)
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if objects else items
    return int(value) if isinstance(value, float) and value == int(value) else value


@given(st.dictionaries(st.text("ab"), json_values), st.dictionaries(st.text("ab"), json_values))
def test_fingerprints_are_equal_where_the_canonical_bodies_are(one: Any, other: Any) -> None:
    same = json.dumps(canonical(one), sort_keys=True) == json.dumps(canonical(other), sort_keys=True)
    assert (of_product(one) == of_product(other)) is same


def test_fingerprints_of_rows_do_not_depend_on_their_order() -> None:
    wanted = settled(draft(chair(), settings(), NOW, "GBP"), Held())
    assert wanted.stock is not None
    assert wanted.prices is not None
    assert len(wanted.stock) == len(wanted.prices) == 2
    assert of_stock(reversed(wanted.stock)) == of_stock(wanted.stock) != of_stock(wanted.stock[:1])
    assert of_prices(reversed(wanted.prices)) == of_prices(wanted.prices) != of_prices(wanted.prices[:1])


def test_what_means_the_same_has_one_fingerprint() -> None:
    one = {"variants": [{"external_id": "a", "weight_in_grams": 5, "sku": None}, {"external_id": "b"}]}
    other = {"variants": [{"external_id": "b"}, {"external_id": "a", "weight_in_grams": 5.0}]}
    assert of_product(one) == of_product(other)
    exact, shown = (Price("A", "list", (Tier(1, Decimal(text)),)) for text in ("10", "10.00"))
    assert of_prices([exact]) == of_prices([shown, Price("B", "list")]) != of_prices([])


def test_a_text_that_cannot_be_sent_is_no_text() -> None:
    wanted = settled(draft(stool(Name="half \ud800"), settings(), NOW, "GBP"), Held())
    assert [problem.code for problem in wanted.problems] == ["no-name"]
    wanted = settled(draft(stool(xp={"SKU": "A", "weight": "\ud800"}), settings(), NOW, "GBP"), Held())
    assert wanted.problems[0].message.encode()


@given(any_held)
def test_of_a_record_that_is_gone_nothing_is_left_on_sale(held: Held) -> None:
    wanted = deleted("P", held)
    assert {item["status"] for item in (wanted.product or {}).get("variants", ())} <= {"discontinued"}
    former = frozenset(held.skus) | held.priced
    assert wanted.held == Held(variants=held.variants, slug=held.slug, discontinued=True, former=former)
    gone = removals(held, wanted)
    assert gone == Removals(frozenset(held.skus), held.priced)
    assert set(wanted.gone_skus) == held.skus.keys() | held.priced
    again = deleted("P", wanted.held)
    assert again.product == wanted.product
    assert again.gone_skus == ()
