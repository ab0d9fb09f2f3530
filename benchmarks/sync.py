"""Data syncs of generated marketplaces: time against what the rate limit allows, writes, memory, and a plain script."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import RECONCILER, REPOSITORY, Cost, Row, clean_environment, cost_of, is_large, seconds_of
from benchmarks.readers import least_requests
from benchmarks.shop import PLACES, prepare_stocked, writes_records
from reconciler.emulator.testing import RunningEmulator, emulator_process

_PRODUCTS = 10_000
_PER_SECOND = 100
_LATENCY = 0.05
_BATCH = 500
# A plain script takes a quarter of a second for each; RECONCILER_BENCH_LARGE=1 measures 1,000.
_PLAIN_PRODUCTS = 200
_PLAIN_PRODUCTS_LARGE = 1_000
# RECONCILER_BENCH_LARGE=1 measures 30,000 and 300,000, which takes an hour.
_MEMORY = (5_000, 15_000)
_MEMORY_LARGE = (30_000, 300_000)
_UNLIMITED = 10_000
_PLAIN = Path(__file__).with_name("plain_script.py")


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows on full syncs; the emulator is a process of its own."""
    large = is_large()
    with emulator_process() as emulator:
        yield from _timed(emulator, folder / "timed")
        yield from _beside_a_plain_script(emulator, folder, _PLAIN_PRODUCTS_LARGE if large else _PLAIN_PRODUCTS)
    yield from _memory(folder, *(_MEMORY_LARGE if large else _MEMORY))


@dataclass(frozen=True)
class _Traffic:
    """What the emulator saw: requests by API, those refused with 429, and writes of records."""

    by_api: Mapping[str, int]
    refused: int
    writes: int

    @property
    def share_refused(self) -> float:
        return 100 * self.refused / sum(self.by_api.values())


def _traffic(emulator: RunningEmulator) -> _Traffic:
    requests = emulator.requests()
    apis = [request["path"].split("/")[1] for request in requests]
    return _Traffic(
        {api: apis.count(api) for api in ("ordercloud", "sparklayer")},
        sum(request["status"] == 429 for request in requests),
        sum(writes_records(request) for request in requests),
    )


def _timed(emulator: RunningEmulator, folder: Path) -> Iterator[Row]:
    """A first full sync and a second one, each against the limit."""
    environ = prepare_stocked(emulator, folder, _PER_SECOND)
    emulator.seed(_PRODUCTS)
    emulator.traffic(latency=_LATENCY, requests_per_second=_PER_SECOND)
    emulator.clear_requests()
    first = _sync(folder, environ).seconds
    seen, needed = _traffic(emulator), _needed(emulator)
    bottleneck = max(needed, key=lambda api: needed[api])
    name = f"full sync of {_PRODUCTS:,} products at {_PER_SECOND} requests/s and {_LATENCY * 1e3:.0f} ms"
    yield Row(
        f"{name}: of what the limit allows", 100 * needed[bottleneck] / (_PER_SECOND * first), "%", 98,
        f"{needed[bottleneck]:,} requests that {bottleneck} needs, by {_PER_SECOND}/s in {first:.1f} s; it saw "
        f"{seen.by_api[bottleneck]:,}", more_is_better=True,
    )  # fmt: skip
    yield Row(
        f"{name}: refused", seen.share_refused, "%", 0, f"{seen.refused} of {sum(seen.by_api.values()):,} were 429s"
    )
    emulator.clear_requests()
    again = _sync(folder, environ).seconds
    repeated = _traffic(emulator)
    yield Row("the same again, nothing changed: writes", repeated.writes, "requests", 0, "of products, stock or prices")
    reads = needed["ordercloud"] / _PER_SECOND
    yield Row(
        "the same again, nothing changed: time", again / reads, "x", 1.5,
        f"{again:.1f} s by {reads:.1f} s, in which {_PER_SECOND}/s let the {needed['ordercloud']:,} reads through that "
        "cannot be avoided",
    )  # fmt: skip


def _needed(emulator: RunningEmulator) -> dict[str, int]:
    """Return how many requests of each API a first full sync cannot do without."""
    site = emulator.site()
    levels = sum(len(at) for at in site["stock"].values())
    prices = sum(len(of_list) for of_list in site["prices"].values())
    writes = len(site["products"]["records"]) + -(-levels // _BATCH) + -(-prices // _BATCH)
    return {
        "ordercloud": least_requests(emulator.state()["ordercloud"]["commerce"]["objects"]),
        "sparklayer": writes,
    }


def _beside_a_plain_script(emulator: RunningEmulator, folder: Path, products: int) -> Iterator[Row]:
    """The script that a team would write: one request after the other. Compared as products a second."""
    emulator.reset()
    emulator.seed(products)
    emulator.traffic(latency=_LATENCY, requests_per_second=_PER_SECOND)
    environ = {**clean_environment(folder), "PYTHONPATH": str(REPOSITORY)}
    seconds = seconds_of([sys.executable, _PLAIN, emulator.url, *PLACES], folder, environ)
    plain = len(emulator.site()["products"]["records"]) / seconds
    emulator.reset()
    own = folder / "beside"
    environ = prepare_stocked(emulator, own, _PER_SECOND)
    emulator.seed(products)
    emulator.traffic(latency=_LATENCY, requests_per_second=_PER_SECOND)
    seconds = _sync(own, environ).seconds
    ours = len(emulator.site()["products"]["records"]) / seconds
    yield Row(
        f"full sync of {products:,} products: a plain script's rate", plain / ours, "x", 1,
        f"{plain:.1f} products/s by our {ours:.1f}",
    )  # fmt: skip


def _memory(folder: Path, few: int, many: int) -> Iterator[Row]:
    """Without limit and latency."""
    found: dict[int, Cost] = {}
    for products in (few, many):
        with emulator_process() as emulator:
            own = folder / f"memory-{products}"
            environ = prepare_stocked(emulator, own, _UNLIMITED)
            emulator.seed(products)
            found[products] = _sync(own, environ)
    growth = found[many].peak_mib / found[few].peak_mib
    rate = ", ".join(f"{count:,} in {cost.seconds:.0f} s" for count, cost in found.items())
    yield Row(
        f"full sync: memory from {few:,} to {many:,} products", growth, "x", 1.2,
        f"{found[few].peak_mib:.0f} to {found[many].peak_mib:.0f} MiB; {rate}",
    )  # fmt: skip
    yield Row(f"full sync of {many:,} products: memory", found[many].peak_mib, "MiB", 200, "the process at its largest")


def _sync(folder: Path, environ: Mapping[str, str]) -> Cost:
    return cost_of([RECONCILER, "sync", "run", "--full"], folder, environ)
