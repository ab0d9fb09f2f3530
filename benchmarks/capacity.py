"""Reckon what many marketplaces take: requests, writes, WAL, size and connections, what breaks first, and the remedy.

    python -m benchmarks.capacity --shops 1000 --records 100000000 --interval 15m
    python -m benchmarks.capacity --measure postgresql://…   # the coefficients, on a server of its own
    python -m benchmarks.capacity --check postgresql://…     # likewise: real runs against what was reckoned

Both empty the database. A coefficient is a measured number with the command that measured it. What is reckoned from
them is arithmetic, and was not run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reconciler.words import parse_duration

COEFFICIENTS = Path(__file__).with_name("capacity.json")
DAY = 86_400
_KIB, _GIB = 2**10, 2**30
MOST = 0.2
"""How far an answer may be from a real run, as a share of that."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run takes: so much for itself, and so much for each record that it reads or writes."""

    run: float
    record: float

    def of(self, records: float, runs: float = 1.0) -> float:
        """Return what runs take that touch so many records in all."""
        return self.run * runs + self.record * records


@dataclass(frozen=True, slots=True)
class Load:
    """What one sort of run takes, by resource.

    Args:
        source: requests to OrderCloud.
        target: requests to SparkLayer.
        transactions: of the ledger.
        wal: bytes of WAL.
        processor: seconds of the process that runs it, the database's not counted.
    """

    source: Cost
    target: Cost
    transactions: Cost
    wal: Cost
    processor: Cost


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What was measured.

    Args:
        first: a first full sync, by records of the shop.
        walk: a walk of what did not change, by records of the shop.
        look: a look at all lists, by records of the shop.
        idle: a run that has nothing to look at and finds nothing to do.
        changed: what a look takes beside itself that finds something, and each record that it finds.
        row: bytes of the ledger for each record, with its indexes.
        empty: bytes of a ledger without records.
        worker_connections: of a worker, LISTEN among them.
        serve_connections: of a `serve` at the most.
        measured: where and when, in words.
    """

    first: Load
    walk: Load
    look: Load
    idle: Load
    changed: Load
    row: float
    empty: float
    worker_connections: int
    serve_connections: int
    measured: str = ""

    @classmethod
    def read(cls, file: Path = COEFFICIENTS) -> Coefficients:
        """Read them from the file that `--measure` writes."""
        found = json.loads(file.read_text(encoding="utf-8"))
        loads = {
            name: Load(**{part: Cost(**cost) for part, cost in found.pop(name).items()})
            for name in ("first", "walk", "look", "idle", "changed")
        }
        return cls(**loads, **found)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is reckoned with.

    Args:
        shops: marketplaces.
        records: of all of them.
        interval: seconds from the end of a run to the next one's start.
        look: seconds between two looks at all lists.
        walk: seconds between two walks of everything.
        changed: share of the records that changes in a day.
        source_limit: requests a second that OrderCloud takes of one marketplace.
        target_limit: requests a second that SparkLayer takes of one site.
        workers: processes.
        cores: of all machines, for workers.
        transactions: a second that the database takes durably.
        disk: bytes.
        wal: bytes a second that the database's disk, replicas and archive take.
        connections: that the database allows.
    """

    shops: int
    records: int
    interval: float = 900.0
    look: float = 3_600.0
    walk: float = DAY
    changed: float = 0.01
    source_limit: float = 50.0
    target_limit: float = 20.0
    workers: int = 8
    cores: int = 16
    transactions: float = 2_000.0
    disk: float = 500.0 * _GIB
    wal: float = 20.0 * 2**20
    connections: int = 100


@dataclass(frozen=True, slots=True)
class Use:
    """One resource: what is used of it, how much there is, and what helps where that is too little."""

    name: str
    used: float
    limit: float
    unit: str
    remedy: str

    @property
    def share(self) -> float:
        """How much of it is used: 1 is all."""
        return self.used / self.limit


@dataclass(frozen=True, slots=True)
class Day:
    """What an ordinary day takes, of all shops."""

    source: float
    target: float
    transactions: float
    wal: float
    processor: float


def day_of(fleet: Fleet, known: Coefficients) -> Day:
    """Reckon an ordinary day: runs by the interval, looks and walks of everything, and what changed."""
    runs, walks = DAY / fleet.interval, DAY / fleet.walk
    looks = max(DAY / fleet.look - walks, 0)

    def sum_of(part: str) -> float:
        walk, look, idle, changed = (
            getattr(load, part) for load in (known.walk, known.look, known.idle, known.changed)
        )
        each = (
            walk.of(walks * fleet.records, walks * fleet.shops),
            look.of(looks * fleet.records, looks * fleet.shops),
            idle.of(0, max(runs - walks - looks, 0) * fleet.shops),
            changed.of(fleet.changed * fleet.records, looks * fleet.shops),
        )
        return float(sum(each))

    return Day(*(sum_of(part) for part in ("source", "target", "transactions", "wal", "processor")))


def first_sync_seconds(fleet: Fleet, known: Coefficients) -> tuple[float, float]:
    """Reckon how long the first sync of one shop takes by the vendors' limits, and that of all by our processors."""
    each = fleet.records / fleet.shops
    by_vendor = max(known.first.source.of(each) / fleet.source_limit, known.first.target.of(each) / fleet.target_limit)
    return by_vendor, known.first.processor.of(fleet.records, fleet.shops) / fleet.cores


def uses_of(fleet: Fleet, known: Coefficients) -> list[Use]:
    """Return the resources, the one first that breaks first."""
    day = day_of(fleet, known)
    found = [
        Use("requests to OrderCloud, one shop", day.source / fleet.shops / DAY, fleet.source_limit, "/s",
            "look and walk less often, or a higher limit of the vendor's: workers do not help"),
        Use("requests to SparkLayer, one shop", day.target / fleet.shops / DAY, fleet.target_limit, "/s",
            "fewer changes at the source, or a higher limit of the vendor's: workers do not help"),
        Use("processor of workers", day.processor / DAY, fleet.cores, "cores",
            "more workers on more machines: each core adds its share"),
        Use("transactions of the ledger", day.transactions / DAY, fleet.transactions, "/s",
            "a faster disk for WAL; then a second ledger, on another server, for a part of the shops"),
        Use("WAL", day.wal / DAY, fleet.wal, "bytes/s",
            "look and walk less often; wal_compression = on, and max_wal_size so that checkpoints are 15 min apart"),
        Use("size of the ledger", known.empty + known.row * fleet.records, fleet.disk, "bytes",
            "a larger disk; then a second ledger for a part of the shops"),
        Use("connections", fleet.workers * known.worker_connections + known.serve_connections, fleet.connections, "",
            "a transaction pooler before the database, or max_connections"),
    ]  # fmt: skip
    return sorted(found, key=lambda use: -use.share)


def report(fleet: Fleet, known: Coefficients) -> Iterator[str]:
    """Yield the answer, line by line."""
    day, uses = day_of(fleet, known), uses_of(fleet, known)
    vendor, ours = first_sync_seconds(fleet, known)
    changed = f"{fleet.changed:.1%} of them changed a day"
    yield f"{fleet.shops:,} marketplaces, {fleet.records:,} records, {changed} (reckoned, not run)"
    yield f"coefficients: {known.measured}"
    yield ""
    yield f"{'a day':<36}{'in all':>16}{'a second':>14}"
    for name, value in (
        ("requests to OrderCloud", day.source),
        ("requests to SparkLayer", day.target),
        ("transactions of the ledger", day.transactions),
        ("WAL (MiB)", day.wal / 2**20),
        ("processor of workers (s)", day.processor),
    ):
        yield f"{name:<36}{value:>16,.0f}{value / DAY:>14,.2f}"
    yield ""
    yield f"size of the ledger: {(known.empty + known.row * fleet.records) / _GIB:,.1f} GiB"
    hours = f"{vendor / 3600:,.1f} h for one shop by the vendors' limits; {ours / 3600:,.1f} h for all by our cores"
    yield f"first sync: {hours}"
    yield ""
    yield f"{'used of what there is':<36}{'used':>16}{'there is':>16}{'':>10}"
    for use in uses:
        yield f"{use.name:<36}{_shown(use.used, use.unit):>16}{_shown(use.limit, use.unit):>16}{use.share:>10.1%}"
    first = uses[0]
    verdict = "is too little" if first.share > 1 else "breaks first"
    yield ""
    yield f"{first.name} {verdict} ({first.share:.0%}): {first.remedy}"


def _shown(value: float, unit: str) -> str:
    if unit.startswith("bytes"):
        scaled = value / _GIB if value >= _GIB else value / _KIB
        return f"{scaled:,.1f} {'GiB' if value >= _GIB else 'KiB'}{unit.removeprefix('bytes')}"
    return f"{value:,.3g} {unit}".strip()


def to_json(fleet: Fleet, known: Coefficients) -> dict[str, Any]:
    """Return the answer for programs."""
    uses = [{**asdict(use), "share": use.share} for use in uses_of(fleet, known)]
    return {"fleet": asdict(fleet), "day": asdict(day_of(fleet, known)), "uses": uses, "measured": known.measured}


def rounded(found: Any) -> Any:
    """Return data with its numbers to five digits: no measure is worth more."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    return float(f"{found:.5g}") if isinstance(found, float) else found


def differences(reckoned: Mapping[str, float], real: Mapping[str, float]) -> dict[str, float]:
    """Return by resource how much of the real run was reckoned: 1 is all of it."""
    return {name: reckoned[name] / value for name, value in real.items() if value}


def main() -> None:
    """Answer on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shops", type=int, default=1_000)
    parser.add_argument("--records", type=int, default=100_000_000, help="Of all shops together.")
    parser.add_argument("--interval", default="15m", help="`interval` of the DataSyncs.")
    parser.add_argument("--look", default="1h", help="`lookInterval` of the DataSyncs.")
    parser.add_argument("--walk", default="1d", help="`walkInterval` of the DataSyncs.")
    parser.add_argument("--changed", type=float, default=0.01, help="Share of the records that changes in a day.")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--cores", type=int, default=16, help="Cores that workers have, on all machines together.")
    parser.add_argument("--json", action="store_true", help="For programs.")
    parser.add_argument("--measure", metavar="URL", help="Measure the coefficients on an empty PostgreSQL database.")
    parser.add_argument("--check", metavar="URL", help="Hold the answer against real runs on one.")
    asked = parser.parse_args()
    if asked.measure or asked.check:
        from benchmarks import capacity_runs

        if asked.measure:
            COEFFICIENTS.write_text(json.dumps(rounded(asdict(capacity_runs.measured(asked.measure))), indent=2) + "\n")
            print(f"wrote {COEFFICIENTS.name}")
            return
        worst = 0.0
        for name, found in capacity_runs.checked(asked.check, Coefficients.read()):
            shown = ", ".join(f"{part} {share:.2f}" for part, share in found.items())
            print(f"{name}: reckoned by real: {shown}")
            # Processor time is as busy machines have it, and no verdict.
            counted = [share for part, share in found.items() if part != "processor"]
            worst = max(worst, *(abs(share - 1) for share in counted))
        raise SystemExit(0 if worst <= MOST else 1)
    fleet = Fleet(
        asked.shops, asked.records, parse_duration(asked.interval).total_seconds(),
        parse_duration(asked.look).total_seconds(), parse_duration(asked.walk).total_seconds(), asked.changed,
        workers=asked.workers, cores=asked.cores,
    )  # fmt: skip
    known = Coefficients.read()
    print(json.dumps(to_json(fleet, known), indent=2) if asked.json else "\n".join(report(fleet, known)))


if __name__ == "__main__":
    main()
