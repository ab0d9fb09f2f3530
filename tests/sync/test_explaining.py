"""One record, explained."""

from __future__ import annotations

from decimal import Decimal

from reconciler.report.text.sync_explain import explanation_to_text
from reconciler.sparklayer.products import canonical_product
from reconciler.sparklayer.records import StockLevel, Tier
from reconciler.sync.explanation import Difference, Explanation
from reconciler.sync.products.explain import explanation
from reconciler.sync.products.fingerprint import fingerprints
from reconciler.sync.products.mapper import draft
from reconciler.sync.products.model import Held, Part, Wanted
from reconciler.sync.products.resolve import deleted, settle
from support.mapping_strategies import NOW, settings, stool

SOURCE = stool()


def wanted(held: Held | None = None) -> Wanted:
    return settle(draft(SOURCE, settings(), NOW, "GBP"), {}, held or Held())


def part(explained: Explanation, which: Part) -> tuple[bool, object, tuple[Difference, ...]]:
    found = next(item for item in explained.parts if item.part == which)
    return found.as_written, found.sends, found.differences


def test_a_record_that_the_target_does_not_have_is_sent_whole() -> None:
    explained = explanation(SOURCE, wanted(), None, {}, {}, {})
    assert explained.source is SOURCE
    assert [item.as_written for item in explained.parts] == [False, False, False]
    assert explained.parts[0].sends == wanted().product
    assert Difference("title", None, "Chair") in explained.parts[0].differences
    assert explained.parts[1].sends == {"STOOL at warehouse-1": 7}
    assert part(explained, Part.PRICES)[2] == (
        Difference("STOOL from 1", None, 80),
        Difference("STOOL from 10", None, 72.5),
    )


def test_a_record_that_is_as_it_was_written_sends_nothing() -> None:
    now = wanted()
    assert now.product is not None
    prices = {price.sku: price.tiers for price in now.prices or ()}
    read = canonical_product({"id": "pp_1", **now.product})
    explained = explanation(SOURCE, now, read, {"STOOL": now.stock or ()}, prices, fingerprints(now), held=now.held)
    for which in Part:
        assert part(explained, which) == (True, None, ())


def test_what_somebody_changed_in_the_target_differs_and_is_not_sent_by_a_run_that_trusts_the_ledger() -> None:
    now = wanted()
    assert now.product is not None
    read = canonical_product({**now.product, "title": "Hand-made"})
    stock = {"STOOL": [StockLevel("STOOL", "warehouse-1", 8)]}
    explained = explanation(SOURCE, now, read, stock, {"STOOL": [Tier(1, Decimal(80))]}, fingerprints(now))
    assert part(explained, Part.PRODUCT) == (True, None, (Difference("title", "Hand-made", "Chair"),))
    assert part(explained, Part.STOCK) == (True, None, (Difference("STOOL at warehouse-1", 8, 7),))
    assert part(explained, Part.PRICES)[2] == (Difference("STOOL from 10", None, 72.5),)


def test_of_a_product_that_is_gone_only_what_is_written_of_it_differs() -> None:
    now = wanted()
    assert now.product is not None
    read = canonical_product(now.product)
    prices = {price.sku: price.tiers for price in now.prices or ()}
    going = deleted("stool", now.held)
    explained = explanation(None, going, read, {"STOOL": now.stock or ()}, prices, fingerprints(now), held=now.held)
    assert [(item.sends is not None, item.removes) for item in explained.parts] == [
        (True, ()),
        (False, ("STOOL",)),
        (False, ("STOOL",)),
    ]
    assert explained.parts[0].differences == (Difference("variants[stool].status", "live", "discontinued"),)
    text = explanation_to_text("shop", "test", explained)
    assert "--verify" not in text
    assert text.count("a run removes it") == 2


def test_what_is_held_back_says_so_and_what_goes_is_named() -> None:
    held = Held(frozenset({"stool"}), {"OLD": ("warehouse-1",)}, frozenset({"OLD"}), "stool")
    explained = explanation(SOURCE, wanted(held), None, {}, {}, {}, parts=(Part.STOCK, Part.PRICES), held=held)
    assert [(item.part, item.removes) for item in explained.parts] == [(Part.STOCK, ("OLD",)), (Part.PRICES, ("OLD",))]
    bad = settle(draft(stool(Name=None), settings(), NOW, "GBP"), {}, Held())
    explained = explanation(SOURCE, bad, None, {}, {}, {})
    assert [(item.mapped, item.sends, item.differences) for item in explained.parts] == [(None, None, ())] * 3
    assert [problem.code for problem in explained.problems] == ["no-name"]
