"""What records of one data type hold may name what another one keeps."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from reconciler.ledger.data.model import DataScope, Result
from reconciler.ledger.writer import Ledger

LISTS = DataScope("test", "https://site#demo", "shop", "party-prices")


def hold(ledger: Ledger, scope: DataScope, **held: str) -> None:
    store = ledger.store(scope)
    with store.lock("test"):
        run = store.runs.begin("full", "digest", "test", datetime.now(UTC), walks=True, full=True)
        store.records.record([Result(key, held={"lists": [word]}) for key, word in held.items()], run.id)


def test_words_are_found_in_what_other_data_types_of_the_same_data_sync_hold(ledger_url: str) -> None:
    customers = replace(LISTS, data_type="customers")
    with Ledger.open(ledger_url) as ledger:
        hold(ledger, LISTS, a="oc-own")
        hold(ledger, customers, ada="oc-theirs", bob="oc-more")
        hold(ledger, replace(customers, integration="else"), ada="oc-elsewhere")
        hold(ledger, replace(customers, environment="else"), ada="oc-abroad")
        records = ledger.store(LISTS).records
        words = ["oc-own", "oc-theirs", "oc-elsewhere", "oc-abroad", "oc-.*"]
        assert records.mentioned(words) == {"oc-theirs"}
        assert records.mentioned([]) == frozenset()
