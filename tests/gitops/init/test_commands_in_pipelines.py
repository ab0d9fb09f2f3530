"""Every command that stands in a pipeline or in the Action is one that the command line takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconciler.cli.command_table import app
from reconciler.cli.options import Options
from reconciler.gitops.init.pipelines import FILES, pipelines
from support.pipelines import NEEDS

ACTION = (Path(__file__).parents[3] / "action.yml").read_text()
TEXTS = {path: text for ci in FILES for path, text in pipelines(ci, NEEDS, "main").items()} | {"action.yml": ACTION}
FILLED_IN = {
    '"$DIGEST"': "sha256:1",
    '"$RULE"': "maxDeletes",
    '"$@"': "--gated plan.json",
    '"${records[@]}"': "products p",
}


def commands(text: str) -> Iterator[str]:
    """Yield the words after `reconciler`, with something for what a shell fills in."""
    text = re.sub("^name: .*", "", text, flags=re.MULTILINE).replace(
        '"$RUNNER_TEMP/reconciler/bin/reconciler"', "reconciler"
    )
    for call in re.findall(r"(?:exec |- |: |\|\| |\) |^ +)reconciler ([a-z][a-z -]* .*)", text, re.MULTILINE):
        call = re.split(r" \|\| | > | ;;", call)[0]
        for written, value in FILLED_IN.items():
            call = call.replace(written, value)
        call = re.sub(r"\$\{\w+:\+([^}]*)\}", r"\1", call)  # what stands there where the variable is set
        call = re.sub(r"\$\(Pipeline.Workspace\)|\$RUNNER_TEMP", ".", call)
        yield re.sub(r"\$\{[^}]*\}|\$\([^)]*\)|\$\w+", "a" * 40, call)


@pytest.mark.parametrize("path", TEXTS)
def test_it_parses(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = dict.fromkeys(commands(TEXTS[path]))
    assert found or path == ".gitlab-ci.yml"
    for call in found:
        words = shlex.split(call)
        for word in words:
            Path(word).parent.mkdir(parents=True, exist_ok=True)
        context = app.make_context("reconciler", words, obj=Options())
        while isinstance(context.command, click.Group) and (rest := [*context._protected_args, *context.args]):
            name, inner, rest = context.command.resolve_command(context, rest)
            assert inner is not None, call
            context = inner.make_context(name, rest, parent=context)


def test_a_command_that_is_none_is_found() -> None:
    found = list(commands("- run: exec reconciler plan --nothing\n    reconciler gitops approved --output x || y=1\n"))
    assert found == ["plan --nothing", "gitops approved --output x"]
