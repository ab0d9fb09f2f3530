"""What is written to the ledger is what a later process reads, and nothing of it gives a secret away."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger import database, overview
from reconciler.ledger.config.entries import Done, Noted, Sent
from reconciler.ledger.config.model import JournalEntry, LiveObject, Snooze
from reconciler.ledger.config.secret_fingerprint import matches
from reconciler.ledger.reader import Ledgers, read_memory, read_overview
from reconciler.ledger.writer import Ledger
from reconciler.report.text.ledger import ledger_to_text

API = "https://api.example/v1"
TARGET = LiveObject(API, "DeliveryConfig", "search")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def url(ledger_url):
    return ledger_url


@pytest.fixture
def ledger(url):
    with Ledger.open(url) as opened:
        yield opened


def memory(url):
    return read_memory(url, "test", [API])


def begin(ledger, *keys, environment="test"):
    entries = [JournalEntry(f"digest of {key}", key, "pending") for key in keys]
    return ledger.begin_run(environment, "me", {"changes": []}, entries, {"maxDeletes": "spring clean"})


def applied(ledger, state, secrets, target=TARGET, **more):
    entry = Done("Widget/a", "applied", None, target, state=state, secrets=secrets, **more)
    ledger.record(begin(ledger, "Widget/a"), [entry])


def knows(url, value, path="target.key", target=TARGET):
    found = memory(url)
    entry = found.fingerprints.get((target.api_url, target.kind, target.id, path))
    place = {"api_url": target.api_url, "kind": target.kind, "live_id": target.id, "path": path}
    return entry is not None and matches(entry.digest, found.salt, value, **place)


class TestFiles:
    @pytest.fixture
    def url(self, tmp_path):
        return f"sqlite:///{tmp_path}/.reconciler/ledger.db"

    def test_only_the_owner_can_read_it(self, ledger):
        assert stat.S_IMODE(ledger.database.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(ledger.database.path.parent.stat().st_mode) == 0o700
        for side_file in ledger.database.path.parent.glob("ledger.db-*"):
            assert stat.S_IMODE(side_file.stat().st_mode) == 0o600

    def test_git_leaves_its_folder_alone(self, ledger):
        assert (ledger.database.path.parent / ".gitignore").read_text() == "*\n"

    def test_a_folder_that_was_there_gets_no_gitignore(self, tmp_path):
        with Ledger.open(f"sqlite:///{tmp_path}/ledger.db"):
            assert not (tmp_path / ".gitignore").exists()

    def test_reading_without_a_ledger_creates_nothing_and_loads_no_database_layer(self, tmp_path):
        code = (
            "import sys\n"
            "from reconciler.ledger.reader import read_memory, read_overview\n"
            f"url = 'sqlite:///{tmp_path}/.reconciler/ledger.db'\n"
            "assert read_memory(url, 'test', []).fresh and read_overview(url) is None\n"
            "assert 'sqlalchemy' not in sys.modules and 'sqlite3' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
        assert list(tmp_path.iterdir()) == []

    def test_it_is_still_there_for_the_next_process(self, url):
        with Ledger.open(url) as first:
            applied(first, {"name": "Search"}, {})
        with Ledger.open(url):
            assert memory(url).snapshots[(API, "DeliveryConfig", "search")].state == {"name": "Search"}
        assert not memory(url).fresh


class TestRuns:
    def test_a_run_stays_unfinished_until_it_is_finished(self, ledger, url):
        run = begin(ledger, "Widget/a", "Widget/b")
        ledger.record(run, [Sent("Widget/a", (TARGET,))])
        unfinished = memory(url).unfinished
        assert unfinished is not None
        assert [(entry.key, entry.outcome) for entry in unfinished.entries] == [
            ("Widget/a", "sent"),
            ("Widget/b", "pending"),
        ]
        ledger.finish_run(run)
        assert memory(url).unfinished is None

    def test_a_new_run_closes_the_one_before_it_in_its_environment_only(self, ledger):
        begin(ledger, "Widget/a")
        other = begin(ledger, "Widget/a", environment="production")
        new = begin(ledger, "Widget/a")
        assert ledger.unfinished_run("test").id == new
        assert ledger.unfinished_run("production").id == other

    def test_the_overview_says_which_run_closed_one_that_was_cut_off(self, ledger, url):
        cut = begin(ledger, "Widget/a")
        ledger.record(cut, [Sent("Widget/a", (TARGET,))])
        new = begin(ledger, "Widget/a")
        ledger.finish_run(new)
        overview = read_overview(url)
        assert {run["id"]: run["closed_by"] for run in overview["runs"]} == {cut: new, new: None}
        words = " ".join(ledger_to_text(overview).split())
        assert f"cut off, and closed by run {new}: 1 sent (me, run {cut})" in words
        assert words.count("finished:") == 1
        # What it left open is told where it was settled.
        assert "sent Widget/a" not in words

    def test_overrides_are_kept_with_their_reason(self, ledger, url):
        begin(ledger, "Widget/a")
        assert read_overview(url)["runs"][0]["overrides"] == [{"rule": "maxDeletes", "reason": "spring clean"}]


class TestSeveralEnvironments:
    def test_what_goes_by_api_is_read_once_in_a_run_and_the_rest_for_each(self, ledger, url, monkeypatch):
        read: list[list[str]] = []
        of_apis = overview.memory_of_apis
        monkeypatch.setattr(overview, "memory_of_apis", lambda tx, urls: read.append(list(urls)) or of_apis(tx, urls))
        applied(ledger, {"name": "Search"}, {"target.key": "s3cret"})
        ledger.snooze("production", Snooze("Widget", "a", NOW, "later", "me"))
        with Ledgers() as ledgers:
            test, production = (ledgers.memory(url, name, [API]) for name in ("test", "production"))
            elsewhere = ledgers.memory(url, "production", ["https://other.example/v1"])
        assert read == [[API], ["https://other.example/v1"]]
        assert test.snapshots == production.snapshots == memory(url).snapshots
        assert (len(test.fingerprints), len(elsewhere.fingerprints)) == (1, 0)
        assert (test.snoozes, len(production.snoozes)) == ((), 1)
        assert test.unfinished is not None
        assert production.unfinished is None

    def test_the_next_run_reads_what_was_applied_since(self, ledger, url):
        assert not memory(url).snapshots
        applied(ledger, {"name": "Search"}, {})
        assert len(memory(url).snapshots) == 1


class TestSecrets:
    def test_a_secret_that_was_applied_is_known_and_another_is_not(self, ledger, url):
        applied(ledger, {}, {"target.key": "s3cret"})
        assert knows(url, "s3cret")
        assert not knows(url, "other")

    def test_while_it_is_sent_it_is_in_doubt(self, ledger, url):
        applied(ledger, {}, {"target.key": "s3cret"})
        run = begin(ledger, "Widget/a")
        ledger.record(run, [Sent("Widget/a", (TARGET,), ["target.key", "target.other"])])
        assert not knows(url, "s3cret")
        assert len(memory(url).fingerprints) == 2

    def test_a_write_that_certainly_failed_takes_the_doubt_back(self, ledger, url):
        applied(ledger, {}, {"target.key": "s3cret"})
        run = begin(ledger, "Widget/a")
        ledger.record(run, [Sent("Widget/a", (TARGET,), ["target.key", "target.other"])])
        ledger.record(run, [Noted("Widget/a", "failed", "400", (TARGET,))])
        assert knows(url, "s3cret")
        assert len(memory(url).fingerprints) == 1

    def test_a_write_of_unknown_outcome_leaves_the_doubt(self, ledger, url):
        applied(ledger, {}, {"target.key": "s3cret"})
        run = begin(ledger, "Widget/a")
        ledger.record(run, [Sent("Widget/a", (TARGET,), ["target.key"])])
        ledger.record(run, [Noted("Widget/a", "unknown", "lost")])
        assert not knows(url, "s3cret")

    def test_a_rename_carries_over_what_is_held_and_forgets_the_rest(self, ledger, url):
        applied(ledger, {"size": 1}, {"target.key": "s3cret", "target.gone": "x"})
        renamed = LiveObject(API, "DeliveryConfig", "found")
        held = {"target.key": "s3cret", "target.never": "y"}
        applied(ledger, {"size": 1}, {}, renamed, renamed_from=TARGET.id, held=held)
        assert knows(url, "s3cret", target=renamed)
        assert len(memory(url).fingerprints) == 1
        assert set(memory(url).snapshots) == {(API, "DeliveryConfig", "found")}

    def test_an_object_that_is_gone_is_forgotten(self, ledger, url):
        applied(ledger, {}, {"target.key": "s3cret"})
        applied(ledger, None, {})
        assert not memory(url).fingerprints
        assert not memory(url).snapshots

    def test_settled_objects_keep_their_fingerprints(self, ledger, url):
        applied(ledger, {"size": 1}, {"target.key": "s3cret"})
        gone = LiveObject(API, "ProductSync", "productsync")
        ledger.remember_settled([(gone, {})])
        ledger.remember_settled([(TARGET, {"size": 2}), (gone, None)])
        assert knows(url, "s3cret")
        assert {key: snapshot.state for key, snapshot in memory(url).snapshots.items()} == {
            (API, "DeliveryConfig", "search"): {"size": 2}
        }

    def test_neither_secret_nor_fingerprint_is_shown_or_printed(self, ledger, url):
        applied(ledger, {}, {"target.key": "s3cret"})
        found = memory(url)
        (entry,) = found.fingerprints.values()
        shown = repr(read_overview(url)) + repr(found)
        for hidden in ("s3cret", repr(entry.digest), entry.digest.hex(), repr(found.salt), found.salt.hex()):
            assert hidden not in shown


def test_another_api_remembers_nothing_of_this_one(ledger, url):
    applied(ledger, {}, {"target.key": "s3cret"})
    other = read_memory(url, "test", ["https://other.example/v1"])
    assert not other.snapshots
    assert not other.fingerprints


def test_a_snooze_holds_for_its_environment_until_it_is_lifted(ledger, url):
    snooze = Snooze("EntitySync", "categories", NOW + timedelta(days=1), "waiting for the vendor", "me")
    ledger.snooze("test", snooze)
    ledger.snooze("test", snooze)
    assert memory(url).snoozes == (snooze,)
    assert read_memory(url, "production", [API]).snoozes == ()
    assert ledger.unsnooze("test", "EntitySync", "categories")
    assert not ledger.unsnooze("test", "EntitySync", "categories")
    assert memory(url).snoozes == ()


def test_environments_that_share_a_ledger_open_it_once(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.open(url).close()
    opened = []
    real = database.open_existing
    monkeypatch.setattr(database, "open_existing", lambda *given: opened.append(given) or real(*given))
    with Ledgers() as ledgers:
        assert all(not ledgers.memory(url, name, []).fresh for name in ("first", "second"))
    assert len(opened) == 1


def test_when_an_object_was_applied_first_stays_known(url):
    now = [NOW]
    with Ledger.open(url, lambda: now[0]) as ledger:
        for day in range(3):
            now[0] = NOW + timedelta(days=day)
            applied(ledger, {"day": day}, {})
    found, key = memory(url), (API, TARGET.kind, TARGET.id)
    assert (found.first_applied, found.snapshots[key].applied_at) == ({key: NOW}, now[0])
