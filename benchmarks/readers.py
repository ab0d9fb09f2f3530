"""Reading all products of an emulated marketplace: requests, time and memory against what cannot be avoided."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness import REPOSITORY, Row, clean_environment, is_large
from reconciler.emulator.testing import RunningEmulator, emulator_process

_READ = Path(__file__).with_name("read_products.py")
_PRODUCTS = 30_000
_TIMED_PRODUCTS = 3_000
_PER_SECOND = 100
_LATENCY = 0.05
_UNLIMITED = 1_000_000
# Takes half an hour: RECONCILER_BENCH_LARGE=1 make bench.
_LARGE = 300_000


def rows(folder: Path) -> Iterator[Row]:
    """Yield requests and memory for 30,000 products, and time for 3,000 at a rate that a merchant has."""
    with emulator_process() as emulator:
        large = is_large()
        emulator.seed(_PRODUCTS)
        emulator.clear_requests()
        whole = _read(emulator, folder, _UNLIMITED)
        sent = sum(request["method"] == "GET" for request in emulator.requests())
        least = least_requests(emulator.state()["ordercloud"]["commerce"]["objects"])
        yield Row(
            f"reading {_PRODUCTS:,} products with variants, stock and prices: requests", sent / least, "x", 1.05,
            f"{sent:,} requests by {least:,} that no reader can avoid",
        )  # fmt: skip
        yield Row(
            f"reading {_PRODUCTS:,} products: memory", whole["peak_mib"], "MiB", 200, "the process at its largest"
        )
        emulator.seed(_TIMED_PRODUCTS)
        emulator.traffic(latency=_LATENCY)
        emulator.clear_requests()
        timed = _read(emulator, folder, _PER_SECOND)
        sent = sum(request["method"] == "GET" for request in emulator.requests())
        # The rate limit lets one second's worth through at once; the last answers are on their way for one latency.
        ideal = (sent - _PER_SECOND) / _PER_SECOND + _LATENCY
        yield Row(
            f"reading {_TIMED_PRODUCTS:,} products at {_PER_SECOND} requests/s and {_LATENCY * 1e3:.0f} ms: time",
            timed["seconds"] / ideal, "x", 1.2, f"seconds by what the rate limit allows for {sent:,} requests",
        )  # fmt: skip
        if large:
            emulator.traffic()
            emulator.seed(_LARGE)
            yield Row(
                f"reading {_LARGE:,} products: memory", _read(emulator, folder, _UNLIMITED)["peak_mib"]
                / whole["peak_mib"], "x", 1.2, f"by the memory for {_PRODUCTS:,}",
            )  # fmt: skip


def least_requests(objects: Mapping[str, Mapping[str, Any]]) -> int:
    """Return how many requests cannot be avoided, given who has what: full pages, and one per product or variant.

    Args:
        objects: the emulator's dump, by resource and parents.
    """
    products = objects["Product"][""]
    tracked = {product["ID"] for product in products if product["Inventory"].get("VariantLevelTracking")}
    named = {product["DefaultPriceScheduleID"] for product in products if product.get("DefaultPriceScheduleID")}
    variants = objects["Variant"]
    with_stock = {scope.split("/")[0] for scope in objects["VariantInventoryRecord"]} & tracked
    return (
        -(-len(products) // 100)
        + -(-len(named) // 100)
        + sum(-(-len(rows) // 100) for rows in variants.values())
        + sum(-(-len(rows) // 100) for rows in objects["InventoryRecord"].values())
        + sum(len(variants[name]) for name in with_stock)
    )


def _read(emulator: RunningEmulator, folder: Path, per_second: float) -> dict[str, Any]:
    command = [sys.executable, str(_READ), emulator.url, str(per_second)]
    environ = clean_environment(folder, PYTHONPATH=str(REPOSITORY))
    ended = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"reading the products failed:\n{ended.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found
