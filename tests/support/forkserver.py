"""The process that commands are forked from gets the path of the tests, which Python gives it from 3.13 on."""

from __future__ import annotations

import os
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock


@cache
def has_server() -> None:
    """Start it, unless that was done."""
    with mock.patch.dict(os.environ, PYTHONPATH=str(Path(__file__).parents[1])):
        forkserver.ensure_running()
