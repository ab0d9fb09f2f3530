"""The answer of benchmarks/capacity.py: arithmetic on measured numbers, and shown on its page as it is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.capacity import DAY, Coefficients, Cost, Fleet, Load, day_of, differences, report, uses_of

ROOT = Path(__file__).parents[2]
NOTHING = Load(*(Cost(0, 0) for _ in range(5)))
KNOWN = Coefficients(
    first=replace(NOTHING, source=Cost(10, 1)),
    walk=replace(NOTHING, source=Cost(10, 0.3), wal=Cost(0, 100)),
    look=replace(NOTHING, source=Cost(5, 0.02)),
    idle=replace(NOTHING, source=Cost(12, 0)),
    changed=replace(NOTHING, source=Cost(4, 2), target=Cost(0, 3)),
    row=1_000,
    empty=5_000_000,
    worker_connections=4,
    serve_connections=15,
)


def test_a_day_is_its_runs_looks_walks_and_changes() -> None:
    fleet = Fleet(shops=10, records=100_000, interval=3_600, look=6 * 3_600, walk=DAY, changed=0.01)
    day = day_of(fleet, KNOWN)
    # One walk, three looks beside it, and twenty runs of neither, of each shop.
    walks, looks = 10 * 10 + 100_000 * 0.3, 30 * 5 + 3 * 100_000 * 0.02
    assert day.source == pytest.approx(walks + looks + 200 * 12 + 30 * 4 + 1_000 * 2)
    assert day.target == pytest.approx(3_000)
    assert day.wal == pytest.approx(100 * 100_000)


def test_what_breaks_first_stands_first_with_its_remedy() -> None:
    fleet = Fleet(shops=1_000, records=100_000_000, disk=50 * 2**30)
    first, *_ = uses_of(fleet, KNOWN)
    assert (first.name, first.share > 1) == ("size of the ledger", True)
    assert list(report(fleet, KNOWN))[-1].startswith("size of the ledger is too little (186%): a larger disk")
    few = uses_of(replace(fleet, workers=40, disk=1e15), KNOWN)
    assert few[0].name == "connections"
    assert few[0].used == 40 * 4 + 15


def test_what_was_reckoned_is_held_against_what_was_real_by_its_share() -> None:
    assert differences({"wal": 90, "size": 5}, {"wal": 100, "size": 0}) == {"wal": 0.9}


def test_the_page_shows_what_the_script_answers() -> None:
    words = ("--shops", "1000", "--records", "100000000", "--interval", "15m")
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.capacity", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    page = (ROOT / "docs" / "capacity.md").read_text(encoding="utf-8")
    assert f"python -m benchmarks.capacity {' '.join(words)}" in page
    assert f"```\n{ended.stdout}```" in page
