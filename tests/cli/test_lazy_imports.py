"""What a command does not need, it does not import: that is what keeps it quick."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
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


def test_validate_opens_no_session_so_it_imports_neither_event_loop_nor_ledger() -> None:
    modules = modules_after("validate", "manifests/delivery")
    assert not {name for name in modules if name == "asyncio" or name.startswith("reconciler.ledger")}


HELPS = """
import sys
bare = set(sys.modules)
import io
from contextlib import redirect_stdout
from reconciler.cli.command_table import app
from reconciler.cli.run import run

def walk(path, command):
    with redirect_stdout(io.StringIO()):
        assert run([*path, "--help"]) == 0, path
    print(" ".join(path), *sorted(set(sys.modules) - bare), sep="\\t", file=sys.stderr)
    bare.update(sys.modules)
    for name, below in getattr(command, "commands", {}).items():
        walk([*path, name], below.entry.load() if hasattr(below, "entry") else below)

walk([], app)
"""
# What a help may import of ours beside reconciler/cli: what options are made of, and what every command says and hears.
OF_A_HELP = {
    "reconciler",
    "reconciler.app",
    "reconciler.app.files",
    "reconciler.app.signals",
    "reconciler.clock",
    "reconciler.errors",
    "reconciler.gitops",
    "reconciler.gitops.forge_names",
    "reconciler.ordercloud",
    "reconciler.ordercloud.resync_types",
    "reconciler.report",
    "reconciler.report.escape",
    "reconciler.report.given",
    "reconciler.report.renderers",
    "reconciler.sparklayer",
    "reconciler.sparklayer.sync_log_types",
    "reconciler.sync",
    "reconciler.sync.mode",
    "reconciler.unseen",
    "reconciler.words",
}
# What of reconciler/cli only shows what commands find, or plays the demo: no options are in there.
RUN_ONLY = {f"reconciler.cli.{name}" for name in ("demo", "demo_pages")} | {
    f"reconciler.cli.terminal.{name}" for name in ("bar", "faces", "healing", "pausing", "progress")
}
# What of the standard library is dear: each costs a good part of what a bare interpreter costs, or more.
DEAR = {
    "asyncio", "concurrent", "email", "html", "http", "json", "logging", "socket", "sqlite3", "ssl", "subprocess",
    "tempfile", "traceback",
}  # fmt: skip
SITE = Path(click.__file__).parents[1]


def test_the_help_of_every_command_imports_options_and_nothing_that_commands_run() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HELPS], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    installed = {path.name.partition(".")[0] for path in SITE.iterdir() if (path / "__init__.py").exists()}
    # Each line names a command, and what its help has imported that was not there yet.
    needless = {}
    for line in ended.stderr.splitlines():
        command, *modules = line.split("\t")
        ours = {name for name in modules if name.partition(".")[0] == "reconciler"}
        foreign = {name.partition(".")[0] for name in modules} & installed - {"click", "msgspec", "reconciler"}
        extra = {name for name in ours - OF_A_HELP if not name.startswith("reconciler.cli")} | ours & RUN_ONLY
        if found := extra | foreign | DEAR.intersection(modules):
            needless[command] = sorted(found)
    assert needless == {}
    assert {"plan", "sync run", "gitops comment"} <= {line.split("\t")[0] for line in ended.stderr.splitlines()}


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
