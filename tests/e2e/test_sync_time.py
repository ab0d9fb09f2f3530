"""Sale windows, watermarks and freshness are right across a DST change and with a source clock that is off."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from support.checkout import Checkout
from support.syncing import Shop
from support.worked import whoever_works

PRODUCTS = 5


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    return Shop(checkout)


def plant(shop: Shop, **window: str) -> None:
    """Plant five products; the last one has a sale, in this window."""
    ids = [f"p{number}" for number in range(PRODUCTS)]
    inventory = {"Enabled": True, "QuantityAvailable": 5}
    products = [
        {"ID": name, "Name": name, "Active": True, "xp": {"SKU": name}, "DefaultPriceScheduleID": name}
        | {"Inventory": inventory}
        for name in ids
    ]
    schedules = [{"ID": name, "Name": name, "PriceBreaks": [{"Quantity": 1, "Price": 10}]} for name in ids]
    schedules[-1] |= {"PriceBreaks": [{"Quantity": 1, "Price": 10, "SalePrice": 7}], **window}
    shop.emulator.seed_with({"Objects": {"Products": products, "PriceSchedules": schedules}})


def price(shop: Shop) -> float:
    return shop.held().prices[f"p{PRODUCTS - 1}"][1]


def run_in(shop: Shop, zone: str, *words: str) -> None:
    """Run the sync as a process whose machine stands in that time zone."""
    shop.checkout.variables["TZ"] = zone
    ended = shop.checkout.run("sync", "run", "shop", *words)
    assert ended.status == 0, str(ended)


@whoever_works(cheap=True)
def test_a_sale_begins_and_ends_without_any_change_at_the_source(shop: Shop) -> None:
    shop.emulator.clock(now="2027-01-10T12:00:00Z", frozen=True)
    plant(shop, SaleStart="2027-01-10T13:00:00Z", SaleEnd="2027-01-10T14:00:00Z")
    shop.prepare()
    shop.synced("--full")
    assert price(shop) == 10
    for moment, wanted in (("13:00", 7), ("13:59", 7), ("14:00", 10), ("15:00", 10)):
        shop.emulator.clock(now=f"2027-01-10T{moment}:00Z")
        before = price(shop)
        shop.emulator.clear_requests()
        shop.synced()
        assert price(shop) == wanted
        # Only what the clock changed, and that once.
        assert len(shop.writes()) == (before != wanted)
        assert shop.wrong() == []


@pytest.mark.parametrize(
    ("start", "end", "moments"),
    [
        # Clocks in London go back at 01:00 UTC: 01:30 comes twice that night.
        (
            "2026-10-25T00:30:00+01:00",
            "2026-10-25T01:30:00+00:00",
            {"24T23:15": 10, "24T23:45": 7, "25T00:30": 7, "25T01:15": 7, "25T01:45": 10},
        ),
        # And forward at 01:00 UTC in spring: there is no 01:30.
        (
            "2026-03-29T00:30:00+00:00",
            "2026-03-29T02:30:00+01:00",
            {"29T00:15": 10, "29T00:45": 7, "29T01:15": 7, "29T01:45": 10},
        ),
    ],
    ids=["autumn", "spring"],
)
def test_sale_windows_across_a_change_of_summer_time(
    shop: Shop, start: str, end: str, moments: dict[str, float]
) -> None:
    plant(shop, SaleStart=start, SaleEnd=end)
    month = start[:8]
    shop.emulator.clock(now=f"{month}{next(iter(moments))}:00Z", frozen=True)
    shop.prepare()
    found = {}
    for number, moment in enumerate(moments):
        shop.emulator.clock(now=f"{month}{moment}:00Z")
        run_in(shop, "Europe/London", *(["--full"] if number == 0 else []))
        found[moment] = price(shop)
        assert shop.wrong() == []
    assert found == moments


@pytest.mark.parametrize("minutes", [-25, 25])
def test_changes_are_found_though_the_sources_clock_is_off(shop: Shop, minutes: int) -> None:
    """Longer than the overlap of ten minutes, so that a watermark by our clock would miss what changed."""
    plant(shop)
    shop.emulator.clock(advance=minutes * 60)
    shop.prepare()
    shop.synced("--full")
    for level in (3, 1):
        before = shop.held()
        shop.portal("PATCH", "products/p1", {"Inventory": {"QuantityAvailable": level}})
        shop.emulator.clear_requests()
        shop.synced()
        assert shop.held().stock["p1"]["main"]["stock_level"] == level
        assert shop.writes() == ["POST batch-update-stock"]
        assert shop.wrong(before) == []


@pytest.mark.parametrize("minutes", [-25, 25])
def test_sales_go_by_the_sources_clock(shop: Shop, minutes: int) -> None:
    """Between its time and ours, in either direction, only its own counts."""
    begins = datetime.now(UTC) + timedelta(minutes=minutes / 2)
    plant(shop, SaleStart=begins.isoformat(timespec="seconds"))
    shop.emulator.clock(advance=minutes * 60)
    shop.prepare()
    shop.synced("--full")
    assert price(shop) == (7 if minutes > 0 else 10)
    assert shop.wrong() == []


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
def test_freshness_does_not_depend_on_zones_or_the_sources_clock(shop: Shop, zone: str) -> None:
    plant(shop)
    shop.emulator.clock(advance=-25 * 60)
    shop.prepare(lookInterval="15m", freshness="20m")
    run_in(shop, zone, "--full")
    drift = shop.checkout.run("drift", "--format", "json")
    assert drift.status == 0, str(drift)
    shown = json.loads(shop.checkout.run("sync", "status", "--format", "json").stdout)["syncs"][0]
    assert 0 <= shown["freshness"]["seconds"] < 120
