"""Planning against APIs that take their time: one environment, and two hundred."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.harness import RECONCILER, Row, clean_environment, least_of, rounds, seconds_of
from benchmarks.samples import SECRETS, delivery_config, environment, syncs, write
from reconciler.emulator.testing import RunningEmulator, emulator_process

LATENCY = 0.1
SHOPS = 200
AT_ONCE = 20
CONFIGS = 8
WAVES = -(-SHOPS // AT_ONCE)
FIRST = "shop-000"
COLD = "--no-token-cache"


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
    def plan(name: str, *options: str) -> Callable[[], float]:
        return lambda: _plan(folders[name], environ, "-e", FIRST, *options)

    found = rounds(
        {
            "prompt cached": plan("prompt"),
            "slow cached": plan("slow"),
            "prompt cold": plan("prompt", COLD),
            "slow cold": plan("slow", COLD),
        },
        repetitions=7,
    )
    how = f"{LATENCY * 1e3:.0f} ms per response; less start-up: the same plan without latency; shortest of the runs"
    cached = (least_of(found, "slow cached") - least_of(found, "prompt cached")) / LATENCY
    yield Row("plan of 1 environment, token cached", cached, "round trips", 1.3, how, least=0.9)
    cold = (least_of(found, "slow cold") - least_of(found, "prompt cold")) / LATENCY
    yield Row("plan of 1 environment, cold token", cold, "round trips", 2.3, how, least=1.8)


def _many(folders: Mapping[str, Path], environ: Mapping[str, str]) -> Iterator[Row]:
    """Compare with the ideal: the plan of one environment, ten times over, all in one process.

    What one environment needs is measured, not reckoned: the same command for one, in the same round. Start-up is paid
    once, so it counts once; the rest, waiting and work, counts for each of the ten waves.
    """
    found = rounds(
        {
            "start": lambda: _plan(folders["prompt"], environ, "-e", FIRST, COLD),
            "one": lambda: _plan(folders["slow"], environ, "-e", FIRST, COLD),
            "all": lambda: _plan(folders["slow"], environ, "-e", "all", COLD),
        },
        repetitions=7,
    )
    start, one = least_of(found, "start"), least_of(found, "one")
    value = least_of(found, "all") / (start + WAVES * (one - start))
    how = (
        f"{LATENCY * 1e3:.0f} ms per response, cold tokens; ideal: start-up, and {WAVES} times what one environment "
        "takes beyond it; shortest of the runs"
    )
    yield Row("plan of 200 environments, 20 at a time", value, "×", 1.2, how)
