"""Where the ledger is, and whether it lasts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.errors import LedgerError, LedgerNotDurable
from reconciler.ledger.url import DEFAULT_URL, durability, parse, require_durable


def test_relative_and_absolute_files():
    assert parse("sqlite:///.reconciler/ledger.db").path == Path(".reconciler/ledger.db")
    assert parse("sqlite:////var/lib/r/ledger.db").path == Path("/var/lib/r/ledger.db")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:hunter2",
        "postgresql://someone:x@hunter2@db/ledger",
        "postgresql://someone:hunter2/x@db/ledger",
        "postgresql://someone:12/hunter2@db/ledger",
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
        parse(url)
    assert "hunter2" not in caught.value.message
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("POSTGRESQL://me:hunter2@db/ledger", "`postgresql:`"),
        (" postgres://me:hunter2@db/ledger", "`postgres:`"),
        ("SQLite:///hunter2.db", "`sqlite:`"),
    ],
)
def test_capitals_and_blanks_before_a_url_are_named(url, meant):
    with pytest.raises(LedgerError) as caught:
        parse(url)
    told = f"{caught.value.message} {caught.value.next_step}"
    assert "blank before it, or capitals" in told
    assert meant in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://someone:hunter2@db/ledger", "postgresql://db/ledger"),
        ("postgres://someone:hunter2@db:5433/ledger", "postgresql://db:5433/ledger"),
        ("postgresql://someone:hunter2?#@db/ledger", "postgresql://db/ledger"),
        ("postgresql://someone:%68unter2@db/ledger", "postgresql://db/ledger"),
        ("postgresql://hunter2@db/ledger", "postgresql://db/ledger"),
        ("postgresql://db/ledger?password=hunter2&sslmode=require", "postgresql://db/ledger"),
        ("postgresql://db/ledger?sslpassword=hunter2&application_name=hunter2", "postgresql://db/ledger"),
        ("postgresql:///?host=db&dbname=ledger&user=me&password=hunter2", "postgresql://db/ledger"),
        ("postgresql:///?dbname=postgresql://u:hunter2%40db/ledger", "postgresql:///…"),
        ("postgresql://:hunter2@%2Frun%2Fpg/ledger", "postgresql://%2Frun%2Fpg/ledger"),
        ("postgresql://u:hunter2@[::1]:5432,other/ledger", "postgresql://[::1]:5432,other/ledger"),
        ("host=db port=5433 dbname=ledger password=hunter2", "postgresql://db:5433/ledger"),
        ("dbname = ledger password = 'it is \\'hunter2\\''", "postgresql:///ledger"),
        ("service=ledger password=hunter2", "postgresql:///"),
    ],
)
def test_a_server_is_shown_without_its_password(url: str, shown: str) -> None:
    found = parse(url)
    assert str(found) == found.shown == shown
    assert "hunter2" not in repr(found)
    assert "hunter2" in found.conninfo
    assert durability(found, {"CI": "true"}).durable


def told(conninfo: str) -> dict[str, str]:
    """Return what libpq is told, by name."""
    return {
        match["name"]: re.sub(r"\\(.)", r"\1", match["value"])
        for match in re.finditer(r"(?P<name>\w+)='(?P<value>(?:[^'\\]|\\.)*)'", conninfo)
    }


def test_what_libpq_is_told_is_what_the_url_says() -> None:
    url = "postgresql://me:a%27%5Cb%20@db:5433,%2Frun%2Fpg/my%2Dledger?application_name=x%3Dy&sslmode=require"
    assert told(parse(url).conninfo) == {
        "user": "me",
        "password": "a'\\b ",
        "host": "db,/run/pg",
        "port": "5433,",
        "dbname": "my-ledger",
        "application_name": "x=y",
        "sslmode": "require",
    }
    assert told(parse("host=db password='a \\' b' dbname=x").conninfo)["password"] == "a ' b"


VERIFIED = {"sslmode": "verify-full", "sslrootcert": "system"}


@pytest.mark.parametrize(
    ("url", "environ", "tls"),
    [
        ("postgresql://db.example.com/x", {}, VERIFIED),
        ("postgresql://localhost,db.example.com/x", {}, VERIFIED),
        ("postgresql://db.example.com/x?sslrootcert=/ca.pem", {}, {**VERIFIED, "sslrootcert": "/ca.pem"}),
        ("postgresql://db.example.com/x?sslmode=disable", {}, {"sslmode": "disable"}),
        ("postgresql://db.example.com/x?ssl=true", {}, {"sslmode": "require"}),
        ("postgresql://localhost/x?hostaddr=10.1.2.3", {}, VERIFIED),
        ("postgresql:///x?service=away", {}, VERIFIED),
        ("postgresql:///x", {"PGHOST": "db.example.com"}, VERIFIED),
        ("postgresql:///x", {"PGSERVICE": "away"}, VERIFIED),
        ("postgresql://localhost/x", {"PGHOSTADDR": "10.1.2.3"}, VERIFIED),
        ("host=db.example.com dbname=x", {}, VERIFIED),
        ("postgresql:///x", {}, {}),
        ("postgresql:///x", {"PGHOST": "/run/pg"}, {}),
        ("postgresql://127.0.0.1:5433/x", {"PGHOST": "db.example.com"}, {}),
        ("postgresql://[::1]/x", {}, {}),
        ("postgresql://%2Frun%2Fpg/x", {}, {}),
    ],
)
def test_tls_is_verified_off_this_machine_unless_the_url_says_otherwise(
    url: str, environ: dict[str, str], tls: dict[str, str]
) -> None:
    found = told(parse(url, environ=environ).conninfo)
    assert {name: value for name, value in found.items() if name.startswith("ssl")} == tls


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:pw@localhost:5433/ledger",
        "postgresql://127.0.0.1,[::1]/ledger",
        "postgresql://%2Frun%2Fpg/ledger",
        "postgresql:///ledger",
        "postgres://me@db.example.com/ledger?connect_timeout=10&application_name=x&sslmode=verify-full",
        "postgresql://one.pg.example.com,two.pg.example.com/ledger?target_session_attrs=read-write",
    ],
)
def test_a_manifest_may_name_this_machine_and_servers_that_the_operator_allows(url: str) -> None:
    environ = {"RECONCILER_ALLOW_LEDGER_HOSTS": "db.example.com, *.pg.example.com"}
    found = told(parse(url, environ=environ, trusted=False).conninfo)
    assert ("sslmode" in found) == ("example.com" in url)
    assert ("sslrootcert" in found) == ("example.com" in url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://elsewhere.com/ledger",
        "postgresql://localhost,elsewhere.com/ledger",
        "postgresql://localhost%2Celsewhere.com/ledger",
        "postgresql://elsewhere.com%00.example.com/ledger",
        "postgresql://2130706433/ledger",
        "postgresql://me:pw@localhost/ledger?host=elsewhere.com",
        "postgresql://localhost/ledger?host=localhost",
        "postgresql://localhost/ledger?hostaddr=10.0.0.1",
        "postgresql://localhost/ledger?%68ost=elsewhere.com",
        "postgresql://localhost/ledger?service=away",
        "postgresql://localhost/ledger?servicefile=/tmp/x",
        "postgresql://localhost/ledger?passfile=/home/ci/.pgpass",
        "postgresql://localhost/ledger?sslkey=/home/ci/key.pem",
        "postgresql://localhost/ledger?sslcert=/home/ci/cert.pem",
        "postgresql://localhost/ledger?sslmode=disable",
        "postgresql://db.example.com/ledger?sslrootcert=/tmp/mine.pem",
        "postgresql://localhost/ledger?options=-c%20search_path%3Dx",
        "postgresql://localhost/host%3Delsewhere.com",
        "postgresql://localhost/postgresql%3A%2F%2Felsewhere.com",
        "postgresql://localhost/ledger?dbname=host%3Delsewhere.com",
        "postgresql://localhost",
        "host=localhost dbname=ledger",
    ],
)
def test_a_manifest_cannot_send_the_ledger_elsewhere(url: str) -> None:
    environ = {"RECONCILER_ALLOW_LEDGER_HOSTS": "db.example.com"}
    with pytest.raises(LedgerError) as caught:
        parse(url, environ=environ, trusted=False)
    assert caught.value.next_step
    assert "pw" not in f"{caught.value.message} {caught.value.next_step}"


def test_relative_files_count_from_the_base() -> None:
    assert parse("sqlite:///.reconciler/ledger.db", base=Path("shop")).path == Path("shop/.reconciler/ledger.db")
    assert parse("sqlite:////var/ledger.db", base=Path("shop")).path == Path("/var/ledger.db")


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
        path = parse(url).path
        path.parent.mkdir(parents=True)
        path.write_bytes(b"SQLite format 3")
    found = durability(url, environ)
    assert found.durable is durable
    assert found.reason


@pytest.mark.parametrize(
    ("name", "trusted", "durable"),
    [
        (".reconciler/emulator.db", False, False),
        (".reconciler/emulator.db", True, True),
        ("../kept/ledger.db", False, True),
        ("/kept-elsewhere/ledger.db", False, True),
    ],
)
def test_under_ci_a_file_that_a_manifest_names_in_the_working_tree_does_not_last(tmp_path, name, trusted, durable):
    url = parse(f"sqlite:///{name}", base=tmp_path, trusted=trusted)
    assert durability(url, {"CI": "true"}).durable is durable
    assert durability(url, {}).durable


def test_what_needs_a_lasting_ledger_is_refused_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LedgerNotDurable, match="--resume"):
        require_durable(DEFAULT_URL, {"CI": "true"}, "--resume")
    require_durable(DEFAULT_URL, {"CI": "true"}, "--resume", ephemeral=True)
    require_durable(DEFAULT_URL, {}, "--resume")
