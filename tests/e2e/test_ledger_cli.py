"""`ledger show`, `backup`, `migrate` and `unlock` on a ledger that a data sync used."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.ledger.data.model import DataScope, ProblemRow, Result
from reconciler.ledger.sqlite import SqliteDatabase
from reconciler.ledger.url import parse
from reconciler.ledger.writer import Ledger
from support.checkout import Checkout

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def used(checkout: Checkout) -> Checkout:
    """Return a checkout whose ledger saw a run with one problem, cut off with its lock held elsewhere."""
    checkout.write("environment.yaml", checkout.environment())
    with Ledger.open(f"sqlite:///{checkout.ledger}") as ledger:
        levels = ledger.levels(SCOPE)
        with levels.lock("me@here pid 1: sync run"):
            run = levels.begin("full", "digest", "me@here pid 1: sync run", NOW, NOW, walks=True, full=True)
            problem = ProblemRow("a", "product", "no-sku", "It has none", "https://x/a")
            levels.record([Result("a", problems=(problem,))], run.id)
    return checkout


def test_show_has_the_data_syncs(used: Checkout) -> None:
    ended = used.call("ledger", "show")
    assert ended.status == 0, str(ended)
    words = " ".join(ended.stdout.split())
    assert (
        "test/ordercloud/products at https://api.example#site: 1 record, 1 problem, 0 of them in the sync log" in words
    )
    assert "full running (me@here pid 1: sync run" in words
    found = used.call("ledger", "show", "--format", "json").json["data"][0]
    assert found["counts"]["problems"] == 1
    assert found["newest_run"]["state"] == "running"
    assert found["lock"] is None


def test_the_lock_of_a_data_sync_is_unlocked_by_its_name(used: Checkout) -> None:
    with Ledger.open(f"sqlite:///{used.ledger}") as ledger, ledger.levels(SCOPE).lock("somebody alive"):
        assert f"lock {SCOPE.lock_name}: held by somebody alive" in " ".join(used.call("ledger", "show").stdout.split())
        refused = used.call("ledger", "unlock", SCOPE.lock_name)
        assert refused.status == 1
        assert "somebody alive" in " ".join(refused.stderr.split())
        assert "No lock is held" in used.call("ledger", "unlock", "--force").stdout
        assert "somebody alive" in used.call("ledger", "unlock", "--force", SCOPE.lock_name).stdout


def test_backup_copies_and_overwrites_nothing(used: Checkout) -> None:
    copy = used.ledger.with_name("copy.db")
    assert used.call("ledger", "backup", str(copy)).status == 0
    with Ledger.open(f"sqlite:///{copy}") as ledger:
        assert ledger.levels(SCOPE).open_problems() == 1
    before = copy.read_bytes()
    again = used.call("ledger", "backup", str(copy))
    assert again.status == 1
    assert "is there already" in " ".join(again.stderr.split())
    assert copy.read_bytes() == before


def test_migrate_brings_an_older_one_up_to_date(checkout: Checkout) -> None:
    checkout.write("environment.yaml", checkout.environment())
    assert "no ledger" in checkout.call("ledger", "migrate").stderr
    SqliteDatabase.create(parse(f"sqlite:///{checkout.ledger}"), newest=1).close()
    assert "ledger migrate" in checkout.call("ledger", "show").stderr
    assert "from schema version 1 to 3" in checkout.call("ledger", "migrate").stdout
    assert "up to date" in checkout.call("ledger", "migrate").stdout
    assert checkout.call("ledger", "show").status == 0
