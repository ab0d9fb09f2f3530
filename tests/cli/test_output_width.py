"""How wide results are where they go, and what is told twice: a terminal wraps, a pipe and a file do not."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import pytest

from reconciler.cli.options import Options
from reconciler.cli.terminal.output import error_style, is_read_with_stderr, result_style
from reconciler.report.style import UNWRAPPED, Style

Opener = Callable[..., TextIO]


@pytest.fixture
def terminal() -> Iterator[Opener]:
    """Return an opener of one terminal of so many columns."""
    master, slave = pty.openpty()

    with ExitStack() as files:

        def opened(columns: int = 80) -> TextIO:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
            return files.enter_context(os.fdopen(os.dup(slave), "w"))

        yield opened
    os.close(slave)
    os.close(master)


@pytest.mark.parametrize(("columns", "width"), [(60, 60), (80, 80), (160, 120)])
def test_a_terminal_wraps_at_its_width_but_not_beyond_what_reads_well(
    terminal: Opener, monkeypatch: pytest.MonkeyPatch, columns: int, width: int
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "stdout", terminal(columns))
    monkeypatch.setattr(sys, "stderr", terminal(columns))
    assert result_style(Options()).width == error_style(color=True).width == width


def test_columns_beats_what_the_terminal_says(terminal: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setattr(sys, "stdout", terminal(160))
    assert result_style(Options()).width == 72


def test_a_pipe_and_a_file_are_not_wrapped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    with (tmp_path / "out").open("w") as file:
        monkeypatch.setattr(sys, "stdout", file)
        monkeypatch.setattr(sys, "stderr", file)
        assert result_style(Options()).width == error_style(color=True).width == UNWRAPPED
        assert result_style(Options(output=tmp_path / "other")).width == UNWRAPPED


def test_a_step_to_take_stands_in_one_line_with_its_arrow_however_narrow_the_terminal() -> None:
    step = "→ reconciler apply -e emulator --target EntitySync/categories"
    assert Style(width=40).wrap(step, 6, hanging=2) == [f"      {step}"]


def test_notes_are_told_in_full_with_v_and_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not result_style(Options()).full
    assert result_style(Options(verbosity=1)).full
    assert result_style(Options(output=tmp_path / "other")).full


def test_one_reader_of_both_streams_is_known(terminal: Opener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "one").open("w") as one, (tmp_path / "two").open("w") as two:
        for stdout, stderr, expected in [
            (terminal(), terminal(), True),
            (one, one, True),
            (one, two, False),
            (one, terminal(), False),
        ]:
            monkeypatch.setattr(sys, "stdout", stdout)
            monkeypatch.setattr(sys, "stderr", stderr)
            assert is_read_with_stderr(Options()) is expected
        monkeypatch.setattr(sys, "stdout", two)
        assert not is_read_with_stderr(Options(output=tmp_path / "report"))
