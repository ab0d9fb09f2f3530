"""Prices are on the list as they were written, to the cent, but for those that the API refuses."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.switches import SPARKLAYER, flipped_switches
from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import AnswerLost, Conflict, NotFound, Rejected, UnexpectedAnswer
from reconciler.http.body import encode
from reconciler.http.redact import Redactor
from reconciler.sparklayer.price_book import read_prices as _read_prices
from reconciler.sparklayer.prices import UPDATE, price_list_currency
from reconciler.sparklayer.prices import write_prices as _write_prices
from reconciler.sparklayer.records import Price, Tier
from support.sparklayer_workbench import read, written

SWITCHES = [
    *flipped_switches(SPARKLAYER),
    {"spark_batch_unknown_list": "400", "spark_error_bodies": "empty"},
    {"spark_batch_maximum": "1000", "spark_error_bodies": "empty"},
]
SLUG = "ordercloud-price"


@pytest.fixture
def site(emulator: RunningEmulator) -> RunningEmulator:
    """A site with one empty price list."""
    body = {"slug": SLUG, "name": "OrderCloud Price", "currency_code": "GBP"}
    written(emulator.sparklayer_url, lambda writer: writer.post("api/v1/price-lists", body))
    return emulator


def price(sku: str, *tiers: tuple[int, str], price_list: str = SLUG) -> Price:
    return Price(sku, price_list, tuple(Tier(quantity, Decimal(amount)) for quantity, amount in tiers))


def write_prices(emulator: RunningEmulator, *prices: Price, waits: list[float] | None = None) -> dict[Any, str]:
    found: dict[Any, str] = written(
        emulator.sparklayer_url, lambda writer: _write_prices(writer, prices), waits=[] if waits is None else waits
    )
    return found


def read_prices(emulator: RunningEmulator, price_list: str = SLUG) -> dict[str, tuple[Tier, ...]]:
    found: dict[str, tuple[Tier, ...]] = read(emulator.sparklayer_url, lambda reader: _read_prices(reader, price_list))
    return found


def calls(emulator: RunningEmulator) -> int:
    return sum(entry["path"].endswith(UPDATE) for entry in emulator.requests())


A = price("A", (1, "19.99"), (10, "17.5"))
B = price("B", (1, "0.07"))
# No unit costs that little: the emulator refuses quantities below 1.
BAD = price("C", (0, "1"))


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_what_is_written_is_what_is_read(site: RunningEmulator, switches: dict[str, str]) -> None:
    site.switch(**switches)
    assert read_prices(site) == {}
    assert write_prices(site, A, B) == {}
    assert read_prices(site) == {"A": A.tiers, "B": B.tiers}
    # A write replaces all tiers of its SKU and no other's.
    assert write_prices(site, price("A", (5, "3"))) == {}
    assert read_prices(site) == {"A": (Tier(5, Decimal(3)),), "B": B.tiers}
    assert write_prices(site, price("A")) == {}
    assert read_prices(site) == {"B": B.tiers}


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_a_refused_row_keeps_nothing_else_out(site: RunningEmulator, switches: dict[str, str]) -> None:
    site.switch(**switches)
    good = [price(f"S{number}", (1, f"{number}.01")) for number in range(30)]
    bad = [price(f"T{number}", (0, "1")) for number in range(3)]
    refused = write_prices(site, *good[:5], bad[0], *good[5:], *bad[1:])
    assert refused.keys() == set(bad)
    assert all(refused.values())
    assert read_prices(site) == {each.sku: each.tiers for each in good}


def test_the_words_of_a_refusal_are_the_apis(site: RunningEmulator) -> None:
    refused = write_prices(site, A, BAD, B)
    assert list(refused) == [BAD]
    assert "pricing.0.quantity" in refused[BAD]
    assert calls(site) == 3


@pytest.mark.parametrize("status", ["404", "400"])
@pytest.mark.parametrize("bodies", ["problem", "json", "empty"])
def test_a_list_that_is_gone_is_no_fault_of_its_rows(site: RunningEmulator, status: str, bodies: str) -> None:
    site.switch(spark_batch_unknown_list=status, spark_error_bodies=bodies)
    with pytest.raises(NotFound, match="there is no price list gone"):
        write_prices(site, *(price(f"S{number}", (1, "1"), price_list="gone") for number in range(50)))
    assert calls(site) == 1


@pytest.mark.parametrize("maximum", ["none", "1000"])
def test_any_number_of_prices_can_be_written(site: RunningEmulator, maximum: str) -> None:
    site.switch(spark_batch_maximum=maximum)
    prices = [price(f"S{number:04}", (1, f"{number}.99")) for number in range(1_201)]
    assert write_prices(site, *prices) == {}
    assert read_prices(site) == {each.sku: each.tiers for each in prices}
    assert calls(site) == 3


def test_of_two_prices_of_a_sku_the_last_counts(site: RunningEmulator) -> None:
    assert write_prices(site, A, price("A", (1, "2"))) == {}
    assert read_prices(site) == {"A": (Tier(1, Decimal(2)),)}


def sent_price(amount: Decimal) -> bytes:
    """The JSON of a price."""
    sent: list[bytes] = []

    class Recorder:
        async def patch(self, path: str, body: Any) -> None:
            sent.append(encode(body[0]["pricing"][0]["price"], Redactor()))

    asyncio.run(_write_prices(Recorder(), [Price("A", SLUG, (Tier(1, amount),))]))  # type: ignore[arg-type]
    return sent[0]


@given(st.decimals(0, 999_999_999, places=2) | st.decimals(0, 9_999, places=4))
def test_a_price_arrives_as_the_number_that_people_wrote(amount: Decimal) -> None:
    assert json.loads(sent_price(amount), parse_float=Decimal) == amount


@pytest.mark.parametrize(
    ("amount", "digits"), [("19.99", b"19.99"), ("10.00", b"10"), ("1E+2", b"100"), ("0.10", b"0.1"), ("0", b"0")]
)
def test_a_price_has_no_more_digits_than_it_needs(amount: str, digits: bytes) -> None:
    assert sent_price(Decimal(amount)) == digits


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("effect", "status"), [("reset", 500), ("status", 502)])
def test_a_lost_answer_is_asked_for_again(site: RunningEmulator, effect: str, status: int, when: str) -> None:
    site.fault(effect, status=status, when=when, path=f"*/{UPDATE}", count=2)
    assert write_prices(site, A, B) == {}
    assert read_prices(site) == {"A": A.tiers, "B": B.tiers}
    assert calls(site) == 3


def test_what_stays_unknown_is_said(site: RunningEmulator) -> None:
    site.fault("reset", path=f"*/{UPDATE}", when="after", count=None)
    with pytest.raises(AnswerLost):
        write_prices(site, A)
    assert calls(site) == 3


def test_a_429_is_waited_for(site: RunningEmulator) -> None:
    waits: list[float] = []
    site.fault("too_many", path=f"*/{UPDATE}", seconds=7)
    assert write_prices(site, A, waits=waits) == {}
    assert max(waits) >= 7


def test_a_clash_is_waited_for_and_is_no_fault_of_the_rows(site: RunningEmulator) -> None:
    site.fault("status", status=409, path=f"*/{UPDATE}", count=2)
    assert write_prices(site, A) == {}
    site.fault("status", status=409, path=f"*/{UPDATE}", count=None)
    site.clear_requests()
    with pytest.raises(Conflict):
        write_prices(site, A, B)
    assert calls(site) == 3


def test_a_key_without_the_right_plan_is_no_fault_of_the_rows(site: RunningEmulator) -> None:
    site.fault("status", status=403, path=f"*/{UPDATE}", count=None)
    with pytest.raises(Rejected):
        write_prices(site, A, B)
    assert calls(site) == 1


@pytest.mark.parametrize("bodies", ["problem", "json", "empty"])
def test_the_currency_of_a_list(site: RunningEmulator, bodies: str) -> None:
    site.switch(spark_error_bodies=bodies)
    url = site.sparklayer_url
    assert read(url, lambda reader: price_list_currency(reader, SLUG)) == "GBP"
    assert read(url, lambda reader: price_list_currency(reader, "no/such list")) is None
    with pytest.raises(NotFound):
        read_prices(site, "gone")


@pytest.mark.parametrize("answer", [None, [], "GBP", {"slug": SLUG}])
def test_an_answer_of_another_shape_is_not_a_list_that_is_gone(answer: object) -> None:
    class Canned:
        async def get(self, path: str, params: object = None) -> object:
            return answer

    with pytest.raises(UnexpectedAnswer):
        asyncio.run(price_list_currency(Canned(), SLUG))
