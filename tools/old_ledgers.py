"""Make tests/data/ledgers: a ledger of every shape that was ever on main, made by the code of its commit.

Run it in a full clone: `python tools/old_ledgers.py`. What is there already stays: a shape that was released is frozen.
"""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "data" / "ledgers"

# Name to the commits whose code opens the ledger, one after the other, and to how it is filled by the first.
SHAPES = {
    "version-1": ("3216d5c",),
    "version-2-index-without-key": ("a0e6997",),
    "version-2": ("8aed48b",),
    "version-2-of-rooms": ("7ddcb4f",),
    "version-2-from-1": ("3216d5c", "8aed48b"),
    "version-3": ("a8ece7b",),
    "version-4": ("1b7ea59",),
    "version-5": ("deb45e1",),
    "version-6": ("9b24f55",),
    "version-7": ("722a321",),
    "version-8": ("352d25e",),
    "version-9": ("e97671c",),
    "version-10": ("62711c6",),
    "version-11": ("115c766",),
    "version-12": ("4a3332c",),
    "version-13": ("307f42a",),
    "version-14": ("d22196b",),
    "version-15": ("93f34ca",),
    "version-16": ("968b481",),
    "version-17": ("3590cb0",),
    "version-18": ("8bdbabb",),
    "version-19": ("3425c644",),
    "version-20": ("11d6a44",),
    "version-21": ("b9f8978",),
    "version-22": ("9de0946",),
    "version-23": ("3d7cc590",),
    "version-24": ("dbec756d",),
    "version-25": ("55ad013c",),
}

FILL = """
import importlib, sys
from datetime import UTC, datetime, timedelta

def of(*names):
    for name in names:
        try:
            return importlib.import_module("reconciler.ledger." + name)
        except ImportError:
            pass

model = of("config.model", "model")
store = of("writer", "store")
data = of("data.model", "levels_model", "data_model")
now = datetime(2026, 11, 21, 12, tzinfo=UTC)
target = model.LiveObject("https://api.example/v1", "DeliveryConfig", "search")
with store.Ledger.open("sqlite:///" + sys.argv[1], lambda: now) as ledger:
    if sys.argv[2] == "open":
        sys.exit()
    entries = [model.JournalEntry("digest", "DeliveryConfig/search", "pending")]
    run = ledger.begin_run("test", "me", {"changes": []}, entries, {"maxDeletes": "spring clean"})
    search = "DeliveryConfig/search"
    journal = of("config.entries")
    if journal is None:
        sent = lambda run, secrets: ledger.record_sent(run, search, [target], secrets)
        done = lambda run, state, secrets: ledger.record_done(
            run, search, "applied", "done", target, state=state, secrets=secrets)
    else:
        sent = lambda run, secrets: ledger.record(run, [journal.Sent(search, (target,), secrets)])
        done = lambda run, state, secrets: ledger.record(
            run, [journal.Done(search, "applied", "done", target, state, secrets)])
    sent(run, ["target.key", "target.other"])
    done(run, {"name": "Search"}, {"target.key": "s3cret"})
    cut_off = ledger.begin_run("test", "me", {"changes": []}, entries, {})
    sent(cut_off, ["target.other"])
    ledger.snooze("test", model.Snooze("EntitySync", "categories", now, "waiting", "me"))
    if hasattr(ledger, "take_leases"):
        from reconciler.pause.lease import Lease
        taken = Lease("EntitySync", "buyers", "me", now, "moving", environment="test", api_url=target.api_url)
        ledger.take_leases([taken], timedelta(hours=1))
    if hasattr(ledger, "set_applied_commit"):
        ledger.set_applied_commit("test", "c0ffee")
    if hasattr(ledger, "remember_applied_commit"):
        ledger.remember_applied_commit("test", "c0ffee", whole=True)
    scope = data and data.DataScope("test", "https://api.example#site", "ordercloud", "products")
    if hasattr(ledger, "levels"):
        levels = ledger.levels(scope)
        begin = lambda full: levels.begin("full", "digest", "me", now, now, walks=True, full=full)
        remember, ended = levels.remember_log, "failed"
        if not hasattr(levels, "claim_names"):
            levels.claim_names = lambda key, names: levels.claim_many({key: names})
            ended = "interrupted"
    elif hasattr(ledger, "store"):
        levels = ledger.store(scope)
        begin = lambda full: levels.runs.begin("full", "digest", "me", now, walks=True, full=full)
        remember, ended = levels.log.remember, "interrupted"
        levels.record, levels.want, levels.begin_writes = (
            levels.records.record, levels.records.want, levels.records.begin_writes)
        levels.claim_names = lambda key, names: levels.names.claim_many({key: names})
        levels.to_log, levels.end = levels.log.to_log, levels.runs.end
    else:
        sys.exit()
    known = getattr(data.Result, "__dataclass_fields__", ()) or data.Result.__struct_fields__  # what it is now
    newer = lambda **values: {name: value for name, value in values.items() if name in known}
    with levels.lock("me"):
        done = begin(True)
        levels.record([data.Result("a", prints={"product": b"1" * 16}, held={"v": ["x"]}, **newer(look=b"2" * 16))],
                      done.id)
        levels.claim_names("a", [("sku", "1")])
        levels.end(done.id, "finished", now)
        failed = begin(False)
        levels.begin_writes([("b", ["product"])])
        wrong = data.ProblemRow("c", "product", "no-sku", "It has none", "https://x/c")
        levels.record([data.Result("c", problems=(wrong,), **newer(held_back=True))], failed.id, {"written": 2})
        if "gone_at" in known:
            levels.record([data.Result("e", gone=True, gone_at=now)], failed.id)
            levels.runs.update(failed.id, overrides={"maxDeletes": "spring clean"})
        levels.claim_names("c", [("sku", "1")])
        levels.want(["d"])
        levels.to_log(9)
        remember(data.LogDates(now, now, now))
        levels.end(failed.id, ended, now, message="the ledger's own word for it")
"""


def make(commits: tuple[str, ...], folder: Path) -> str:
    """Let the code of some commits open a ledger, the first of them fill it, and return its dump."""
    path = folder / "ledger.db"
    for number, commit in enumerate(commits):
        code = folder / commit
        git = shutil.which("git") or "git"
        archive = subprocess.run([git, "archive", commit, "reconciler"], cwd=ROOT, check=True, capture_output=True)
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(code, filter="data")
        command = [sys.executable, "-c", FILL, str(path), "open" if number else "fill"]
        subprocess.run(command, check=True, cwd=code, env={**os.environ, "PYTHONPATH": str(code)})
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump()) + "\n"


def main() -> None:
    """Make what is missing."""
    FOLDER.mkdir(exist_ok=True)
    for name, commits in SHAPES.items():
        file = FOLDER / f"{name}.sql"
        if not file.exists():
            with tempfile.TemporaryDirectory() as folder:
                file.write_text(make(commits, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
