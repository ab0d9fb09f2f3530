"""Requests of runs that find nothing changed: a walk that skips, a full run, a light walk, an idle run, and a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from benchmarks.harness import RECONCILER, Row, seconds_of
from benchmarks.shop import prepare_stocked, writes_records
from reconciler.emulator.testing import RunningEmulator, emulator_process
from reconciler.ledger.tables import data_runs
from reconciler.ledger.writer import Ledger

_PRODUCTS = 10_000
_DAY_OF = 30_000
_UNLIMITED = 10_000


def rows(folder: Path) -> Iterator[Row]:
    """Yield what such runs ask, by the emulator's request log: it needs no quiet machine."""
    with emulator_process() as emulator:
        environ = prepare_stocked(emulator, folder, _UNLIMITED)
        emulator.seed(_PRODUCTS)
        _run(emulator, folder, environ, "--full")
        full = _run(emulator, folder, environ, "--full")
        _time_passes(folder, timedelta(hours=25))
        walk = _run(emulator, folder, environ)
        _time_passes(folder, timedelta(hours=2))
        light = _run(emulator, folder, environ)
        idle = _run(emulator, folder, environ)
    name = f"{_PRODUCTS:,} products, nothing changed"
    yield Row(
        f"{name}: writes of four runs", full[2] + walk[2] + light[2] + idle[2], "requests", 0, "of all that flows"
    )
    for what, found, target in (("full run", full, 0.95), ("skipping walk", walk, 0.33), ("light walk", light, 0.021)):
        yield Row(
            f"{name}: reads of a {what}", found[0] / _PRODUCTS, "per product", target,
            f"{found[0]:,} requests to OrderCloud, {found[1]:,} with those to SparkLayer",
        )  # fmt: skip
    yield Row(
        f"{name}: an idle run", idle[1], "requests", 14,
        "an incremental run that looks at nothing else, to both APIs, with a token that is still good",
    )  # fmt: skip
    yield _day(idle[1], light[1], walk[1], full[1])


def _day(idle: int, light: int, walk: int, full: int) -> Row:
    """Reckon a day with `interval` 15m, `lookInterval` 1h and `walkInterval` 24h: nobody measured one."""
    scale = _DAY_OF / _PRODUCTS
    usual = 96 * idle + 23 * scale * (light - idle)
    a_day, seventh = (round(usual + scale * (reads - idle)) for reads in (walk, full))
    often = round(96 * idle + 95 * scale * (light - idle) + scale * (walk - idle))
    return Row(
        f"a day of {_DAY_OF:,} products, nothing changed", a_day, "requests", 26_000,
        "reckoned from the measured runs: 96 runs, of which 23 are light walks and 1 a walk that skips. On every "
        f"seventh day, whose walk reads all stock, {seventh:,}; {round((6 * a_day + seventh) / 7):,} on average. "
        f"A price that changed is seen within 1 h; within 15 min for {often:,} a day (lookInterval: 15m)",
    )  # fmt: skip


def _run(emulator: RunningEmulator, folder: Path, environ: Mapping[str, str], *words: str) -> tuple[int, int, int]:
    """Run the sync; return its requests to OrderCloud, those to both APIs, and those that wrote records."""
    emulator.clear_requests()
    seconds_of([RECONCILER, "sync", "run", *words], folder, environ)
    requests = emulator.requests()
    reads = sum(request["path"].startswith("/ordercloud/v1/") for request in requests)
    return reads, len(requests), sum(map(writes_records, requests))


def _time_passes(folder: Path, by: timedelta) -> None:
    """Let the runs of a ledger be so much longer ago, so that the next one is due."""
    with Ledger.open(f"sqlite:///{folder}/ledger.db") as ledger, ledger.database.transaction() as tx:
        moments = select(data_runs.c.id, data_runs.c.started_at, data_runs.c.ended_at)
        for run in tx.connection.execute(moments).all():
            past = {"started_at": run.started_at - by, "ended_at": run.ended_at - by}
            tx.connection.execute(update(data_runs).where(data_runs.c.id == run.id).values(past))
