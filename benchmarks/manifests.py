"""Validating and planning 10,000 manifests, against libyaml's own load of the same bytes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import (
    RECONCILER,
    REPOSITORY,
    Row,
    clean_environment,
    cost_of,
    cpu_seconds_of,
    median_of,
    rounds,
)
from benchmarks.samples import SECRETS, many_marketplaces, one_marketplace, write

COUNT = 10_000
FILES = 100
CHANGES = 5_000
ENVIRONMENTS = 200
REPETITIONS = 5
# Nobody is asked: validating is offline, and the plan's live side is in memory.
NOWHERE = "http://127.0.0.1:9"
LOAD = "against libyaml's load of the same bytes, processor time of whole processes"


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows on many manifests; everything is written below `folder`."""
    environ = clean_environment(folder, PYTHONPATH=str(REPOSITORY), OC_SECRET="none", **SECRETS)
    one = write(folder / "one", list(one_marketplace(COUNT, NOWHERE)), FILES)
    many = write(folder / "many", list(many_marketplaces(COUNT, ENVIRONMENTS, NOWHERE)), FILES)
    live = folder / "live.json"

    def program(name: str, *arguments: str | Path) -> float:
        return cpu_seconds_of([sys.executable, "-m", f"benchmarks.{name}", *arguments], folder, environ)

    def validate(manifests: Path) -> float:
        return cpu_seconds_of([RECONCILER, "validate", "-m", manifests], folder, environ)

    program("plan_from_memory", "save", one, live)
    found = rounds(
        {
            "load one": lambda: program("libyaml_load", one),
            "validate one": lambda: validate(one),
            "plan one": lambda: program("plan_from_memory", "plan", one, live),
            "load many": lambda: program("libyaml_load", many),
            "validate many": lambda: validate(many),
        },
        REPETITIONS,
    )
    value = median_of(found, lambda seconds: seconds["validate one"] / seconds["load one"])
    yield Row("validate 10,000 manifests", value, "×", 1.4, LOAD)
    value = median_of(found, lambda seconds: seconds["validate many"] / seconds["load many"])
    yield Row("validate 10,000 manifests of 200 environments", value, "×", 1.4, LOAD)
    value = median_of(found, lambda seconds: seconds["plan one"] / seconds["load one"])
    yield Row(
        "plan 10,000 manifests, nothing changed", value, "×", 2.5, f"{LOAD}; live answered from memory, no ledger"
    )
    peak = cost_of([sys.executable, "-m", "benchmarks.plan_from_memory", "plan", one, live], folder, environ).peak_mib
    yield Row("plan 10,000 manifests: memory", peak, "MiB", 100, "the process at its largest, the live side included")
    changed = write(folder / "changed", list(one_marketplace(CHANGES + 1, NOWHERE)), FILES)
    program("plan_from_memory", "changes", changed, folder / "plan.json")
    comment = [RECONCILER, "gitops", "comment", folder / "plan.json", "--print"]
    found = rounds({"comment": lambda: cpu_seconds_of(comment, folder, environ)}, REPETITIONS)
    value = median_of(found, lambda seconds: seconds["comment"])
    how = "processor time of `gitops comment` on the saved plan, start and reading included"
    yield Row("a pull request's comment for 5,000 changes, beyond the plan", value, "s", 2, how)
