"""What it costs to start: the version, the help of every command, a run that finds nothing to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.harness import RECONCILER, Row, clean_environment, cpu_seconds_of, median_of, rounds
from benchmarks.shop import document, prepare
from reconciler.cli.command_table import TABLE
from reconciler.emulator.testing import emulator_process

_PER_SECOND = 100
_IDLE_RUNS = 5


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows on start-up; `folder` is for what the measured programs leave behind."""
    environ = clean_environment(folder)
    python = partial(cpu_seconds_of, [sys.executable, "-c", "pass"], folder, environ)
    found = rounds(
        {"python": python, "version": partial(cpu_seconds_of, [RECONCILER, "--version"], folder, environ)},
        repetitions=25,
    )
    how = "against `python -c pass`, processor time of whole processes"
    value = median_of(found, lambda seconds: seconds["version"] / seconds["python"])
    yield Row("reconciler --version", value, "×", 1.5, how)
    helps = {
        " ".join(words): partial(cpu_seconds_of, [RECONCILER, *words, "--help"], folder, environ)
        for words in _commands()
    }
    found = rounds({"python": python, **helps}, repetitions=5)
    bare = median_of(found, lambda seconds: seconds["python"])
    dearest = max(helps, key=lambda name: median(seconds[name] for seconds in found))
    value = median(seconds[dearest] for seconds in found) / bare
    yield Row("reconciler COMMAND --help, the dearest", value, "×", 8, f"{how}; of {len(helps)} it is `{dearest}`")
    yield _idle_run(folder / "idle")


def _commands() -> Iterator[tuple[str, ...]]:
    """Yield the words of every command, and of every command of a group."""
    for entry in TABLE:
        yield (entry.name,)
        yield from ((entry.name, name) for name in getattr(entry.load(), "commands", ()))


def _idle_run(folder: Path) -> Row:
    """Return the row on a run of a data sync that has nothing to do, at a shop that the run before has seen."""
    with emulator_process() as emulator:
        environ = prepare(emulator, folder, _PER_SECOND, document("DataSync", "shop", currency="GBP", products={}))
        emulator.seed(100)
        command = [RECONCILER, "sync", "run"]
        for _ in range(2):
            cpu_seconds_of(command, folder, environ)
        emulator.clear_requests()
        value = median(cpu_seconds_of(command, folder, environ) for _ in range(_IDLE_RUNS))
        requests = len(emulator.requests()) // _IDLE_RUNS
    return Row("idle run of a data sync: processor", value, "s", 0.5, f"{requests} requests, start included")
