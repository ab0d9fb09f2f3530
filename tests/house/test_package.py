"""The wheel: what is in it, and that it works where nothing of this checkout is."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.errors import MissingExtra

ROOT = Path(__file__).parents[2]
pytest.importorskip("hatchling", reason="building needs the build backend")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT],
        check=True,
        timeout=300,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment without pip and return the command; dependencies come from this one."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(folder / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True, timeout=120)
    return folder / "bin" / "reconciler"


def run(command: Path, *arguments: str, blocked: str = "") -> subprocess.CompletedProcess[str]:
    """Run the installed command with the dependencies of this environment, less the blocked modules."""
    start = (
        f"import sys; sys.modules |= dict.fromkeys({blocked.split()!r}); sys.argv[0] = 'reconciler';"
        "from reconciler.cli.main import main; main()"
    )
    return subprocess.run(
        [command.parent / "python", "-c", start, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT / "manifests",
        env={**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")},
    )


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "reconciler").rglob("*.py")}
    assert modules <= names
    assert {"reconciler/py.typed", "reconciler/example_manifests/environments/emulator.yaml"} <= names
    assert "reconciler/emulator/seeds/workwear.yaml" in names
    assert {name.partition("/")[0] for name in names} == {
        "reconciler",
        f"ordercloud_reconciler-{__version__}.dist-info",
    }
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_command_is_installed(installed: Path) -> None:
    ended = subprocess.run([installed, "--version"], capture_output=True, text=True, timeout=60)
    assert ended.stdout == f"reconciler {__version__}\n"


def test_the_base_install_checks_manifests(installed: Path) -> None:
    ended = run(installed, "validate", "-m", ".", blocked="starlette uvicorn")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("command", ["plan", "apply", "drift", "import", "doctor"])
def test_the_base_install_has_the_main_commands(installed: Path, command: str) -> None:
    ended = run(installed, command, "--help", blocked="starlette uvicorn")
    assert ended.returncode == 0, ended.stderr


def test_the_distribution_is_not_called_what_somebody_else_has_and_leans_on_no_inside_without_a_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (project["name"], [*project["scripts"]]) == ("ordercloud-reconciler", ["reconciler"])
    [uvicorn] = [each for each in project["optional-dependencies"]["emulator"] if each.startswith("uvicorn")]
    assert ",<" in uvicorn  # the emulator leans on its inside


def test_a_missing_extra_is_named_by_its_packages_since_no_index_has_the_distribution(installed: Path) -> None:
    ended = run(installed, "emulate", blocked="starlette uvicorn")
    assert ended.returncode == 1
    told = " ".join(ended.stderr.split())
    assert "Install it: `pip install '" in told
    assert "'uvicorn<" in told
    assert "reconciler[" not in ended.stderr


@pytest.mark.parametrize(
    ("requires", "hint"),
    [
        (
            ["click>=8", "psycopg[binary]<4,>=3.2; extra == 'postgres'", "uvicorn; extra == 'all'"],
            "'psycopg[binary]<4,>=3.2'",
        ),
        (['a>=1; extra == "postgres"', "b; python_version < '3.12' and extra == 'postgres'"], "'a>=1' 'b'"),
    ],
)
def test_the_hint_follows_from_what_the_extra_requires(
    requires: list[str], hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "requires", lambda _: requires)
    assert MissingExtra("PostgreSQL", "postgres").next_step == f"Install it: `pip install {hint}`."


def test_the_hint_does_without_an_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", not_found)
    assert MissingExtra("PostgreSQL", "postgres").next_step == "Install what pyproject.toml names under `postgres`."
