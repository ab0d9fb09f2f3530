"""The vendor's JavaScript SDK from npm, unchanged but for its URL, works against the emulator.

`npm install --no-package-lock` in tests/emulator/node puts it there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.emulator.testing import running_emulator

FOLDER = Path(__file__).parent / "node"
NODE = shutil.which("node")
INSTALLED = (FOLDER / "node_modules" / "ordercloud-javascript-sdk").is_dir()


@pytest.mark.skipif(NODE is None or not INSTALLED, reason="node or ordercloud-javascript-sdk is not installed")
def test_the_life_of_every_main_resource() -> None:
    with running_emulator() as emulator:
        url = emulator.ordercloud_url.removesuffix("/v1")
        ended = subprocess.run(
            [str(NODE), "life.mjs", url],
            capture_output=True,
            text=True,
            cwd=FOLDER,
            timeout=300,
            env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count(": ok") == 20
