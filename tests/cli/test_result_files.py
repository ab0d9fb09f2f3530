"""A result file is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.app import files
from reconciler.app.files import write_file
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import wants_color, write_result
from reconciler.errors import OutputError


def test_a_result_replaces_the_file_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("old")
    path.chmod(0o640)
    write_file(path, "new → text\n")
    assert path.read_text(encoding="utf-8") == "new → text\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


def test_a_new_file_gets_the_usual_mode(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "plan.json", "{}")
    finally:
        os.umask(before)
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_pipe_is_written_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_file(pipe, "text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.json"
    path.write_text("old")

    def no_room(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.Path, "replace", no_room)
    with pytest.raises(OutputError, match="No space left"):
        write_file(path, "new")
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("plan.json", "old")]


def test_the_file_gets_the_result_and_stdout_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_result(Options(output=tmp_path / "out"), "text\n")
    captured = capsys.readouterr()
    assert (captured.out, (tmp_path / "out").read_text()) == ("", "text\n")
    assert "Wrote" in captured.err


class Terminal:
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("allowed", "environ", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour_needs_a_terminal_that_wants_it(allowed: bool, environ: dict[str, str], expected: bool) -> None:
    assert wants_color(allowed, Terminal(), environ) is expected  # type: ignore[arg-type]  # two members are enough
    assert wants_color(allowed, None, environ) is False
