"""How a failure is told: as text or JSON on stderr, with code, place and next step, and never with a secret."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType

from msgspec import Struct

from reconciler.cli.command import complete
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import error_style, say
from reconciler.errors import InternalError, ReconcilerError

_TRUE = ("1", "true", "t", "yes", "y", "on")


class Asked(Struct, frozen=True):
    """What a message on stderr has to know of the command line; read from the raw words, since they may be wrong."""

    json: bool = False
    color: bool = True
    verbosity: int = 0

    @classmethod
    def of(cls, arguments: Sequence[str], environ: Mapping[str, str]) -> Asked:
        """Read it from the words after the program's name, and from the variables that stand for these options.

        Of several `--format` the last wins.
        """
        words = " ".join(arguments)
        formats = re.findall(r"(?:^|\s)--format[=\s](\w+)", words)
        flags = [word for word in arguments if re.fullmatch("-v+", word)]
        verbosity = sum(len(flag) - 1 for flag in flags) + arguments.count("--verbose")
        wished, verbose = environ.get("RECONCILER_FORMAT", ""), environ.get("RECONCILER_VERBOSE", "")
        plain = "--no-color" in arguments or environ.get("RECONCILER_NO_COLOR", "").lower() in _TRUE
        return cls((formats or [wished])[-1] == "json", not plain, verbosity or _number(verbose))


def _number(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]", text) else 0


def report_error(error: ReconcilerError, asked: Asked) -> None:
    """Tell of an error on stderr."""
    from reconciler.report.renderers import ERROR

    text = ERROR.render("json", error) if asked.json else ERROR.render("text", error, style=error_style(asked.color))
    say(text.rstrip())


def report_failure(error: ReconcilerError, options: Options) -> Status:
    """Tell of an error that does not end the run, and return the status that it leads to."""
    complete(error, options.given)
    report_error(error, Asked(options.format == "json", options.color, options.verbosity))
    return Status(error.exit_status)


def report_internal_errors(asked: Asked) -> None:
    """From now on, tell of an exception that nobody expected as an internal error; the exit status stays 1."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        report_error(
            InternalError(
                f"Internal error: {kind.__name__} in {_innermost(trace)}",
                next_step="Please report it with the version and the command; -vv adds where it happened."
                if asked.verbosity < 2
                else "Please report it with the lines below, the version and the command.",
            ),
            asked,
        )
        if asked.verbosity > 1:
            say("".join(trace_lines(error)).rstrip("\n"))

    sys.excepthook = hook


def _innermost(trace: TracebackType | None) -> str:
    from traceback import StackSummary, walk_tb

    frames = StackSummary.extract(walk_tb(trace), lookup_lines=False)
    return frames[-1].name if frames else "no frame"


def trace_lines(error: BaseException) -> Iterator[str]:
    """Yield a traceback without the exceptions' own words: those of a foreign exception may hold a secret."""
    from traceback import StackSummary, walk_tb

    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from trace_lines(cause)
        yield "which led to\n"
    yield from StackSummary.extract(walk_tb(error.__traceback__)).format()
    yield f"{type(error).__module__}.{type(error).__qualname__}\n"
