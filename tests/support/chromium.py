"""Chromium without a screen: the one that the machine has, else the one that an npm package carries along."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "serve" / "node"
_NODE = shutil.which("node")
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def missing() -> str | None:
    """Return what is not here that a browser needs; None: nothing."""
    names = ["axe-core", "puppeteer-core"]
    if _CHROMIUM is None:
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            return "chromium is not installed, and no package has it for this machine"
        names.append("@sparticuz/chromium")
    if _NODE is None:
        return "node is not installed"
    absent = [name for name in names if not (FOLDER / "node_modules" / name).is_dir()]
    return f"{', '.join(absent)} not in {FOLDER.name}/node_modules" if absent else None


def browsed(**asked: Any) -> dict[str, Any]:
    """Have the browser look, as tests/serve/node/page.mjs says, and return what it found."""
    with tempfile.TemporaryDirectory(prefix="browser-") as folder:
        here = {"TMPDIR": folder, "HOME": folder, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        ended = subprocess.run(
            [str(_NODE), "page.mjs", json.dumps({"chromium": _CHROMIUM, **asked})],
            capture_output=True,
            text=True,
            cwd=FOLDER,
            timeout=600,
            env={**os.environ, **here},
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found
