"""Whether settings are those that were applied last can be asked while a run is on, of either database."""

from __future__ import annotations

from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.obeyed import AppliedSettings
from reconciler.ledger.writer import Ledger

SCOPE = DataScope("test", "https://site#demo", "shop", "customers")


def test_settings_are_obeyed_until_others_are_applied(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        store = ledger.store(SCOPE)
        assert store.runs.is_obeyed("one")
        AppliedSettings(ledger.database).remember("test", {SCOPE: "two"}, (), "c" * 40)
        assert not store.runs.is_obeyed("one")
        assert store.runs.is_obeyed("two")
