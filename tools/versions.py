"""Renew constraints.txt, print the oldest or newest versions allowed, and name the package that breaks the tests.

python tools/versions.py renew           write constraints.txt anew
python tools/versions.py newest|oldest   print constraints for the newest or oldest versions that pyproject.toml allows
python tools/versions.py blame           after failed tests: put back one package after the other, and try again
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
HEADER = """\
# What `make test`, `make demo` and CI install. `make constraints` renews it.
# The package itself is not bound to it: its ranges stand in pyproject.toml.
"""
MOST_TESTS = 20  # of the failed ones, for each package that is tried


def main() -> None:
    """Run the command that the first word names."""
    commands = {"renew": renew, "newest": newest, "oldest": oldest, "blame": blame}
    command = commands.get(" ".join(sys.argv[1:]))
    if command is None:
        sys.exit(__doc__)
    command()


def renew() -> None:
    """Write the newest versions that pyproject.toml allows, for every Python and platform."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        tools = Path(folder) / "bin"
        subprocess.run([tools / "pip", "--disable-pip-version-check", "--quiet", "install", "uv"], check=True)
        pip = Path(folder) / "pip.in"
        pip.write_text("pip\n", encoding="utf-8")
        options = "--universal --all-extras --group dev --upgrade --system-certs --quiet --no-header --no-annotate"
        compile_all = [tools / "uv", "pip", "compile", *options.split(), "--python-version", _oldest_python()]
        compiled = subprocess.run(
            [*compile_all, "pyproject.toml", pip], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
    CONSTRAINTS.write_text(HEADER + compiled.stdout, encoding="utf-8")


def newest() -> None:
    """Print constraints that bind nothing, so that the newest versions are installed."""
    print("# pyproject.toml alone decides.")


def oldest() -> None:
    """Print constraints for the lower bounds of pyproject.toml, and for the tools those of constraints.txt.

    What the oldest versions depend on themselves is left to them: some of them name one version only.
    """
    for name, version in lower_bounds().items():
        print(f"{name}=={version}")
    # Without what stands behind a name: extras, versions, for which platforms.
    tools = {_normal(re.split(r"[\[<>=!~; ]", tool)[0]) for tool in _pyproject()["dependency-groups"]["dev"]}
    for line in _constraints():
        if line.partition("==")[0] in tools:
            print(line)


def blame() -> None:
    """Name the packages whose version in constraints.txt lets the failed tests of the last run pass again."""
    if find_spec("packaging") is None:
        sys.exit("No test ran: these versions cannot be installed together, as pip says above")
    changed = {
        name: (version, metadata.version(name))
        for name, version in pins().items()
        if _is_installed(name) and metadata.version(name) != version
    }
    if not changed:
        _say("No package differs from constraints.txt")
        return
    _say(f"Other versions than in constraints.txt: {', '.join(f'{name} {now}' for name, (_, now) in changed.items())}")
    guilty = [name for name in changed if _passes_without(name, changed)]
    for name in guilty:
        pinned, now = changed[name]
        _say(f"The tests fail with {name} {now} and pass with {name} {pinned}")
    if not guilty:
        _say("None of them alone is to blame: the tests fail with each put back")


def lower_bounds() -> dict[str, str]:
    """Return the lowest version of each direct dependency that pyproject.toml allows, extras included."""
    project = _pyproject()["project"]
    extras = project["optional-dependencies"].values()
    found: dict[str, str] = {}
    for requirement in [*project["dependencies"], *(each for extra in extras for each in extra)]:
        match = re.match(r"([\w.-]+)(?:\[[^]]*\])?\s*>=\s*([\d.]+)", requirement)
        if match is not None:
            found[_normal(match[1])] = match[2]
        elif not requirement.startswith(project["name"]):
            sys.exit(f"pyproject.toml: {requirement} has no lower bound")
    return found


def pins() -> dict[str, str]:
    """Return the versions in constraints.txt that hold for this Python and platform."""
    # It comes with the tools; the other commands run before there are any.
    from packaging.requirements import Requirement

    found = [Requirement(line) for line in _constraints()]
    return {
        _normal(each.name): next(iter(each.specifier)).version
        for each in found
        if each.marker is None or each.marker.evaluate()
    }


def _constraints() -> list[str]:
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _passes_without(name: str, changed: dict[str, tuple[str, str]]) -> bool:
    """Try the tests that failed again, with the pinned version of one package; then put everything back."""
    # The option --last-failed would run all tests where a whole module failed.
    failed = sorted(json.loads((ROOT / ".pytest_cache/v/cache/lastfailed").read_text(encoding="utf-8")))[:MOST_TESTS]
    _install(f"{name}=={changed[name][0]}")
    pytest = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *failed]
    passed = subprocess.run(pytest, check=False, cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 0
    _install("--no-deps", *(f"{other}=={now}" for other, (_, now) in changed.items()))
    return passed


def _install(*words: str) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    # What does not go together is no news here: the tests fail with it.
    subprocess.run([*pip, *words], check=False, cwd=ROOT, stderr=subprocess.DEVNULL)


def _is_installed(name: str) -> bool:
    return any(True for _ in metadata.distributions(name=name))


def _say(message: str) -> None:
    print(f"::error::{message}" if os.environ.get("GITHUB_ACTIONS") else message, flush=True)


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _oldest_python() -> str:
    return _pyproject()["project"]["requires-python"].removeprefix(">=")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
