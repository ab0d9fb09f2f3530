"""How tables of the ledger are made."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, MetaData, Table

from reconciler.ledger.columns import Checked, Number, Words

metadata = MetaData()


def table(name: str, *columns: Column[Any]) -> Table:
    """Make a table of the ledger; a damaged value names its column."""
    made = Table(name, metadata, *columns)
    for column in made.columns:
        if isinstance(column.type, Checked):
            column.type.column = str(column)
    return made


def key(name: str, of: type[Words] | type[Number] = Words) -> Column[Any]:
    """Make a column of the primary key."""
    return Column(name, of, primary_key=True)


def optional(name: str, of: type[Checked[Any]]) -> Column[Any]:
    """Make a column without NOT NULL."""
    return Column(name, of(optional=True))
