"""Whatever an API answers, nothing but an error of the tree comes of it, soon and in bounds.

RECONCILER_TEST_FUZZ sets how many conversations are tried with each way of asking; 5,000 take about an hour.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import ApiError, InternalError, ReconcilerError
from reconciler.http.client import HttpReader, HttpWriter
from reconciler.http.clock import Clock
from reconciler.http.connections import Connections
from reconciler.http.engine import Bounds, Reply, Request
from reconciler.http.retry import Answer, RetryPolicy, http_date, retry_after
from reconciler.ordercloud import client as ordercloud
from reconciler.ordercloud import faults as ordercloud_faults
from reconciler.ordercloud.lists import list_all, list_by_id
from reconciler.ordercloud.readers.flaws import BadRecord
from reconciler.ordercloud.readers.orders import OrderReader
from reconciler.ordercloud.readers.parties import PartyReader
from reconciler.ordercloud.readers.prices import party_prices
from reconciler.ordercloud.readers.products import Parts, ProductReader
from reconciler.registry import kinds
from reconciler.secret import Secret
from reconciler.sparklayer import client as sparklayer
from reconciler.sparklayer import faults as sparklayer_faults
from reconciler.sparklayer import sync_log
from reconciler.sparklayer.lists import all_price_lists, whole_list
from reconciler.sparklayer.price_book import read_book, read_prices
from reconciler.sparklayer.prices import price_list_currency, write_prices
from reconciler.sparklayer.products import read_product, write_product
from reconciler.sparklayer.records import Price, StockLevel, Tier
from reconciler.sparklayer.stock import delete_stock, location_ids, read_stock, write_stock
from support.http_client_helpers import client
from support.scripted_server import FakeClock, ScriptedServer, raw

CONVERSATIONS = int(os.environ.get("RECONCILER_TEST_FUZZ", "10"))
# More than any way of asking needs for a few small answers that say whatever they like.
MOST_REQUESTS = 5_000
QUICK = RetryPolicy(attempts=2, seconds=60, base=0.01)
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


# What answers are made of

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=8)
ODD = st.sampled_from(
    [
        None,
        True,
        False,
        -1,
        0,
        1,
        2**31,
        2**63,
        10**400,
        1.5,
        1e308,
        "",
        "0",
        "5",
        "..",
        "a/b",
        "*",
        "|",
        "\ud800",
        [],
        {},
    ]
)
DATES = st.sampled_from(
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 2024 00:00:00 +9999999",
        "2026-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "9" * 400,
        "-1",
        "nan",
    ]
)
IDS = st.sampled_from(["a", "b", "p1", "p2", "1", "2", "sku"])
VALUES = st.recursive(
    ODD | DATES | IDS | ANY_TEXT | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


def _object(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object that has these members, some of them missing or of another kind."""
    return st.fixed_dictionaries(
        {}, optional={name: st.one_of(made, made, made, VALUES) for name, made in members.items()}
    )


RECORD: dict[str, Any] = {
    "ID": "p1",
    "Name": "Hammer",
    "CompanyID": "b",
    "ProductID": "p1",
    "PriceScheduleID": "s",
    "DefaultPriceScheduleID": "s",
    "VariantCount": 1,
    "Inventory": {"QuantityAvailable": 5, "VariantLevelTracking": True},
    "QuantityAvailable": 5,
    "PriceBreaks": [{"Quantity": 1, "Price": 9.5}],
    "LastUpdated": "2026-01-01T00:00:00Z",
    "LineItemCount": 2,
    "OrderID": "p1",
    "QuantityShipped": 1,
    "xp": {"SKU": "sku"},
    "slug": "list",
    "external_id": "p1",
    "sku": "a",
    "quantity": 1,
    "price": 9.5,
    "currency_code": "GBP",
    "stock_levels": [{"stock_location_external_id": "w", "stock_level": 5, "restock_date": "2026-01-01"}],
    "variants": [{"external_id": "v", "sku": "a", "options": [{"group": "Size", "value": "L"}]}],
    "error_count": 1,
    "last_full_sync": "2026-01-01T00:00:00Z",
    "errors": [{"external_id": "p1", "message": "No."}],
    "DeliveryTargets": {"Http": {"Endpoint": "https://example.com"}},
}
MEMBERS = st.sampled_from(list(RECORD)) | st.sampled_from(["ID", "LastUpdated", "VariantCount", "Inventory"])


def _changed(held: Any, changes: list[tuple[str, Any]]) -> Any:
    """A record of which some members are something else; what stands in a list or an object may be as well."""
    changed = dict(held)
    for name, value in changes:
        inside = changed.get(name)
        if isinstance(inside, dict) and inside and isinstance(value, dict):
            changed[name] = {**inside, **dict.fromkeys(inside, next(iter(value.values()), None))}
        elif isinstance(inside, list) and inside and isinstance(value, list):
            changed[name] = [*inside, *value]
        else:
            changed[name] = value
    return changed


CHANGES = st.lists(st.tuples(MEMBERS, VALUES | DATES), max_size=2)
RECORDS = st.builds(_changed, st.sampled_from([RECORD, RECORD, {"ID": "a"}]), CHANGES)


def _listed(records: list[Any]) -> list[Any]:
    """Records under IDs of their own, in order, unless theirs are odd."""
    return [
        {**held, "ID": f"p{place}"} if held.get("ID") in ("a", "p1") else held for place, held in enumerate(records)
    ]


LISTS = st.lists(RECORDS, max_size=4).map(_listed)
META = _object(TotalCount=st.integers(0, 300), TotalPages=st.integers(0, 40))


def _page(items: list[Any], meta: Any) -> Any:
    return {"Meta": meta or {"TotalCount": len(items), "TotalPages": 1}, "Items": items}


PAGES = st.builds(_page, LISTS, st.sampled_from([st.none()] * 4 + [META]).flatmap(lambda chosen: chosen))
SPARK_PAGES = st.builds(
    lambda items, about: {"data": items, "pagination": about or {"total": len(items), "total_pages": 1}},
    LISTS,
    st.none() | st.none() | _object(total=st.integers(0, 300), total_pages=st.integers(0, 40)),
)
ERRORS = _object(
    Errors=st.lists(
        _object(ErrorCode=st.sampled_from(["NotFound", "IdExists", "Api.Offline"]), Message=ANY_TEXT, Data=VALUES),
        max_size=2,
    )
)
PROBLEMS = _object(
    title=ANY_TEXT,
    detail=ANY_TEXT,
    status=st.integers(),
    errors=st.lists(
        _object(code=ANY_TEXT, message=ANY_TEXT, property=st.sampled_from(["0.sku", "[1]", "999999.x"])), max_size=2
    ),
)
LINES = st.lists(_object(line=st.integers(), field=ANY_TEXT, message=ANY_TEXT), max_size=3)
BODIES = PAGES | SPARK_PAGES | LISTS | RECORDS | ERRORS | PROBLEMS | LINES | VALUES
TOKENS = st.builds(
    lambda token, life: {"access_token": token, "expires_in": life},
    st.just("token") | VALUES | ANY_TEXT,
    st.just(600) | ODD | st.floats(),
)
STATUSES = st.sampled_from(
    [200] * 12 + [100, 101, 199, 201, 204, 206, 301, 304, 400, 401, 403, 404, 407, 408, 409, 413]
) | st.sampled_from([422, 429, 451, 499, 500, 502, 503, 599, 600, 999])
HEADER_TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=12)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "date": DATES | HEADER_TEXT,
        "retry-after": DATES | HEADER_TEXT | st.integers().map(str),
        "content-encoding": st.sampled_from(["gzip", "identity", "", "gzip, gzip", "deflate", "br"]) | HEADER_TEXT,
        "content-type": HEADER_TEXT,
        "content-length": HEADER_TEXT,
        "location": HEADER_TEXT,
    },
)


def _encode(value: Any, form: str) -> bytes:
    text = json.dumps(value, ensure_ascii=form != "raw").encode("utf-8", "surrogatepass")
    return {"gzip": gzip.compress(text), "cut": text[: len(text) // 2], "bom": b"\xef\xbb\xbf" + text}.get(form, text)


CONTENT = st.builds(_encode, BODIES, st.sampled_from(["plain"] * 6 + ["raw", "gzip", "cut", "bom"])) | st.binary(
    max_size=20
)


@dataclass(frozen=True)
class Said:
    """One answer."""

    status: int
    headers: dict[str, str]
    content: bytes


SAID = st.builds(Said, STATUSES, HEADERS | st.just({}), CONTENT)


def _mostly(likely: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One in ten is odd; `one_of` would take turns."""
    return st.sampled_from([likely] * 9 + [odd]).flatmap(lambda chosen: chosen)


def _conversations(*shapes: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Said]]:
    """Up to five answers, most of them of a shape that the API has."""
    bodies = st.sampled_from(shapes).flatmap(lambda shape: shape)
    likely = st.builds(Said, st.just(200), st.just({}), st.builds(_encode, bodies, st.just("plain")))
    return st.lists(_mostly(likely, SAID), min_size=1, max_size=5)


ORDERCLOUD_SAYS = _conversations(PAGES, PAGES, PAGES, PAGES, PAGES, RECORDS)
SPARKLAYER_SAYS = _conversations(SPARK_PAGES, LISTS, RECORDS)
LOGINS = _mostly(
    st.just(Said(200, {}, b'{"access_token": "token", "expires_in": 600}')),
    st.builds(Said, STATUSES, HEADERS, st.builds(_encode, TOKENS | BODIES, st.just("plain"))),
)


# How answers come, without a network


class Wire:
    """An engine that gives the answers in turn, again and again; the token endpoint has its own."""

    def __init__(self, answers: list[Said], login: Said) -> None:
        self.answers = answers
        self.login = login
        self.asked = 0

    async def exchange(self, request: Request) -> Reply:
        if request.url.path.endswith("token"):
            said = self.login
        else:
            said = self.answers[self.asked % len(self.answers)]
            self.asked += 1
            assert self.asked <= MOST_REQUESTS, "it never ends"
        with request.begin(said.status, said.headers) as body:
            for start in range(0, len(said.content), 100):
                body.feed(said.content[start : start + 100])
            return Reply(said.status, said.headers, body.finish())

    async def aclose(self) -> None:
        """Nothing is open."""


class Wired(Connections):
    """Connections that all go to one engine."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(Bounds(body=100_000))
        self._wire = wire

    def _open(self, proxy: str | None) -> Wire:
        return self._wire


class Settings:
    """Both APIs."""

    api_url = "http://127.0.0.1:9/v1"
    auth_url = "http://127.0.0.1:9/token"
    client_id = "client"
    client_secret = Secret("(literal)", lambda: "secret-marker")
    requests_per_second = 10_000.0
    site_id = "shop"


Ask = Callable[[HttpWriter], Awaitable[object]]


async def drained(stream: AsyncGenerator[Any, None]) -> None:
    async with aclosing(stream):
        async for _ in stream:
            pass


def _told(record: BadRecord) -> None:
    for text in (record.key, record.id, record.label, record.reason):
        text.encode()


ORDERCLOUD: dict[str, Ask] = {
    "list": lambda api: list_all(api, "things"),
    "list by ID": lambda api: list_by_id(api, "things"),
    "products": lambda api: drained(ProductReader(api, _told).walk()),
    "products with party prices": lambda api: drained(ProductReader(api, _told).walk(parts=Parts(party_prices=True))),
    "products, untold": lambda api: drained(ProductReader(api).walk(catalogs=["a", "b"])),
    "some products": lambda api: drained(ProductReader(api, _told).some(["a", "p1", "\ud800"])),
    "one product": lambda api: ProductReader(api).one("p1"),
    "changed stock": lambda api: drained(ProductReader(api, _told).stock_changed_since(MOMENT)),
    "party prices": party_prices,
    "buyers": lambda api: drained(PartyReader(api, _told).buyers()),
    "users": lambda api: drained(PartyReader(api, _told).users_of_all_buyers()),
    "memberships": lambda api: PartyReader(api).memberships("b"),
    "one buyer": lambda api: PartyReader(api).buyer("b"),
    "orders": lambda api: drained(OrderReader(api, report=_told).changed(MOMENT)),
    "one order": lambda api: OrderReader(api).one("o"),
    "a write": lambda api: api.put("things/a", {"Name": "n"}),
    "a delete": lambda api: api.delete("things/a"),
}
STOCK = [StockLevel("a", "w", 1), StockLevel("b", "w", 2)]
PRICES = [Price("a", "list", (Tier(1, Decimal("1.5")),)), Price("b", "list")]
PRODUCT = {"external_id": "p1", "title": "T", "slug": "t", "variants": [{"external_id": "v", "sku": "a"}]}
SPARKLAYER: dict[str, Ask] = {
    "price lists": all_price_lists,
    "list": lambda api: whole_list(api, "api/v1/customer-groups"),
    "product": lambda api: read_product(api, "p1"),
    "write a product": lambda api: write_product(api, "p1", PRODUCT, exists=True),
    "make a product": lambda api: write_product(api, "p1", PRODUCT, exists=False),
    "stock": lambda api: read_stock(api, ["a", "b"]),
    "write stock": lambda api: write_stock(api, STOCK),
    "delete stock": lambda api: delete_stock(api, ["a"]),
    "locations": location_ids,
    "prices": lambda api: read_prices(api, "list"),
    "all prices": lambda api: read_book(api, "list"),
    "write prices": lambda api: write_prices(api, PRICES),
    "currency": lambda api: price_list_currency(api, "list"),
    "log": lambda api: sync_log.read_status(api, "us", "products"),
    "log with errors": lambda api: sync_log.read_status(api, "us", "products", with_errors=True),
    "write a log": lambda api: sync_log.record_full(api, "us", "products", sync_log.SyncTimes(MOMENT)),
    "add to a log": lambda api: sync_log.record_partial(api, "us", "products", sync_log.SyncTimes(MOMENT), (), ["a"]),
    "clear every log": sync_log.clear_every_log,
}


async def _converse(provider: Any, ask: Ask, answers: list[Said], login: Said) -> None:
    clock = FakeClock(1_800_000_000.0)
    connections = Wired(Wire(answers, login))
    opening = {"token_cache": False, "policy": QUICK, "connections": connections, "scopes": ("Reader", "Admin")}
    async with (
        asyncio.timeout(60),
        provider.connect_writer(Settings(), clock=Clock(clock.read, clock.read, clock.sleep), **opening) as api,
    ):
        try:
            await ask(api)
        except ReconcilerError as error:
            _check(error)
        finally:
            offset = api.clock_offset
            assert offset is None or abs(offset.days) < 3_700
    assert sum(clock.sleeps) < 60 * MOST_REQUESTS


def _check(error: ReconcilerError) -> None:
    assert not isinstance(error, InternalError)
    texts = [error.message, error.next_step or ""]
    if isinstance(error, ApiError):
        texts += [error.vendor_code or "", error.said or "", error.request or ""]
    assert all(len(text) < 12_000 for text in texts)
    assert "secret-marker" not in "".join(texts)


@pytest.mark.parametrize("ask", ORDERCLOUD.values(), ids=ORDERCLOUD)
@given(answers=ORDERCLOUD_SAYS, login=LOGINS)
@settings(max_examples=CONVERSATIONS)
def test_ordercloud_may_answer_anything(ask: Ask, answers: list[Said], login: Said) -> None:
    asyncio.run(_converse(ordercloud, ask, answers, login))


@pytest.mark.parametrize("ask", SPARKLAYER.values(), ids=SPARKLAYER)
@given(answers=SPARKLAYER_SAYS, login=LOGINS)
@settings(max_examples=CONVERSATIONS)
def test_sparklayer_may_answer_anything(ask: Ask, answers: list[Said], login: Said) -> None:
    asyncio.run(_converse(sparklayer, ask, answers, login))


@pytest.mark.parametrize("name", [name for name, kind in kinds().items() if kind.readable])
@given(answers=ORDERCLOUD_SAYS | SPARKLAYER_SAYS, login=LOGINS)
@settings(max_examples=CONVERSATIONS)
def test_live_objects_of_every_kind_may_look_like_anything(name: str, answers: list[Said], login: Said) -> None:
    kind = kinds()[name]

    async def ask(api: HttpReader) -> None:
        for live_id, wire in (await kind.read(api)).items():
            kind.observe(live_id, wire)
        live_id = "buyers" if name == "EntitySync" else "a"
        one = await kind.read_one(api, live_id)
        if one is not None:
            kind.observe(live_id, one)

    asyncio.run(_converse(ordercloud if kind.api == "ordercloud" else sparklayer, ask, answers, login))


# The parts, without a conversation


@pytest.mark.parametrize("parse", [ordercloud_faults.parse_fault, sparklayer_faults.parse_fault], ids=["oc", "sl"])
@given(body=BODIES)
@settings(max_examples=5 * CONVERSATIONS)
def test_an_error_body_may_be_anything(parse: Any, body: Any) -> None:
    fault = parse(body)
    if fault is not None:
        assert all(isinstance(place, int) and place >= 0 for place in fault.rows)


@given(
    text=DATES | HEADER_TEXT | ANY_TEXT | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [+-]?\w+")
)
@settings(max_examples=10 * CONVERSATIONS)
def test_a_date_may_be_anything(text: str) -> None:
    seconds = http_date(text)
    assert seconds is None or abs(seconds) < 1e12
    wait = retry_after(Answer(429, {"retry-after": text}, b""), 1_800_000_000.0)
    assert wait is None or wait >= 0
    assert 0 <= RetryPolicy().wait(1, wait) < 61


@pytest.mark.usefixtures("engine")
@given(head=st.binary(max_size=60), status=st.integers(0, 9_999), body=st.binary(max_size=60))
@settings(max_examples=CONVERSATIONS)
def test_what_comes_over_the_wire_may_be_no_http(head: bytes, status: int, body: bytes) -> None:
    async def run() -> None:
        reply = raw(b"HTTP/1.1 %d X\r\n%s\r\n\r\n%s" % (status, head, body))
        bounds = Bounds(connect=5, read=0.2, exchange=0.5)
        async with ScriptedServer(otherwise=reply) as server, client(server, bounds=bounds, attempts=1) as api:
            try:
                await api.get("things")
            except ReconcilerError as error:
                _check(error)

    asyncio.run(run())
