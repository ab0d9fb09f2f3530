"""An apply of many changes: what each costs a processor, the pace against the rate limit, and the memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from benchmarks.harness import (
    RECONCILER,
    Row,
    clean_environment,
    cost_of,
    cpu_seconds_of,
    is_busy,
    is_large,
    seconds_of,
)
from benchmarks.samples import SECRETS, delivery_config, environment, write
from reconciler.emulator.testing import RunningEmulator, emulator_process

_FEW_CHANGES, _CHANGES = 100, 2_100
_LIMITED = 1_000
_LATENCY = 0.05
_PER_SECOND = 50
_UNLIMITED = 1_000
# RECONCILER_BENCH_LARGE=1 measures 10,000.
_FEW, _MANY, _MOST = 500, 4_000, 10_000


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows; every apply begins with an empty marketplace and without a ledger."""
    with emulator_process() as emulator:
        yield _processor(emulator, folder)
        yield _pace(emulator, folder / "pace")
        many = _MOST if is_large() else _MANY
        yield _memory(emulator, folder, _FEW, many)


def _processor(emulator: RunningEmulator, folder: Path) -> Row:
    """What more changes take, beyond a plan of the same: what every apply takes once does not count."""
    beyond = {}
    for count in (_FEW_CHANGES, _CHANGES):
        own = folder / f"processor-{count}"
        environ = _prepared(emulator, own, count, _UNLIMITED)
        seconds_of([RECONCILER, "plan"], own, environ)
        plan = min(cpu_seconds_of([RECONCILER, "plan"], own, environ) for _ in range(3))
        beyond[count] = cpu_seconds_of([RECONCILER, "apply", "--yes"], own, environ) - plan
    each = 1e3 * (beyond[_CHANGES] - beyond[_FEW_CHANGES]) / (_CHANGES - _FEW_CHANGES)
    return Row(
        "apply: processor per change", each, "ms", 1.0,
        f"creates with secrets, no latency: {_FEW_CHANGES:,} take {beyond[_FEW_CHANGES]:.2f} s more than a plan of "
        f"them, {_CHANGES:,} take {beyond[_CHANGES]:.2f} s",
    )  # fmt: skip


def _pace(emulator: RunningEmulator, folder: Path) -> Row:
    """Start of the process, plan and report included: these compute, so a busy machine makes it noise."""
    environ = _prepared(emulator, folder, _LIMITED, _PER_SECOND)
    busy = is_busy([RECONCILER, "plan"], folder, environ)
    emulator.traffic(latency=_LATENCY)
    seconds = seconds_of([RECONCILER, "apply", "--yes"], folder, environ)
    emulator.traffic()
    writes = [
        datetime.fromisoformat(request["time"]).timestamp()
        for request in emulator.requests()
        if request["method"] == "POST" and not request["path"].endswith("/token")
    ]
    least = _LIMITED / _PER_SECOND
    return Row(
        f"apply of {_LIMITED:,} changes at {_LATENCY * 1e3:.0f} ms and {_PER_SECOND} requests/s", seconds / least,
        "×", 1.1,
        f"{seconds:.1f} s from start to end, by the {least:.0f} s that the limit takes for the writes alone; from the "
        f"first to the last of them {max(writes) - min(writes):.1f} s; noise where a plan waits for a processor",
        is_noise=busy,
    )  # fmt: skip


def _memory(emulator: RunningEmulator, folder: Path, few: int, many: int) -> Row:
    """What an apply takes beyond the plan of the same changes, which holds all of them."""
    more: list[float] = []
    for count in (few, many):
        own = folder / f"memory-{count}"
        environ = _prepared(emulator, own, count, _UNLIMITED)
        plan = cost_of([RECONCILER, "plan"], own, environ)
        more.append(cost_of([RECONCILER, "apply", "--yes"], own, environ).peak_mib - plan.peak_mib)
    growth = 1024 * (more[1] - more[0]) / (many - few)
    return Row(
        f"apply: memory from {few:,} to {many:,} changes, beyond their plan's", growth, "KiB a change", 5,
        f"{more[0]:.0f} and {more[1]:.0f} MiB more than a plan of the same",
    )  # fmt: skip


def _prepared(emulator: RunningEmulator, folder: Path, changes: int, per_second: int) -> Mapping[str, str]:
    """Write manifests of so many delivery configs that are not live; return the environment variables."""
    emulator.reset()
    folder.mkdir()
    shop = environment("shop", emulator.url, per_second=per_second, guardrails={"maxChanges": changes})
    configs = (delivery_config(f"config-{number}", number) for number in range(changes))
    write(folder / "manifests", [shop, *configs], 10)
    return clean_environment(folder, OC_SECRET=emulator.client_secret, **SECRETS)
