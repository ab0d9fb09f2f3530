"""Linters of the development tools, where a platform has not all of them."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

import pytest


def actionlint(*files: Path | str) -> Any:
    """Return a test's parameter: the command line of actionlint, which has no wheel for Macs with Intel processors."""
    is_missing = sys.platform == "darwin" and platform.machine() == "x86_64"
    command = ["actionlint", "-shellcheck=", "-pyflakes=", *files]
    return pytest.param(command, marks=pytest.mark.skipif(is_missing, reason="actionlint has no wheel for Intel Macs"))
