"""A server that goes away costs time: what was not committed is done anew, what was is not done twice."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from reconciler.errors import LedgerError
from reconciler.ledger import care, waiting
from reconciler.ledger import postgres as postgres_ledger
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.postgres import PostgresDatabase
from reconciler.ledger.reader import read_memory, read_overview
from reconciler.ledger.writer import Ledger
from support import postgres

pytestmark = pytest.mark.postgres

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def url():
    found = postgres.new_ledger()
    yield found
    postgres.drop(found)


def hang_up(url):
    """End every connection to a database, as a server does that shuts down."""
    name = url.rpartition("/")[2]
    postgres.execute(
        postgres.url_of("postgres"), f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )


def test_a_connection_lost_between_two_transactions_is_made_anew(url):
    with Ledger.open(url) as ledger:
        store = ledger.store(SCOPE)
        hang_up(url)
        assert store.records.want(["a"]) == 1
        hang_up(url)
        assert store.records.levels(["a"])["a"].wanted == 1


def test_a_connection_lost_within_a_transaction_undoes_it_and_it_is_done_anew(url):
    with Ledger.open(url) as ledger:
        attempts = []

        def work(tx):
            attempts.append(tx)
            tx.connection.exec_driver_sql("UPDATE ledger_meta SET moved_to = moved_to || '!'")
            if len(attempts) == 1:
                hang_up(url)
            return tx.connection.exec_driver_sql("SELECT 7").scalar()

        assert ledger.database.run(work) == 7
        assert len(attempts) == 2


class TestCommit:
    """The answer to a commit is lost: the server says whether it was one."""

    @pytest.fixture
    def lose(self, monkeypatch):
        commit = Connection.commit

        def lose(*, after):
            def lost(connection):
                monkeypatch.setattr(Connection, "commit", commit)
                if after:
                    commit(connection)
                connection.invalidate()
                raise OperationalError("COMMIT", {}, psycopg.OperationalError("the connection is lost"))

            monkeypatch.setattr(Connection, "commit", lost)

        return lose

    @pytest.mark.parametrize("after", [True, False])
    def test_it_is_done_once(self, url, lose, after):
        with Ledger.open(url) as ledger:
            store = ledger.store(SCOPE)
            lose(after=after)
            assert store.records.want(["a"]) == 1
            assert store.records.levels(["a"])["a"].wanted == 1

    def test_where_nobody_answers_it_is_said_that_nobody_knows(self, url, lose, monkeypatch):
        monkeypatch.setattr(postgres_ledger, "PATIENCE_SECONDS", 0.5)
        with Ledger.open(url) as ledger:
            store = ledger.store(SCOPE)
            lose(after=True)
            monkeypatch.setattr(PostgresDatabase, "_status", lambda database, number, began: None)
            with pytest.raises(LedgerError) as caught:
                store.records.want(["a"])
            assert "not known" in caught.value.message


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restart", "crash"])
def test_a_restart_in_the_middle_of_work_loses_and_doubles_nothing(how):
    with postgres.own_server() as server, Ledger.open(server.url) as ledger:
        store, ready = ledger.store(SCOPE), threading.Event()
        done, unknown = [], []

        def work():
            for number in range(120):
                try:
                    store.records.want(["a"])
                    done.append(number)
                except LedgerError as error:
                    unknown.append(error)
                if number == 20:
                    ready.set()

        with store.lock("me") as lock:
            worker = threading.Thread(target=work)
            worker.start()
            assert ready.wait(60)
            server.stop(how)
            server.start()
            worker.join()
            lock.check()
        # In a crash, and then only, may a commit be lost with its answer; that is told.
        assert len(unknown) <= (how is signal.SIGQUIT)
        assert all("not known" in error.message for error in unknown)
        assert len(done) <= store.records.levels(["a"])["a"].wanted <= len(done) + len(unknown)


def test_one_that_cannot_be_reached_is_said_without_its_password(monkeypatch, tmp_path):
    monkeypatch.setattr(postgres_ledger, "_CONNECT_PATIENCE_SECONDS", 0.2)
    folder = str(tmp_path).replace("/", "%2F")
    for url in (
        f"postgresql://me:hunter2@{folder}/ledger",
        f"postgresql://{folder}/ledger?user=me&password=hunter2",
        f"host='{tmp_path}' user=me password=hunter2 dbname=ledger",
        "postgresql://me:hunter2@127.0.0.1:1/ledger?sslmode=hunter2",
        "postgresql://me:hunter2@localhost/ledger?hunter2=x",
        f"postgresql://me:hunter2@{folder}/ledger?options=-c%20hunter2%3Dx",
    ):
        for use in (Ledger.open, lambda place: read_memory(place, "test", [])):
            with pytest.raises(LedgerError) as caught:
                use(url)
            told = f"{caught.value.message} {caught.value.next_step} {caught.value.__cause__!r}"
            assert "hunter2" not in told
            assert caught.value.next_step


def test_waiting_for_a_server_is_said_once_after_a_moment(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(postgres_ledger, "_CONNECT_PATIENCE_SECONDS", 0.8)
    monkeypatch.setattr(waiting, "SILENT_SECONDS", 0.1)
    with pytest.raises(LedgerError):
        Ledger.open(f"host={tmp_path} user=me password=hunter2 dbname=ledger")
    (message,) = caplog.messages
    assert message.startswith("Waiting for the ledger's database at ")
    assert message.endswith("/ledger")
    assert "hunter2" not in message


def test_of_a_server_that_answers_nothing_is_said(url, monkeypatch):
    monkeypatch.setattr(waiting, "SILENT_SECONDS", 600)
    before = set(threading.enumerate())
    with Ledger.open(url):
        # Nothing is left that would say it later; a timer that was called off may take a moment to end.
        left = [each for each in set(threading.enumerate()) - before if isinstance(each, threading.Timer)]
        assert all(timer.finished.is_set() for timer in left)


def test_tables_without_what_says_what_they_are_are_told_alike_by_who_reads_and_who_writes(url):
    Ledger.open(url).close()
    postgres.execute(url, "DROP TABLE ledger_meta")
    told = []
    for use in (Ledger.open, read_overview, care.bring_up_to_date):
        with pytest.raises(LedgerError) as caught:
            use(url)
        told.append((caught.value.message, caught.value.next_step))
    assert "has tables of a ledger, and no `ledger_meta`" in told[0][0]
    assert len(set(told)) == 1


def test_a_refused_user_and_a_missing_database_are_said(url):
    for place, words in (
        (postgres.as_user(url, "nobody_knows"), "does not let this user in"),
        (f"{url}_not", "has no such database"),
    ):
        with pytest.raises(LedgerError) as caught:
            Ledger.open(place)
        assert words in caught.value.message
