"""Environments that one process works on share a ledger; where they do not, it says which has which."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.app.one_ledger import require_one_ledger
from reconciler.errors import UsageError
from reconciler.ledger.url import parse


def test_one_place_may_be_written_in_several_ways(tmp_path: Path) -> None:
    require_one_ledger({"a": parse(f"sqlite:///{tmp_path}/x.db"), "b": parse("sqlite:///x.db", base=tmp_path)})
    require_one_ledger({})


def test_several_ledgers_are_refused_with_the_list(tmp_path: Path) -> None:
    ledgers = {f"shop-{number}": parse(f"sqlite:///{tmp_path}/all.db") for number in range(7)}
    ledgers["other"] = parse("postgresql://me:secret@db.example.com/other")
    with pytest.raises(UsageError) as refused:
        require_one_ledger(ledgers)
    words = refused.value.message
    assert words == (
        "one process works on the environments of one ledger, and these have 2: other in "
        f"postgresql://db.example.com/other; shop-0, shop-1, shop-2, shop-3, shop-4 and 2 more in {tmp_path}/all.db"
    )
    assert "secret" not in str(refused.value)
