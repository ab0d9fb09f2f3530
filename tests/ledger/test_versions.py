"""A ledger of every version that was ever on main, made by that version's code, is migrated and equals a fresh one."""

from __future__ import annotations

import os
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.errors import LedgerError, LedgerTooNew
from reconciler.ledger import care, schema
from reconciler.ledger.config.model import LiveObject
from reconciler.ledger.config.secret_fingerprint import IN_DOUBT, matches
from reconciler.ledger.data.model import DataScope, LogDates
from reconciler.ledger.reader import Ledgers, read_memory
from reconciler.ledger.writer import Ledger
from support import postgres
from support.ledger_content import content

FOLDER = Path(__file__).parents[1] / "data" / "ledgers"
API = "https://api.example/v1"
TARGET = LiveObject(API, "DeliveryConfig", "search")
SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _some(versions):
    """The first ones, every fourth and the last ones, as a database takes long to make.

    Every step is carried out with the first one. RECONCILER_TEST_VERSIONS=all for all.
    """
    if os.environ.get("RECONCILER_TEST_VERSIONS") == "all":
        return list(versions)
    return sorted({*versions[:2], *versions[::4], *versions[-2:]})


OLD = sorted(path.stem for path in FOLDER.glob("*.sql"))


@pytest.fixture(params=OLD)
def old(request, tmp_path):
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((FOLDER / f"{request.param}.sql").read_text(encoding="utf-8"))
    return path


def shape(path):
    """Everything that a database says of its tables and indexes, but for white space."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        return {(kind, name): re.sub(r"\s+", " ", sql).replace('"', "") for kind, name, sql in rows}


def version_of(name):
    return int(re.search(r"\d+", name)[0])


def as_it_was(url, name):
    found = read_memory(url, "test", [API])
    place = {"api_url": API, "kind": TARGET.kind, "live_id": TARGET.id}
    known = found.fingerprints[API, TARGET.kind, TARGET.id, "target.key"]
    assert matches(known.digest, found.salt, "s3cret", path="target.key", **place)
    assert found.fingerprints[API, TARGET.kind, TARGET.id, "target.other"].digest == IN_DOUBT
    assert found.snapshots[API, TARGET.kind, TARGET.id].state == {"name": "Search"}
    assert found.unfinished is not None
    assert [entry.outcome for entry in found.unfinished.entries] == ["sent"]
    assert [snooze.reason for snooze in found.snoozes] == ["waiting"]
    version = version_of(name)
    if version >= 7:
        with Ledger.open(url) as ledger:
            assert [lease.reason for lease in ledger.leases([API])[0]] == ["moving"]
            applied = ("c0ffee",) * 2 if version >= 8 else (None,) * 2
            with Ledgers() as ledgers:
                assert (ledgers.applied_commit(url, "test"), ledger.whole_commit("test")) == applied
    if version == 1 or "from-1" in name:
        return  # which had no data plane
    with Ledger.open(url) as ledger:
        store = ledger.store(SCOPE)
        assert store.runs.last().state == "finished"
        unfinished = store.runs.unfinished()
        assert (unfinished.state, unfinished.counts) == ("interrupted", {"written": 2})
        levels = store.records.levels(["a", "b", "c", "d"])
        assert levels["a"].prints == {"product": b"1" * 16}
        assert levels["b"].doubtful
        assert levels["c"].problems
        if version >= 4:
            assert store.problems.by_code()[0].held_back == 1
        if version >= 5:
            assert store.records.deleted_since(NOW) == 1
            assert unfinished.overrides == {"maxDeletes": "spring clean"}
        assert levels["d"].is_open
        assert store.names.owners([("sku", "1")]) == {("sku", "1"): "a"}
        assert store.log.dates() == LogDates(NOW, NOW, NOW)
        with store.lock("the next"):
            store.runs.resume(unfinished.id, "the next")
            assert {level.key for level in store.records.claim_due(9, datetime.now(UTC), 60, "t")} >= {"b", "d"}


def test_it_equals_a_fresh_one_and_knows_what_it_knew(old, tmp_path, request):
    Ledger.open(f"sqlite:///{tmp_path}/fresh.db").close()
    before, after = care.bring_up_to_date(f"sqlite:///{old}")
    assert (before, after) == (version_of(request.node.callspec.params["old"]), schema.VERSION)
    assert shape(old) == shape(tmp_path / "fresh.db")
    as_it_was(f"sqlite:///{old}", request.node.callspec.params["old"])


@pytest.mark.postgres
@pytest.mark.parametrize("old", _some(OLD), indirect=True)
def test_taken_to_postgresql_it_equals_a_fresh_one_there(old, request):
    target, fresh = postgres.new_database(), postgres.new_ledger()
    care.copy(f"sqlite:///{old}", target, "me")
    assert content(target) == content(f"sqlite:///{old}")
    assert postgres.shape(target) == postgres.shape(fresh)
    as_it_was(target, request.node.callspec.params["old"])
    for url in (target, fresh):
        postgres.drop(url)


def test_a_step_comes_with_a_ledger_of_the_version_before():
    """`tools/old_ledgers.py` makes it, by the code of a commit that had that version."""
    assert {version_of(path.stem) for path in FOLDER.glob("*.sql")} >= set(range(1, schema.VERSION))


def test_no_released_step_was_edited():
    """Fresh ledgers of each version are as the code of that time made them, to the letter of their columns."""
    for newest in range(1, 1 + max(version_of(path.stem) for path in FOLDER.glob("*.sql"))):
        name = f"version-{newest}"
        with closing(sqlite3.connect(":memory:")) as then, closing(sqlite3.connect(":memory:")) as now:
            then.executescript((FOLDER / f"{name}.sql").read_text(encoding="utf-8"))
            for number, statements in schema.steps("sqlite").items():
                if number <= newest:
                    for statement in statements:
                        now.execute(statement)
            shapes = [
                {
                    table: list(connection.execute(f"PRAGMA table_info({table})"))
                    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
                }
                for connection in (then, now)
            ]
            assert shapes[0] == shapes[1], name


def test_what_a_new_ledger_begins_with_is_what_all_steps_to_it_make():
    """`tools/new_ledger.py` writes it."""
    first, statements = schema.of_new("sqlite")
    steps = [each for number, step in schema.steps("sqlite").items() if number <= first for each in step]
    made = []
    for each in (statements, steps):
        with closing(sqlite3.connect(":memory:")) as connection:
            for statement in each:
                connection.execute(statement)
            made.append(sorted(connection.iterdump()))
    assert made[0] == made[1]


@pytest.mark.postgres
class TestOnPostgresql:
    @pytest.fixture
    def url(self):
        found = postgres.new_ledger()
        yield found
        postgres.drop(found)

    def test_only_migrate_migrates(self, url):
        postgres.execute(url, "UPDATE ledger_meta SET version = 2")
        for use in (Ledger.open, lambda place: read_memory(place, "test", [])):
            with pytest.raises(LedgerError) as caught:
                use(url)
            assert "reconciler ledger migrate" in (caught.value.next_step or "")

    @pytest.mark.parametrize("version", _some(range(3, schema.VERSION)))
    def test_an_older_one_is_migrated_with_its_rows_and_equals_a_fresh_one(self, url, version):
        old = postgres.new_database()
        try:
            for statements in (schema.steps("postgres")[number] for number in range(3, version + 1)):
                for statement in statements:
                    postgres.execute(old, statement)
            postgres.execute(old, f"INSERT INTO ledger_meta (id, version, salt) VALUES (1, {version}, 'salt')")
            postgres.execute(
                old,
                "INSERT INTO data_scopes (environment, target, integration, data_type)"
                f" VALUES ('{SCOPE.environment}', '{SCOPE.target}', '{SCOPE.integration}', '{SCOPE.data_type}')",
            )
            postgres.execute(
                old,
                'INSERT INTO data_runs (id, scope, mode, walks, "full", state, holder, started_at, listed, log_opened,'
                " config, counts, cancel_requested)"
                f" VALUES ('r', 1, 'full', true, true, 'finished', 'me', '{NOW.isoformat()}', true, true, 'digest',"
                " '{}', false)",
            )
            assert care.bring_up_to_date(old) == (version, schema.VERSION)
            assert postgres.shape(old) == postgres.shape(url)
            with Ledger.open(old) as ledger:
                run = ledger.store(SCOPE).runs.last(walks=True)
            assert (run.id, run.lists, run.overrides) == ("r", version < 6, {})
        finally:
            postgres.drop(old)

    def test_a_newer_one_is_refused(self, url):
        postgres.execute(url, "UPDATE ledger_meta SET version = 99, oldest_writer = 99")
        for use in (Ledger.open, lambda place: read_memory(place, "test", []), care.bring_up_to_date):
            with pytest.raises(LedgerTooNew):
                use(url)

    def test_many_that_find_an_empty_database_make_one_ledger(self):
        empty = postgres.new_database()
        try:
            with ThreadPoolExecutor(8) as pool:
                for opened in pool.map(lambda _: Ledger.open(empty), range(8)):
                    opened.close()
            assert not read_memory(empty, "test", []).fresh
        finally:
            postgres.drop(empty)

    def test_a_reader_makes_nothing(self, tmp_path):
        empty = postgres.new_database()
        try:
            assert read_memory(empty, "test", []).fresh
            assert postgres.execute(empty, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
            with pytest.raises(LedgerError, match="There is no ledger"):
                care.backup(empty, tmp_path / "copy.db")
        finally:
            postgres.drop(empty)

    def test_who_may_not_create_is_told_so(self):
        empty = postgres.new_database()
        try:
            user = postgres.new_user(empty)
            with pytest.raises(LedgerError) as caught:
                Ledger.open(postgres.as_user(empty, user))
            assert "does not allow that to this user" in caught.value.message
            assert "reconciler ledger migrate" in (caught.value.next_step or "")
            assert care.bring_up_to_date(empty) == (0, schema.VERSION)
            postgres.execute(empty, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}")
            Ledger.open(postgres.as_user(empty, user)).close()
            assert care.bring_up_to_date(empty) == (schema.VERSION, schema.VERSION)
        finally:
            postgres.drop(empty)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ("sslmod=require", "option that libpq does not know"),
            ("connect_timeout=abc", "option that libpq does not understand"),
            ("sslmode=maybe", "option that libpq does not understand"),
        ],
    )
    def test_a_wrong_option_is_told_as_one(self, url, options, words):
        with pytest.raises(LedgerError) as caught:
            Ledger.open(f"{url}?{options}")
        assert words in caught.value.message

    def test_a_host_that_nobody_knows_is_told_as_one(self):
        with pytest.raises(LedgerError) as caught:
            Ledger.open("postgresql://no-such-host.invalid/ledger")
        assert "names a host that nobody knows" in caught.value.message

    def test_who_may_only_write_rows_can_do_everything_else(self, url):
        user = postgres.new_user(url)
        postgres.execute(url, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}")
        with Ledger.open(postgres.as_user(url, user)) as ledger:
            with ledger.lock("me", "test", {"ordercloud": API}) as lock:
                lock.check()
            store = ledger.store(SCOPE)
            with store.lock("me"):
                store.runs.begin("full", "digest", "me", NOW, walks=True, full=True)
                store.records.want(["a"])
