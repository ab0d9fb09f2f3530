"""Rows, and the timing behind them: whole processes, side by side in rounds."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

RECONCILER = Path(sys.executable).with_name("reconciler")
_MEASURED = Path(__file__).with_name("measured.py")
REPOSITORY = Path(__file__).resolve().parents[1]
# What this machine sets for people's own runs must not reach the measured ones.
_FOREIGN = ("RECONCILER_", "OC_", "SPARK_", "EMULATOR", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True, slots=True)
class Row:
    """One measure: `value` must not exceed `target`, both in `unit`; `how` says what was divided by what.

    Below `least` it cannot be: then the machine was too busy for the measure, and it could not be measured. With
    `more_is_better` it is the other way round: `value` must reach `target`. A row that says that it `is_noise` was
    disturbed by other people's work, and neither met nor missed its target.
    """

    name: str
    value: float
    unit: str
    target: float
    how: str
    least: float = 0
    more_is_better: bool = False
    is_noise: bool = False

    @property
    def ok(self) -> bool | None:
        """Whether the target is met; None where it could not be measured."""
        if self.is_noise or self.value < self.least:
            return None
        return self.value >= self.target if self.more_is_better else self.value <= self.target


def is_large() -> bool:
    """Whether sizes are measured that take an hour and more: RECONCILER_BENCH_LARGE=1."""
    return os.environ.get("RECONCILER_BENCH_LARGE") == "1"


def clean_environment(folder: Path, **variables: str) -> dict[str, str]:
    """Return the environment variables of a measured process: a cache below `folder`, nothing of the user's.

    Its modules are compiled once, as those of an installed program are.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN) and name != "CI"}
    return {**kept, "RECONCILER_CACHE_DIR": str(folder / "cache"), **variables}


def seconds_of(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str]) -> float:
    """Run a program to its end and return how long that took, start of the process included.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        environ: its environment variables.

    Raises:
        RuntimeError: it failed; a failed run has no meaningful time.
    """
    started = time.perf_counter()
    ended = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if ended.returncode:
        said = (ended.stderr or ended.stdout).strip()[-2000:]
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {ended.returncode}:\n{said}")
    return seconds


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: its time from start to end, its memory at its largest, and what it had of processors."""

    seconds: float
    peak_mib: float
    cpu_seconds: float


def cost_of(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str]) -> Cost:
    """Run a program to its end and return what it took; see `seconds_of`.

    Raises:
        RuntimeError: it failed.
    """
    found = folder / "cost.json"
    seconds_of([sys.executable, "-I", "-S", _MEASURED, found, *command], folder, environ)
    return Cost(**json.loads(found.read_text()))


def cpu_seconds_of(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str]) -> float:
    """Run a program to its end and return the processor time it took; see `seconds_of`.

    For programs that only compute: other people's work on the machine does not count.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds_of(command, folder, environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# Seconds that a program takes which only computes, by those of the processor: on a quiet machine little more than 1.
_BUSY = 1.4


def is_busy(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str]) -> bool:
    """Whether other people's work keeps a program from a processor, for one that only computes; see `seconds_of`."""
    return seconds_of(command, folder, environ) > _BUSY * cpu_seconds_of(command, folder, environ)


def rounds(runs: Mapping[str, Callable[[], float]], repetitions: int) -> list[dict[str, float]]:
    """Run everything once per round, so that a slow moment of the machine meets all of it; the first round warms up."""
    found = [{name: run() for name, run in runs.items()} for _ in range(repetitions + 1)]
    return found[1:]


def median_of(found: Sequence[Mapping[str, float]], figure: Callable[[Mapping[str, float]], float]) -> float:
    """Return the median over the rounds of a figure that is worked out within each round."""
    return median(map(figure, found))


def least_of(found: Sequence[Mapping[str, float]], name: str) -> float:
    """Return the shortest run of a name: for differences between runs, to which a busy machine only ever adds."""
    return min(seconds[name] for seconds in found)
