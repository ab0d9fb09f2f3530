"""Where the ledger is, and whether it lasts."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import LedgerError, LedgerNotDurable
from reconciler.ledger.url import DEFAULT_URL, durability, ledger_path, parse, require_durable


def test_relative_and_absolute_files():
    assert ledger_path("sqlite:///.reconciler/ledger.db") == Path(".reconciler/ledger.db")
    assert ledger_path("sqlite:////var/lib/r/ledger.db") == Path("/var/lib/r/ledger.db")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:hunter2",
        "postgresql://someone:x@hunter2@db/ledger",
        "postgresql://someone:hunter2/x@db/ledger",
        "postgresql://someone:12/hunter2@db/ledger",
        "postgresql://someone:hunter2?@db/ledger",
        "postgresql://someone:hunter2#@db/ledger",
        "postgresql://db/ledger?hunter2",
        "mysql+pymysql://someone:hunter2@db/ledger",
        "ledger-hunter2.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///a/b/",
        "sqlite:///hunter2.db?mode=ro",
        "",
    ],
)
def test_other_urls_are_refused_without_repeating_a_password(url):
    with pytest.raises(LedgerError) as caught:
        ledger_path(url)
    assert "hunter2" not in caught.value.message
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://someone:hunter2@db/ledger", "postgresql://someone@db/ledger"),
        ("postgres://someone:hunter2@db:5433/ledger", "postgresql://someone@db:5433/ledger"),
        ("postgresql://db/ledger?password=hunter2&sslmode=require", "postgresql://db/ledger"),
        ("postgresql:///?host=db&dbname=ledger&user=me&password=hunter2", "postgresql://me@db/ledger"),
        ("postgresql://:hunter2@%2Frun%2Fpg/ledger", "postgresql://%2Frun%2Fpg/ledger"),
        ("postgresql://u:hunter2@[::1]:5432,other/ledger", "postgresql://u@[::1]:5432,other/ledger"),
    ],
)
def test_a_server_is_shown_without_its_password(url, shown):
    found = parse(url)
    assert found.shown == shown
    assert "hunter2" not in repr(found)
    assert durability(url, {"CI": "true"}).durable


@pytest.mark.parametrize(
    ("environ", "exists", "url", "durable"),
    [
        ({}, False, DEFAULT_URL, True),
        ({"CI": "true"}, False, DEFAULT_URL, False),
        ({"CI": "false"}, False, DEFAULT_URL, True),
        ({"CI": "true"}, True, DEFAULT_URL, True),
        ({"CI": "1"}, False, "sqlite:///kept/ledger.db", True),
    ],
)
def test_under_ci_a_default_file_that_is_not_there_does_not_last(tmp_path, monkeypatch, environ, exists, url, durable):
    monkeypatch.chdir(tmp_path)
    if exists:
        ledger_path(url).parent.mkdir(parents=True)
        ledger_path(url).write_bytes(b"SQLite format 3")
    found = durability(url, environ)
    assert found.durable is durable
    assert found.reason


def test_what_needs_a_lasting_ledger_is_refused_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LedgerNotDurable, match="--resume"):
        require_durable(DEFAULT_URL, {"CI": "true"}, "--resume")
    require_durable(DEFAULT_URL, {"CI": "true"}, "--resume", ephemeral=True)
    require_durable(DEFAULT_URL, {}, "--resume")
