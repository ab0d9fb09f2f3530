"""Our own workflows and the Action: linters find nothing, and they are pinned as we tell others to pin theirs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.linters import actionlint

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"


@pytest.mark.parametrize(
    "command",
    [
        actionlint(*WORKFLOWS),
        ["zizmor", "--offline", "--no-progress", "--quiet", "--no-config", ACTION, *WORKFLOWS],
        ["check-jsonschema", "--builtin-schema", "vendor.github-actions", ACTION],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS],
    ],
    ids=lambda command: f"{command[0]} {command[-1].name}",
)
def test_linters_find_nothing(command: list[str]) -> None:
    ended = subprocess.run([BIN / command[0], *command[1:]], capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_actions_are_pinned_by_commit() -> None:
    used = [line for path in (ACTION, *WORKFLOWS) for line in re.findall(r"uses: (.*)", path.read_text())]
    pinned = re.compile(r"\./ # .*|[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+")
    assert [line for line in used if not pinned.fullmatch(line)] == []
