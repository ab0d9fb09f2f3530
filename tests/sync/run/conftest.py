from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engine import Engine, open_engine, quick
from support.statements import compiled_once


@pytest.fixture(scope="module", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Runs compile their SQL once for a module."""
    with compiled_once():
        yield


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that waits for nothing, with the things a, b and c at the source."""
    quick(monkeypatch)
    with open_engine(tmp_path, a="A", b="B", c="C") as engine:
        yield engine
