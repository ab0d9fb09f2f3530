"""Which parts are heard, by manifests, ledger and what walks found; and how often they are walked by that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.errors import Place
from reconciler.ledger.config.model import Memory, Snapshot
from reconciler.ledger.data.inbox_model import Gap, InboxOverview, SyncInbox, TypeCount
from reconciler.ledger.data.model import SyncOverview
from reconciler.pause.declared import DeclaredPause
from reconciler.pause.lease import Lease
from reconciler.reconcile.work import Desired
from reconciler.report.documents.sync_status import statuses_to_json
from reconciler.report.text.sync_status import statuses_to_text
from reconciler.sync.datasync import DataSync
from reconciler.sync.feeds import unheard_parts
from reconciler.sync.heard import why_silent
from reconciler.sync.mode import Mode
from reconciler.sync.monitor.health import staleness
from reconciler.sync.monitor.status import status_of
from support.sync_samples import NOW, PRODUCTS, ago, data_run, data_sync, overview

SIDE = "https://api.example/v1"
SYNCS = {
    ("DeliveryConfig", "out"): {"name": "Out", "enabled": True},
    ("ProductSync", "productsync"): {
        "deliveryConfig": "out",
        "syncProductChanged": True,
        "syncProductDeleted": True,
        "pause": False,
    },
    ("EntitySync", "inventoryRecords"): {
        "deliveryConfig": "out",
        "syncEntityChanged": True,
        "syncEntityDeleted": True,
        "pause": False,
    },
}


class World:
    """Manifests and a ledger in which everything is as it should be, until it is changed."""

    def __init__(self) -> None:
        place = Place("syncs.yaml", 1)
        self.desired = {at: Desired(at[0], at[1].lower(), at[1], state, place) for at, state in SYNCS.items()}
        self.applied: dict[tuple[str, str], dict[str, Any]] = {at: dict(state) for at, state in SYNCS.items()}
        self.leases: tuple[Lease, ...] = ()
        self.drifted: frozenset[tuple[str, str]] = frozenset()

    def unheard(self) -> dict[str, str]:
        snapshots = {(SIDE, *at): Snapshot(state, NOW) for at, state in self.applied.items()}
        memory = Memory(snapshots=snapshots, leases=self.leases)
        return dict(unheard_parts(PRODUCTS, self.desired.values(), memory, SIDE, NOW, self.drifted))


CONFIG, PRODUCT_SYNC, STOCK_SYNC = SYNCS
BOTH, STOCK = {"product", "stock"}, {"stock"}


def lease(world: World) -> None:
    world.leases = (Lease("EntitySync", "inventoryRecords", "me", NOW + timedelta(hours=1), "moving"),)


def declared(world: World) -> None:
    world.desired[PRODUCT_SYNC] = replace(world.desired[PRODUCT_SYNC], pause=DeclaredPause(paused=True))


@pytest.mark.parametrize(
    ("change", "parts", "words"),
    [
        (lambda _: None, set(), ""),
        (lambda world: world.desired.pop(PRODUCT_SYNC), BOTH, "no manifest has the ProductSync"),
        (lambda world: world.desired.pop(STOCK_SYNC), STOCK, "no manifest has the EntitySync inventoryRecords"),
        (lambda world: world.applied.pop(STOCK_SYNC), STOCK, "EntitySync/inventoryrecords was never applied"),
        (lambda world: world.applied[PRODUCT_SYNC].update(syncProductDeleted=False), BOTH, "syncProductDeleted: false"),
        (lambda world: world.applied[STOCK_SYNC].update(syncEntityChanged=False), STOCK, "syncEntityChanged: false"),
        (lambda world: world.applied[PRODUCT_SYNC].update(pause=True), BOTH, "ProductSync/productsync is paused"),
        (declared, BOTH, "ProductSync/productsync is paused"),
        (lease, STOCK, "EntitySync/inventoryrecords is paused"),
        (lambda world: world.applied[CONFIG].update(enabled=False), BOTH, "is not enabled"),
        (lambda world: world.applied.pop(CONFIG), BOTH, "the DeliveryConfig of ProductSync/productsync was never"),
        (lambda world: world.desired.pop(CONFIG), BOTH, "the DeliveryConfig of ProductSync/productsync was never"),
        (lambda world: setattr(world, "drifted", frozenset({STOCK_SYNC})), STOCK, "is not live as it was applied"),
        (lambda world: setattr(world, "drifted", frozenset({CONFIG})), BOTH, "is not live as it was applied"),
    ],
)
def test_a_part_is_heard_only_through_a_sync_that_is_applied_on_and_runs(
    change: Callable[[World], Any], parts: set[str], words: str
) -> None:
    world = World()
    change(world)
    found = world.unheard()
    assert found.keys() == parts
    assert all(words in why for why in found.values())


def messages(*, products: timedelta = timedelta(hours=1), stock: timedelta = timedelta(hours=1)) -> SyncInbox:
    types = {"product.updated": products, "entitysync.inventoryrecord.updated": stock}
    return SyncInbox(InboxOverview(tuple(TypeCount(name, "placed", 9, NOW - age) for name, age in types.items())))


def heard(**changes: Any) -> SyncOverview:
    """Return what a ledger knows where all is told, and the last walk began two days ago."""
    walk = data_run(mode="walk", full=False, started_at=ago(days=2), ended_at=ago(days=2))
    last = data_run(id="run-2", mode="light", walks=False, full=False)
    gaps = {"": Gap("", "", ago(days=9)), **changes.pop("gaps", {})}
    return overview(last, **{"last_walk": walk, "last_full": walk, "inbox": messages(), "gaps": gaps, **changes})


TRUSTING = data_sync(heard_walk_interval=timedelta(days=7))


def words_of(sync: DataSync, found: SyncOverview) -> Iterator[str]:
    status = status_of(sync, found, NOW)
    yield from (part.word for part in status.heard)


def test_what_is_heard_is_told_by_part_and_walked_less_often() -> None:
    status = status_of(TRUSTING, heard(), NOW)
    assert [(part.part, part.word) for part in status.heard] == [
        ("product", "heard"),
        ("stock", "heard"),
        ("prices", "listed"),
    ]
    assert status.next is not None
    assert status.next.mode is not Mode.WALK
    assert status.compared[0].inside.next_at == ago(days=2) + timedelta(days=7)
    assert staleness(status.sync, heard(), NOW) is None
    assert not status.troubles
    text = " ".join(statuses_to_text("test", NOW, [status]).split())
    assert "product and stock: heard" in text
    assert "prices: listed, and lists show all of it" in text
    parts = statuses_to_json("test", NOW, [status])["syncs"][0]["freshness"]["parts"]
    assert (parts["stock"]["changes"], parts["stock"]["walked_because"]) == ("heard", None)
    assert parts["stock"]["inside"]["promised_seconds"] == (7 * 24 + 2) * 3_600


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inbox": SyncInbox()}, "no message product.updated ever came"),
        ({"inbox": messages(stock=timedelta(hours=25))}, "no message entitysync.inventoryrecord.updated came for 1 d"),
        (
            {"gaps": {"stock": Gap("stock", "", ago(days=1), "hammer", None, 3)}},
            "3 changes came without a message, the last one of hammer 1 d ago",
        ),
        (
            {"gaps": {"product": Gap("product", why_silent("A"), ago(hours=3))}},
            "3 h ago it held that A has something of which no message is known to tell; the next walk measures it",
        ),
        ({"gaps": {"stock": Gap("stock", "x is paused", ago(days=2))}}, "2 d ago it held that x is paused"),
        ({"last_walk": None}, "no walk has measured it yet"),
        (
            {"last_walk": data_run(started_at=ago(days=2), ended_at=ago(days=2))},
            "no walk has measured it yet, or not since a full sync",
        ),
        (
            {"last_walk": data_run(mode="walk", spares=True, started_at=ago(days=2), ended_at=ago(days=2))},
            "no walk has measured it yet",
        ),
        # Walks of a version that noted nothing have measured nothing.
        ({"gaps": {"": Gap("", "", ago(hours=1))}}, "no walk has measured it yet"),
    ],
)
def test_what_speaks_against_it_is_told_and_brings_the_interval_and_the_promise_back(
    changes: dict[str, Any], words: str
) -> None:
    status = status_of(TRUSTING, heard(**changes), NOW)
    assert any(words in (part.why or "") for part in status.heard)
    assert status.next is not None
    assert status.next.mode is Mode.WALK
    assert status.compared[0].inside.promised == timedelta(hours=26)


def test_a_gap_that_a_walk_has_answered_speaks_against_nothing() -> None:
    answered = heard(gaps={"stock": Gap("stock", "x is paused", ago(days=3))})
    assert list(words_of(TRUSTING, answered)) == ["heard", "heard", "listed"]


def test_without_the_setting_parts_are_told_and_nothing_comes_less_often() -> None:
    status = status_of(data_sync(), heard(), NOW)
    assert [part.word for part in status.heard] == ["heard", "heard", "listed"]
    assert status.next is not None
    assert status.next.mode is Mode.WALK
