from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engine import Engine, open_engine, quick
from support.statements import sql_compiled_once  # noqa: F401 - a fixture for all tests here


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that waits for nothing, with the things a, b and c at the source."""
    quick(monkeypatch)
    with open_engine(tmp_path, a="A", b="B", c="C") as engine:
        yield engine
