"""Full syncs of plain products, which writes bind: time against what the limit allows, and processor without one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import RECONCILER, Cost, Row, cost_of
from benchmarks.shop import document, prepare
from reconciler.emulator.testing import RunningEmulator, emulator_process

_PRODUCTS = 10_000
_PER_SECOND = 100
_LATENCY = 0.05
_UNLIMITED = 10_000
_BATCH = 500
# So much of the machine's time may others have: else it is their work that is measured.
_MOST_FOR_OTHERS = 0.1


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows on products without variants, each with a price and a level of stock; the emulator is apart."""
    with emulator_process() as emulator:
        yield from _limited(emulator, folder / "limited")
    with emulator_process() as emulator:
        yield from _unlimited(emulator, folder / "unlimited")


def _limited(emulator: RunningEmulator, folder: Path) -> Iterator[Row]:
    """A first full sync at a limit."""
    environ = _prepare(emulator, folder, _PER_SECOND)
    emulator.traffic(latency=_LATENCY, requests_per_second=_PER_SECOND)
    emulator.clear_requests()
    found = _sync(emulator, folder, environ)
    requests = emulator.requests()
    refused = sum(request["status"] == 429 for request in requests)
    batches = sum("/batch-update-" in request["path"] for request in requests)
    site = emulator.site()
    written = len(site["products"]["records"]), _rows_in(site["stock"]), _rows_in(site["prices"])
    least = written[0] + sum(-(-number // _BATCH) for number in written[1:])
    floor = least / _PER_SECOND
    name = f"full sync of {_PRODUCTS:,} plain products at {_PER_SECOND} requests/s and {_LATENCY * 1e3:.0f} ms"
    yield Row(
        f"{name}: time", found.cost.seconds / floor, "x", 1.02,
        f"{found.cost.seconds:.1f} s by {floor:.1f} s, in which {_PER_SECOND}/s let {least:,} requests through: one "
        f"for each product, and one for {_BATCH} levels or prices; {batches} of these were sent; {found.shares}",
        is_noise=found.is_disturbed and found.cost.seconds > 1.02 * floor,
    )  # fmt: skip
    yield Row(f"{name}: refused", refused, "requests", 0, f"429s of {len(requests):,} requests")


def _unlimited(emulator: RunningEmulator, folder: Path) -> Iterator[Row]:
    """A first full sync and a second one, as fast as it goes."""
    environ = _prepare(emulator, folder, _UNLIMITED)
    first = _sync(emulator, folder, environ)
    rate = _PRODUCTS / first.cost.seconds
    name = f"full sync of {_PRODUCTS:,} plain products without limit or latency"
    yield Row(
        f"{name}: rate", rate, "products/s", 800, f"{first.cost.seconds:.1f} s; {first.shares}", more_is_better=True,
        is_noise=first.is_disturbed and rate < 800,
    )  # fmt: skip
    yield _processor(name, first, 1.1)
    yield _processor("the same again, nothing changed", _sync(emulator, folder, environ), 0.6)


def _processor(name: str, found: _Found, target: float) -> Row:
    each = 1e3 * found.cost.cpu_seconds / _PRODUCTS
    return Row(
        f"{name}: processor", each, "ms each", target,
        f"with the start of the program, by {_PRODUCTS:,}; {found.shares}",
        is_noise=found.is_disturbed and each > target,
    )  # fmt: skip


@dataclass(frozen=True)
class _Found:
    """What a sync took, and who had the processors meanwhile: seconds of the emulator's, and the share of others."""

    cost: Cost
    emulator_seconds: float
    others: float

    @property
    def is_disturbed(self) -> bool:
        return self.others > _MOST_FOR_OTHERS

    @property
    def shares(self) -> str:
        return (
            f"processor: {self.cost.cpu_seconds:.1f} s ours, {self.emulator_seconds:.1f} s the emulator's, others had "
            f"{100 * self.others:.0f} % of the machine"
        )


def _sync(emulator: RunningEmulator, folder: Path, environ: Mapping[str, str]) -> _Found:
    busy, served, began = _busy_seconds(), emulator.cpu_seconds(), time.perf_counter()
    cost = cost_of([RECONCILER, "sync", "run", "--full"], folder, environ)
    served = emulator.cpu_seconds() - served
    others = _busy_seconds() - busy - served - cost.cpu_seconds
    whole = (time.perf_counter() - began) * (os.cpu_count() or 1)
    return _Found(cost, served, max(0.0, others / whole))


def _busy_seconds() -> float:
    """Return how long the machine's cores have worked."""
    user, nice, system, _idle, _waiting, irq, soft, stolen = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + soft + stolen) / os.sysconf("SC_CLK_TCK")


def _rows_in(by_key: Mapping[str, Mapping[str, object]]) -> int:
    return sum(map(len, by_key.values()))


def _prepare(emulator: RunningEmulator, folder: Path, per_second: float) -> dict[str, str]:
    """Seed the marketplace and apply a DataSync of products, stock and prices; return the environment variables."""
    environ = prepare(
        emulator, folder, per_second, document("StockLocation", "main", externalID="main", name="Main"),
        document("DataSync", "shop", currency="GBP", products={}, stock={"default": "main"}, pricing={}),
    )  # fmt: skip
    names = [f"p{number:06}" for number in range(_PRODUCTS)]
    products = [
        {
            "ID": name, "Name": f"Product {name}", "Active": True, "xp": {"SKU": f"s-{name}"},
            "DefaultPriceScheduleID": name, "Inventory": {"Enabled": True, "QuantityAvailable": number % 50},
        }
        for number, name in enumerate(names)
    ]  # fmt: skip
    prices = [
        {"ID": name, "Name": name, "Currency": "GBP", "PriceBreaks": [{"Quantity": 1, "Price": 10.0 + number % 7}]}
        for number, name in enumerate(names)
    ]
    emulator.seed_with({"Objects": {"Products": products, "PriceSchedules": prices}})
    return environ
