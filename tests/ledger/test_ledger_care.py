"""A ledger survives versions, copies, and many processes that open it at once."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from reconciler.errors import LedgerError, LedgerLocked, LedgerTooNew
from reconciler.ledger import care, schema
from reconciler.ledger.config.model import LiveObject
from reconciler.ledger.data.model import DataScope, ProblemRow, Result, SyncOverview
from reconciler.ledger.reader import Ledgers, read_memory, read_overview
from reconciler.ledger.sqlite import SqliteDatabase
from reconciler.ledger.url import durability, parse
from reconciler.ledger.writer import Ledger
from support.levels import levels_of

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
TARGET = LiveObject("https://api.example/v1", "Widget", "a")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

VERSION_1_TABLES = {
    "apply_lock", "fingerprints", "journal", "leases", "ledger_meta", "overrides", "runs", "snapshots", "snoozes"
}  # fmt: skip

OPEN = """
import sys
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.writer import Ledger
sys.stdin.readline()
with Ledger.open(sys.argv[1]) as ledger:
    store = ledger.store(DataScope("test", "t", "i", "products"))
    print(store.records.want([sys.argv[2]]))
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


@pytest.fixture
def url(path):
    return f"sqlite:///{path}"


@pytest.fixture
def version_1(path, url):
    """A file as the first version of the schema leaves it, with something in it."""
    database = SqliteDatabase.create(parse(url), newest=1)
    with database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO runs VALUES ('r1', 'test', 'me', '2026-11-20T10:00:00+00:00', NULL, '{}')")
        )
        connection.execute(
            text("INSERT INTO snapshots VALUES (:url, 'Widget', 'a', '{\"size\": 1}', '2026-11-20T10:00:00+00:00')"),
            {"url": TARGET.api_url},
        )
    database.close()
    return path


def tables_of(path):
    connection = sqlite3.connect(path)
    try:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()


def hold_version_1(path, expires_at):
    now = NOW.isoformat(timespec="microseconds")
    row = (1, "t", "an old apply", "elsewhere", 1, "", now, now, expires_at.isoformat(timespec="microseconds"))
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO apply_lock VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    connection.close()


class TestMigration:
    def test_the_first_version_is_what_it_was_when_it_was_released(self, version_1):
        assert tables_of(version_1) == VERSION_1_TABLES

    def test_a_writer_brings_it_up_to_date_and_all_is_still_there(self, version_1, url):
        with Ledger.open(url) as ledger:
            levels = levels_of(ledger, SCOPE)
            assert levels.want(["a"]) == 1
            assert (run := ledger.unfinished_run("test")) is not None
            assert run.id == "r1"
        assert read_memory(url, "test", [TARGET.api_url]).snapshots["https://api.example/v1", "Widget", "a"].state == {
            "size": 1
        }
        assert "apply_lock" not in tables_of(version_1)

    def test_a_reader_says_what_brings_it_up_to_date_and_that_does(self, version_1, url):
        with pytest.raises(LedgerError) as caught:
            read_memory(url, "test", [])
        assert "reconciler ledger migrate" in (caught.value.next_step or "")
        assert care.bring_up_to_date(url) == (1, schema.VERSION)
        assert not read_memory(url, "test", []).fresh
        assert care.bring_up_to_date(url) == (schema.VERSION, schema.VERSION)

    def test_an_apply_of_the_older_version_that_is_under_way_keeps_its_lock(self, version_1, url):
        hold_version_1(version_1, datetime.now(UTC) + timedelta(seconds=30))
        with Ledger.open(url) as ledger, pytest.raises(LedgerLocked) as caught, ledger.lock("new", "test"):
            pytest.fail("two applies at once")
        assert "an old apply" in caught.value.message

    @pytest.mark.parametrize("statement", range(1, 40, 3))
    def test_a_crash_in_the_middle_of_it_leaves_the_old_version(self, version_1, url, statement, monkeypatch):
        migrate = SqliteDatabase.migrate

        def crash(database, connection, newest):
            left = [statement]

            def count(*_):
                left[0] -= 1
                if left[0] == 0:
                    raise KeyboardInterrupt

            event.listen(connection, "before_cursor_execute", count)
            migrate(database, connection, newest)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(SqliteDatabase, "migrate", crash)
            with pytest.raises(KeyboardInterrupt):
                Ledger.open(url)
        assert tables_of(version_1) == VERSION_1_TABLES
        assert care.bring_up_to_date(url) == (1, schema.VERSION)

    def test_a_newer_one_is_refused(self, path, url):
        Ledger.open(url).close()
        connection = sqlite3.connect(path)
        connection.execute("UPDATE ledger_meta SET version = 99, oldest_writer = 99")
        connection.commit()
        connection.close()
        for use in (Ledger.open, read_overview, care.bring_up_to_date):
            with pytest.raises(LedgerTooNew):
                use(url)
        with pytest.raises(LedgerTooNew):
            care.backup(url, path.with_name("copy.db"))
        assert not path.with_name("copy.db").exists()

    def test_there_must_be_one_to_migrate(self, path, url):
        with pytest.raises(LedgerError):
            care.bring_up_to_date(url)
        assert not path.exists()


def test_several_processes_that_open_a_new_ledger_at_once_all_get_it(tmp_path):
    url = f"sqlite:///{tmp_path}/.reconciler/ledger.db"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen([sys.executable, "-c", OPEN, url, str(number)], **pipes) for number in range(4)]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        out, errors = racer.communicate(timeout=300)
        assert (out, racer.returncode) == ("1\n", 0), errors
    with Ledger.open(url) as ledger:
        levels = levels_of(ledger, DataScope("test", "t", "i", "products"))
        assert levels.levels([str(number) for number in range(4)]).keys() == {str(number) for number in range(4)}


class TestBackup:
    def test_it_is_one_moment_of_a_ledger_in_use(self, path, url):
        copy = path.with_name("copy.db")
        with Ledger.open(url) as ledger:
            levels = levels_of(ledger, SCOPE)
            levels.want([str(number) for number in range(2000)])
            with levels.lock("a run"):
                size = care.backup(url, copy)
                levels.want(["late"])
        assert size == copy.stat().st_size
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert sorted(path.parent.glob("*copy*")) == [copy]
        with Ledger.open(f"sqlite:///{copy}") as ledger:
            found = levels_of(ledger, SCOPE)
            assert found.levels(["1999", "late"]).keys() == {"1999"}

    def test_it_overwrites_nothing(self, path, url):
        Ledger.open(url).close()
        copy = path.with_name("copy.db")
        copy.write_text("precious")
        with pytest.raises(LedgerError) as caught:
            care.backup(url, copy)
        assert "is there already" in caught.value.message
        assert copy.read_text() == "precious"

    def test_a_copy_that_fails_leaves_nothing_behind(self, path, url, monkeypatch):
        Ledger.open(url).close()
        monkeypatch.setattr(care, "_copy", lambda database, to: to.write_text(1))
        with pytest.raises(TypeError):
            care.backup(url, path.with_name("copy.db"))
        assert not list(path.parent.glob("*copy*"))

    def test_an_older_version_is_copied_as_it_is(self, version_1, url):
        copy = version_1.with_name("copy.db")
        care.backup(url, copy)
        assert tables_of(copy) == VERSION_1_TABLES

    @pytest.mark.parametrize("folder", ["missing", "file"])
    def test_a_place_that_cannot_be_written_is_said(self, path, url, folder):
        Ledger.open(url).close()
        path.with_name("file").touch()
        with pytest.raises(LedgerError) as caught:
            care.backup(url, path.parent / folder / "copy.db")
        assert str(path.parent / folder) in caught.value.message

    def test_there_must_be_a_ledger(self, path, url):
        with pytest.raises(LedgerError):
            care.backup(url, path.with_name("copy.db"))
        assert not path.with_name("copy.db").exists()


def test_a_file_without_a_byte_is_no_ledger(path, url):
    path.touch()
    assert read_memory(url, "test", []).fresh
    assert read_overview(url) is None
    with Ledgers() as ledgers:
        assert ledgers.sync_overview(url, [SCOPE], NOW) == {SCOPE: SyncOverview()}
        assert ledgers.problems(url, SCOPE, 10).listed == ()
    assert not durability("sqlite:///.reconciler/ledger.db", {"CI": "1"}).durable
    for use in (care.bring_up_to_date, lambda of: care.backup(of, path.with_name("copy.db"))):
        with pytest.raises(LedgerError):
            use(url)
    assert path.stat().st_size == 0


class TestOverview:
    def test_it_is_read_while_a_run_is_on(self, url):
        with Ledger.open(url, lambda: NOW) as ledger:
            levels = levels_of(ledger, SCOPE)
            with levels.lock("me@here pid 1: sync run"), Ledgers(lambda: NOW) as ledgers:
                run = levels.begin("full", "digest", "me", NOW, NOW, walks=True, full=True)
                problem = ProblemRow("a/v", "product", "no-sku", "The variant has no SKU", "https://x")
                levels.record([Result("a", problems=(problem,), due_at=NOW + timedelta(hours=1))], run.id)
                seen = ledgers.sync_overview(url, [SCOPE], NOW)[SCOPE]
                assert seen.running is not None
                assert (seen.running.holder, seen.running.alive) == ("me@here pid 1: sync run", True)
                assert (seen.newest, seen.unfinished, seen.last_finished) == (run, run, None)
                assert (seen.counts.records, seen.counts.problems, seen.counts.logged) == (1, 1, 0)
                assert seen.next_due == NOW + timedelta(hours=1)
                assert [found.problem for found in ledgers.problems(url, SCOPE, 10).listed] == [problem]
                assert ledgers.problems(url, SCOPE, 10, code="other").listed == ()
                levels.end(run.id, "finished", NOW)
                seen = ledgers.sync_overview(url, [SCOPE], NOW)[SCOPE]
                assert seen.last_finished == seen.last_walk == seen.last_full == levels.run(run.id)
                assert seen.unfinished is None
            assert read_overview(url)["data"][0]["counts"]["problems"] == 1

    def test_a_scope_that_never_ran_has_an_empty_one(self, url):
        Ledger.open(url).close()
        with Ledgers() as ledgers:
            assert ledgers.sync_overview(url, [SCOPE], NOW) == {SCOPE: SyncOverview()}
