from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.statements import compiled_once


@pytest.fixture(scope="module", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Ledgers that a module opens compile their SQL once."""
    with compiled_once():
        yield
