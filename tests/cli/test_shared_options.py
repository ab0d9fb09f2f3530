"""The shared options stand before or after the command's name, and what stands later wins."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import click
import pytest
from msgspec.structs import replace

from reconciler.cli.options import Options
from reconciler.cli.terminal.output import wants_color
from reconciler.report.given import NOTHING, Given
from support.cli_probe import probes


def options_of(*arguments: str) -> Options:
    found = probes.main(list(arguments), "reconciler", standalone_mode=False, obj=Options())
    assert isinstance(found, Options)
    return found


def said(*arguments: str) -> Options:
    """The options without what a command that is shown has to repeat."""
    return replace(options_of(*arguments), given=NOTHING, format_is_default=False)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-m", "config"], Options(manifests=Path("config"))),
        (["--manifests=config"], Options(manifests=Path("config"))),
        (["-e", "one", "-e", "two"], Options(environments=("one", "two"))),
        (["--environment", "all"], Options(environments=("all",))),
        (["--format", "json"], Options(format="json")),
        (["--output", "out.txt"], Options(output=Path("out.txt"))),
        (["--no-color"], Options(color=False)),
        (["-vv"], Options(verbosity=2)),
        (["--verbose"], Options(verbosity=1)),
        ([], Options()),
    ],
)
def test_an_option_means_the_same_on_either_side(words: list[str], expected: Options) -> None:
    assert said(*words, "show") == expected
    assert said("show", *words) == expected


def test_a_format_that_all_are_to_have_is_no_error_for_a_command_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_FORMAT", "html")
    assert options_of("show").format == "text"
    assert options_of("show", "--format", "json").format == "json"
    monkeypatch.setenv("RECONCILER_FORMAT", "json")
    assert options_of("show").format == "json"


def test_that_another_format_is_written_than_was_wished_is_said_once_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECONCILER_FORMAT", "html")
    options_of("show")
    written = capsys.readouterr()
    assert written.err == (
        "RECONCILER_FORMAT: `reconciler show` has no format html, it has text, json. The result is text.\n"
    )
    assert "RECONCILER_FORMAT" not in written.out
    options_of("show", "--format", "json")
    monkeypatch.setenv("RECONCILER_FORMAT", "json")
    options_of("show")
    assert capsys.readouterr().err == ""


def test_what_stands_later_wins() -> None:
    found = options_of("-m", "a", "-e", "x", "--format", "text", "show", "-m", "b", "-e", "y", "--format", "json")
    assert (found.manifests, found.environments, found.format) == (Path("b"), ("y",), "json")


def test_what_stands_only_before_is_kept_when_others_stand_after() -> None:
    found = said("-m", "a", "--no-color", "show", "--format", "json", "--extra", "x")
    assert found == Options(manifests=Path("a"), color=False, format="json")


def test_a_dash_is_stdout() -> None:
    assert options_of("--output", "out.txt", "show", "--output", "-").output is None


def test_defaults_come_from_the_environment_and_what_is_written_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_MANIFESTS", "from-env")
    monkeypatch.setenv("RECONCILER_ENVIRONMENT", "one two")
    assert options_of("show") == Options(manifests=Path("from-env"), environments=("one", "two"))
    found = options_of("-m", "written", "show", "-e", "three")
    assert (found.manifests, found.environments) == (Path("written"), ("three",))
    assert options_of("-m", "written", "show").manifests == Path("written")


@pytest.mark.parametrize("words", ["--format html show", "show --format html", "--format x show"])
def test_a_format_that_the_command_lacks_is_refused_on_either_side(words: str) -> None:
    with pytest.raises(click.UsageError):
        options_of(*words.split())


@pytest.mark.parametrize("where", [0, 1])
def test_an_output_file_in_no_folder_is_refused_before_work(where: int) -> None:
    words = ["show"]
    words[where:where] = ["--output", "no-such-folder/out"]
    with pytest.raises(click.UsageError, match="does not exist"):
        options_of(*words)


def test_a_command_works_in_the_folder_that_c_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "infra" / "shop").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    found = options_of("-C", "infra", "show", "-C", "shop")
    assert found.chdir == Path("infra/shop")
    assert found.given == Given("infra/shop")
    assert Path.cwd() == tmp_path
    with pytest.raises(click.UsageError, match="does not exist"):
        options_of("-C", "elsewhere", "show")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
def test_colour_on_a_terminal(variables: dict[str, str], expected: bool) -> None:
    terminal = StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    assert wants_color(True, terminal, variables) is expected
    assert wants_color(False, terminal, variables) is False


@pytest.mark.parametrize("name", ["FORCE_COLOR", "CLICOLOR_FORCE"])
@pytest.mark.parametrize(("value", "expected"), [("1", True), ("3", True), ("0", False), ("", False)])
def test_colour_can_be_forced_where_no_terminal_is(name: str, value: str, expected: bool) -> None:
    assert wants_color(True, StringIO(), {name: value}) is expected
