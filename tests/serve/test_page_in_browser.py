"""The page in a browser: nothing that axe finds, nothing inline, no word on the console, no wider than the screen.

`npm install --no-package-lock` in tests/serve/node puts puppeteer-core and axe-core there; the browser is chromium's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.serve.page.render import POLICY
from support.sample_service import TOKEN, sample_service

FOLDER = Path(__file__).parent / "node"
NODE, CHROMIUM = shutil.which("node"), shutil.which("chromium") or shutil.which("chromium-browser")
INSTALLED = all((FOLDER / "node_modules" / name).is_dir() for name in ("puppeteer-core", "axe-core"))


def browsed(**asked: Any) -> dict[str, Any]:
    """Have the browser look, and return what it found."""
    ended = subprocess.run(
        [str(NODE), "page.mjs", json.dumps({"chromium": CHROMIUM, **asked})],
        capture_output=True,
        text=True,
        cwd=FOLDER,
        timeout=300,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.mark.skipif(
    NODE is None or CHROMIUM is None or not INSTALLED,
    reason="node, chromium, puppeteer-core or axe-core is not installed",
)
def test_every_page_is_for_everybody_in_both_schemes_and_widths() -> None:
    lines: list[str] = []
    with sample_service(lines=lines) as url, sample_service(login=True) as closed:
        names = ("production", "staging", "sandbox", "legacy")
        pages = [{"name": name, "url": f"{url}/environments/{name}"} for name in names]
        pages += [{"name": "all", "url": f"{url}/"}, {"name": "login", "url": f"{closed}/login"}]
        pages += [{"name": "missing", "url": f"{url}/environments/none"}]
        found = browsed(
            pages=pages,
            walk=f"{url}/environments/production",
            token=TOKEN,
            login=f"{closed}/login?next=/environments/sandbox",
        )
    assert [line for line in lines if "failed" in line] == []
    assert len(found["pages"]) == 4 * len(pages)
    for page in found["pages"]:
        where = (page["name"], page["scheme"], page["size"])
        assert page["violations"] == [], where
        assert page["wider"] <= 0, where
        assert page["policy"] == POLICY, where
        if page["name"] == "missing":
            assert page["status"] == 404
        else:
            assert page["said"] == [], where
    assert found["keyboard"][0] == "Skip to the content"
    (reached,) = found["keyboard"][1:]
    assert reached.split(" of ")[0] == reached.split()[2]
    assert found["live"] == {"said": "Updated as it changes.", "anew": True, "open": True}
    assert found["login"] == {"path": "/", "inside": "Jane Log out", "without": "Environments", "said": []}
