"""SQL that is compiled once for all ledgers on PostgreSQL that a process of the tests opens, as it is for SQLite.

A command opens one such ledger and ends. Tests that run thousands of commands in one process would spend a third of
their time on compiling the same few statements again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from unittest import mock
from weakref import WeakKeyDictionary

import pytest
import sqlalchemy
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from reconciler.ledger import postgres


@pytest.fixture(scope="module", autouse=True)
def sql_compiled_once() -> Iterator[None]:
    """Ledgers that a module opens compile their SQL once. For a `conftest.py` to import."""
    with _compiled_once():
        yield


@contextmanager
def _compiled_once() -> Iterator[None]:
    """Within, all engines of PostgreSQL share what they compiled; each still connects and runs it for itself."""
    compiled: dict[Hashable, Any] = {}
    types: dict[type, MutableMapping[Any, Any]] = {}

    def create_engine(*arguments: Any, **options: Any) -> sqlalchemy.Engine:
        engine = sqlalchemy.create_engine(*arguments, execution_options={"compiled_cache": compiled}, **options)
        dialect: Any = engine.dialect
        dialect._type_memos = types.setdefault(type(dialect), WeakKeyDictionary())
        return engine

    with (
        mock.patch.object(postgres, "create_engine", create_engine),
        _equal(PGDialect_psycopg),
    ):
        yield


@contextmanager
def _equal(dialect: type) -> Iterator[None]:
    """Within, the dialects of a class are equal, which is how SQLAlchemy knows for whom it compiled something."""
    with (
        mock.patch.object(dialect, "__eq__", lambda one, other: type(one) is type(other)),
        mock.patch.object(dialect, "__hash__", lambda one: hash(type(one))),
    ):
        yield
