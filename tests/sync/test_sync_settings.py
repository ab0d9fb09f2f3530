"""What a DataSync says, ready for use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from reconciler.sync.products.model import Part
from reconciler.sync.products.settings import digest
from reconciler.sync.settings import sync_settings
from support.mapping_strategies import data_sync_state, mapping, settings


def test_sections_are_parts() -> None:
    assert settings().parts == frozenset(Part)
    assert settings(products=None, pricing=None).parts == {Part.STOCK}
    said = settings(products={"shipWeightUnit": "kg", "catalogs": ["b", "a"]}, stock=None, pricing=None)
    assert said.parts == {Part.PRODUCT}
    assert (said.catalogs, said.price_list) == (("b", "a"), None)
    assert sync_settings("sync", data_sync_state()).interval == timedelta(minutes=15)


def test_the_digest_changes_with_what_decides_the_mapping_and_with_nothing_else() -> None:
    same = [
        settings(),
        settings(
            interval="1h", lookInterval="2h", walkInterval="7d", freshness="1d", maxOpenProblems=1, maxDeletePercent=1.5
        ),
        settings(products={"shipWeightUnit": "kg", "recordUrl": "https://x/{ID}"}),
    ]
    other = [
        settings(products={"shipWeightUnit": "g"}),
        settings(products={"shipWeightUnit": "kg", "catalogs": ["a"]}),
        settings(products=mapping(title="ID")),
        settings(products=mapping(title="Name")),
        settings(products=None),
        settings(stock={"locations": {"main": "elsewhere"}, "default": "warehouse-1"}),
        settings(stock={"locations": {}, "default": "warehouse-1"}),
        settings(pricing={"priceList": "other"}),
        settings(currency="GBP"),
    ]
    assert {digest(said) for said in same} == {digest(settings())}
    digests = [digest(said) for said in other]
    assert len({digest(settings()), *digests}) == len(other) + 1


def test_the_digest_is_the_same_whatever_order_parts_and_expressions_come_in() -> None:
    """In every process a set has another order, and in every file expressions may have one."""
    one, other = mapping(title="ID", variants_sku="Name"), mapping(variants_sku="Name", title="ID")
    assert digest(settings(products=one)) == digest(settings(products=other))
    parts = list(Part)
    turned: Any = (replace(settings(), parts=order) for order in (parts, parts[::-1], frozenset(parts)))
    assert {digest(said) for said in turned} == {digest(settings())}


def test_links_lead_to_the_record_in_the_api_or_where_the_manifest_says() -> None:
    url = "https://api.example/v1/"
    assert settings().link("a b", url) == "https://api.example/v1/products/a%20b"
    assert settings().link("a/b", url) == "https://api.example/v1/products/a/variants/b"
    own = settings(products={"recordUrl": "https://admin.example/p/{ID}?v=1"})
    assert own.link("a&/b", url) == "https://admin.example/p/a%26?v=1"
