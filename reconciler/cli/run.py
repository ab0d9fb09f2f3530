"""Running a command line: every way it can end becomes an exit status and, where it failed, a message on stderr."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from collections.abc import MutableMapping, Sequence
from contextlib import suppress

import click
from click.core import ParameterSource

from reconciler.app.signals import Interrupts
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
    _drop_unset(os.environ)
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


def run_and_end(arguments: Sequence[str], interrupts: Interrupts) -> int:
    """Run the command line as all that this process is for; the exit status that this returns is its own in the end.

    Args:
        arguments: the words after the program's name.
        interrupts: hears the signals; it raises within `run` alone, so nothing else here can be interrupted.
    """
    interrupts.raise_within(run.__code__)
    status: int = Status.INTERRUPTED
    try:
        with suppress(KeyboardInterrupt):
            status = run(arguments)
    finally:
        interrupts.end()
        # Python looks through all that is left more than once before it ends, which takes long after many manifests.
        gc.freeze()
    return status


def _prepare_process(asked: Asked) -> None:
    report_internal_errors(asked)
    # After the last message of all, which may be that of an internal error.
    atexit.register(drop_unwritten)


def _drop_unset(environ: MutableMapping[str, str]) -> None:
    """Drop what Azure Pipelines hands over of a variable that is not set: the text `$(NAME)`.

    inferred: it is seen so everywhere, and documented for macros in scripts alone. TF_BUILD says that it is Azure.
    """
    if environ.get("TF_BUILD"):
        for name in [name for name, value in environ.items() if value == f"$({name})"]:
            del environ[name]


def _prepare_streams() -> None:
    if sys.stdout is None:
        sys.stdout = closed_stdout()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            # A terminal that cannot show a character gets an escape for it, not a traceback.
            stream.reconfigure(errors="backslashreplace")


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
