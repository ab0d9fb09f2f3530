"""Stock levels are at the site as they were written, but for those that it refuses."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from reconciler.emulator.switches import SPARKLAYER, flipped_switches
from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import AnswerLost, RateLimited, Rejected, ServerFault, UnexpectedAnswer, Unreachable
from reconciler.sparklayer.records import StockLevel
from reconciler.sparklayer.stock import DELETE, FETCH, UPDATE, delete_stock, location_ids
from reconciler.sparklayer.stock import read_stock as _read_stock
from reconciler.sparklayer.stock import write_stock as _write_stock
from support.sparklayer_workbench import read, written

SWITCHES = [
    *flipped_switches(SPARKLAYER),
    {"spark_unknown_stock_location": "row", "spark_error_bodies": "empty"},
    {"spark_unknown_stock_location": "row", "spark_batch_maximum": "1000"},
]
LOCATIONS = "api/v1/stock-locations"


@pytest.fixture
def site(emulator: RunningEmulator) -> RunningEmulator:
    """A site with the locations north and south."""

    async def make(writer: Any) -> None:
        for name in ("north", "south"):
            await writer.post(LOCATIONS, {"name": name.title(), "external_id": name})

    written(emulator.sparklayer_url, make)
    return emulator


def write_stock(emulator: RunningEmulator, *levels: StockLevel, waits: list[float] | None = None) -> dict[Any, str]:
    found: dict[Any, str] = written(
        emulator.sparklayer_url, lambda writer: _write_stock(writer, levels), waits=[] if waits is None else waits
    )
    return found


def read_stock(emulator: RunningEmulator, *skus: str) -> dict[str, tuple[StockLevel, ...]]:
    found: dict[str, tuple[StockLevel, ...]] = written(
        emulator.sparklayer_url, lambda writer: _read_stock(writer, skus), waits=[]
    )
    return found


def calls(emulator: RunningEmulator, path: str) -> int:
    return sum(entry["path"].endswith(path) for entry in emulator.requests())


A = StockLevel("A", "north", 5)
B = StockLevel("B", "south", -3, date(2026, 12, 1))
NOWHERE = StockLevel("C", "nowhere", 1)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_what_is_written_is_what_is_read(site: RunningEmulator, switches: dict[str, str]) -> None:
    site.switch(**switches)
    south = StockLevel("A", "south", 0)
    assert write_stock(site, south, A, B) == {}
    assert read_stock(site, "A", "B", "none", "A") == {"A": (A, south), "B": (B,), "none": ()}
    # A date that is left out goes; other locations stay.
    undated = StockLevel("B", "south", 4)
    assert write_stock(site, undated) == {}
    assert read_stock(site, "B") == {"B": (undated,)}
    written(site.sparklayer_url, lambda writer: delete_stock(writer, ["A", "none"]))
    assert read_stock(site, "A", "B") == {"A": (), "B": (undated,)}
    assert read(site.sparklayer_url, location_ids) == {"north", "south"}


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_an_unknown_location_keeps_only_its_own_rows_out(site: RunningEmulator, switches: dict[str, str]) -> None:
    site.switch(**switches)
    good = [StockLevel(f"S{number}", "north", number) for number in range(30)]
    bad = [StockLevel(f"S{number}", "nowhere", number) for number in (0, 7, 29)]
    refused = write_stock(site, *good[:8], *bad, *good[8:])
    assert refused.keys() == set(bad)
    assert all(refused.values())
    stock = read_stock(site, *(level.sku for level in good))
    assert [stock[level.sku] for level in good] == [(level,) for level in good]


def test_the_words_of_a_refusal_are_the_apis(site: RunningEmulator) -> None:
    assert write_stock(site, A, NOWHERE) == {NOWHERE: "There is no stock location nowhere."}
    assert read_stock(site, "A", "C") == {"A": (A,), "C": ()}


@pytest.mark.parametrize("maximum", ["none", "1000"])
def test_any_number_of_levels_can_be_written_and_read(site: RunningEmulator, maximum: str) -> None:
    site.switch(spark_batch_maximum=maximum)
    levels = [StockLevel(f"S{number:04}", "north", number) for number in range(1_201)]
    skus = [level.sku for level in levels]
    assert write_stock(site, *levels) == {}
    assert [found for (found,) in read_stock(site, *skus).values()] == levels
    assert (calls(site, UPDATE), calls(site, FETCH)) == (3, 3)
    written(site.sparklayer_url, lambda writer: delete_stock(writer, skus))
    assert site.site()["stock"] == {}


def test_of_two_levels_for_one_place_the_last_counts(site: RunningEmulator) -> None:
    last = StockLevel("A", "north", 9)
    assert write_stock(site, A, last) == {}
    assert calls(site, UPDATE) == 1
    assert read_stock(site, "A") == {"A": (last,)}


def test_nothing_sends_nothing(site: RunningEmulator) -> None:
    site.clear_requests()
    assert (write_stock(site), read_stock(site)) == ({}, {})
    written(site.sparklayer_url, lambda writer: delete_stock(writer, []))
    assert site.requests() == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("path", [UPDATE, DELETE, FETCH])
def test_a_lost_answer_is_asked_for_again(site: RunningEmulator, path: str, when: str) -> None:
    for effect, more in (("reset", {"when": when}), ("status", {"status": 502})):
        site.fault(effect, path=f"*/{path}", **more)
        assert write_stock(site, A, B) == {}
        assert read_stock(site, "A", "B") == {"A": (A,), "B": (B,)}
        written(site.sparklayer_url, lambda writer: delete_stock(writer, ["A"]))
        assert read_stock(site, "A", "B") == {"A": (), "B": (B,)}
    assert all(fault["fired"] == 1 for fault in site.faults())


def test_what_stays_unknown_is_said(site: RunningEmulator) -> None:
    site.fault("reset", path=f"*/{UPDATE}", when="after", count=None)
    with pytest.raises(AnswerLost):
        write_stock(site, A)
    assert calls(site, UPDATE) == 3


def test_a_read_that_fails_leaves_nothing_in_doubt(site: RunningEmulator) -> None:
    site.fault("status", status=500, path=f"*/{FETCH}", count=None)
    with pytest.raises((Unreachable, ServerFault)):
        read_stock(site, "A")
    assert calls(site, FETCH) == 3


def test_a_429_is_waited_for_and_ends_at_some_time(site: RunningEmulator) -> None:
    waits: list[float] = []
    site.fault("too_many", path=f"*/{UPDATE}", seconds=7)
    assert write_stock(site, A, waits=waits) == {}
    assert max(waits) >= 7
    site.fault("too_many", path=f"*/{UPDATE}", count=None)
    with pytest.raises(RateLimited):
        write_stock(site, A)


def test_a_refusal_that_is_not_about_levels_is_not_put_on_them(site: RunningEmulator) -> None:
    site.fault("status", status=403, path=f"*/{UPDATE}", count=None)
    with pytest.raises(Rejected):
        write_stock(site, A, B)
    assert calls(site, UPDATE) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"skus": []},
        [{"sku": "A", "stock_levels": [1]}],
        [{"sku": "A", "stock_levels": [{"stock_location_external_id": "north", "stock_level": "many"}]}],
        [{"sku": "A", "stock_levels": [{"stock_location_external_id": "north", "restock_date": "soon"}]}],
    ],
)
def test_an_answer_of_another_shape_is_not_no_stock(site: RunningEmulator, body: object) -> None:
    # A status that answers a body of the test's own has to be an error: the shape is tried on the reader itself.
    class Canned:
        async def query(self, path: str, sent: object = None) -> object:
            return body

    with pytest.raises(UnexpectedAnswer):
        asyncio.run(_read_stock(Canned(), ["A"]))  # type: ignore[arg-type]
