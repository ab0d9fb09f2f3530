"""A migration that takes something from older programs waits for their end; one that only adds waits for nobody."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update

from reconciler.clock import utc_now
from reconciler.errors import LedgerError
from reconciler.ledger import schema
from reconciler.ledger.config.services import SILENT, ServiceStore
from reconciler.ledger.postgres import PostgresDatabase
from reconciler.ledger.service_tables import services
from reconciler.ledger.sqlite import SqliteDatabase
from reconciler.ledger.url import parse
from reconciler.ledger.writer import Ledger


def with_service(url: str, version: int, **told: object) -> None:
    """Have a service on another machine work with a ledger, which is of this version."""
    with Ledger.open(url) as ledger:
        ServiceStore(ledger.database).seen(["shop"], "serve of jane on web-1", None)
        said = {"machine": "elsewhere", "schema_version": version, **told}
        ledger.database.run(lambda tx: tx.connection.execute(update(services).values(said)))


@pytest.fixture
def one_step_later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make this program the next one."""

    def become(oldest_writer: int) -> None:
        added = {schema.VERSION + 1: ("CREATE TABLE added (id integer)",)}
        steps = {database: {**schema.steps(database), **added} for database in ("sqlite", "postgres")}
        monkeypatch.setattr(schema, "steps", steps.__getitem__)
        monkeypatch.setattr(schema, "OLDEST_WRITER", oldest_writer)
        monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)

    return become


def migrated(url: str) -> int:
    """Migrate a ledger as this program would, and return the version from before."""
    place = parse(url)
    if place.path is not None:
        SqliteDatabase.create(place, newest=schema.VERSION).close()
        return schema.VERSION - 1
    database = PostgresDatabase(place)
    try:
        return database.bring_up_to_date(schema.VERSION)
    finally:
        database.close()


def test_a_step_that_only_adds_waits_for_nobody(ledger_url: str, one_step_later: Callable[[int], None]) -> None:
    with_service(ledger_url, schema.VERSION)
    one_step_later(schema.OLDEST_WRITER)
    assert migrated(ledger_url) == schema.VERSION - 1


def test_a_step_that_takes_something_is_refused_while_an_older_process_lives(
    ledger_url: str, one_step_later: Callable[[int], None]
) -> None:
    with_service(ledger_url, schema.VERSION)
    one_step_later(schema.VERSION + 1)
    with pytest.raises(LedgerError, match="could not write any more: serve of jane on web-1") as refused:
        migrated(ledger_url)
    assert "end them, and migrate again" in (refused.value.next_step or "")
    with pytest.raises(LedgerError):
        migrated(ledger_url)


def test_one_that_gave_no_sign_of_life_for_long_counts_as_gone(
    ledger_url: str, one_step_later: Callable[[int], None]
) -> None:
    with_service(ledger_url, schema.VERSION, seen_at=utc_now() - 2 * SILENT)
    one_step_later(schema.VERSION + 1)
    assert migrated(ledger_url) == schema.VERSION - 1


def test_a_process_of_the_new_version_is_in_nobodys_way(ledger_url: str, one_step_later: Callable[[int], None]) -> None:
    with_service(ledger_url, schema.VERSION + 1)
    one_step_later(schema.VERSION + 1)
    assert migrated(ledger_url) == schema.VERSION - 1
