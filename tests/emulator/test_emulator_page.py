"""docs/emulator.md: its Python and command lines are tried here, its console examples with those of the other pages."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from reconciler.cli.commands.emulate.emulate import emulate
from reconciler.emulator.faults import Effect
from reconciler.emulator.seeds.files import seed_of, shipped_seeds
from reconciler.emulator.testing import RunningEmulator, running_emulator

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_python_sdk_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    program = next(block for block in blocks("python") if "SyncOrderCloudClient" in block)
    with running_emulator(seed="corner-shop") as emulator:
        exec(program.replace("http://127.0.0.1:8800", emulator.url), {})
    assert capsys.readouterr().out == "['milk', 'tea']\n"


def test_the_pytest_example_passes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    conftest, example = blocks("python")[1:]
    pytester.makeconftest(conftest)
    pytester.makepyfile(example)
    pytester.runpytest_subprocess("--strict-markers", timeout=60).assert_outcomes(passed=1)


def test_the_seed_example_is_one() -> None:
    seed = seed_of(blocks("yaml")[0].encode(), "page")
    assert (seed.skipped, seed.remarks) == ({}, ())


def test_every_seed_and_every_fault_stands_in_the_page() -> None:
    assert [name for name in shipped_seeds() if f"--seed {name}`" not in PAGE] == []
    assert [effect for effect in Effect if f"`{effect}`" not in PAGE] == []


def test_what_the_table_of_the_fixture_names_is_there() -> None:
    names = first_column("## In pytest")
    assert len(names) > 12
    with running_emulator() as emulator:
        assert [name for name in names if not hasattr(emulator, name)] == []


def test_what_the_table_of_ignite_names_is_there_and_nothing_else() -> None:
    with running_emulator() as emulator:
        paths = endpoints(emulator)
    below = "/_emulator/sites/{site}/ignite/"
    assert first_column("### Ignite") == {path.removeprefix(below) for path in paths if path.startswith(below)}


def first_column(heading: str) -> set[str]:
    """Return the names that begin the rows of the table below a heading."""
    section = re.split(r"^#+ ", PAGE.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)", row)}


def test_every_command_line_of_the_page_and_the_container_parses() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("reconciler emulate")]
    image = re.search(
        r'^ENTRYPOINT \["reconciler", "emulate", (.*)\]$', (ROOT / "Containerfile").read_text(), re.MULTILINE
    )
    assert image is not None
    entry = image.group(1).replace('"', "").replace(",", "")
    lines += [f"reconciler emulate {entry} --products 500"]
    assert len(lines) == 3
    for line in lines:
        words = shlex.split(line.partition(">")[0], comments=True)[2:]
        context = emulate.make_context("emulate", words, resilient_parsing=False)
        assert context.params["port"] == 8800


def test_the_endpoints_of_the_page_are_there() -> None:
    named = set(re.findall(r"`?(?:GET|POST|PUT|DELETE) (/_emulator[a-z/{}-]*)`", PAGE)) | set(
        re.findall(r"\$EMULATOR(/_emulator/[a-z/-]+)", PAGE)
    )
    with running_emulator() as emulator:
        there = re.compile("|".join(re.sub(r"{\w+}", "[a-z{}]+", path) for path in endpoints(emulator)))
    assert len(named) > 25
    assert [path for path in named if not there.fullmatch(path)] == []


def endpoints(emulator: RunningEmulator) -> set[str]:
    return {entry["path"] for entry in emulator.control("GET", "")["endpoints"]}
