"""The shared options stand before or after the command's name, and what stands later wins."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from reconciler.cli.options import Options
from support.cli_probe import probes


def options_of(*arguments: str) -> Options:
    found = probes.main(list(arguments), "reconciler", standalone_mode=False, obj=Options())
    assert isinstance(found, Options)
    return found


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
    assert options_of(*words, "show") == expected
    assert options_of("show", *words) == expected


def test_what_stands_later_wins() -> None:
    found = options_of("-m", "a", "-e", "x", "--format", "text", "show", "-m", "b", "-e", "y", "--format", "json")
    assert (found.manifests, found.environments, found.format) == (Path("b"), ("y",), "json")


def test_what_stands_only_before_is_kept_when_others_stand_after() -> None:
    found = options_of("-m", "a", "--no-color", "show", "--format", "json", "--extra", "x")
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
