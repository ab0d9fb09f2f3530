"""Data syncs, runs and overviews of a ledger to judge and to render."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.ledger.data.model import DataRun, DataScope, LevelCounts, LogDates, SyncOverview
from reconciler.ledger.data.service_model import RunningNow
from reconciler.sync.datasync import DataSync, Standing
from reconciler.sync.products.datatype import Products
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.settings import SyncSettings

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def ago(**duration: float) -> datetime:
    return NOW - timedelta(**duration)


PRODUCTS = Products(ProductSettings())


def settings(**changes: Any) -> SyncSettings:
    given: dict[str, Any] = {
        "name": "shop",
        "integration": "ordercloud",
        "interval": timedelta(minutes=15),
        "look_interval": timedelta(hours=1),
        "walk_interval": timedelta(hours=24),
        "freshness": timedelta(hours=2),
        "max_held_back_percent": 10.0,
        "max_open_problems": 500,
        "max_delete_percent": 10.0,
    }
    return SyncSettings(**given | changes)


def data_sync(
    standing: Standing = Standing.APPLIED,
    *,
    applied_at: datetime | None = None,
    data: Products = PRODUCTS,
    **changes: Any,
) -> DataSync:
    chosen = settings(**changes)
    scope = DataScope("production", "https://site#demo", chosen.integration, "products")
    return DataSync(chosen.name, chosen, data, scope, standing, applied_at or ago(days=30))


def data_run(**changes: Any) -> DataRun:
    """Return a full sync that took five minutes and finished ten minutes ago, unless told otherwise."""
    given: dict[str, Any] = {
        "id": "run-1",
        "mode": "full",
        "lists": True,
        "walks": True,
        "full": True,
        "state": "finished",
        "holder": "root@host pid 1: sync run",
        "started_at": ago(minutes=15),
        "watermark": ago(minutes=25),
        "listed": True,
        "log_opened": True,
        "completed_at": ago(minutes=10),
        "ended_at": ago(minutes=10),
        "config": PRODUCTS.digest,
        "counts": {"seen": 300, "total": 300, "written": 20, "unchanged": 280, "requests:ordercloud": 12},
        "message": None,
        "cancel_requested": False,
    }
    if changes.get("ended_at") is not None:
        given["started_at"] = changes["ended_at"] - timedelta(minutes=5)
    return DataRun(**given | changes)


def overview(run: DataRun | None = None, **changes: Any) -> SyncOverview:
    """Return what a ledger knows where this run, a full one unless told otherwise, was the only one."""
    only = data_run() if run is None else run
    done = only if only.state == "finished" else None
    given: dict[str, Any] = {
        "counts": LevelCounts(records=300, problems=3, logged=3),
        "newest": only,
        "last_finished": done,
        "last_look": done,
        "last_walk": done,
        "last_whole": done,
        "last_full": done,
        "log": LogDates(only.started_at, only.ended_at, None),
    }
    return SyncOverview(**given | changes)


def under_way(**changes: Any) -> SyncOverview:
    """Return what a ledger knows while a full sync has been running for 100 seconds."""
    counts = {"seen": 100, "total": 300, "written": 40, "unchanged": 60}
    run = data_run(
        id="run-2",
        state="running",
        started_at=ago(seconds=100),
        ended_at=None,
        counts=counts,
        message="reading and writing",
    )
    running = RunningNow("root@host pid 2: sync run", ago(seconds=100), ago(seconds=1), alive=True)
    given: dict[str, Any] = {"newest": run, "running": running, "unfinished": run}
    return overview(**given | changes)
