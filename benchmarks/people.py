"""Customers, prices of their own and orders of generated marketplaces: time against the limit, reads and memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.harness import RECONCILER, Cost, Row, cost_of, is_large
from benchmarks.shop import document, prepare
from reconciler.emulator.testing import RunningEmulator, emulator_process

_USERS = int(os.environ.get("RECONCILER_BENCH_USERS", "2000"))
_PER_SECOND = float(os.environ.get("RECONCILER_BENCH_RATE", "100"))
_LATENCY = 0.05
_UNLIMITED = 10_000
_PRODUCTS = 500
# More customers need no more than a site takes.
_MOST_PRICES = 5_000
_BATCH = 500
_PAGE = 100
_MEMORY = (2_000, 8_000)
_MEMORY_LARGE = (5_000, 20_000)
_MEMORY_DRY = (20_000, 250_000)
# Sizes to measure whole runs of in place of all these: 20000,250000 takes half an hour and more.
_MEMORY_ASKED = [int(each) for each in os.environ.get("RECONCILER_BENCH_MEMORY", "").split(",") if each]
_BOTH = ("party-prices", "customers")
_OWN_LISTS = "oc-"


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows on customers with prices of their own: a first full sync of each type, and a second one."""
    with emulator_process() as emulator:
        objects = _plant(emulator, _USERS)
        environ = _prepare(emulator, folder / "people", _PER_SECOND)
        emulator.traffic(latency=_LATENCY, requests_per_second=_PER_SECOND)
        lists = _first(emulator, folder / "people", environ, "party-prices", objects)
        yield lists.row
        customers = _first(emulator, folder / "people", environ, "customers", objects)
        yield customers.row
        allowed, took = lists.allowed + customers.allowed, lists.took + customers.took
        yield Row(
            f"first run of {_USERS:,} customers with own prices: of what the limit allows", 100 * allowed / took, "%",
            95, f"{allowed:.1f} s by {took:.1f} s", more_is_better=True,
        )  # fmt: skip
        yield from _again(emulator, folder / "people", environ, objects)


def order_rows(folder: Path) -> Iterator[Row]:
    """Yield the row on orders: a first full sync."""
    with emulator_process() as emulator:
        objects = _plant(emulator, _USERS)
        emulator.add_carts()
        environ = _prepare(emulator, folder / "orders", _PER_SECOND)
        emulator.traffic(latency=_LATENCY, requests_per_second=_PER_SECOND)
        yield _first(emulator, folder / "orders", environ, "orders", objects).row


def memory_rows(folder: Path) -> Iterator[Row]:
    """Yield the rows on memory, without limit and latency.

    RECONCILER_BENCH_LARGE=1 takes more users, and adds dry runs of many more: they go the same way, but for what is
    written. RECONCILER_BENCH_MEMORY=20000,250000 measures whole runs of so many users, and nothing else.
    """
    if _MEMORY_ASKED:
        yield from _memory(folder / "asked", min(_MEMORY_ASKED), max(_MEMORY_ASKED), 1.1, _BOTH)
        return
    large = is_large()
    yield from _memory(folder / "whole", *(_MEMORY_LARGE if large else _MEMORY), 1.2, _BOTH)
    if large:
        yield from _memory(folder / "dry", *_MEMORY_DRY, 1.1, _BOTH, "--dry-run")


def _memory(folder: Path, few: int, many: int, most: float, types: Sequence[str], *words: str) -> Iterator[Row]:
    folder.mkdir()
    found: dict[int, dict[str, Cost]] = {}
    for users in (few, many):
        with emulator_process() as emulator:
            _plant(emulator, users, orders=0)
            environ = _prepare(emulator, folder / str(users), _UNLIMITED)
            found[users] = {name: _sync(folder / str(users), environ, name, *words) for name in types}
    for name in types:
        small, large = found[few][name], found[many][name]
        yield Row(
            f"{' '.join((name, *words))}: memory from {few:,} to {many:,} users", large.peak_mib / small.peak_mib, "x",
            most,
            f"{small.peak_mib:.1f} to {large.peak_mib:.1f} MiB; in {small.seconds:.0f} and {large.seconds:.0f} s, "
            f"{small.cpu_seconds:.0f} and {large.cpu_seconds:.0f} s of them on a processor",
        )  # fmt: skip


def _plant(emulator: RunningEmulator, users: int, orders: int | None = None) -> dict[str, int]:
    """Plant a marketplace, ten users a buyer, and return how many objects of each kind there are."""
    sizes = {"users": users, "buyers": users // 10, "ownPrices": min(users // 4, _MOST_PRICES)}
    sizes["orders"] = users // 2 if orders is None else orders
    found: dict[str, int] = emulator.seed(_PRODUCTS, 1, **sizes)["objects"]
    return found


@dataclass(frozen=True)
class _First:
    """First full sync of a data type: the seconds that it took, and those that the limit allows."""

    row: Row
    took: float
    allowed: float


def _first(
    emulator: RunningEmulator, folder: Path, environ: Mapping[str, str], name: str, objects: Mapping[str, int]
) -> _First:
    emulator.clear_requests()
    took = _sync(folder, environ, name).seconds
    seen, needed = _seen(emulator), _needed(name, emulator, objects)
    bottleneck = max(needed, key=lambda api: needed[api])
    allowed = needed[bottleneck] / _PER_SECOND
    times = [datetime.fromisoformat(request["time"]) for request in emulator.requests()]
    row = Row(
        f"{name} of {_USERS:,} users at {_PER_SECOND:g} requests/s: of what the limit allows", 100 * allowed / took,
        "%", 95,
        f"{needed[bottleneck]:,} requests that {bottleneck} needs, in {took:.1f} s; from the first request to the last "
        f"{(times[-1] - times[0]).total_seconds():.1f} s; seen: {', '.join(f'{api} {n:,}' for api, n in seen.items())}",
        more_is_better=True,
    )  # fmt: skip
    return _First(row, took, allowed)


def _again(
    emulator: RunningEmulator, folder: Path, environ: Mapping[str, str], objects: Mapping[str, int]
) -> Iterator[Row]:
    emulator.clear_requests()
    again = _sync(folder, environ, "customers").seconds
    seen, buyers = _seen(emulator), objects["Buyer"]
    unavoidable = -(-objects["BuyerUser"] // _PAGE) + -(-buyers // _PAGE) + 4 * buyers
    yield Row("customers again, nothing changed: writes", _writes(emulator), "requests", 0, "of customers")
    yield Row(
        "customers again, nothing changed: reads", seen["ordercloud"] / unavoidable, "x", 1.1,
        f"{seen['ordercloud']:,} by {unavoidable:,} in {again:.1f} s: pages of users and buyers, four lists a buyer",
    )  # fmt: skip


def _needed(name: str, emulator: RunningEmulator, objects: Mapping[str, int]) -> dict[str, int]:
    """Return how many requests of each API a first full sync of a data type cannot do without."""
    site = emulator.site()
    pages = {kind: -(-count // _PAGE) for kind, count in objects.items()}
    match name:
        case "party-prices":
            lists = [slug for slug in site["price_lists"] if slug.startswith(_OWN_LISTS)]
            prices = sum(len(found) for slug, found in site["prices"].items() if slug.startswith(_OWN_LISTS))
            source = pages["BuyerUser"] + pages["Buyer"] + pages["ProductAssignment"] + objects["Buyer"]
            return {"ordercloud": source, "sparklayer": len(lists) + -(-prices // _BATCH)}
        case "customers":
            source = pages["BuyerUser"] + pages["Buyer"] + pages["ProductAssignment"] + 4 * objects["Buyer"]
            return {"ordercloud": source, "sparklayer": len(site["customers"]["records"])}
        case _:
            # What the site has of each is read before it is replaced.
            written = [each for each in site["purchases"].values() if each["purchase_identifiers"].get("platform")]
            return {"ordercloud": 0, "sparklayer": 2 * len(written)}


def _seen(emulator: RunningEmulator) -> dict[str, int]:
    apis = [request["path"].split("/")[1] for request in emulator.requests() if "/token" not in request["path"]]
    return {api: apis.count(api) for api in ("ordercloud", "sparklayer")}


def _writes(emulator: RunningEmulator) -> int:
    return sum(
        request["path"].startswith("/sparklayer/")
        and request["method"] != "GET"
        and not any(part in request["path"] for part in ("/token", "/sync-log/"))
        for request in emulator.requests()
    )


def _sync(folder: Path, environ: Mapping[str, str], name: str, *words: str) -> Cost:
    return cost_of([RECONCILER, "sync", "run", "--full", "--type", name, *words], folder, environ)


def _prepare(emulator: RunningEmulator, folder: Path, per_second: float) -> dict[str, str]:
    """Apply a DataSync of customers, prices of their own and orders; return the environment variables."""
    mapping = {"accountingID": "xp.erpNumber", "discountPercentage": "xp.discount", "title": "xp.title"}
    return prepare(
        emulator, folder, per_second,
        document("CustomerGroup", "wholesale", name="Wholesale"),
        document(
            "DataSync", "shop", currency="GBP", pricing={"partyPriceLists": True},
            customers={"groups": {"approvers": "wholesale"}, "mapping": mapping}, orders={"since": "2025-01-01"},
        ),
    )  # fmt: skip
