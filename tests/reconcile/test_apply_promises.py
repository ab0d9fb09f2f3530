"""For every graph of changes and every script of faults: the report is the truth, and the end is the plan's."""

from __future__ import annotations

import copy
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.ledger.config import secret_fingerprint as fingerprint
from support.apply_fakes import Bench, FakeApi, Fault, Killed, outcomes, widget
from support.examples import examples

NAMES = "abcde"
TROUBLE = st.sampled_from(
    [None, None, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.LOST_AFTER, Fault.REJECTED, Fault.UNREACHABLE]
)
SCRIPT = st.lists(TROUBLE, max_size=20)
KILL = st.tuples(st.integers(0, 6), st.sampled_from([Fault.KILLED_BEFORE, Fault.KILLED_AFTER]))


@pytest.fixture(autouse=True, scope="module")
def _cheap_hashing():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "_COST", 2)
        yield


@st.composite
def shops(draw):
    """Widgets as an earlier apply left them, and as they are wanted now; each may refer to one before it."""
    before, desired = [], []
    for name in NAMES[: draw(st.integers(1, len(NAMES)))]:
        key = st.sampled_from([None, f"old secret of {name}", f"new secret of {name}"])
        fate = draw(st.sampled_from(["new", "gone", "rotated", "changed", "renamed"]))
        old_id = f"former-{name}" if fate == "renamed" else name
        size, parent = draw(st.integers(0, 2)), draw(st.sampled_from([None, *(other.id for other in before)]))
        if fate == "rotated":
            before.append(widget(name, size, key=f"old secret of {name}"))
            desired.append(widget(name, size, key=f"new secret of {name}"))
            continue
        if fate != "new":
            before.append(widget(name, size, key=draw(key), parent=parent, new_id=old_id))
        if fate == "gone":
            desired.append(widget(name, absent=True))
            continue
        kept = [None, *(other.id for other in desired if not other.absent)]
        former = (old_id,) if fate == "renamed" else ()
        size, parent = draw(st.integers(0, 2)), draw(st.sampled_from(kept))
        desired.append(widget(name, size, key=draw(key), parent=parent, renamed_from=former))
    return before, desired


def start(folder, before, desired):
    """Apply the earlier manifests, and return the live side and the manifests that are to be applied now."""
    api = FakeApi()
    Bench(Path(folder), api, *before).apply()
    api.calls.clear()
    api.effects.clear()
    return api, Bench(Path(folder), api, *desired), copy.deepcopy(api.objects)


def script(faults):
    return {index: fault for index, fault in enumerate(faults) if fault is not None}


def is_as_desired(api, desired):
    found = api.objects.get(f"/widgets/{desired.id}")
    if desired.absent or found is None:
        return desired.absent and found is None
    target = desired.state.get("target")
    return (
        found["Size"] == desired.state["size"]
        and found.get("Parent") == desired.state.get("parent")
        and (target is None or found.get("Target") == {"Key": target["key"].reveal()})
        and not any(f"/widgets/{old}" in api.objects for old in desired.renamed_from)
    )


def remains(api, desired, before):
    """Whether everything of one widget is as it was."""
    paths = [f"/widgets/{live_id}" for live_id in (desired.id, *desired.renamed_from)]
    return all(api.objects.get(path) == before.get(path) for path in paths)


def assert_true(report, bench, before):
    by_key = {desired.key: desired for desired in bench.desired}
    said = {result.change.key: result.outcome for result in report.results}
    for result in report.results:
        desired = by_key[result.change.key]
        if result.outcome in ("applied", "already"):
            assert is_as_desired(bench.api, desired), result
        elif result.outcome in ("failed", "skipped"):
            assert remains(bench.api, desired, before), result
        if result.outcome not in ("applied", "already"):
            assert result.message, result
        if any(said.get(key) not in (None, "applied", "already") for key in result.change.depends_on):
            assert result.outcome == "skipped", result


def assert_nothing_done_twice(api, desired):
    done = Counter(api.effects)
    assert done[("POST", "/widgets")] <= len(desired)
    assert all(count == 1 for (method, _), count in done.items() if method == "DELETE")


@settings(max_examples=examples(12), deadline=None)
@given(shop=shops(), faults=SCRIPT)
def test_the_report_is_true_whatever_goes_wrong(shop, faults):
    with tempfile.TemporaryDirectory() as folder:
        api, bench, before = start(folder, *shop)
        api.faults = script(faults)
        assert_true(bench.apply(), bench, before)
        assert_nothing_done_twice(api, bench.desired)
        api.revive()
        again = bench.apply()
        assert set(outcomes(again).values()) <= {"applied"}
        assert all(is_as_desired(api, item) for item in bench.desired)
        assert bench.plan().plan.changes == ()


@settings(max_examples=examples(12), deadline=None)
@given(shop=shops(), faults=SCRIPT, kills=st.lists(KILL, min_size=1, max_size=3))
def test_killed_anywhere_and_resumed_the_end_is_the_plans(shop, faults, kills):
    with tempfile.TemporaryDirectory() as folder:
        api, bench, before = start(folder, *shop)
        planned = {change.name for change in bench.plan().plan.changes}
        api.faults = script(faults)
        killed = False
        for index, kill in kills:
            api.faults[len(api.calls) + index] = kill
            try:
                bench.apply(resume=killed)
            except Killed:
                killed = True
                api.revive()
            else:
                killed = False
                break
        if killed:
            report = bench.apply(resume=True)
            assert set(outcomes(report).values()) <= {"applied", "already"}
            assert set(outcomes(report)) == planned
            assert_true(report, bench, before)
        else:
            api.revive()
            bench.apply()
        assert_nothing_done_twice(api, bench.desired)
        assert all(is_as_desired(api, item) for item in bench.desired)
        assert bench.plan().plan.changes == ()
