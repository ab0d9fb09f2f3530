"""Help that people like: grouped, with examples that exist, within 80 columns."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from reconciler.cli.command import Command
from reconciler.cli.command_table import TABLE, app
from reconciler.cli.options import Options


def commands() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for entry in TABLE:
        command = entry.load()
        found.append((entry.name, command))
        if isinstance(command, click.Group):
            found += [(f"{entry.name} {name}", child) for name, child in command.commands.items()]
    return found


ALL = commands()
RUNNABLE = [(name, command) for name, command in ALL if getattr(command, "examples", "")]


def help_of(name: str, command: click.Command) -> str:
    return command.get_help(click.Context(command, info_name=name, terminal_width=80, max_content_width=80))


@pytest.mark.parametrize(("name", "command"), [("", app), *ALL], ids=["app", *(name for name, _ in ALL)])
def test_help_fits_a_terminal(name: str, command: click.Command) -> None:
    assert [line for line in help_of(name, command).splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("columns", [60, 80, 160])
@pytest.mark.parametrize(("name", "command"), [("", app), *ALL], ids=["app", *(name for name, _ in ALL)])
def test_no_word_is_broken_and_no_sentence_cut_however_narrow_the_terminal_is(
    name: str, command: click.Command, columns: int
) -> None:
    def words(width: int) -> list[str]:
        return command.get_help(
            click.Context(command, info_name=name, terminal_width=width, max_content_width=width)
        ).split()

    assert words(columns) == words(1_000)


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_every_command_says_what_it_does_and_shows_it(name: str, command: click.Command) -> None:
    assert command.help
    if isinstance(command, Command):
        examples = [line.partition("#")[0] for line in command.examples.strip().splitlines()]
        assert any(line.strip() for line in examples)


@pytest.mark.parametrize(("name", "command"), RUNNABLE, ids=[name for name, _ in RUNNABLE])
def test_every_example_is_a_command_line_that_parses(name: str, command: click.Command) -> None:
    for line in command.examples.strip().splitlines():  # type: ignore[attr-defined]  # RUNNABLE has those only
        for call in re.findall(r"reconciler [^#|)\"]*(?:\"[^\"]*\"[^#|)\"]*)*", line.partition("#")[0]):
            words = shlex.split(call)[1:]
            context = app.make_context("reconciler", words, obj=Options(), resilient_parsing=False)
            found, inner, rest = app.resolve_command(context, [*context._protected_args, *context.args])
            assert inner is not None
            inner.make_context(found, rest, parent=context).close()


def test_the_sections_of_the_help_stay_together() -> None:
    sections = [entry.section for entry in TABLE]
    assert sections == sorted(sections, key=sections.index)
    assert len({entry.name for entry in TABLE}) == len(TABLE)
