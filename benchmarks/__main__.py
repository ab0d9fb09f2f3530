"""Run the benchmarks, print a table, write `benchmarks/results.json` and `benchmarks/machine.json`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks import (
    apply,
    environments,
    events,
    http_room,
    ledger,
    ledger_alone,
    limit,
    manifests,
    neighbours,
    people,
    readers,
    shared_work,
    startup,
    sync,
    verify,
    walks,
    writes,
)
from benchmarks.harness import REPOSITORY, Row

# A new group of rows is one module and one line here.
GROUPS: Mapping[str, Callable[[Path], Iterator[Row]]] = {
    "startup": startup.rows,
    "manifests": manifests.rows,
    "environments": environments.rows,
    "apply": apply.rows,
    "http": http_room.rows,
    "limit": limit.rows,
    "neighbours": neighbours.rows,
    "shared-work": shared_work.rows,
    "readers": readers.rows,
    "sync": sync.rows,
    "walks": walks.rows,
    "ledger": ledger.rows,
    "ledger-alone": ledger_alone.rows,
    "verify": verify.rows,
    "writes": writes.rows,
    "people": people.rows,
    "orders": people.order_rows,
    "people-memory": people.memory_rows,
    "events": events.rows,
    "events-memory": events.memory_rows,
}
_VERDICTS = {True: "[green]ok[/]", False: "[red]missed[/]", None: "[yellow]could not be measured[/]"}
RESULTS = REPOSITORY / "benchmarks" / "results.json"


def measure(names: Sequence[str], console: Console) -> list[Row]:
    """Measure the groups of these names, one after the other, saying which one is under way."""
    found: list[Row] = []
    for name in names:
        console.print(f"Measuring {name} …", style="dim")
        with TemporaryDirectory(prefix="reconciler-bench-") as folder:
            found.extend(GROUPS[name](Path(folder)))
    return found


def table(rows: Sequence[Row]) -> Table:
    """Return the rows as a table for people."""
    shown = Table(title="reconciler, ratios within this run", title_justify="left")
    for heading in ("Measure", "Value", "Target", ""):
        shown.add_column(heading, justify="right" if heading in ("Value", "Target") else "left")
    for row in rows:
        verdict = _VERDICTS[row.ok]
        shown.add_row(
            row.name, f"{row.value:.2f} {row.unit}", f"{'≥' if row.more_is_better else '≤'} {row.target:g}", verdict
        )
    return shown


def machine() -> dict[str, str | int | None]:
    """Return what ran the benchmarks, and which commit they measured."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return {
        "commit": commit.stdout.strip() or None,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def main(names: Sequence[str]) -> int:
    """Measure the named groups, or all of them and keep the results. A missed target is a result, not a failure."""
    console = Console()
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        console.print(f"There is no group {unknown[0]}; there are: {', '.join(GROUPS)}.", style="red")
        return 64
    rows = measure(names or list(GROUPS), console)
    console.print(table(rows))
    for row in rows:
        console.print(f"{row.name}: {row.how}", style="dim", highlight=False)
    if not names:
        entries = [
            {"name": row.name, "value": round(row.value, 3), "unit": row.unit, "target": row.target, "ok": row.ok}
            for row in rows
        ]
        RESULTS.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n")
        RESULTS.with_name("machine.json").write_text(json.dumps(machine(), indent=2) + "\n")
        console.print(f"Wrote {RESULTS.relative_to(REPOSITORY)} and, beside it, machine.json.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
