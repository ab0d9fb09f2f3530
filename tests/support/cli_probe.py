"""Commands for testing the frame around commands: they show what they were given, or fail in the way asked for."""

from __future__ import annotations

import asyncio
import sys
import time

import click

from reconciler.cli.command import Entry, LazyGroup, command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result
from reconciler.errors import Place, Unreachable

MARKER = "kr3mbel-secret-marker"


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
    from reconciler.cli import run

    run.app = probes
    sys.exit(run.run(sys.argv[1:]))
