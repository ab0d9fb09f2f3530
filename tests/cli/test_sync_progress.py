"""Progress of a run: a bar on a terminal, a line now and then elsewhere; and what a run's end means as exit status."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from reconciler.cli.exit_status import Status, run_status
from reconciler.cli.sync_options import asked_mode
from reconciler.cli.terminal.bar import _fitting
from reconciler.cli.terminal.progress import PlainLines
from reconciler.errors import UsageError
from reconciler.sync.mode import Mode
from reconciler.sync.run.progress import Phase, Progress
from reconciler.sync.run.report import RunReport, State

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SHOW = """
from reconciler.cli.terminal.output import say
from reconciler.cli.terminal.progress import progress_display
from reconciler.sync.run.progress import Phase, Progress

with progress_display(color=False) as display:
    display.show(Progress(Phase.READING, 30, 300, 12, 2, 9.5, 28.0))
    say("a line [bold]beside[/bold] the bar")
    display.show(Progress(Phase.READING, 60, 300, waiting="SparkLayer:\\x1b[2J [red]rate[/red] limited"))
    display.clear()
    display.show(Progress(Phase.CLOSING))
print("the end")
"""


def on_a_terminal(**variables: str) -> str:
    """Return what the script writes to a terminal."""
    master, slave = pty.openpty()
    env = {**os.environ, "COLUMNS": "100", "TERM": "xterm", **variables}
    process = subprocess.Popen([sys.executable, "-c", SHOW], stdout=slave, stderr=slave, env=env)
    os.close(slave)
    output = b""
    while True:
        try:
            chunk = os.read(master, 65_536)
        except OSError:  # Linux says so where others say that nothing more comes
            break
        if not chunk:
            break
        output += chunk
    os.close(master)
    assert process.wait(30) == 0
    return output.decode()


def test_a_terminal_gets_a_bar_and_keeps_nothing_of_it() -> None:
    output = on_a_terminal()
    assert "reading and writing" in output
    assert "30 of 300" in output
    assert "━" in output
    assert "a line [bold]beside[/bold] the bar" in output
    # Text from outside is shown, not carried out.
    assert "[red]rate[/red] limited" in output
    assert "\x1b[2J" not in output
    # The last line of the bar is cleared before the next thing is written.
    assert output.rstrip().endswith("the end")
    assert "\x1b[2K" in output.rpartition("the end")[0][-40:]


def test_a_terminal_without_abilities_gets_plain_lines() -> None:
    output = on_a_terminal(TERM="dumb")
    assert "reading and writing: 30 of 300 (10 %), 9.5/s, 28 s left; 12 written, 2 with problems" in output
    assert "\x1b" not in output


def test_elsewhere_a_line_comes_with_each_phase_and_every_ten_seconds() -> None:
    lines: list[str] = []
    now = 0.0
    shown = PlainLines(lines.append, lambda: now)
    for second in range(25):
        now = float(second)
        shown.show(Progress(Phase.READING, second))
    shown.show(Progress(Phase.CLOSING))
    assert lines == [
        "reading and writing: 0",
        "reading and writing: 10",
        "reading and writing: 20",
        "closing the sync log",
    ]
    shown.clear()
    shown.show(Progress(Phase.CLOSING))
    assert len(lines) == 5


def test_a_plain_line_is_one_line_whatever_is_in_it() -> None:
    lines: list[str] = []
    PlainLines(lines.append).show(Progress(Phase.READING, waiting="a\n::error::b\x1b[2J"))
    assert lines[0].isprintable()


def ended(state: State, **counts: int) -> RunReport:
    return RunReport(
        "shop",
        "products",
        ("product", "products"),
        "discontinued",
        Mode.FULL,
        None,
        "run",
        state,
        resumed=False,
        started_at=NOW,
        ended_at=NOW,
        counts=counts,
    )


@pytest.mark.parametrize(
    ("report", "stopped", "status"),
    [
        (ended(State.FINISHED), False, Status.DONE),
        (ended(State.FINISHED, problems=3), False, Status.DONE),
        (ended(State.FINISHED), True, Status.DONE),
        (ended(State.INTERRUPTED), True, Status.INTERRUPTED),
        (ended(State.INTERRUPTED), False, Status.ERROR),
        (ended(State.CANCELLED), False, Status.INTERRUPTED),
        (ended(State.STOPPED), False, Status.REFUSED),
    ],
)
def test_how_a_run_ends_is_its_exit_status(report: RunReport, stopped: bool, status: Status) -> None:
    assert run_status(report, stopped=stopped) is status


def test_problems_are_a_status_only_where_that_is_asked_for() -> None:
    assert run_status(ended(State.FINISHED, problems=3), stopped=False, fail_on_problems=True) is Status.PARTLY
    assert run_status(ended(State.FINISHED), stopped=False, fail_on_problems=True) is Status.DONE


def test_what_is_asked_for_is_a_mode() -> None:
    modes = [
        asked_mode(*flags) for flags in ((False,) * 3, (True, False, False), (True, True, False), (False, True, False))
    ]
    assert modes == [None, Mode.FULL, Mode.VERIFY, Mode.VERIFY]
    assert asked_mode(False, False, True) is Mode.REWRITE
    with pytest.raises(UsageError):
        asked_mode(False, True, True)


def test_a_view_that_is_too_tall_says_how_much_is_not_there() -> None:
    text = "".join(f"line {number}\n" for number in range(50))
    assert _fitting(text, 50) == text
    shown = _fitting(text, 20).split("\n")
    assert (len(shown), shown[18]) == (20, "line 18")
    assert shown[19] == "(31 more lines: a taller window shows them)"
