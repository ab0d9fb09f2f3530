"""What a command does not need, it does not import: that is what keeps it quick."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"httpx", "sqlalchemy", "psycopg", "starlette", "uvicorn", "rich", "jsonschema", "deepdiff", "ruamel.yaml"}
LOOK = """
import sys
sys.argv = ["reconciler", *sys.argv[1:]]
from reconciler.cli.main import main
try:
    main()
except SystemExit:
    pass
print(*sorted(sys.modules), file=sys.stderr)
"""


def modules_after(*arguments: str) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-c", LOOK, *arguments], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    return set(ended.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["validate", "manifests/delivery"],
        ["validate", "manifests/delivery", "--format", "json"],
        ["schema", "--check"],
        ["completion", "bash"],
    ],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy(words: list[str]) -> None:
    assert not modules_after(*words) & HEAVY


def test_validate_imports_what_judges_policies_and_nothing_else_that_is_heavy() -> None:
    assert modules_after("validate") & HEAVY == {"jsonschema"}


HELPS = """
import io, sys
from contextlib import redirect_stdout
from reconciler.cli.command_table import TABLE
from reconciler.cli.run import run

def show_help(*path):
    before = set(sys.modules)
    with redirect_stdout(io.StringIO()):
        assert run([*path, "--help"]) == 0, path
    print(*path, *sorted(set(sys.modules) - before), sep="\\t", file=sys.stderr)

for entry in TABLE:
    show_help(entry.name)
    for name in getattr(entry.load(), "commands", ()):
        show_help(entry.name, name)
"""


def test_the_help_of_no_command_imports_anything_heavy() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HELPS], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    # Each line names a command, and what its help has imported that was not there yet.
    lines = [line.split("\t") for line in ended.stderr.splitlines()]
    assert {"plan", "sync"} <= {line[0] for line in lines}
    assert [line[:2] for line in lines if HEAVY & set(line)] == []


def test_status_of_data_syncs_needs_no_client_and_no_terminal_library() -> None:
    assert not modules_after("sync", "status", "-e", "emulator", "--offline") & {"httpx", "rich", "starlette"}


def test_help_imports_no_command_and_no_model() -> None:
    modules = modules_after("--help")
    assert "pydantic" not in modules
    assert {name for name in modules if name.startswith("reconciler.cli.commands.")} == set()


def test_version_imports_next_to_nothing() -> None:
    modules = modules_after("--version")
    assert {name for name in modules if name.startswith("reconciler")} == {
        "reconciler",
        "reconciler.cli",
        "reconciler.cli.main",
    }
    assert not modules & {"click", "dataclasses", "pydantic", "json"}
