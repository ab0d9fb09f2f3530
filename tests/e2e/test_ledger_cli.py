"""`ledger show`, `backup`, `migrate` and `unlock` on a ledger that a data sync used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger.data.model import DataScope, ProblemRow, Result
from reconciler.ledger.schema import VERSION
from reconciler.ledger.sqlite import SqliteDatabase
from reconciler.ledger.url import parse
from reconciler.ledger.writer import Ledger
from support import postgres
from support.checkout import Checkout
from support.levels import levels_of

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def used(checkout: Checkout) -> Checkout:
    """Return a checkout whose ledger saw a run with one problem, cut off with its lock held elsewhere."""
    checkout.write("environment.yaml", checkout.environment())
    with Ledger.open(f"sqlite:///{checkout.ledger}") as ledger:
        levels = levels_of(ledger, SCOPE)
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
    with Ledger.open(f"sqlite:///{used.ledger}") as ledger, levels_of(ledger, SCOPE).lock("somebody alive"):
        assert f"lock {SCOPE.lock_name}: held by somebody alive" in " ".join(used.call("ledger", "show").stdout.split())
        refused = used.call("ledger", "unlock", SCOPE.lock_name)
        assert refused.status == 1
        assert "somebody alive" in " ".join(refused.stderr.split())
        assert "No lock is held" in used.call("ledger", "unlock", "--force").stdout
        assert (
            "No lock data/else is held; `reconciler ledger show`" in used.call("ledger", "unlock", "data/else").stdout
        )
        assert "somebody alive" in used.call("ledger", "unlock", "--force", SCOPE.lock_name).stdout


def test_backup_copies_and_overwrites_nothing(used: Checkout) -> None:
    copy = used.ledger.with_name("copy.db")
    assert used.call("ledger", "backup", str(copy)).status == 0
    with Ledger.open(f"sqlite:///{copy}") as ledger:
        assert levels_of(ledger, SCOPE).open_problems() == 1
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
    assert f"from schema version 1 to {VERSION}" in checkout.call("ledger", "migrate").stdout
    assert "up to date" in checkout.call("ledger", "migrate").stdout
    assert checkout.call("ledger", "show").status == 0


@pytest.mark.postgres
class TestOnPostgresql:
    @pytest.fixture
    def place(self) -> Iterator[str]:
        url = postgres.new_database()
        yield url
        postgres.drop(url)

    def test_a_ledger_is_taken_there_and_back_by_names_of_variables(self, used: Checkout, place: str) -> None:
        used.variables = {"OLD": used.ledger_url, "NEW": place}
        shown = place.partition("postgres@")[2]
        ended = used.call("ledger", "copy", "env:OLD", "env:NEW")
        assert ended.status == 0, str(ended)
        assert shown in "".join(ended.stdout.split())
        again = used.call("ledger", "copy", "env:OLD", "env:NEW")
        assert again.status == 1
        assert "is there already" in " ".join(again.stderr.split())
        refused = used.call("ledger", "unlock", "--force")
        assert refused.status == 1
        assert shown in "".join(refused.stderr.split())
        assert "Taken to" in used.call("ledger", "show").stdout
        used.variables |= {"RECONCILER_LEDGER": place}
        assert "1 problem, 0 of them in the sync log" in " ".join(used.call("ledger", "show").stdout.split())
        assert "up to date" in used.call("ledger", "migrate").stdout
        assert used.call("ledger", "backup", str(used.folder / "copy.db")).status == 0
        assert used.call("doctor", "--format", "json").json is not None
        used.variables.pop("RECONCILER_LEDGER")
        assert "takes writes again" in " ".join(used.call("ledger", "copy", "--reopen", "env:OLD").stdout.split())
        assert "No lock is held" in used.call("ledger", "unlock", "--force").stdout


@pytest.mark.parametrize(
    "words", [("sqlite:///a.db",), ("--reopen", "sqlite:///a.db", "sqlite:///b.db"), ("env:NOT", "env:SET")]
)
def test_copy_needs_a_place_to_go_or_one_to_come_back_from(used: Checkout, words: tuple[str, ...]) -> None:
    assert used.call("ledger", "copy", *words).status == 64


def test_an_environment_with_other_apis_is_refused_until_it_is_bound_anew(checkout: Checkout) -> None:
    checkout.write("environment.yaml", checkout.environment())
    checkout.applied()
    elsewhere = checkout.emulator.ordercloud_url.replace("127.0.0.1", "localhost")
    checkout.write("environment.yaml", checkout.environment(ordercloud={"apiUrl": elsewhere}))
    for command in (("plan",), ("apply", "--yes")):
        ended = checkout.call(*command)
        assert ended.status == 1, str(ended)
        assert "knows the environment test as" in " ".join(ended.stderr.split())
        assert "ledger rebind -e test" in " ".join(ended.stderr.split())
    checkout.write("other.yaml", checkout.environment("other", ordercloud={"apiUrl": elsewhere}))
    assert checkout.call("plan", "-e", "other").status == 0, "another name is another environment"
    assert checkout.call("ledger", "rebind", "-e", "test").status == 0
    checkout.call("apply", "--yes", "-e", "test")
    assert checkout.call("plan", "-e", "test").status == 0


def test_where_the_site_is_another_one_both_are_read(checkout: Checkout) -> None:
    with Ledger.open(checkout.ledger_url) as ledger:
        with ledger.lock("me", "test", {"sparklayer": "https://api.example#demo"}):
            pass
        words = "as the site demo at https://api.example, and now it is the site demo2 at https://api.example"
        with (
            pytest.raises(LedgerError, match=words),
            ledger.lock("me", "test", {"sparklayer": "https://api.example#demo2"}),
        ):
            pass


def test_applies_to_two_environments_of_one_ledger_do_not_wait_for_each_other(checkout: Checkout) -> None:
    checkout.write("environment.yaml", checkout.environment(), checkout.environment("other"))
    with Ledger.open(checkout.ledger_url) as ledger, ledger.lock("somebody", "test"):
        assert checkout.call("apply", "--yes", "-e", "test").status == 1
        assert checkout.call("apply", "--yes", "-e", "other").status == 0
        assert "Apply lock of test: held by somebody since" in checkout.call("ledger", "show", "-e", "other").stdout
