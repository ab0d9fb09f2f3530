"""What it costs to start."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import RECONCILER, Row, clean_environment, median_of, rounds, seconds_of


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows on start-up; `folder` is for what the measured programs leave behind."""
    environ = clean_environment(folder)
    found = rounds(
        {
            "python": lambda: seconds_of([sys.executable, "-c", "pass"], folder, environ),
            "version": lambda: seconds_of([RECONCILER, "--version"], folder, environ),
        },
        repetitions=25,
    )
    value = median_of(found, lambda seconds: seconds["version"] / seconds["python"])
    yield Row("reconciler --version", value, "×", 6, "against `python -c pass`")
