"""The PostgreSQL server of the tests, for rows that need one."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from benchmarks.harness import REPOSITORY


def postgres() -> ModuleType:
    """Return what starts a server for tests, makes databases there and drops them."""
    spec = importlib.util.spec_from_file_location("bench_postgres", REPOSITORY / "tests" / "support" / "postgres.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # What defines dataclasses is looked up there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
