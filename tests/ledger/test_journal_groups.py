"""Entries of a journal that are written together leave what they leave one by one."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.errors import LockLost
from reconciler.ledger.config.entries import Done, Noted, Sent
from reconciler.ledger.config.model import JournalEntry, LiveObject, PauseEvent
from reconciler.ledger.lock import apply_lock
from reconciler.ledger.writer import Ledger
from support.ledger_content import content

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
KEYS = [f"Widget/{number}" for number in range(40)]
OBJECTS = [LiveObject("https://api.example/v1", "Widget", live_id) for live_id in "abcde"]
PATHS = ["target.key", "target.other"]


def some_entry(choice: random.Random, key: str):
    target = choice.choice(OBJECTS)
    paths = choice.sample(PATHS, choice.randint(0, 2))
    kind = choice.choice(["sent", "noted", "done", "done", "gone", "renamed"])
    if kind == "sent":
        return Sent(choice.choice(KEYS), (target,), paths, readable=choice.random() < 0.8)
    pause = PauseEvent(target, True, "lease", "me", NOW) if choice.random() < 0.2 else None
    if kind == "noted":
        return Noted(choice.choice(KEYS), "failed", "400", choice.choice([(), (target,)]), pause)
    if kind == "gone":
        return Done(key, "applied", None, target, None, leaves=choice.choice([None, {"size": 1}]))
    secrets = {path: choice.choice([None, "one", "other"]) for path in paths}
    done = Done(key, "applied", None, target, {"size": choice.randint(0, 9)}, secrets, pause=pause)
    if kind == "renamed":
        before = choice.choice([each for each in OBJECTS if each != target])
        return replace(done, renamed_from=before.id, held=dict.fromkeys(PATHS, "one"))
    return done


def left_by(url: str, groups):
    """Write groups of entries one after the other, and return what the ledger says then."""
    with Ledger.open(url, lambda: NOW) as ledger:
        entries = [JournalEntry(f"digest of {key}", key, "pending") for key in KEYS]
        run = ledger.begin_run("test", "me", {}, entries, {})
        for group in groups:
            ledger.record(run, group)
    found = content(url)
    # These are random.
    found["runs"] = [row[1:] for row in found["runs"]]
    found["journal"] = [row[1:] for row in found["journal"]]
    found["pause_log"] = sorted(row[1:] for row in found["pause_log"])
    return {name: rows for name, rows in found.items() if name != "salt"}


@pytest.mark.parametrize("seed", range(5))
def test_together_they_leave_what_they_leave_one_by_one(tmp_path, monkeypatch, seed):
    monkeypatch.setattr("reconciler.ledger.writer.fingerprint", lambda _, value, **place: f"{place}{value}".encode())
    choice = random.Random(seed)
    entries = [some_entry(choice, key) for key in KEYS]
    one_by_one = left_by(f"sqlite:///{tmp_path}/one.db", [[entry] for entry in entries])
    assert left_by(f"sqlite:///{tmp_path}/all.db", [entries]) == one_by_one


def test_of_many_each_has_its_own_state_secrets_and_outcome(ledger_url):
    targets = [replace(OBJECTS[0], id=f"w{number}") for number in range(50)]
    entries = [JournalEntry("digest", target.id, "pending") for target in targets]
    with Ledger.open(ledger_url) as ledger:
        for value in ("first", "second"):
            run = ledger.begin_run("test", "me", {}, entries, {})
            ledger.record(run, [Sent(target.id, (target,), ["key"]) for target in targets])
            ledger.record(
                run,
                [
                    Done(target.id, "applied", value, target, {"value": value, "id": target.id}, {"key": value})
                    if number % 2
                    else Noted(target.id, "failed", value, (target,))
                    for number, target in enumerate(targets)
                ],
            )
    found = content(ledger_url)
    assert {(row[2], row[3]["id"], row[3]["value"]) for row in found["snapshots"]} == {
        (target.id, target.id, "second") for target in targets[1::2]
    }
    assert len(found["first_applies"]) == len({row[4] for row in found["fingerprints"]}) == 25
    outcomes = [row[4] for row in sorted(found["journal"], key=lambda row: row[2]) if row[0] == run]
    assert outcomes == ["failed", "applied"] * 25


def test_without_the_lock_what_is_to_be_sent_is_not_recorded_and_the_rest_is(ledger_url):
    with Ledger.open(ledger_url) as ledger, ledger.lock("me", "test", {}, lease=timedelta(hours=1)) as lock:
        run = ledger.begin_run("test", "me", {}, [JournalEntry("digest", key, "pending") for key in KEYS[:2]], {})
        ledger.unlock(apply_lock("test"), force=True)
        with pytest.raises(LockLost):
            ledger.record(run, [Sent(KEYS[0], (OBJECTS[0],)), Noted(KEYS[1], "unknown", "lost")], lock)
        unfinished = ledger.unfinished_run("test")
    assert unfinished is not None
    assert [entry.outcome for entry in unfinished.entries] == ["pending", "unknown"]
