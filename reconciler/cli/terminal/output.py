"""Where results go: stdout or a file written whole or not at all. Everything else a command says goes to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO, TypeVarTuple

from reconciler.app.files import write_file
from reconciler.cli.options import Options
from reconciler.report.escape import disarm
from reconciler.report.given import NOTHING, Given

if TYPE_CHECKING:
    from reconciler.report.renderers import Subject
    from reconciler.report.style import Style

_Value = TypeVarTuple("_Value")
_FORCE = ("FORCE_COLOR", "CLICOLOR_FORCE")
_USUAL_WIDTH = 80
_MOST_WIDTH = 120
_SYMBOLS = "→‖▶•✓✗…—"


def show(options: Options, subject: Subject[*_Value], *value: *_Value, **details: Any) -> None:
    """Write a result in the format that was asked for; see `Subject.render` and `write_result`."""
    write_result(options, subject.render(options.format, *value, style=result_style(options), **details))


def write_result(options: Options, text: str) -> None:
    """Write a command's result to `--output`, or to stdout.

    Raises:
        OutputError: the file cannot be written.
        OSError: stdout cannot be written, or is closed.
    """
    if options.output is not None:
        write_file(options.output, text)
        say(f"Wrote {options.output}")
        return
    _write_all(sys.stdout, text if text.endswith("\n") else f"{text}\n")


def _write_all(stream: TextIO, text: str) -> None:
    """Write all of a text: with PYTHONUNBUFFERED a stream takes a part when the disk is full, and says nothing."""
    stream.flush()
    rest = memoryview(text.encode(stream.encoding, stream.errors or "strict"))
    while rest:
        rest = rest[stream.buffer.write(rest) :]
    stream.buffer.flush()


def closed_stdout() -> TextIO:
    """Return a stream for a stdout that is closed: whatever is written to it fails as a file without permission does.

    Python has None there, to which `print` and click write without a word. The stream also takes the closed number, so
    that no file of ours gets it.
    """
    return open(os.open(os.devnull, os.O_RDONLY), "w", closefd=False)


def is_read_with_stderr(options: Options) -> bool:
    """Whether whoever reads a command's result reads on the same screen, or in the same file, what goes to stderr."""
    if options.output is not None or sys.stdout is None or sys.stderr is None:
        return False
    with suppress(OSError):
        same = os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
        return same or (sys.stdout.isatty() and sys.stderr.isatty())
    return False


def drop_unwritten() -> None:
    """Drop what stdout and stderr hold and nobody takes.

    Its failure has been told, or cannot be; Python would tell it again when it ends, with an exit status of its own.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say(message: str) -> None:
    """Write what is for people to stderr, with no command for a CI runner in it.

    Where there is none, or its terminal has closed, nobody listens.
    """
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"{disarm(message)}\n")
            sys.stderr.flush()


def wants_color(allowed: bool, stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Whether to use colour on a stream: allowed, NO_COLOR not set, and a terminal that can, or FORCE_COLOR set."""
    if not allowed or environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "") not in ("", "0") for name in _FORCE):
        return stream is not None
    return stream is not None and stream.isatty() and environ.get("TERM") != "dumb"


def carries_symbols(stream: TextIO | None) -> bool:
    """Whether the stream's encoding has the few symbols that our texts use."""
    try:
        _SYMBOLS.encode((stream and stream.encoding) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def result_style(options: Options) -> Style:
    """Return how a text result looks where it goes: a file gets no colour, every symbol, and all that there is."""
    from reconciler.report.style import UNWRAPPED, Style

    if options.output is not None:
        return Style(width=UNWRAPPED, given=options.given, full=True)
    return _style(sys.stdout, options.color, options.given, full=options.verbosity > 0)


def error_style(color: bool, given: Given = NOTHING, *, full: bool = False) -> Style:
    """Return how text on stderr looks."""
    return _style(sys.stderr, color, given, full=full)


def _style(stream: TextIO | None, color: bool, given: Given, *, full: bool) -> Style:
    from reconciler.report.style import Style

    painted = wants_color(color, stream, os.environ)
    return Style(painted, carries_symbols(stream), _width(stream), given, full)


def _width(stream: TextIO | None) -> int:
    """Return how wide lines may be on a stream: wrapped on a terminal alone, at what people still like to read."""
    from reconciler.report.style import UNWRAPPED

    if stream is None or not stream.isatty():
        return UNWRAPPED
    told = os.environ.get("COLUMNS", "")
    try:
        columns = int(told) if told.isdecimal() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 0
    return min(columns or _USUAL_WIDTH, _MOST_WIDTH)
