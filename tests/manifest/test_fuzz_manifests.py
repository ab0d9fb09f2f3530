"""Whatever stands in manifests, problems with a place come of it, or a plan: soon, and in bounds.

RECONCILER_TEST_FUZZ sets how much is tried; 1,500 take about ten minutes.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.app.project import ALL, Project
from reconciler.errors import InternalError, Problem, ReconcilerError
from reconciler.ledger.config.model import Memory
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.plan import Plan
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planner import make_plan
from reconciler.reconcile.planread import plan_from_json
from reconciler.reconcile.session import Session
from reconciler.report.renderers import ERROR, PLAN, PROBLEMS
from support.hostile import bounded, changed, json_bytes, of_the_same_type, scratched

CASES = int(os.environ.get("RECONCILER_TEST_FUZZ", "10"))
EXAMPLES = Path(__file__).resolve().parents[2] / "manifests"
FILES = {
    str(path.relative_to(EXAMPLES)): list(yaml.safe_load_all(path.read_bytes()))
    for path in sorted(EXAMPLES.rglob("*.yaml"))
}
NAMES = sorted(FILES)
PLACES = [(name, number) for name in NAMES for number, each in enumerate(FILES[name]) if each.get("spec")]
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ENVIRON = dict.fromkeys(("X", "HOME", "SANDBOX_ORDER_HOOK_URL"), "https://value.example.com/1")


def yaml_bytes(dice: random.Random, documents: Sequence[Any]) -> bytes:
    """Return documents as YAML, in one of the ways in which people write it."""
    if dice.random() < 0.5:
        return b"\n---\n".join(json_bytes(dice, each) for each in documents)
    style, unicode = dice.choice((None, True, False)), dice.random() < 0.5
    try:
        text = yaml.safe_dump_all(documents, sort_keys=False, default_flow_style=style, allow_unicode=unicode)
    except RecursionError:
        return b"[" * 10_000
    return text.encode("utf-8", "surrogatepass")


def fuzzed(dice: random.Random) -> dict[str, bytes]:
    """Return some of the files: much changed, or all of them with one value changed, which often comes to a plan."""
    if dice.random() < 0.5:
        name, number = dice.choice(PLACES)
        documents = list(FILES[name])
        spec = of_the_same_type(dice, documents[number]["spec"])
        documents[number] = {**documents[number], "spec": spec}
        return {each: yaml_bytes(dice, held) for each, held in {**FILES, name: documents}.items()}
    chosen = dict.fromkeys([*dice.sample(NAMES, 3), "environments/emulator.yaml"])
    return {
        name: scratched(
            dice, yaml_bytes(dice, [changed(dice, each, 2) if dice.random() < 0.6 else each for each in FILES[name]])
        )
        for name in chosen
    }


def told(problems: Sequence[Problem], warnings: Sequence[Problem]) -> None:
    for problem in problems:
        assert problem.place is not None
        assert problem.hint, problem
    for format_name in PROBLEMS.formats:
        assert len(PROBLEMS.render(format_name, problems, warnings).encode()) < 20_000_000


def plan_of(session: Session) -> Plan:
    """Plan the session where nothing is live."""
    inputs = PlanInputs(
        environment=session.name,
        connections=session.urls,
        kinds=session.kinds,
        desired=session.desired,
        live={name: {} for name in session.kinds},
        memory=Memory(),
        guardrails=session.settings.guardrails,
        now=NOW,
        target_hosts=session.settings.target_hosts,
    )
    return make_plan(inputs).plan


def rendered(plan: Plan) -> None:
    for format_name in PLAN.formats:
        PLAN.render(format_name, plan).encode()
    assert plan_from_json(plan_to_json(plan)).digest == plan.digest


def tried(folder: Path) -> bool:
    """Do what `validate` and `plan` do with a folder; returns whether it came to a plan."""
    project = Project(folder, (ALL,), ENVIRON)
    planned = False
    try:
        _, found = project.check()
        told(found.problems, found.warnings)
        sessions, failures = project.sessions(NOW)
        for session in sessions:
            rendered(plan_of(session))
            planned = True
        for failure in failures:
            raise failure
    except ReconcilerError as error:
        explained(error)
    return planned


def explained(error: ReconcilerError) -> None:
    assert not isinstance(error, InternalError)
    for format_name in ERROR.formats:
        ERROR.render(format_name, error).encode()


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_what_is_not_changed_comes_to_a_plan(tmp_path: Path) -> None:
    dice = random.Random(2)
    assert tried(written(tmp_path, {name: yaml_bytes(dice, FILES[name]) for name in NAMES}))


@given(seed=st.integers(0, 2**63))
@settings(max_examples=8 * CASES)
def test_manifests_may_say_anything(tmp_path_factory: Any, seed: int) -> None:
    dice = random.Random(seed)
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    files = fuzzed(dice)
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)
    with bounded(seconds=20, megabytes=400):
        tried(written(folder, files))
