"""Whoever rests between two runs asks with one look whether there is a reason to begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.ledger.data.model import DataScope, Result
from reconciler.ledger.writer import Ledger

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_what_is_open_due_or_asked_for_is_a_reason_and_what_waits_for_its_time_is_none(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        store = ledger.store(SCOPE)
        assert not store.records.is_anything_waiting(NOW)
        store.records.want(["a"])
        assert store.records.is_anything_waiting(NOW)
        with store.lock("test"):
            run = store.runs.begin("full", "digest", "test", NOW, walks=True, full=True).id
            store.records.failed("a", 1, NOW + timedelta(hours=1))
            assert not store.records.is_anything_waiting(NOW)
            assert store.records.is_anything_waiting(NOW + timedelta(hours=1))
            store.records.record([Result("a", revision=1, due_at=NOW + timedelta(hours=2))], run)
            assert not store.records.is_anything_waiting(NOW + timedelta(hours=1))
            assert store.records.is_anything_waiting(NOW + timedelta(hours=2))
            store.runs.want("request", "verify")
            assert store.records.is_anything_waiting(NOW)
