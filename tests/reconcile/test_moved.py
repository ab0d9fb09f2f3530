"""Who moved live: the newest write since the last apply that a webhook told of, and nothing that is not known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.kind.kind import Kind
from reconciler.ledger.config.model import ConfigMove, Memory, Snapshot
from reconciler.reconcile.moved import last_move, moved_by
from reconciler.registry import kinds

API = "https://api.example/v1"
APPLIED = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)
KINDS = kinds()
SYNC = KINDS["ProductSync"]
PATH = "integrations/productsync"
LATER = APPLIED + timedelta(minutes=5)
JANE = ConfigMove(PATH, "PATCH", "jane@acme.test", LATER)


def words(*moves: ConfigMove, kind: Kind = SYNC, live_id: str = "productsync", watched: bool = True) -> str | None:
    snapshot = Snapshot({}, APPLIED)
    memory = Memory(snapshots={(API, kind.name, live_id): snapshot}, moves={API: moves})
    return moved_by(memory, kind, API, live_id, watched=watched)


def test_the_newest_write_since_the_last_apply_is_named() -> None:
    older = ConfigMove(PATH, "PUT", "rob", APPLIED + timedelta(minutes=1))
    assert words(JANE, older) == "live moved: jane@acme.test, 2026-11-29 14:05 UTC, PATCH productsync"


@pytest.mark.parametrize(
    "move",
    [
        ConfigMove(PATH, "PATCH", "jane", APPLIED - timedelta(seconds=1)),
        ConfigMove("integrations/OrderSync", "PATCH", "jane", LATER),
        # Our apply, by a clock that is ahead of the ledger's.
        ConfigMove(PATH, "PATCH", "emulator", APPLIED + timedelta(seconds=90), ours=True),
    ],
)
def test_who_did_not_move_it_is_not_named(move: ConfigMove) -> None:
    assert words(move) == "live moved by unknown: no webhook told of it"
    assert words(move, watched=False) is None


def test_a_write_with_our_client_long_after_the_apply_is_told_as_that() -> None:
    move = ConfigMove(PATH, "PATCH", "emulator", LATER, ours=True)
    assert words(move) == "live moved: our own API client, 2026-11-29 14:05 UTC, PATCH productsync"


def test_a_webhook_that_names_nobody_is_told_as_that() -> None:
    move = ConfigMove(PATH, "DELETE", "", LATER)
    told = "live moved: somebody whom the webhook did not name, 2026-11-29 14:05 UTC, DELETE productsync"
    assert words(move) == told


def test_what_was_never_applied_from_this_ledger_takes_the_newest_write_of_others() -> None:
    ours = ConfigMove(PATH, "PATCH", "emulator", LATER, ours=True)
    assert last_move(Memory(moves={API: (ours, JANE)}), SYNC, API, "productsync") == JANE


def test_each_kind_of_ordercloud_is_found_by_the_path_that_webhooks_name() -> None:
    paths = {
        ("DeliveryConfig", "search"): "integrations/deliveryconfig/search",
        ("OrderSync", "OrderSync"): "integrations/ordersync",
        ("ErrorConfig", "ErrorConfig"): "INTEGRATIONS/ErrorConfig",
        ("EntitySync", "buyerUsers"): "integrations/entitysync/buyers/users",
    }
    for (name, live_id), path in paths.items():
        move = ConfigMove(path, "PUT", "jane", LATER)
        assert (words(move, kind=KINDS[name], live_id=live_id) or "").startswith("live moved: jane, "), name


def test_of_what_no_webhook_tells_nothing_is_said() -> None:
    assert words(kind=KINDS["Store"], live_id="store") is None
