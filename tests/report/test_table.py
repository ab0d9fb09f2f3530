"""The table of renderers: each is there and takes what its subject says; the formats of commands come from it."""

from __future__ import annotations

import inspect
import json

import click
import pytest

from reconciler.cli.command import Command
from reconciler.cli.command_table import TABLE
from reconciler.report.renderers import FORMATS, PROBLEMS, SUBJECTS
from reconciler.report.style import Style
from support.report_samples import SAMPLE_PROBLEMS

EVERY = [(name, format_name) for name, subject in SUBJECTS.items() for format_name in subject.formats]


@pytest.mark.parametrize(("name", "format_name"), EVERY)
def test_every_renderer_is_there_and_those_of_a_subject_take_the_same_values(name: str, format_name: str) -> None:
    subject = SUBJECTS[name]

    def values(renderer: str) -> int:
        parameters = inspect.signature(subject.renderer(renderer)).parameters.values()
        return sum(each.kind is not inspect.Parameter.KEYWORD_ONLY and each.name != "style" for each in parameters)

    assert values(format_name) == values("text")
    assert ("style" in inspect.signature(subject.renderer(format_name)).parameters) == (format_name == "text")


def test_the_formats_of_commands_are_those_of_the_table() -> None:
    subjects = {subject.formats for subject in SUBJECTS.values()}

    def formats(command: click.Command) -> set[tuple[str, ...]]:
        if isinstance(command, click.Group):
            return set().union(*(formats(child) for child in command.commands.values()))
        return {command.formats} if isinstance(command, Command) else set()

    used = set().union(*(formats(entry.load()) for entry in TABLE))
    assert used - {("text",)} <= subjects
    assert {name for each in used for name in each} <= set(FORMATS)


def test_one_result_is_itself_and_several_are_an_array() -> None:
    warnings: list[object] = []
    one = PROBLEMS.render_each("json", [(SAMPLE_PROBLEMS, warnings)])  # type: ignore[list-item]
    several = PROBLEMS.render_each("json", [(SAMPLE_PROBLEMS, warnings)] * 2)  # type: ignore[list-item]
    assert json.loads(several) == [json.loads(one)] * 2


def test_text_takes_a_style_and_other_formats_do_without() -> None:
    assert "\x1b[" in PROBLEMS.render("text", SAMPLE_PROBLEMS, (), style=Style(color=True))
    assert "\x1b[" not in PROBLEMS.render("text", SAMPLE_PROBLEMS, ())
    assert PROBLEMS.render("github", SAMPLE_PROBLEMS, (), style=Style(color=True)).startswith("::error")
