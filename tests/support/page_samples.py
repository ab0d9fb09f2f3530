"""Environments at a glance, to render: one of each state, and one in which everything from outside is hostile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from reconciler.kind.kind import Observed
from reconciler.ledger.config.model import AskedRequest, RequestStep, StepState
from reconciler.ledger.data.model import CodeCount, DataRun, LevelCounts, OpenProblem, ProblemRow
from reconciler.pause.lease import Lease
from reconciler.reconcile.pause_report import Declared, NextWindow, PausedSync, PausesReport, PauseState
from reconciler.reconcile.paused import PausedNow
from reconciler.reconcile.pausing import Sync
from reconciler.reconcile.plan import Cause, DriftItem, DriftReport, FieldChange
from reconciler.sync.datasync import DataSync, Standing
from reconciler.sync.heldback import HeldBack
from reconciler.sync.monitor.overview import DeadLetters, Deliveries, Facts, Fetching, Overview, SeenDrift, overview
from reconciler.sync.monitor.problems import Problems
from reconciler.sync.monitor.status import status_of
from support.report_samples import change
from support.sync_samples import NOW, ago, data_run, data_sync, under_way
from support.sync_samples import overview as known

QUIET = SeenDrift(DriftReport("production", ago(minutes=5), (), (), 12), every=timedelta(minutes=15))
MINUTES = tuple((minute * 7) % 31 for minute in range(60))
LIMITS = {"ordercloud": 50.0, "sparklayer": 20.0}


def runs(count: int = 60) -> tuple[DataRun, ...]:
    """Return incremental runs of the last days, the newest first; every 17th was stopped."""
    return tuple(
        data_run(
            id=f"run-{number}",
            mode="incremental",
            full=False,
            state="stopped" if number % 17 == 16 else "finished",
            ended_at=ago(hours=2.6 * number),
            counts={"seen": 120, "written": (number * 37) % 90 if number % 3 else 0},
        )
        for number in range(count)
    )


def lease(kind: str = "EntitySync", name: str = "stock", **changes: Any) -> Lease:
    given: dict[str, Any] = {
        "kind": kind,
        "id": name,
        "owner": "jane@example.com",
        "until": NOW + timedelta(minutes=25),
        "reason": "stock is loaded in bulk",
        "lease_id": "l-1",
        "name": name,
        "taken_at": ago(minutes=5),
    }
    return Lease(**given | changes)


def paused_sync(
    state: PauseState, kind: str = "EntitySync", name: str = "stock", leases: tuple[Lease, ...] = (), **changes: Any
) -> PausedSync:
    sync = Sync(Observed(kind, name, {"pause": True}, {}), None, "ordercloud", "https://api", "pause")
    given: dict[str, Any] = {"leases": tuple((each, each.end(NOW)) for each in leases), "declared": None, "due": None}
    return PausedSync(sync, state, last=(), **given | changes)


def problems_of(sync: DataSync, text: str | None = None) -> Problems:
    def one(number: int, code: str, message: str) -> OpenProblem:
        url = f"https://portal.example/products/P-{number}" if text is None else text
        told = ProblemRow(text or f"P-{number}", "product", code, message, url)
        return OpenProblem(f"P-{number}", told, ago(hours=number), logged=True)

    listed = (
        *(one(number, "no-sku", text or "The SKU is not set. Set xp.SKU in OrderCloud.") for number in range(4)),
        one(9, "bad-record", text or "OrderCloud's answer on the product cannot be used: Name holds half a character."),
    )
    codes = (CodeCount("no-sku", 9, (), 9), CodeCount("bad-record", 1, (), 1))
    held = HeldBack(10, 300, 10.0)
    return Problems(sync.name, sync.type, sync.data.entries, 10, 10, listed, codes, held)


def asked(number: int, does: str, state: StepState, message: str | None = None, **changes: Any) -> AskedRequest:
    step = RequestStep(does, state, message)
    kind, holder = "request", "jane, by the page"
    made = AskedRequest(
        "https://site#demo", f"{number:016x}", "production", kind, "x", does, holder, ago(minutes=number), (step,)
    )
    return replace(made, **changes)


def good(environment: str = "sandbox") -> Facts:
    """Return an environment that is in sync."""
    sync = data_sync()
    status = status_of(sync, known(counts=LevelCounts(records=300)), NOW)
    return Facts(
        environment,
        (status,),
        runs={sync.scope: runs(12)},
        pauses=PausesReport(environment, ago(seconds=20), (), running=("EntitySync/stock", "ProductSync/products")),
        drift=QUIET,
        limits=LIMITS,
    )


def running(environment: str = "staging") -> Facts:
    """Return an environment in which a full sync runs."""
    found = good(environment)
    sync = data_sync()
    return replace(found, statuses=(status_of(sync, under_way(counts=LevelCounts(records=300, open=200)), NOW),))


def drifted(environment: str = "production") -> Facts:
    """Return an environment in which much is wrong."""
    sync, orders = data_sync(), data_sync(Standing.CHANGED, name="returns", integration="returns")
    counts = LevelCounts(records=300, open=12, dead=7, problems=10, logged=10, held_back=10)
    statuses = (
        status_of(sync, known(data_run(ended_at=ago(hours=5)), counts=counts, recent=runs(8)), NOW),
        status_of(orders, under_way(counts=LevelCounts(records=300, open=200)), NOW),
    )
    items = (
        DriftItem(
            "ProductSync",
            "products",
            "productsync",
            Cause.LIVE_MOVED,
            change(
                kind="ProductSync",
                name="products",
                fields=(FieldChange("syncProductChanged", False, True), FieldChange("secret", None, None, True)),
            ),
            ("reconciler apply -e production --target ProductSync/products",),
            message="live moved: jane@example.com, 14:05, PATCH productsync",
        ),
        DriftItem(
            "DeliveryConfig",
            "feed",
            "feed",
            Cause.LIVE_MOVED,
            None,
            ("reconciler apply --target DeliveryConfig/feed",),
            snoozed_until=NOW + timedelta(days=1),
            snooze_reason="the vendor looks at it",
        ),
    )
    drift = SeenDrift(
        DriftReport(environment, ago(minutes=3), items, (), 11), (ago(hours=2), ago(days=3)), timedelta(minutes=15)
    )
    paused = (
        paused_sync(PauseState.HELD, leases=(lease(),)),
        paused_sync(PauseState.UNDECLARED, "EntitySync", "buyers"),
        paused_sync(
            PauseState.HELD,
            "ProductSync",
            "products",
            declared=Declared(True, NOW + timedelta(hours=3), "night load", "erp-team", True),
        ),
    )
    windows = (NextWindow("ProductSync/products", NOW + timedelta(days=1), NOW + timedelta(days=1, hours=2), "load"),)
    return Facts(
        environment,
        statuses,
        {sync.scope: problems_of(sync)},
        {sync.scope: DeadLetters(7, tuple(f"P-{number}" for number in range(7)))},
        {sync.scope: runs(), orders.scope: runs(5)},
        PausesReport(environment, ago(seconds=20), paused, windows, ("EntitySync/categories",)),
        drift=drift,
        deliveries=(Deliveries("shop", MINUTES, ago(seconds=4), 2, 12, ago(seconds=9), 1, 3),),
        fetching=(Fetching("kafka broker:9092 oc.products", "shop", "the broker to answer", 40, 1_200, 1),),
        waits=("sync shop waits: DataSync/shop is not as it was applied last",),
        asked=(
            asked(1, "retry 7 records of shop, products", StepState.DONE, "7 records queued"),
            asked(9, "re-sync 2 products: P-1, P-2", StepState.REFUSED, "ProductSync is not configured"),
            asked(40, "end the pauses of EntitySync/stock that were taken by hand", StepState.SENT),
        ),
        limits=LIMITS,
    )


def broken(environment: str = "legacy") -> Facts:
    """Return an environment that cannot be read."""
    return Facts(
        environment,
        error="manifests/legacy.yaml:4: ${secret:LEGACY} is not set",
        next_step="Set LEGACY.",
        code="secret-unset",
    )


def hostile(text: str) -> Facts:
    """Return an environment in which everything that comes from outside is `text`."""
    sync = data_sync(name=text, integration="x")
    counts = LevelCounts(records=3, problems=10, dead=1)
    item = DriftItem(
        "ProductSync",
        text,
        text,
        Cause.LIVE_MOVED,
        change(name=text, fields=(FieldChange(text, text, [text]),)),
        (text,),
        NOW,
        text,
        text,
    )
    status = status_of(sync, known(data_run(state="stopped", message=text), counts=counts), NOW)
    paused = paused_sync(PauseState.HELD, name=text, leases=(lease(name=text, owner=text, reason=text),))
    return Facts(
        "production",
        (replace(status, troubles=(text,)),),
        {sync.scope: problems_of(sync, text)},
        {sync.scope: DeadLetters(1, (text,))},
        {sync.scope: runs(3)},
        PausesReport("production", NOW, (paused,), (NextWindow(text, NOW, NOW, text),)),
        PausedNow((), text),
        SeenDrift(DriftReport("production", NOW, (item,), (), 1)),
        text,
        (Deliveries(text, (1, 2), NOW, unknown=1),),
        (Fetching(text, text, text),),
        (text,),
        (asked(1, text, StepState.DONE, text, holder=text),),
        LIMITS,
    )


def overviews() -> list[Overview]:
    """Return an environment of each sort."""
    return [overview(facts, NOW) for facts in (good(), running(), drifted(), broken())]
