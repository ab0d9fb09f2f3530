"""Whatever stands in a saved plan or report, nothing but an error of the tree comes of it, soon and in bounds.

RECONCILER_TEST_FUZZ sets how much is tried; 2,000 take about ten minutes.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.errors import InternalError, ReconcilerError
from reconciler.ledger.config.model import JournalEntry, Run
from reconciler.reconcile.approval import check_approval, check_connections, covered_by_run
from reconciler.reconcile.digests import change_digest, plan_digest, signed
from reconciler.reconcile.gathered import Reviewed, gather
from reconciler.reconcile.plan import ApplyReport, DriftReport, Plan
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planner import make_plan
from reconciler.reconcile.planread import plan_from_text, read_plan
from reconciler.report.documents.apply import apply_to_json
from reconciler.report.documents.drift import drift_to_json
from reconciler.report.documents.saved import read_result
from reconciler.report.renderers import APPLY, DRIFT, ERROR, PLAN
from support.builders import NOW, config, entity_sync, inputs, live_config, live_sync
from support.hostile import bounded, changed, json_bytes, scratched
from support.report_samples import SAMPLE_APPLY, SAMPLE_DRIFT, SAMPLE_PLAN

CASES = int(os.environ.get("RECONCILER_TEST_FUZZ", "4"))
PLANNED = make_plan(
    inputs([config(name="New name"), entity_sync(syncEntityDeleted=False)], [live_config(), live_sync()])
)
DOCUMENTS: list[dict[str, Any]] = [
    plan_to_json(PLANNED.plan),
    plan_to_json(SAMPLE_PLAN),
    drift_to_json(SAMPLE_DRIFT),
    apply_to_json(SAMPLE_APPLY),
]
SEEDS = st.integers(0, 2**63)


def check(error: ReconcilerError) -> None:
    assert not isinstance(error, InternalError)
    for format_name in ERROR.formats:
        assert len(ERROR.render(format_name, error).encode()) < 10_000


def rendered(result: Plan | DriftReport | ApplyReport) -> None:
    subject: Any = PLAN if isinstance(result, Plan) else DRIFT if isinstance(result, DriftReport) else APPLY
    for format_name in subject.formats:
        subject.render(format_name, result).encode()


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def made_anew(plan: Plan) -> Plan:
    """The plan as somebody forges it who knows how digests are made."""
    changes = tuple(replace(change, digest=change_digest(change)) for change in plan.changes)
    forged = replace(plan, changes=changes)
    return signed(replace(forged, digest=plan_digest(forged)), "key")


@given(seed=SEEDS)
@settings(max_examples=15 * CASES)
def test_a_saved_file_may_hold_anything(tmp_path_factory: Any, seed: int) -> None:
    dice = random.Random(seed)
    file: Path = tmp_path_factory.getbasetemp() / "saved.json"
    file.write_bytes(scratched(dice, json_bytes(dice, changed(dice, dice.choice(DOCUMENTS)))))
    for read in (read_result, read_plan):
        with bounded(seconds=20, megabytes=300):
            try:
                rendered(read(file))
            except ReconcilerError as error:
                check(error)


@given(seed=SEEDS)
@settings(max_examples=15 * CASES)
def test_a_forged_plan_approves_what_is_planned_now_or_nothing(seed: int) -> None:
    dice = random.Random(seed)
    with bounded(seconds=20, megabytes=300):
        try:
            plan = made_anew(plan_from_text(json_bytes(dice, changed(dice, dice.choice(DOCUMENTS[:2])))))
            rendered(plan)
            permission = gather((Reviewed(plan),), PLANNED)
            assert permission.approved <= {change.digest for change in PLANNED.plan.changes}
            check_approval(plan, NOW, "key")
            check_connections(plan, "sandbox", dict(PLANNED.plan.connections))
        except ReconcilerError as error:
            check(error)


@given(seed=SEEDS)
@settings(max_examples=10 * CASES)
def test_the_journal_of_a_run_may_hold_any_plan(seed: int) -> None:
    dice = random.Random(seed)
    outcomes = ("pending", "sent", "unknown", "applied", "stale", "nothing of ours")
    keys = [*(change.key for change in PLANNED.plan.changes), "Widget/other"]
    entries = tuple(JournalEntry("digest", dice.choice(keys), dice.choice(outcomes)) for _ in range(3))
    run = Run("1", "sandbox", "me", NOW, None, {**DOCUMENTS[0], **as_dict(changed(dice, DOCUMENTS[0]))}, entries)
    with bounded(seconds=20, megabytes=300):
        try:
            for result in covered_by_run(run, PLANNED).earlier:
                rendered(replace(SAMPLE_APPLY, results=(result,)))
        except ReconcilerError as error:
            check(error)
