"""Every way in which a command can end has its exit status and its message, and shows no secret."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from reconciler.app.signals import ending_signals
from support import cli_probe

PROBE = [sys.executable, cli_probe.__file__]


def run(
    *arguments: str, env: Mapping[str, str] | None = None, command: list[str] = PROBE
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})}
    )


def test_an_error_names_code_place_and_next_step() -> None:
    ended = run("fail", "error")
    assert ended.returncode == 1
    assert ended.stdout == ""
    for part in ("error[api-unreachable]", "no answer", "a.yaml:3:4", "GET /v1/x", "Try again."):
        assert part in ended.stderr


@pytest.mark.parametrize("words", [["--format", "json", "fail", "error"], ["fail", "error", "--format=json"]])
def test_an_error_as_json(words: list[str]) -> None:
    error = json.loads(run(*words).stderr)["error"]
    assert (error["code"], error["exit_status"], error["source"]["line"]) == ("api-unreachable", 1, 3)


def test_a_command_gives_its_status() -> None:
    assert [run("fail", status).returncode for status in ("0", "2", "5")] == [0, 2, 5]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["shwo"], "Did you mean 'show'?"),
        (["show", "--extar", "x"], "Did you mean '--extra'?"),
        (["--manifest", "x", "show"], "--manifests"),
        (["show", "--format", "html"], "html"),
        (["show", "argument"], "argument"),
        (["fail"], "how"),
        (["show", "--extra"], "--extra"),
    ],
)
def test_a_wrong_command_line_is_64_with_a_hint(words: list[str], hint: str) -> None:
    ended = run(*words)
    assert ended.returncode == 64
    assert "error[usage]" in ended.stderr
    assert hint.lower() in ended.stderr.replace("\n  ", " ").lower()
    assert "--help" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_command_line_as_json() -> None:
    assert json.loads(run("--format", "json", "shwo").stderr)["error"]["code"] == "usage"


def test_no_command_shows_the_help_on_stderr() -> None:
    ended = run()
    assert (ended.returncode, ended.stdout) == (64, "")
    assert "Exit status:" in ended.stderr


@pytest.mark.parametrize("verbosity", [["-v"], ["-vv"], ["-v", "-v"]])
def test_a_bug_is_an_internal_error_without_its_words(verbosity: list[str]) -> None:
    ended = run("fail", "bug", *verbosity)
    assert ended.returncode == 1
    assert "error[internal-error]" in ended.stderr
    assert "ValueError" in ended.stderr
    assert cli_probe.MARKER not in ended.stderr
    traced = "cli_probe.py" in ended.stderr
    assert traced == ("".join(verbosity).count("v") == 2)
    if traced:
        assert ended.stderr.index("KeyError") < ended.stderr.rindex("ValueError")


def test_a_bug_as_json() -> None:
    ended = run("fail", "bug", "--format", "json")
    assert json.loads(ended.stderr)["error"]["code"] == "internal-error"


def test_a_command_that_a_second_signal_cancels_is_130() -> None:
    ended = run("fail", "cancelled")
    assert ended.returncode == 130
    assert "error[interrupted]" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_is_130(number: signal.Signals) -> None:
    # A test run in the background of a shell has signals ignored, and its children inherit that.
    hears = partial(signal.signal, number, signal.SIG_DFL)
    with subprocess.Popen([*PROBE, "fail", "wait"], stderr=subprocess.PIPE, text=True, preexec_fn=hears) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        process.send_signal(number)
        message = process.stderr.read()
        assert process.wait(30) == 130
    assert "error[interrupted]" in message
    assert "Traceback" not in message


@pytest.mark.parametrize("where", ["in-exec", "in-callback", "in-import"])
def test_an_interrupt_where_python_takes_none_is_130_too(where: str) -> None:
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    # As a module: of a script Python forgets in the end that it was interrupted.
    ended = subprocess.run(
        [sys.executable, "-m", "support.cli_probe", "fail", where],
        cwd=Path(cli_probe.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=hears,
    )
    assert ended.returncode == 130, ended.stderr
    assert "error[interrupted]" in ended.stderr
    assert "xception" not in ended.stderr
    assert ("imported as a whole" in ended.stdout) == (where == "in-import")


def test_nohup_is_left_alone() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert ending_signals() == (signal.SIGTERM,)
    finally:
        signal.signal(signal.SIGHUP, before)


FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
# Without PYTHONUNBUFFERED a write may fail only when Python flushes, at the latest at its own end.
BUFFERING = pytest.mark.parametrize("unbuffered", ["", "1"])
RECONCILER = [sys.executable, "-m", "reconciler"]
# Everything but the version is written in one place, so each need not be tried both ways.
PRINTING = pytest.mark.parametrize(
    ("command", "unbuffered"),
    [
        pytest.param([*PROBE, "write"], "", id="result"),
        pytest.param([*PROBE, "write", "--size", "100000"], "1", id="long result"),
        pytest.param([*RECONCILER, "--version"], "", id="version"),
        pytest.param([*RECONCILER, "--version"], "1", id="version unbuffered"),
        pytest.param([*RECONCILER, "--help"], "", id="help"),
        pytest.param([*RECONCILER, "completion", "bash"], "1", id="completion"),
    ],
)


def run_with(redirection: str, command: list[str], unbuffered: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a shell does with a redirection such as `> file`."""
    return run(
        "-c", f'exec "$@" {redirection}', "sh", *command, env={"PYTHONUNBUFFERED": unbuffered}, command=["/bin/sh"]
    )


@PRINTING
def test_a_reader_that_goes_away_is_no_traceback(command: list[str], unbuffered: str) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as pipe:
        ended = subprocess.run(
            command,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert (ended.returncode, ended.stderr) == (1, "")


@BUFFERING
def test_a_reader_that_goes_away_in_the_middle_is_no_traceback(unbuffered: str) -> None:
    with subprocess.Popen(
        [*PROBE, "write", "--size", "100000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 1


@PRINTING
def test_a_closed_stdout_is_told(command: list[str], unbuffered: str) -> None:
    ended = run_with(">&-", command, unbuffered)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error[unwritable-output]: stdout is closed")
    assert "Exception ignored" not in ended.stderr


@PRINTING
@FULL
def test_a_full_disk_is_told(command: list[str], unbuffered: str) -> None:
    ended = run_with("> /dev/full", command, unbuffered)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error[unwritable-output]: The output cannot be written: No space left")
    assert "Exception ignored" not in ended.stderr


@pytest.mark.parametrize(
    ("redirection", "unbuffered"), [pytest.param("2> /dev/full", "", marks=FULL), pytest.param("2>&-", "1")]
)
@pytest.mark.parametrize(
    ("words", "status"),
    [
        pytest.param(["fail", "0"], 0, id="done"),
        pytest.param(["fail", "2"], 2, id="differs"),
        pytest.param(["fail", "error", "-vv"], 1, id="error"),
        pytest.param(["fail", "bug", "-vv"], 1, id="bug"),
        pytest.param(["shwo"], 64, id="usage"),
        pytest.param([], 64, id="no command"),
    ],
)
def test_messages_that_nobody_can_hear_change_no_exit_status(
    words: list[str], status: int, redirection: str, unbuffered: str
) -> None:
    ended = run_with(redirection, [*PROBE, *words], unbuffered)
    assert (ended.returncode, ended.stdout) == (status, "")


@BUFFERING
@FULL
def test_a_full_disk_for_output_and_messages_is_an_error(unbuffered: str) -> None:
    assert run_with("> /dev/full 2>&1", [*PROBE, "write"], unbuffered).returncode == 1


def test_a_terminal_that_lacks_a_character_gets_an_escape() -> None:
    ended = run("write", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (ended.returncode, ended.stdout) == (0, "\\u2192 done\n")


def test_version_and_module_run() -> None:
    for command in ([sys.executable, "-m", "reconciler"], [str(Path(sys.executable).parent / "reconciler")]):
        for words in (["--version"], ["-v", "--version"]):
            ended = run(*words, command=command)
            assert (ended.returncode, ended.stderr) == (0, "")
            assert ended.stdout.startswith("reconciler 0.")
