"""A trigger is refused while a full sync is under way or a verifying one is wanted; no other run keeps it waiting."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from reconciler.app.ignite.trigger import want_verified
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.url import parse
from reconciler.ledger.writer import Ledger
from reconciler.sync.mode import Mode

SCOPE = DataScope("test", "https://b#shop", "ordercloud", "products")
SITE = SimpleNamespace(syncs=lambda: (SimpleNamespace(sync=SimpleNamespace(type="products", scope=SCOPE)),))


@pytest.mark.parametrize(
    ("on", "wanted", "is_refused"),
    [
        (None, None, False),
        (Mode.INCREMENTAL, None, False),
        (Mode.LIGHT, None, False),
        (Mode.FULL, None, True),
        (Mode.VERIFY, None, True),
        (Mode.REWRITE, None, True),
        (None, Mode.WALK, False),
        (None, Mode.FULL, False),
        (None, Mode.VERIFY, True),
        (None, Mode.REWRITE, True),
    ],
)
def test_a_trigger_is_refused_while_a_full_sync_runs_or_a_verifying_one_is_wanted(tmp_path, on, wanted, is_refused):
    with Ledger.open(parse(f"sqlite:///{tmp_path}/ledger.db")) as ledger, ExitStack() as stack:
        store = ledger.store(SCOPE)
        if on is not None:
            stack.enter_context(store.lock("somebody"))
            store.runs.begin(on, "settings", "somebody", datetime.now(UTC), walks=on.walks, full=on.is_full)
        if wanted is not None:
            store.runs.want("somebody", wanted)
        assert want_verified(SITE, ledger, "products").is_running is is_refused
        assert (Mode.VERIFY in store.runs.wanted()) is (not is_refused or wanted is Mode.VERIFY)


def test_a_full_sync_that_was_cut_off_keeps_nobody_waiting(tmp_path):
    with Ledger.open(parse(f"sqlite:///{tmp_path}/ledger.db")) as ledger:
        store = ledger.store(SCOPE)
        for mode in (Mode.FULL, Mode.INCREMENTAL):
            with store.lock("somebody"):
                store.runs.begin(mode, "settings", "somebody", datetime.now(UTC), walks=mode.walks, full=mode.is_full)
                assert want_verified(SITE, ledger, "products").is_running is (mode is Mode.FULL)
