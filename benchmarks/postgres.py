"""The PostgreSQL server of the tests, for rows that need one."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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


@contextmanager
def durable_server(folder: Path) -> Iterator[tuple[ModuleType, str]]:
    """Within, there is a server of its own, which writes as one in use does; also its URL."""
    found = postgres()
    found.SETTINGS = (
        "fsync=on",
        "log_min_messages=panic",
        "listen_addresses=",
        "shared_buffers=256MB",
        "max_wal_size=4GB",
    )
    place = folder / "server"
    place.mkdir()
    folder.chmod(0o755)
    server = found.Server(place)
    server.start()
    try:
        yield found, server.url
    finally:
        server.stop()
