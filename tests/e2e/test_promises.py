"""Apply then plan is empty, import then plan is empty: for any manifests, in any order, whatever the API does.

One history under each switch, and others for every switch; RECONCILER_TEST_EXAMPLES=20 for more of them.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from reconciler.emulator.switches import CONFIGURATION, flipped_switches, random_switches
from reconciler.emulator.testing import RunningEmulator
from reconciler.ledger.config import secret_fingerprint as fingerprint
from support.checkout import Checkout, outcomes
from support.examples import examples
from support.generated import VARIABLES, History, assert_live_is, histories, lay_out

SWITCHES = [*flipped_switches(CONFIGURATION), *random_switches(6, names=CONFIGURATION)]
NAMES = [
    "defaults"
    if not one
    else "-".join(f"{name}={value}" for name, value in one.items())
    if len(one) == 1
    else f"mix{n}"
    for n, one in enumerate(SWITCHES)
]
NUMBERED = list(enumerate(SWITCHES))
# A smaller example is found in minutes only; the failing one is short enough to read.
EACH = settings(max_examples=examples(1), database=None, phases=[Phase.generate])
# Hypothesis begins with the least of all each time, which would be the same one under every switch.
HISTORIES = histories().filter(lambda history: len(history.first) > 1)


@pytest.fixture(autouse=True)
def _quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "_COST", 2)


def holds(number: int, test: Callable[[History], None]) -> None:
    """Try a promise on a few histories, others for every number, the same in every run."""
    seed(number)(EACH(given(HISTORIES)(test)))()


def in_a_checkout(emulator: RunningEmulator, switches: dict[str, str], test: Callable[[Checkout], None]) -> None:
    emulator.reset()
    emulator.switch(**switches)
    with tempfile.TemporaryDirectory() as folder:
        test(Checkout(Path(folder), emulator, dict(VARIABLES)))


def assert_nothing_pending(checkout: Checkout, *words: str) -> None:
    ended = checkout.call("plan", "--exit-code", *words)
    assert ended.status == 0, str(ended)


@pytest.mark.parametrize(("number", "switches"), NUMBERED, ids=NAMES)
def test_after_apply_nothing_is_pending(emulator: RunningEmulator, number: int, switches: dict[str, str]) -> None:
    def promise(history: History) -> None:
        def steps(checkout: Checkout) -> None:
            for step, wanted in enumerate((history.first, history.later)):
                lay_out(checkout, wanted, history.seed + step)
                ended = checkout.call("apply", "--yes")
                assert ended.status == 0, str(ended)
                assert_live_is(checkout, wanted)
                assert_nothing_pending(checkout)
                lay_out(checkout, wanted, history.seed + step + 100)
                emulator.clear_requests()
                assert_nothing_pending(checkout)
                assert checkout.call("apply", "--yes").status == 0
                assert checkout.writes() == []

        in_a_checkout(emulator, switches, steps)

    holds(number, promise)


@pytest.mark.parametrize(("number", "switches"), NUMBERED, ids=NAMES)
def test_after_import_nothing_is_pending(emulator: RunningEmulator, number: int, switches: dict[str, str]) -> None:
    def promise(history: History) -> None:
        def steps(checkout: Checkout) -> None:
            for wanted in (history.first, history.later):
                lay_out(checkout, wanted, history.seed)
                checkout.applied()
            live = checkout.live()
            checkout.clear()
            checkout.lose_ledger()
            checkout.write("environment.yaml", checkout.environment())
            ended = checkout.call("import")
            assert ended.status == 0, str(ended)
            ended = checkout.call("plan", "--exit-code", "--format", "json")
            assert ended.status == 0, str(ended)
            summary = ended.json["summary"]
            objects = len(live["deliveryConfigs"]) + len(live["syncs"])
            assert summary["unchanged"] + summary["unmanaged"] == objects, str(ended)
            assert checkout.live() == live

        in_a_checkout(emulator, switches, steps)

    holds(100 + number, promise)


@pytest.mark.parametrize("number", range(4))
def test_after_import_of_a_second_environment_nothing_is_pending_in_either(
    emulator: RunningEmulator, number: int
) -> None:
    def promise(history: History) -> None:
        def steps(checkout: Checkout) -> None:
            states = []
            for wanted in (history.first, history.later):
                lay_out(checkout, wanted, history.seed)
                checkout.applied()
                states.append(emulator.state(secrets=True))
            checkout.clear()
            checkout.lose_ledger()
            names = ("one", "two")
            for name, state in zip(names, states, strict=True):
                # Whether the second Environment was there when the first one was imported makes the other path.
                for each in names if number % 2 else (name,):
                    if not (checkout.manifests / f"{each}.yaml").exists():
                        checkout.write(f"{each}.yaml", checkout.environment(each))
                emulator.load(state)
                ended = checkout.call("import", "-e", name, "--into", checkout.manifests / "imported")
                assert ended.status == 0, str(ended)
            for name, state in zip(names, states, strict=True):
                emulator.load(state)
                assert_nothing_pending(checkout, "-e", name)
            assert checkout.call("validate").status == 0

        in_a_checkout(emulator, {}, steps)

    holds(300 + number, promise)


FAULTS = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(
            ["too_many", "offline", "reset", "reset", "status", "truncated", "broken_json", "bom"]
        ),
        "when": st.sampled_from(["before", "after"]),
        "method": st.sampled_from(["*", "GET", "POST", "PUT", "PATCH", "DELETE"]),
        "nth": st.integers(1, 12),
        "count": st.sampled_from([1, 1, 2, 6]),
        "status": st.sampled_from([500, 502, 503, 408]),
        "retry_after": st.sampled_from(["seconds", "date", "none"]),
    }
)
AFTER_TROUBLE = settings(max_examples=examples(2), database=None, phases=[Phase.generate])
DONE = ("applied", "already")


@pytest.mark.parametrize("number", range(12))
def test_after_any_trouble_the_report_is_true_and_a_second_apply_finishes(
    emulator: RunningEmulator, number: int
) -> None:
    def promise(history: History, faults: list[dict[str, object]]) -> None:
        def steps(checkout: Checkout) -> None:
            lay_out(checkout, history.first, history.seed)
            checkout.applied()
            lay_out(checkout, history.later, history.seed)
            planned = checkout.pending()
            for fault in faults:
                emulator.fault(**fault)
            ended = checkout.call("apply", "--yes", "--format", "json")
            emulator.clear_faults()
            left = checkout.pending()
            if ended.stdout:
                told = outcomes(ended.json)
                assert len(told) == len(planned), str(ended)
                assert (ended.status == 0) == (set(told.values()) <= set(DONE)), str(ended)
                pending = {key for _, _, key in (change.partition(" ") for change in left)}
                for key, outcome in told.items():
                    if outcome in DONE:
                        assert key not in pending, str(ended)
                    elif outcome in ("failed", "skipped"):
                        assert key in pending, str(ended)
            else:
                # It could not even plan: nothing was sent.
                assert ended.status == 1, str(ended)
                assert left == planned, str(ended)
            lay_out(checkout, history.later, history.seed + 1)
            assert checkout.call("apply", "--yes").status == 0
            assert_live_is(checkout, history.later)
            assert_nothing_pending(checkout)
            created = Counter(request["status"] for request in emulator.requests() if request["method"] == "POST")
            assert created[409] <= len(faults)

        in_a_checkout(emulator, {}, steps)

    test = given(HISTORIES, st.lists(FAULTS, min_size=1, max_size=3))(promise)
    seed(200 + number)(AFTER_TROUBLE(test))()
