"""A ledger is taken to another database with all that it knows, backed up, and taken back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import insert

from reconciler.errors import LedgerError, LedgerLocked
from reconciler.ledger import care
from reconciler.ledger.config.drift_looks import DriftLooks
from reconciler.ledger.config.entries import Done, Sent
from reconciler.ledger.config.model import (
    AskedRequest,
    ConfigMove,
    JournalEntry,
    LiveObject,
    PauseEvent,
    RequestStep,
    Snooze,
)
from reconciler.ledger.config.moves import MoveStore
from reconciler.ledger.config.services import ServiceStore
from reconciler.ledger.data.fetched import Fetched, FetchedStore
from reconciler.ledger.data.inbox_model import Arrivals, Gap, Later, Told
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ledger.data.model import DataScope, LogDates, ProblemRow, Result
from reconciler.ledger.data.obeyed import AppliedSettings
from reconciler.ledger.hand_tables import ranges
from reconciler.ledger.rate_tables import outages
from reconciler.ledger.rates import Exchange, RateStore
from reconciler.ledger.reader import read_memory
from reconciler.ledger.service_tables import turns
from reconciler.ledger.url import parse
from reconciler.ledger.writer import Ledger
from reconciler.pause.lease import Around, Lease
from reconciler.quota import Ask, Share
from support import postgres
from support.ledger_content import content

API = "https://api.example/v1"
TARGET = LiveObject(API, "DeliveryConfig", "search")
SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ODD = "nul \0, sub \x1a0000, lone \ud800, ü"


def fill(url):
    """Put something into every table."""
    with Ledger.open(url) as ledger:
        with ledger.lock("me", "test", {"ordercloud": API}):
            entries = [JournalEntry("digest", "Widget/a", "pending")]
            run = ledger.begin_run("test", "me", {"changes": [ODD, 2**40]}, entries, {"maxDeletes": ODD})
            ledger.record(run, [Sent("Widget/a", (TARGET,), ["target.key"])])
            pause = PauseEvent(TARGET, False, "overdue", ODD, NOW, NOW)
            state, secrets = {"a": ODD}, {"x": "s3cret"}
            ledger.record(run, [Done("Widget/a", "applied", ODD, TARGET, state, secrets, pause=pause)])
            gone = replace(TARGET, id="gone")
            ledger.record(run, [Done("Widget/a", "applied", ODD, gone, None, leaves={"a": ODD})])
        ledger.snooze("test", Snooze("Widget", "a", NOW, ODD, "me"))
        ledger.take_leases([Lease("Widget", "a", "me", NOW, ODD, api_url=API, around=Around(NOW))], timedelta(hours=1))
        ledger.log_verdict(TARGET, "verified", 7)
        ledger.see_drift("test", [("Widget/a", ODD)], all_seen=True, leave_out=())
        ledger.begin_healing("test", [("Widget/b", ODD)])
        ledger.remember_applied_commit("test", "c" * 40, whole=True)
        steps = (RequestStep(ODD), RequestStep("b"))
        asked = AskedRequest(API, "id", "test", "Repair", "a", ODD, "me", NOW, steps)
        ledger.requests.remember([API], [])
        ledger.requests.begin(asked)
        ledger.requests.want(asked, 1, [SCOPE], "verify", ["a"])
        moves = MoveStore(ledger.database)
        moves.add(TARGET.api_url, ConfigMove("integrations/productsync", "PATCH", ODD, NOW))
        moves.restored([TARGET.api_url])
        DriftLooks(ledger.database).keep("test", lambda _: {"report": ODD})
        ledger.ignite.connect("test", TARGET.api_url, ODD, ("client", "sealed"), may_replace=False)
        store = ledger.store(SCOPE)
        with store.lock("me"):
            before = store.runs.begin("full", "digest", "me", NOW, walks=True, full=True)
            store.records.record([Result("unchanged")], before.id)
            data_run = store.runs.begin("full", "digest", "me", NOW, walks=True, full=True)
            store.records.seen(data_run.id, {"unchanged": None})
            problem = ProblemRow("b/v", "product", "no-sku", ODD, "https://x")
            store.records.begin_writes([("a", ["product"])])
            store.records.record([Result("b", names=[("sku", ODD)], held={"x": ODD}, problems=(problem,))], data_run.id)
            store.records.record([Result(ODD, names=[("sku", ODD)])], data_run.id, {"written": 2**40})
            store.names.claim_many({"c": [("sku", ODD)]})
            store.memos.keep({ODD: {"stamp": ODD}})
            store.memos.distrust(ODD)
            store.log.to_log(9)
            store.hearing.note([Gap("product", ODD, NOW, ODD, 2)])
            RateStore(ledger.database).exchange([Exchange(ODD, ODD, Ask(Share(ODD, 20), 3))])
            away = {"key": ODD, "since": NOW, "until": NOW, "reason": ODD, "holder": ODD}
            due = {"scope": store._scoped.id, "run": ODD, "due_at": NOW, "failures": 1}
            part = {"scope": store._scoped.id, "run": ODD, "part": 1, "bounds": {ODD: ODD}, "listed": 3, "ended": False}
            for table, row in ((outages, away), (turns, due), (ranges, part)):
                ledger.database.run(lambda tx, table=table, row=row: tx.connection.execute(insert(table).values(row)))
            store.log.remember(LogDates(NOW, NOW, NOW))
            store.hands.take(data_run.id, takes=True)
            ledger.store(SCOPE).hands.join(data_run.id, "a hand")
        AppliedSettings(ledger.database).remember("test", {SCOPE: "digest"}, (), ODD)
        ServiceStore(ledger.database).seen(["test"], "me", ODD, ODD)
        FetchedStore(ledger.database, "test", "place").note({ODD: Fetched("v", 2**31 - 1, set_aside=True)})
        InboxStore(ledger.database, [SCOPE]).take(
            Arrivals(
                counts={(ODD, "unknown"): 7},
                raised={"products": {"d": Told(members={ODD: "1"})}},
                later=[Later(ODD, {"a": ODD})],
                marked={ODD: (b"1", ())},
                unknown=[(ODD, [ODD])],
            )
        )


@pytest.fixture
def url(ledger_url):
    fill(ledger_url)
    return ledger_url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def elsewhere(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/elsewhere.db"
    else:
        target = postgres.new_database()
        yield target
        postgres.drop(target)


class TestCopy:
    def test_everything_goes_along(self, url, elsewhere):
        before = content(url)
        assert all(before.values()), "every table has something in it"
        assert care.copy(url, elsewhere, "me") == sum(len(rows) for name, rows in before.items() if name != "salt")
        assert content(elsewhere) == before
        with Ledger.open(elsewhere) as ledger:
            store = ledger.store(SCOPE)
            with store.lock("the next"):
                assert store.runs.unfinished() is not None
                new = store.runs.begin("full", "digest", "me", NOW, walks=True, full=True)
                problem = ProblemRow("z", "product", "no-sku", "new", "https://x")
                store.records.record([Result("z", problems=(problem,))], new.id)
                assert store.records.levels(["a"])["a"].doubtful

    def test_the_old_place_takes_no_more_writes_and_names_the_new_one_until_it_is_reopened(self, url, elsewhere):
        with Ledger.open(url) as open_before:
            care.copy(url, elsewhere, "me")
            store = open_before.store
            for write in (
                lambda: open_before.remember_settled([(TARGET, {"size": 1})]),
                lambda: open_before.unlock(force=True),
                lambda: open_before.lock("me").__enter__(),
                lambda: store(SCOPE),
            ):
                with pytest.raises(LedgerError) as caught:
                    write()
                assert parse(elsewhere).shown in caught.value.message
                assert "--reopen" in (caught.value.next_step or "")
        assert not read_memory(url, "test", [API]).fresh
        assert care.reopen(url) == parse(elsewhere).shown
        assert care.reopen(url) is None
        with Ledger.open(url) as ledger:
            ledger.remember_settled([(TARGET, {"size": 1})])

    def test_what_is_there_already_is_not_overwritten(self, url, elsewhere):
        Ledger.open(elsewhere).close()
        with pytest.raises(LedgerError, match="is there already"):
            care.copy(url, elsewhere, "me")
        with Ledger.open(url) as ledger:
            ledger.remember_settled([(TARGET, {"size": 1})])

    @pytest.mark.parametrize("held", ["apply", "sync", "watch"])
    def test_a_ledger_in_use_is_left_where_it_is(self, url, elsewhere, held):
        with Ledger.open(url) as ledger:
            store = ledger.store(SCOPE)
            lock = {"apply": ledger.lock("busy", "test"), "sync": store.lock("busy"), "watch": store.watching("busy")}
            with lock[held], pytest.raises(LedgerLocked, match="busy"):
                care.copy(url, elsewhere, "me")
            ledger.remember_settled([(TARGET, {"size": 1})])

    def test_there_must_be_one_to_copy(self, tmp_path, elsewhere):
        with pytest.raises(LedgerError, match="There is no ledger"):
            care.copy(f"sqlite:///{tmp_path}/none.db", elsewhere, "me")


def test_a_backup_is_a_file_that_equals_the_ledger(url, tmp_path):
    copy = tmp_path / "copy.db"
    assert care.backup(url, copy) == copy.stat().st_size
    assert content(f"sqlite:///{copy}") == content(url)
    assert [path.name for path in tmp_path.glob("*copy*")] == ["copy.db"]
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    Ledger.open(f"sqlite:///{copy}").close()


def test_a_lease_and_a_doubt_survive(url, elsewhere):
    care.copy(url, elsewhere, "me")
    found = read_memory(elsewhere, "test", [API])
    assert [lease.reason for lease in found.leases] == [ODD]
    assert found.fingerprints == read_memory(url, "test", [API]).fingerprints
    assert found.snoozes[0].until == NOW
