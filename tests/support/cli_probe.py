"""Commands for testing the frame around commands: they show what they were given, or fail in the way asked for."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
import weakref
from importlib import import_module
from pathlib import Path

import click

from reconciler.app.signals import Interrupts
from reconciler.cli.command import Entry, LazyGroup, command
from reconciler.cli.options import Options
from reconciler.cli.terminal.failure import Asked, report_error
from reconciler.cli.terminal.output import write_result
from reconciler.errors import Place, Unreachable

MARKER = "kr3mbel-secret-marker"


def signal_oneself() -> None:
    """Send a Ctrl-C, and go on long enough to hear it."""
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(10):
        pass


def in_executed_text() -> None:
    """Be signalled within what `exec` runs, as a dataclass is made; nothing that runs text is left to import."""
    report_error(Unreachable("no answer"), Asked())
    exec("signal_oneself()")


def in_a_callback() -> None:
    """Be signalled where Python drops exceptions."""
    one = asyncio.Queue[int]()
    reference = weakref.ref(one, lambda _reference: signal_oneself())
    del one
    assert reference() is None


def in_an_import() -> None:
    """Be signalled in the middle of a module."""
    with tempfile.TemporaryDirectory() as folder:
        text = "from __main__ import signal_oneself\nsignal_oneself()\nprint('imported as a whole')\n"
        Path(folder, "signalled_module.py").write_text(text)
        sys.path.insert(0, folder)
        import_module("signalled_module")


SIGNALLED = {"in-exec": in_executed_text, "in-callback": in_a_callback, "in-import": in_an_import}


@command("show", formats=("text", "json"), examples="reconciler show")
@click.option("--extra", help="An option of its own.")
@click.pass_obj
def show(options: Options, extra: str | None) -> Options:
    """Return the options."""
    return options


@command("write", examples="reconciler write")
@click.option("--size", type=int, default=1)
@click.pass_obj
def write(options: Options, size: int) -> None:
    """Write a result that no ASCII terminal can show."""
    write_result(options, "→ done\n" * size)


@command("fail", formats=("text", "json"), examples="reconciler fail")
@click.argument("how")
def fail(how: str) -> int:
    """End in one of the ways in which a command can end."""
    if how == "error":
        raise Unreachable("no answer", request="GET /v1/x", place=Place("a.yaml", 3, 4), next_step="Try again.")
    if how == "wait":
        sys.stderr.write("ready\n")
        sys.stderr.flush()
        time.sleep(60)
    if how in SIGNALLED:
        SIGNALLED[how]()
        time.sleep(60)
    if how == "cancelled":
        raise asyncio.CancelledError
    if how == "bug":
        try:
            dict[str, int]()[MARKER]
        except KeyError as error:
            raise ValueError(f"wrong: {MARKER}") from error
    return int(how)


TABLE = tuple(Entry(name, "Probes", f"The {name} probe.", f"{__name__}:{name}") for name in ("show", "write", "fail"))
probes = LazyGroup("reconciler", table=TABLE)

if __name__ == "__main__":
    interrupts = Interrupts()
    interrupts.install()
    from reconciler.cli import run

    run.app = probes
    sys.exit(run.run_and_end(sys.argv[1:], interrupts))
