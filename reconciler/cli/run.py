"""Running a command line: every way it can end becomes an exit status and, where it failed, a message on stderr."""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

import click
from click.core import ParameterSource

from reconciler.app.signals import ending_signals
from reconciler.cli.command_table import app
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.terminal.failure import Asked, report_error, report_internal_errors
from reconciler.cli.terminal.output import closed_stdout, drop_unwritten
from reconciler.errors import Interrupted, OutputError, ReconcilerError, UsageError


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: the words after the program's name.

    Returns:
        The exit status; docs/commands.md has the list. A reader that went away (`| head`) is status 1.
    """
    asked = Asked.of(arguments, os.environ)
    _prepare_process(asked)
    try:
        try:
            return _run(list(arguments))
        except ReconcilerError as error:
            report_error(error, asked)
            return error.exit_status
    except BrokenPipeError:
        return Status.ERROR
    except KeyboardInterrupt:  # while the message was on its way
        return Status.INTERRUPTED


def run_and_end(arguments: Sequence[str]) -> int:
    """Run the command line as all that this process is for; the exit status that this returns is its own in the end.

    Args:
        arguments: the words after the program's name.
    """
    status: int = Status.INTERRUPTED
    try:
        try:
            status = run(arguments)
        finally:
            _end_undisturbed()
    except KeyboardInterrupt:  # one, or a second that came while the first was on its way here
        _end_undisturbed()
    return status


def _end_undisturbed() -> None:
    """From now on, let no signal end the process: all is told, and its exit status is the one that was decided."""
    for number in (signal.SIGINT, *ending_signals()):
        ignored = False
        while not ignored:
            with suppress(KeyboardInterrupt):
                signal.signal(number, signal.SIG_IGN)
                ignored = True


def _prepare_process(asked: Asked) -> None:
    for number in ending_signals():
        signal.signal(number, _interrupt)
    report_internal_errors(asked)
    # After the last message of all, which may be that of an internal error.
    atexit.register(drop_unwritten)


def _prepare_streams() -> None:
    if sys.stdout is None:
        sys.stdout = closed_stdout()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            # A terminal that cannot show a character gets an escape for it, not a traceback.
            stream.reconfigure(errors="backslashreplace")


def _interrupt(_number: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C does: asyncio cancels its task at the first one, everything else is interrupted where it is."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, as for what a shell starts in the background
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


def _run(arguments: list[str]) -> int:
    """Run the command and turn the ways in which click and Python say things into errors of ours."""
    try:
        _prepare_streams()
        status = app.main(arguments, "reconciler", standalone_mode=False, obj=Options())
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as help_page:
        with suppress(OSError):
            help_page.show()
        return Status.USAGE
    except click.UsageError as error:
        raise UsageError(f"{error.format_message()}{_origin_of(error)}", next_step=_help_of(error)) from None
    except _interruptions():
        raise Interrupted("Interrupted", next_step="Run the command again; it starts from what is there.") from None
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None:
            raise
        if error.errno == errno.EBADF:
            raise OutputError(
                "stdout is closed",
                next_step="Leave it open, or name a file with --output FILE where the command has it.",
            ) from None
        raise OutputError(
            f"The output cannot be written: {error.strerror}", next_step="Make room, or send it elsewhere."
        ) from error
    return int(status or Status.DONE)


def _interruptions() -> tuple[type[BaseException], ...]:
    """Return what an interrupted command ends with; a second signal cancels what is done side by side."""
    loaded = sys.modules.get("asyncio")  # where it is not, nothing was
    return (click.Abort, KeyboardInterrupt, *(() if loaded is None else (loaded.CancelledError,)))


def _origin_of(error: click.UsageError) -> str:
    """Name the environment variable that a wrong value comes from: nobody sees it on the command line."""
    option = error.param if isinstance(error, click.BadParameter) else None
    if option is None or error.ctx is None or option.envvar is None:
        return ""
    source = error.ctx.get_parameter_source(option.name or "")
    return f" It comes from {option.envvar}." if source is ParameterSource.ENVIRONMENT else ""


def _help_of(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "reconciler"
    return f"`{path} --help` shows what there is."
