"""`reconciler init` as a command: an empty folder becomes a repository whose manifests are valid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_an_empty_folder_becomes_a_repository(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "reconciler", *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)

    begun = run("init", "shop", "--ci", "github", "-e", "emulator", "-e", "sandbox", "--branch", "trunk")
    assert begun.returncode == 0, begun.stderr
    assert "`reconciler -C shop validate` checks them" in begun.stdout
    assert 'branches: ["trunk"]' in (tmp_path / "shop/.github/workflows/reconciler-apply.yml").read_text()
    checked = run("-C", "shop", "validate")
    assert (checked.returncode, checked.stdout) == (0, "✓ No problems (5 manifests read).\n")
