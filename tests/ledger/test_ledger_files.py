"""Every file that is no ledger ends in an error that says what to do, and in none of them is anything changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from reconciler.errors import LedgerError, LedgerTooNew
from reconciler.ledger import schema
from reconciler.ledger.config.model import LiveObject
from reconciler.ledger.reader import read_memory
from reconciler.ledger.sqlite import SqliteDatabase, ledger_errors
from reconciler.ledger.url import parse
from reconciler.ledger.writer import Ledger

TARGET = LiveObject("https://api.example/v1", "Widget", "a")


def garbage(path):
    path.write_bytes(b"this is no database at all, " * 100)


def folder(path):
    path.mkdir()


def foreign(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (id INTEGER)")
    connection.commit()
    connection.close()


def newer(path):
    with Ledger.open(f"sqlite:///{path}"):
        pass
    connection = sqlite3.connect(path)
    connection.execute("UPDATE ledger_meta SET version = 99, oldest_writer = 99")
    connection.commit()
    connection.close()


def damaged(path):
    with Ledger.open(f"sqlite:///{path}") as ledger:
        widgets = [LiveObject(TARGET.api_url, "Widget", str(number)) for number in range(200)]
        ledger.remember_settled([(widget, {"x": "y" * 100}) for widget in widgets])
    content = bytearray(path.read_bytes())
    content[100 : len(content)] = b"\xff" * (len(content) - 100)
    path.write_bytes(content)


@pytest.mark.parametrize("make", [garbage, folder, foreign, newer, damaged])
def test_what_is_no_ledger_is_refused_and_left_as_it_is(tmp_path, make):
    path = tmp_path / "ledger.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(LedgerError) as reading:
        read_memory(f"sqlite:///{path}", "test", [])
    with pytest.raises(LedgerError) as writing:
        Ledger.open(f"sqlite:///{path}")
    for caught in (reading.value, writing.value):
        assert str(path) in caught.message
        assert caught.next_step
        assert isinstance(caught, LedgerTooNew) == (make is newer)
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize("words", ["disk I/O error", "database or disk is full"])
def test_a_disk_without_room_is_named_whatever_sqlite_calls_it(tmp_path, words):
    with pytest.raises(LedgerError) as caught, ledger_errors(tmp_path / "ledger.db"):
        raise OperationalError("PRAGMA", {}, sqlite3.OperationalError(words))
    assert "the disk is full" in caught.value.message
    assert "Make room on the disk" in caught.value.next_step


def writing(database):
    """Write in a transaction, and stay in it until told otherwise; return how to tell, and the end of it."""
    begun, go_on = Event(), Event()

    def work(tx):
        tx.connection.execute(text("UPDATE ledger_meta SET version = version"))
        begun.set()
        go_on.wait(30)

    thread = Thread(target=database.run, args=(work,))
    thread.start()
    assert begun.wait(30)
    return go_on.set, thread.join


def version(tx):
    return tx.connection.execute(text("SELECT version FROM ledger_meta")).scalar_one()


def test_who_reads_waits_for_nobody_who_writes(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        go_on, ended = writing(ledger.database)
        assert ledger.database.run(version, writes=False) == schema.VERSION
        go_on()
        ended()


def test_threads_that_write_take_turns_and_do_not_ask_the_file_for_its_lock(tmp_path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    with Ledger.open(url) as ledger, Ledger.open(url) as other:

        def at_once(dbapi_connection, *_):
            dbapi_connection.execute("PRAGMA busy_timeout = 0")

        for each in (ledger, other):
            event.listen(each.database.engine, "checkout", at_once)
        go_on, ended = writing(ledger.database)
        with ThreadPoolExecutor(3) as pool:
            rest = [pool.submit(each.database.run, version) for each in (ledger, other, other)]
            go_on()
            ended()
            assert [each.result(30) for each in rest] == [schema.VERSION] * 3


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError):
        Ledger.open(f"sqlite:///{tmp_path}/file/ledger.db")


def test_an_empty_file_becomes_a_ledger(tmp_path):
    (tmp_path / "ledger.db").touch()
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        assert ledger.unfinished_run("test") is None


def test_paths_with_odd_characters_work(tmp_path):
    path = tmp_path / "a b%20#ü?" / "le dger%41.db"
    url = f"sqlite:///{tmp_path}/a b%20#ü/le dger%41.db"
    with Ledger.open(url) as ledger:
        ledger.remember_settled([(TARGET, {"size": 1})])
    assert not path.exists()
    assert (tmp_path / "a b%20#ü" / "le dger%41.db").exists()
    assert len(read_memory(url, "test", [TARGET.api_url]).snapshots) == 1


@pytest.mark.skipif(os.name != "posix" or shutil.which("setpriv") is None, reason="needs setpriv to drop privileges")
class TestReadOnly:
    """As another user, because root may write everywhere."""

    @pytest.fixture
    def run(self, tmp_path):
        if os.geteuid() != 0:
            pytest.skip("only root can become somebody else")
        for parent in (tmp_path, *tmp_path.parents):
            if parent.stat().st_mode & 0o005 != 0o005 and parent.stat().st_uid == 0:
                parent.chmod(parent.stat().st_mode | 0o005)

        def run_as_nobody(code):
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", code]
            return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/")

        return run_as_nobody

    def test_a_plan_reads_it(self, tmp_path, run):
        path = tmp_path / "ledger.db"
        with Ledger.open(f"sqlite:///{path}") as ledger:
            ledger.remember_settled([(TARGET, {"size": 1})])
        path.chmod(0o444)
        code = (
            "from reconciler.ledger.reader import read_memory\n"
            f"found = read_memory('sqlite:///{path}', 'test', ['{TARGET.api_url}'])\n"
            "print(len(found.snapshots))\n"
        )
        done = run(code)
        assert done.stdout == "1\n", done.stderr

    def test_an_apply_says_that_it_cannot_write(self, tmp_path, run):
        path = tmp_path / "ledger.db"
        with Ledger.open(f"sqlite:///{path}"):
            pass
        path.chmod(0o444)
        code = (
            "from reconciler.ledger.writer import Ledger\n"
            "from reconciler.errors import LedgerError\n"
            "for name in ('ledger.db', 'new/ledger.db', 'new.db'):\n"
            "    try:\n"
            f"        with Ledger.open('sqlite:///{tmp_path}/' + name) as ledger: ledger.unlock()\n"
            "    except LedgerError as error:\n"
            "        print('refused', bool(error.next_step))\n"
        )
        done = run(code)
        assert done.stdout == "refused True\n" * 3, done.stdout + done.stderr


class TestVersions:
    @pytest.fixture
    def one_more_step(self, monkeypatch):
        """A step to a version that may add something."""

        def add(*statements, oldest_writer=schema.OLDEST_WRITER):
            steps = {**schema.steps("sqlite"), schema.VERSION + 1: statements}
            monkeypatch.setattr(schema, "steps", lambda database: steps)
            monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
            monkeypatch.setattr(schema, "OLDEST_WRITER", oldest_writer)

        return add

    def test_an_older_ledger_is_brought_up_to_date_and_keeps_what_it_has(self, tmp_path, one_more_step):
        url = parse(f"sqlite:///{tmp_path}/ledger.db")
        with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
            ledger.remember_settled([(TARGET, {"size": 1})])
        one_more_step("CREATE TABLE added (id INTEGER)")
        database = SqliteDatabase.create(url, newest=schema.VERSION)
        with database.transaction() as tx:
            assert tx.connection.execute(text("SELECT version FROM ledger_meta")).scalar_one() == schema.VERSION
            assert tx.connection.execute(text("SELECT count(*) FROM added")).scalar_one() == 0
            assert tx.connection.execute(text("SELECT count(*) FROM snapshots")).scalar_one() == 1
        database.close()

    @pytest.mark.parametrize("oldest_writer", [schema.VERSION, schema.VERSION + 1])
    def test_a_newer_ledger_says_which_version_may_still_write(
        self, tmp_path, one_more_step, monkeypatch, oldest_writer
    ):
        place = f"sqlite:///{tmp_path}/ledger.db"
        with monkeypatch.context():
            one_more_step("CREATE TABLE added (id INTEGER)", oldest_writer=oldest_writer)
            SqliteDatabase.create(parse(place), newest=schema.VERSION).close()
        monkeypatch.undo()
        if oldest_writer > schema.VERSION:
            for use in (Ledger.open, lambda url: read_memory(url, "test", [])):
                with pytest.raises(LedgerTooNew):
                    use(place)
        else:
            with Ledger.open(place) as ledger:
                ledger.remember_settled([(TARGET, {"size": 1})])
            assert len(read_memory(place, "test", [TARGET.api_url]).snapshots) == 1

    def test_one_who_has_it_open_stops_once_a_newer_version_does_not_let_it_write(self, tmp_path):
        place = f"sqlite:///{tmp_path}/ledger.db"
        with Ledger.open(place) as ledger:
            newer(tmp_path / "ledger.db")
            with pytest.raises(LedgerTooNew):
                ledger.remember_settled([(TARGET, {"size": 1})])

    def test_a_step_that_fails_leaves_the_ledger_as_it_was(self, tmp_path, one_more_step, monkeypatch):
        place = f"sqlite:///{tmp_path}/ledger.db"
        with Ledger.open(place):
            pass
        one_more_step("CREATE TABLE added (id INTEGER)", "SELECT nonsense")
        with pytest.raises(LedgerError):
            SqliteDatabase.create(parse(place), newest=schema.VERSION)
        monkeypatch.undo()
        with Ledger.open(place) as ledger:
            assert ledger.unfinished_run("test") is None

    def test_reading_an_older_ledger_says_what_brings_it_up_to_date(self, tmp_path):
        place = f"sqlite:///{tmp_path}/ledger.db"
        SqliteDatabase.create(parse(place), newest=2).close()
        with pytest.raises(LedgerError) as caught:
            read_memory(place, "test", [])
        assert "reconciler ledger migrate" in (caught.value.next_step or "")


def move(path, target):
    for each in list(path.parent.glob(f"{path.name}*")):
        each.rename(target.with_name(each.name.replace(path.name, target.name)))


def replace(path, target):
    move(path, target)
    Ledger.open(f"sqlite:///{path}").close()


@pytest.mark.parametrize("take", [move, replace])
@pytest.mark.parametrize("writes", [True, False])
def test_a_file_that_was_taken_away_is_used_again_once_it_is_back(tmp_path, take, writes):
    path, aside = tmp_path / "ledger.db", tmp_path / "aside.db"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        ledger.remember_settled([(TARGET, {"x": 1})])
        take(path, aside)
        for _ in range(2):
            with pytest.raises(LedgerError, match="deleted, moved or replaced") as caught:
                ledger.database.run(lambda _: None, writes=writes)
            assert "Put the same file back" in caught.value.next_step
            # The next connection finds no file, and makes none.
            assert path.exists() == (take is replace)
        move(aside, path)
        ledger.remember_settled([(TARGET, {"x": 2})])
    (found,) = read_memory(f"sqlite:///{path}", "test", [TARGET.api_url]).snapshots.values()
    assert found.state == {"x": 2}


def test_a_deleted_file_is_not_written(tmp_path):
    path = tmp_path / "ledger.db"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        for each in tmp_path.glob("ledger.db*"):
            each.unlink()
        with pytest.raises(LedgerError, match="was deleted"):
            ledger.remember_settled([(TARGET, {"x": 1})])
    assert not path.exists()


def test_no_new_file_is_made_beside_the_journal_of_one_that_is_gone(tmp_path):
    path, aside = tmp_path / "ledger.db", tmp_path / "aside"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        ledger.remember_settled([(TARGET, {"x": 1})])
        path.rename(aside)
        with pytest.raises(LedgerError, match=r"is gone, and ledger\.db-wal beside it is not") as caught:
            Ledger.open(f"sqlite:///{path}")
        assert not path.exists()
        assert "Put the same file back" in caught.value.next_step
        aside.rename(path)
        ledger.remember_settled([(TARGET, {"x": 2})])
    (found,) = read_memory(f"sqlite:///{path}", "test", [TARGET.api_url]).snapshots.values()
    assert found.state == {"x": 2}
