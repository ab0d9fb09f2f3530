"""Whatever stands in a file that a command is given, it ends with a status of its own and a message, and never inside.

RECONCILER_TEST_FUZZ sets how much is tried; 600 take about ten minutes.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.cli.run import run
from reconciler.reconcile.planfile import plan_to_json
from reconciler.report.documents.apply import apply_to_json
from reconciler.report.documents.drift import drift_to_json
from support.hostile import bounded, changed, json_bytes, of_the_same_type, scratched
from support.report_samples import SAMPLE_APPLY, SAMPLE_DRIFT, SAMPLE_PLAN

CASES = int(os.environ.get("RECONCILER_TEST_FUZZ", "10"))
EXAMPLES = Path(__file__).resolve().parents[2] / "manifests"
FILES = sorted(EXAMPLES.rglob("*.yaml"))
SAVED: tuple[Any, ...] = (plan_to_json(SAMPLE_PLAN), drift_to_json(SAMPLE_DRIFT), apply_to_json(SAMPLE_APPLY))
FORMATS = ("text", "json", "sarif", "junit", "github", "azure", "gitlab")
# Of docs/commands.md: done, error, refused by a guardrail, stale, and usage: the environment may be gone.
ENDS = {0, 1, 3, 4, 64}


@given(seed=st.integers(0, 2**63))
@settings(max_examples=3 * CASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_validate_and_plan_may_be_given_any_manifests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    dice = random.Random(seed)
    altered = dice.choice(FILES)
    for file in FILES:
        copy = tmp_path / file.relative_to(EXAMPLES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
        if file is altered:
            change = dice.choice((changed, of_the_same_type))
            documents = [change(dice, each) for each in yaml.safe_load_all(file.read_bytes())]
            copy.write_bytes(scratched(dice, b"\n---\n".join(json_bytes(dice, each) for each in documents)))
    with bounded(seconds=20, megabytes=300):
        assert run(["validate", "-m", str(tmp_path), "--format", dice.choice(FORMATS)]) in ENDS
        # Nobody listens there, or the manifests are refused before.
        assert run(["ledger", "show", "-m", str(tmp_path), "-e", "emulator"]) in ENDS
    assert "Internal error" not in "".join(capfd.readouterr())


@given(seed=st.integers(0, 2**63))
@settings(max_examples=5 * CASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_show_and_apply_may_be_given_any_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    dice = random.Random(seed)
    file = tmp_path / "saved.json"
    file.write_bytes(scratched(dice, json_bytes(dice, changed(dice, dice.choice(SAVED), dice.choice((0, 1, 3))))))
    with bounded(seconds=20, megabytes=300):
        assert run(["show", str(file), "--format", dice.choice(("text", "json", "markdown", "html"))]) in ENDS
        assert run(["apply", str(file), "--yes", "-m", str(EXAMPLES)]) in ENDS - {0}
    assert "Internal error" not in "".join(capfd.readouterr())
