"""Planning against APIs that take their time: one environment, and two hundred."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.harness import RECONCILER, Row, clean_environment, median_of, rounds, seconds_of
from benchmarks.samples import SECRETS, delivery_config, environment, syncs, write
from reconciler.emulator.testing import RunningEmulator, emulator_process

LATENCY = 0.1
SHOPS = 200
AT_ONCE = 20
CONFIGS = 8
WAVES = -(-SHOPS // AT_ONCE)


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows on latency; every emulator is a process of its own."""
    with emulator_process() as prompt, emulator_process() as slow:
        environ = clean_environment(folder, OC_SECRET="secret", **SECRETS)
        folders = {
            "prompt": _marketplaces(folder / "prompt", prompt, environ),
            "slow": _marketplaces(folder / "slow", slow, environ),
        }
        slow.traffic(latency=LATENCY)
        yield from _one(folders, environ)
        yield from _many(folders, environ)


def _marketplaces(folder: Path, emulator: RunningEmulator, environ: Mapping[str, str]) -> Path:
    """Write the manifests of 200 environments, which share an emulator, and apply them.

    Each has an API client of its own, so it logs in for itself and holds its own rate.
    """
    folder.mkdir()
    names = [f"shop-{number:03}" for number in range(SHOPS)]
    for name in names:
        emulator.add_client(name, "secret")
    manifests = [*syncs("", "config-1"), *(delivery_config(f"config-{number}", number) for number in range(CONFIGS))]
    write(folder / "manifests", [*manifests, *(environment(name, emulator.url, client=name) for name in names)], 10)
    seconds_of([RECONCILER, "apply", "--yes", "-e", names[0]], folder, environ)
    return folder


def _plan(folder: Path, environ: Mapping[str, str], *arguments: str) -> float:
    """Return how long a plan takes in which nothing is pending."""
    return seconds_of([RECONCILER, "plan", "--exit-code", *arguments], folder, environ)


def _one(folders: Mapping[str, Path], environ: Mapping[str, str]) -> Iterator[Row]:
    found = rounds(
        {
            f"{name} {how}": lambda folder=folder, options=options: _plan(folder, environ, "-e", "shop-000", *options)
            for name, folder in folders.items()
            for how, options in (("cached", ()), ("cold", ("--no-token-cache",)))
        },
        repetitions=7,
    )
    for how, target in (("cached", 1.3), ("cold", 2.3)):
        value = median_of(found, lambda seconds, how=how: (seconds[f"slow {how}"] - seconds[f"prompt {how}"]) / LATENCY)
        yield Row(
            f"plan of 1 environment, token {how}",
            value,
            "round trips",
            target,
            f"{LATENCY * 1e3:.0f} ms per response; the same plan without latency taken off as start-up",
        )


def _many(folders: Mapping[str, Path], environ: Mapping[str, str]) -> Iterator[Row]:
    found = rounds(
        {
            "one": lambda: _plan(folders["slow"], environ, "-e", "shop-000", "--no-token-cache"),
            "all": lambda: _plan(folders["slow"], environ, "-e", "all", "--no-token-cache"),
        },
        repetitions=3,
    )
    value = median_of(found, lambda seconds: seconds["all"] / (WAVES * seconds["one"]))
    yield Row("plan of 200 environments, 20 at a time", value, "×", 1.2, "TODO")
