"""One bad record in a page does not stop the others; it is told what is wrong with it, in plain text."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import UnexpectedAnswer
from reconciler.http.client import HttpReader
from reconciler.http.retry import RetryPolicy
from reconciler.ordercloud.client import connect
from reconciler.ordercloud.lists import path_segment
from reconciler.ordercloud.readers.flaws import BadRecord, escaped, flaw_of, id_flaw
from reconciler.ordercloud.readers.orders import OrderReader
from reconciler.ordercloud.readers.parties import PartyReader
from reconciler.ordercloud.readers.products import ProductReader
from reconciler.ordercloud.readers.records import Freshness, Product
from reconciler.secret import Secret
from support.scripted_server import Reply, ScriptedServer, Seen, answer

SOUND = [{"ID": f"p{number}", "Name": f"Hammer {number}", "VariantCount": 0} for number in range(5)]


class Settings:
    client_id = "emulator"
    requests_per_second = 10_000.0
    client_secret = Secret("(literal)", lambda: "emulator")

    def __init__(self, url: str) -> None:
        self.api_url = f"{url}/v1"
        self.auth_url = f"{url}/oauth/token"


class Shop:
    """Lists by path, in JSON as it is written here: `raw` pages go out byte by byte."""

    def __init__(self, **lists: Any) -> None:
        self.lists: dict[str, Any] = lists
        self.asked: list[str] = []

    def __call__(self, seen: Seen) -> Reply:
        path = urlsplit(seen.path).path.removeprefix("/v1/").replace("/", "_")
        self.asked.append(path)
        held = self.lists.get(path, [])
        if path == "products" and "InventoryRecords.AddressID" in seen.query:
            held = self.lists.get("products_with_stock", [])
        items = held if isinstance(held, bytes) else json.dumps(held).encode()
        size = len(json.loads(items.decode("utf-8", "replace")))
        return answer(200, b'{"Meta": {"TotalCount": %d, "TotalPages": 1}, "Items": %s}' % (size, items))


async def _read(shop: Shop, read: Any) -> Any:
    async with ScriptedServer(handler=shop) as server:
        policy = RetryPolicy(attempts=1)
        async with connect(Settings(server.url), token_cache=False, policy=policy) as reader:
            return await read(reader)


def walk(shop: Shop, *, reports: bool = True) -> tuple[list[str], list[BadRecord]]:
    bad: list[BadRecord] = []

    async def read(reader: HttpReader) -> list[str]:
        products = ProductReader(reader, bad.append if reports else None)
        async with aclosing(products.walk()) as found:
            return [product["ID"] for product in [product async for product in found]]

    return asyncio.run(_read(shop, read)), bad


def with_bad(text: bytes) -> Shop:
    """A page of sound products and one more, as it comes over the wire."""
    return Shop(products=json.dumps(SOUND).encode()[:-1] + b", " + text + b"]")


BAD: dict[str, tuple[bytes, str, str]] = {
    "half a character": (rb'{"ID": "x", "Name": "Ham\ud800mer"}', "x", r"Name holds half a character: Ham\ud800mer"),
    "half a character in xp": (
        rb'{"ID": "x", "xp": {"a": ["\udfff"]}}',
        "x",
        r"xp.a[0] holds half a character: \udfff",
    ),
    "half a character in a name": (
        rb'{"ID": "x", "xp": {"\ud800": 1}}',
        "x",
        r"whose name holds half a character: \ud800",
    ),
    "bytes of another encoding": (b'{"ID": "x", "Name": "M\xf6bel"}', "x", r"Name holds half a character: M\udcf6bel"),
    "half a character in its ID": (rb'{"ID": "a\ud800"}', r"(a\ud800)", r"its ID holds half a character: a\ud800"),
    "null": (b'{"ID": null, "Name": "Saw"}', "(null: Saw)", "it has no ID"),
    "no ID": (b'{"Name": "Saw"}', "(null: Saw)", "it has no ID"),
    "empty": (b'{"ID": ""}', "()", "it has no ID"),
    "number": (b'{"ID": 42, "Name": "Saw"}', "(42: Saw)", "its ID is no text: 42"),
    "object": (b'{"ID": {"a": 1}}', '({"a": 1})', "its ID is no text"),
    "true": (b'{"ID": true}', "(true)", "its ID is no text: true"),
    "two dots": (b'{"ID": ".."}', "(..)", "nothing can be asked for by its ID"),
    "slashes": (b'{"ID": "a//b"}', "(a//b)", "nothing can be asked for by its ID"),
    "filter signs": (b'{"ID": "a|b*"}', "(a|b*)", "nothing can be asked for by its ID"),
    "too long": (b'{"ID": "%s"}' % (b"x" * 2_000), f"({'x' * 100})", "nothing can be asked for by its ID"),
    "infinite": (b'{"ID": "x", "ShipWeight": 1e999}', "x", "ShipWeight is not a number"),
    "NaN": (b'{"ID": "x", "ShipWeight": NaN}', "x", "ShipWeight is not a number"),
    "another type": (b'{"ID": "x", "Inventory": 5}', "x", "Inventory is not an object"),
    "another type inside": (
        b'{"ID": "x", "Inventory": {"QuantityAvailable": "5"}}',
        "x",
        "QuantityAvailable is not a number",
    ),
    "a list for a name": (b'{"ID": "x", "Name": ["a"]}', "x", "Name is not text"),
    "a list for a price": (b'{"ID": "x", "DefaultPriceScheduleID": ["a"]}', "x", "DefaultPriceScheduleID is not text"),
}


@pytest.mark.parametrize(("text", "key", "reason"), BAD.values(), ids=BAD)
def test_one_bad_record_is_reported_and_the_others_come(text: bytes, key: str, reason: str) -> None:
    found, bad = walk(with_bad(text))
    assert found == [product["ID"] for product in SOUND]
    [record] = {record.key: record for record in bad}.values()
    assert (record.path, record.key) == ("products", key)
    assert reason in record.reason
    for told in (record.key, record.id, record.label, record.reason):
        told.encode()


@pytest.mark.parametrize("name", ["half a character", "null", "number"])
def test_without_anybody_to_tell_a_bad_record_is_an_error(name: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        walk(with_bad(BAD[name][0]), reports=False)


def test_a_position_says_where_on_its_page_a_record_stood() -> None:
    _, bad = walk(with_bad(b'{"ID": null}'))
    assert [record.position for record in bad] == [6]


def test_a_bad_variant_makes_its_product_bad_and_no_other() -> None:
    shop = Shop(
        products=[*SOUND, {"ID": "x", "VariantCount": 1}], products_x_variants=rb'[{"ID": 7}]', products_with_stock=[]
    )
    found, bad = walk(shop)
    assert found == [product["ID"] for product in SOUND]
    assert [(record.key, record.reason) for record in bad] == [
        ("x", "one of its variants cannot be used: its ID is no text: 7")
    ]


def test_a_half_character_in_a_variant_or_a_price_is_its_products_problem() -> None:
    shop = Shop(
        products=[*SOUND, {"ID": "x", "VariantCount": 1}, {"ID": "y", "DefaultPriceScheduleID": "s"}],
        products_x_variants=rb'[{"ID": "v", "Name": "\ud83d"}]',
        priceschedules=rb'[{"ID": "s", "Name": "\ud83d"}, {"ID": null}]',
    )
    found, bad = walk(shop)
    assert found == [product["ID"] for product in SOUND]
    assert [(record.key, record.reason) for record in bad] == [
        ("x", r"Variants[0].Name holds half a character: \ud83d"),
        ("y", r"DefaultPriceSchedule.Name holds half a character: \ud83d"),
    ]


def test_a_page_of_nothing_but_bad_records_is_read_on_where_it_is_the_last() -> None:
    found, bad = walk(Shop(products=[{"ID": None}, {"ID": 1}]))
    assert found == []
    assert len(bad) == 2


def test_one_that_is_read_by_its_id_is_an_unexpected_answer_about_it() -> None:
    async def one(reader: HttpReader) -> Any:
        return await ProductReader(reader).one("x")

    for body in (rb'{"ID": "x", "Name": "\ud800"}', b'{"ID": "x", "Inventory": 5}', b"[]", b'"x"', b""):
        shop = Shop()

        def reply(seen: Seen, shop: Shop = shop, body: bytes = body) -> Reply:
            return answer(200, body) if seen.path == "/v1/products/x" else shop(seen)

        with pytest.raises(UnexpectedAnswer) as caught:
            asyncio.run(_read(reply, one))  # type: ignore[arg-type]
        assert "GET products/x" in caught.value.message


def test_configuration_does_not_take_half_characters() -> None:
    """Plans, files and ledgers hold whole texts only: the lenient reading is the data plane's alone."""

    async def raw(reader: HttpReader) -> Any:
        return await reader.get("products")

    with pytest.raises(UnexpectedAnswer, match="holds half a character, or a number that is none") as caught:
        asyncio.run(_read(with_bad(BAD["half a character"][0]), raw))
    assert caught.value.answer["Items"][-1]["Name"] == "Ham\ud800mer"
    assert "mer" not in caught.value.message


def test_buyers_and_orders_are_reported_alike() -> None:
    bad: list[BadRecord] = []

    async def read(reader: HttpReader) -> list[str]:
        async with aclosing(PartyReader(reader, bad.append).buyers()) as buyers:
            found = [buyer["ID"] async for buyer in buyers]
        async with aclosing(OrderReader(reader, report=bad.append).changed()) as orders:
            return found + [order["ID"] async for order in orders]

    moment = "2026-01-01T00:00:00Z"
    orders = [{"ID": "o", "LastUpdated": moment, "LineItemCount": "many"}, {"ID": 7, "LastUpdated": moment}]
    assert asyncio.run(_read(Shop(buyers=[{"ID": "b"}, {"ID": None}], orders_Incoming=orders), read)) == ["b", "o"]
    assert [record.path for record in bad] == ["buyers", "orders/Incoming"]


def test_an_id_of_a_user_that_is_no_text_reaches_the_url_escaped() -> None:
    shop = Shop()

    async def one(reader: HttpReader) -> Freshness:
        await reader.get("things", {"search": "a\udcff"})
        return (await ProductReader(reader).one("a\ud800/ö")).freshness

    with pytest.raises(UnexpectedAnswer):
        asyncio.run(_read(shop, one))
    assert path_segment("a\ud800/ö") == "a%5Cud800%2F%C3%B6"
    assert any(r"a%5Cud800" in path for path in shop.asked)


@given(st.text(st.characters(exclude_categories=[]), max_size=300) | st.none() | st.integers() | st.floats())
def test_every_escaped_value_is_short_whole_text(value: Any) -> None:
    text = escaped(value)
    text.encode()
    assert len(text) <= 1_000
    path_segment(text).encode("ascii")
    assert id_flaw(value) is None or isinstance(id_flaw(value), str)


MEMBERS = st.sampled_from([*Product.__annotations__])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from([*Product.__annotations__]), inner, max_size=5)
    ),
    max_leaves=15,
)


@given(JSON)
def test_every_value_is_a_sound_record_or_has_a_flaw_in_plain_words(value: Any) -> None:
    flaw = flaw_of(value, Product)
    if flaw is None:
        json.dumps(value, ensure_ascii=False).encode()
    else:
        flaw.encode()
