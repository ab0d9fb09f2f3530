"""The rules of the house: what may import what, how long things may get, what stands where."""

from __future__ import annotations

import ast
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "reconciler"
MODULES = sorted(PACKAGE.rglob("*.py"))
LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"
MODULE_LINES = 400
COMMAND_LINES = 80


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache", "--config", root / "pyproject.toml"],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


def test_a_room_imports_only_from_rooms_below_it() -> None:
    ended = lint_imports(ROOT)
    assert ended.returncode == 0, ended.stdout + ended.stderr


BROKEN = [
    ("manifest/hosts.py", "from reconciler.reconcile.plan import Plan"),
    ("emulator/clock.py", "from reconciler.ordercloud.lists import list_all"),
    ("ordercloud/kinds/order_sync.py", "import httpx"),
    ("reconcile/guard.py", "import sqlalchemy"),
    ("report/words.py", "import uvicorn"),
    ("app/plan.py", "import click"),
    ("app/plan.py", "from reconciler.report.words import moment"),
    ("sync/mode.py", "import rich"),
    ("app/doctor.py", "import httpx"),
    ("gitops/forge.py", "import httpx"),
    ("intake/inbox.py", "import confluent_kafka"),
    ("sync/run/due.py", "from reconciler.sync.products.model import Part"),
    ("errors.py", "from reconciler.manifest.load import load"),
]


def test_each_broken_wall_is_found(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    for module, line in BROKEN:
        with (tmp_path / "reconciler" / module).open("a") as file:
            file.write(f"\n{line}\n")
    ended = lint_imports(tmp_path)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    told = " ".join(ended.stdout.split())
    for module, line in BROKEN:
        importer = f"reconciler.{module.removesuffix('.py').replace('/', '.')}"
        imported = line.split()[1]
        assert re.search(rf"{re.escape(importer)} -> {re.escape(imported)} \(l\.\d+\)", told), (module, line, told)


def test_the_engine_names_nothing_that_flows() -> None:
    """Whatever a data type is about has its place there: the engine works for all of them."""
    words = re.compile(r"product|stock|price|pricing|variant|slug|\bsku", re.IGNORECASE)
    lines = [
        f"{path.name}:{number}: {line.strip()}"
        for path in sorted((PACKAGE / "sync" / "run").glob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if words.search(line)
    ]
    assert lines == []


def test_no_module_is_longer_than_one_job() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > MODULE_LINES} == {}


def test_a_command_parses_calls_renders_and_no_more() -> None:
    commands = [path for path in MODULES if "commands" in path.parts]
    assert len(commands) > 20
    long = {}
    for path in commands:
        functions = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        lines = sum((node.end_lineno or 0) - node.lineno + 1 for node in functions)
        if lines > COMMAND_LINES:
            long[str(path.relative_to(PACKAGE))] = lines
    assert long == {}


def test_a_file_of_commands_has_one_command() -> None:
    commands = [path for path in MODULES if "commands" in path.parts]
    several = {
        str(path.relative_to(PACKAGE)): count
        for path in commands
        if (count := path.read_text().count("\n@command(") + path.read_text().count("\n@click.group(")) > 1
    }
    assert several == {}


@dataclass
class Look:
    """What the rules look for in a module's text."""

    documented: bool = True
    imported: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def looks() -> dict[Path, Look]:
    """Every module, parsed and walked once."""
    return {path: look(ast.parse(path.read_text())) for path in MODULES}


def look(tree: ast.Module) -> Look:
    found = Look(documented=bool(ast.get_docstring(tree)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.imported.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Dict):
            keys = [ast.unparse(key) for key in node.keys if key is not None]
            found.twice += [key for key in set(keys) if keys.count(key) > 1]
    return found


def test_every_module_says_what_it_is_for(looks: dict[Path, Look]) -> None:
    assert [str(path) for path, found in looks.items() if not found.documented] == []


def test_helpers_of_tests_live_in_one_place() -> None:
    others = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if not path.name.startswith("test_") and path.name != "conftest.py" and "support" not in path.parts
    ]
    assert others == []


def test_every_import_is_a_declared_dependency(looks: dict[Path, Look]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {
        entry.partition(">=")[0].partition("[")[0].replace("-", "_")
        for entry in [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    }
    names = {"pyyaml": "yaml", "ruamel.yaml": "ruamel", "markdown_it_py": "markdown_it", "azure_storage_blob": "azure"}
    modules = {
        names.get(name, name.partition("_")[0] if name.startswith("opentelemetry_") else name) for name in declared
    }
    imported = set().union(*(found.imported for found in looks.values()))
    foreign = imported - set(sys.stdlib_module_names) - {"reconciler"}
    of_pydantic = {"annotated_types", "pydantic_core"}
    # emulator/pytest_plugin.py is imported by the pytest of whoever uses it, and by nothing else.
    of_its_host = {"pytest"}
    assert foreign - modules - of_pydantic - of_its_host == set()


def test_no_mapping_says_a_key_twice(looks: dict[Path, Look]) -> None:
    assert [f"{path.relative_to(ROOT)}: {key}" for path, found in looks.items() for key in found.twice] == []
