"""Running a command line: every way it can end becomes an exit status and, where it failed, a message on stderr."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.signals import ending_signals
from reconciler.cli.table import app
from reconciler.cli.terminal.failure import Asked, report_error, report_internal_errors
from reconciler.errors import Interrupted, OutputError, ReconcilerError, UsageError


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: the words after the program's name.

    Returns:
        The exit status; docs/commands.md has the list. A reader that went away (`| head`) is status 1.
    """
    asked = Asked.of(arguments)
    _prepare_process(asked)
    try:
        return _run(list(arguments))
    except ReconcilerError as error:
        report_error(error, asked)
        return error.exit_status
    except BrokenPipeError:
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return Status.ERROR


def _prepare_process(asked: Asked) -> None:
    for number in ending_signals():
        signal.signal(number, _interrupt)
    report_internal_errors(asked)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            # A terminal that cannot show a character gets an escape for it, not a traceback.
            stream.reconfigure(errors="backslashreplace")


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _run(arguments: list[str]) -> int:
    """Run the command and turn the ways in which click and Python say things into errors of ours."""
    try:
        status = app.main(arguments, "reconciler", standalone_mode=False, obj=Options())
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as help_page:
        help_page.show()
        return Status.USAGE
    except click.UsageError as error:
        raise UsageError(error.format_message(), next_step=_help_of(error)) from None
    except (click.Abort, KeyboardInterrupt):
        raise Interrupted("Interrupted", next_step="Run the command again; it starts from what is there.") from None
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None:
            raise
        raise OutputError(f"The output cannot be written: {error.strerror}") from error
    return int(status or Status.DONE)


def _help_of(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "reconciler"
    return f"`{path} --help` shows what there is."
