"""Planning against APIs that take their time: one environment, and two hundred."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from benchmarks.harness import RECONCILER, Row, clean_environment, is_busy, least_of, rounds, seconds_of
from benchmarks.samples import SECRETS, delivery_config, environment, syncs, write
from reconciler.emulator.testing import RunningEmulator, emulator_process

LATENCY = 0.1
# Of the request log: no noise brings requests that were sent together so far apart.
LONG_LATENCY = 0.5
SHOPS = 200
AT_ONCE = 20
CONFIGS = 8
OWN_SECRETS = 5
WAVES = -(-SHOPS // AT_ONCE)
FIRST, SECOND = "shop-000", "shop-001"
COLD = "--no-token-cache"


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows on latency; every emulator is a process of its own."""
    with emulator_process() as prompt, emulator_process() as slow:
        environ = clean_environment(folder, OC_SECRET="secret", **SECRETS)
        places = [
            (prompt, _marketplaces(folder / "prompt", prompt, environ)),
            (slow, _marketplaces(folder / "slow", slow, environ)),
        ]
        yield from _chains(*places[1], environ)
        slow.traffic(latency=LATENCY)
        yield _many([place for _, place in places], environ)
    with emulator_process() as prompt, emulator_process() as slow:
        places = [
            (prompt, _marketplaces(folder / "prompt-secrets", prompt, environ, own_secrets=True)),
            (slow, _marketplaces(folder / "slow-secrets", slow, environ, own_secrets=True)),
        ]
        slow.traffic(latency=LATENCY)
        yield _many([place for _, place in places], environ, own_secrets=True)


def _marketplaces(
    folder: Path, emulator: RunningEmulator, environ: Mapping[str, str], *, own_secrets: bool = False
) -> Path:
    """Write the manifests of 200 environments, which share a marketplace, and apply them to the first.

    Each has an API client of its own, so it logs in for itself and holds its own rate. With secrets of its own it has
    other ones than were applied.
    """
    folder.mkdir()
    names = [f"shop-{number:03}" for number in range(SHOPS)]
    for name in names:
        emulator.add_client(name, "secret")
    configs = [delivery_config(f"config-{number}", number) for number in range(CONFIGS)]
    if own_secrets:
        configs[:OWN_SECRETS] = (_with_own_secret(f"config-{number}", number) for number in range(OWN_SECRETS))
    shops = (environment(name, emulator.url, client=name, variables={"shop": name}) for name in names)
    write(folder / "manifests", [*syncs("", "config-1"), *configs, *shops], 10)
    seconds_of([RECONCILER, "apply", "--yes", "-e", names[0]], folder, environ)
    return folder


def _with_own_secret(name: str, number: int) -> str:
    return f"""\
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {{name: {name}}}
spec:
  id: {name}
  name: Delivery {number}
  enabled: true
  deliveryTargets:
    http:
      endpoint: https://hooks.example.com/ordercloud/{number}
      secret: ${{secret:HOOK_SIGNING_KEY}} {number} of ${{var:shop}}
"""


def _plan(folder: Path, environ: Mapping[str, str], *arguments: str) -> float:
    """Return how long a plan takes."""
    return seconds_of([RECONCILER, "plan", *arguments], folder, environ)


def _chains(emulator: RunningEmulator, folder: Path, environ: Mapping[str, str]) -> Iterator[Row]:
    """The longest chain of requests of which each waited for the answer of the one before, by the request log."""
    emulator.traffic(latency=LONG_LATENCY)
    _plan(folder, environ, "-e", FIRST)
    for name, options, target in (("token cached", (), 1), ("cold token", (COLD,), 2)):
        chains = []
        for _ in range(2):
            emulator.clear_requests()
            _plan(folder, environ, "-e", FIRST, *options)
            chains.append(_longest_chain(emulator))
        yield Row(
            f"plan of 1 environment, {name}: longest chain of requests", min(chains), "requests", target,
            f"by the request log, at {LONG_LATENCY * 1e3:.0f} ms per response: that far apart, one may have waited for "
            "the other; the shorter of two",
        )  # fmt: skip


def _longest_chain(emulator: RunningEmulator) -> int:
    arrivals = sorted(datetime.fromisoformat(request["time"]).timestamp() for request in emulator.requests())
    length, last = 0, float("-inf")
    for arrival in arrivals:
        if arrival >= last + LONG_LATENCY:
            length, last = length + 1, arrival
    return length


def _many(folders: list[Path], environ: Mapping[str, str], *, own_secrets: bool = False) -> Row:
    """Compare with the ideal: the plan of one environment, ten times over, all in one process.

    What one environment needs is measured, not reckoned: the same command for one, in the same round. Start-up is paid
    once, so it counts once; the rest, waiting and work, counts for each of the ten waves.
    """
    prompt, slow = folders
    # The ideal hashes nothing: beside the answers that one environment waits for, its few secrets take no time.
    ideal_options = ("--secrets-at-apply",) if own_secrets else ()
    found = rounds(
        {
            "start": lambda: _plan(prompt, environ, "-e", SECOND, COLD, *ideal_options),
            "one": lambda: _plan(slow, environ, "-e", SECOND, COLD, *ideal_options),
            "all": lambda: _plan(slow, environ, "-e", "all", COLD),
        },
        repetitions=3 if own_secrets else 7,
    )
    busy = is_busy([RECONCILER, "plan", "-e", SECOND, COLD], prompt, environ)
    start, one, everything = (least_of(found, name) for name in ("start", "one", "all"))
    ideal = start + WAVES * (one - start)
    name = "plan of 200 environments, 20 at a time"
    how = (
        f"{LATENCY * 1e3:.0f} ms per response, cold tokens: {everything:.2f} s by {ideal:.2f} s; ideal: start-up, and "
        f"{WAVES} times what one environment takes beyond it; shortest of the runs; noise where a plan waits for a "
        "processor"
    )
    if own_secrets:
        return Row(f"{name}, {OWN_SECRETS} secrets of its own each", everything / ideal, "×", 2.0, how, is_noise=busy)
    return Row(name, everything / ideal, "×", 1.15, how, is_noise=busy)
