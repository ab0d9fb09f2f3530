"""Verify of a site with a long price list: memory must not grow with the list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import RECONCILER, Cost, Row, cost_of, is_large
from benchmarks.shop import document, prepare
from reconciler.emulator.testing import emulator_process

_PRODUCTS = 200
_SKUS = (50_000, 200_000)
# RECONCILER_BENCH_LARGE=1 measures this one as well.
_MANY = 1_000_000
_MOST_MIB = 200
_LIST = "ordercloud-price"


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows of this group; the emulator is a process of its own."""
    few, many = _SKUS
    counts = [few, many, *([_MANY] if is_large() else [])]
    found = {skus: _verified(folder / f"verify-{skus}", skus) for skus in counts}
    yield Row(
        f"verify: memory from a price list of {few:,} SKUs to one of {many:,}",
        found[many].peak_mib / found[few].peak_mib, "x", 1.1,
        f"{found[few].peak_mib:.0f} to {found[many].peak_mib:.0f} MiB; {_PRODUCTS} of the SKUs are ours",
    )  # fmt: skip
    yield Row(
        f"verify with a price list of {counts[-1]:,} SKUs: memory", found[counts[-1]].peak_mib, "MiB", _MOST_MIB,
        f"the process at its largest; {found[counts[-1]].seconds:.0f} s with {_PRODUCTS} products",
    )  # fmt: skip


def _verified(folder: Path, skus: int) -> Cost:
    """A small shop, at a site on whose price list others have very many SKUs."""
    with emulator_process() as emulator:
        environ = prepare(
            emulator, folder, 10_000,
            document("DataSync", "shop", currency="GBP", products={}, pricing={"priceList": _LIST}),
        )  # fmt: skip
        emulator.seed(_PRODUCTS)
        cost_of([RECONCILER, "sync", "run", "--full"], folder, environ)
        held = emulator.site()
        listed = held["prices"][_LIST]
        listed.update({f"OTHERS-{number:07d}": _priced(number) for number in range(skus - len(listed))})
        emulator.load_site(held)
        return cost_of([RECONCILER, "sync", "run", "--verify"], folder, environ)


def _priced(number: int) -> dict[str, Any]:
    tier = {"quantity": 1, "price": number % 900 + 0.25, "unit_of_measure": None}
    return {"pricing": [tier]}
