"""The JSON of what a mutation of the emulator touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mutation_to_json(touched: Mapping[str, list[Any]]) -> Mapping[str, list[Any]]:
    """Return what was touched, which is plain data already."""
    return touched
