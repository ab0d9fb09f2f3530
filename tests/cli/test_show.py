"""`reconciler show`: what was written once is shown in every format, and nothing that was altered."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.run import run
from reconciler.reconcile import planread
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planner import make_plan
from reconciler.report.documents.apply import apply_from_json, apply_to_json
from reconciler.report.documents.drift import drift_from_json, drift_to_json
from reconciler.report.documents.saved import read_result
from reconciler.report.escape import json_text
from reconciler.report.renderers import APPLY, DRIFT, PLAN
from support.builders import config, entity_sync, inputs, live_config, live_sync
from support.hostile import bounded
from support.report_samples import SAMPLE_APPLY, SAMPLE_DRIFT

DESIRED = [config(name="New name"), entity_sync(syncEntityDeleted=False)]
REAL_PLAN = make_plan(inputs(DESIRED, [live_config(), live_sync()])).plan
SECOND = timedelta(seconds=1)
SAVED: dict[str, Any] = {
    "plan": plan_to_json(REAL_PLAN),
    "drift": drift_to_json(SAMPLE_DRIFT),
    "apply": apply_to_json(SAMPLE_APPLY),
}
RENDERED: dict[str, Callable[[str], str]] = {
    "plan": lambda name: PLAN.render(name, REAL_PLAN),
    "drift": lambda name: DRIFT.render(name, SAMPLE_DRIFT),
    "apply": lambda name: APPLY.render(name, SAMPLE_APPLY),
}


def saved(folder: Path, what: str) -> Path:
    file = folder / f"{what}.json"
    file.write_text(json_text(SAVED[what]))
    return file


@pytest.mark.parametrize("format_name", ["json", "markdown", "html"])
@pytest.mark.parametrize("what", SAVED)
def test_what_is_shown_is_what_was_rendered_when_it_was_made(what: str, format_name: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert run(["show", str(saved(tmp_path, what)), "--format", format_name, "--output", str(output)]) == 0
    assert output.read_text() == RENDERED[what](format_name)


@pytest.mark.parametrize("what", SAVED)
def test_text_needs_no_manifests_and_no_network(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(tmp_path, what)
    monkeypatch.chdir(tmp_path)
    assert run(["show", str(file)]) == 0
    assert what in capsys.readouterr().out.splitlines()[0].lower()


def test_a_plan_that_has_expired_is_shown_as_that_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(tmp_path, "plan")
    for now, words in ((REAL_PLAN.expires_at - SECOND, "Apply exactly this"), (REAL_PLAN.expires_at, "It expired at")):
        monkeypatch.setattr("reconciler.cli.commands.show.utc_now", lambda now=now: now)
        assert run(["show", str(file)]) == 0
        closing = capsys.readouterr().out.splitlines()[-1]
        assert closing.startswith(words)
    assert f"Plan again with `reconciler plan -e {REAL_PLAN.environment} --save {file}`" in closing


def test_reports_read_back_the_same() -> None:
    assert drift_from_json(json.loads(json_text(SAVED["drift"]))) == SAMPLE_DRIFT
    assert apply_to_json(apply_from_json(json.loads(json_text(SAVED["apply"])))) == SAVED["apply"]


def test_a_plan_that_was_altered_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = saved(tmp_path, "plan")
    file.write_text(file.read_text().replace("New name", "Evil name"))
    assert run(["show", str(file)]) == 1
    assert "altered" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "no saved plan"),
        ("[1]", "no saved plan"),
        ("nonsense", "not JSON"),
        (r'{"format_version": 1, "environment": "\ud800"}', "holds half a character, or a number that is none"),
        ('{"format_version": NaN}', "holds half a character, or a number that is none"),
        ("[" * 5_000 + "]" * 5_000, "nested too deeply"),
        ('{"format_version": 1, "results": 5}', "not a valid report"),
        ('{"format_version": 1, "items": [{"S3CR3T": 1}]}', "not a valid report"),
    ],
)
def test_what_is_none_of_them_is_refused_without_its_values(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file.json").write_text(text)
    assert run(["show", str(tmp_path / "file.json")]) == 1
    assert words in " ".join(capsys.readouterr().err.split())


def test_a_byte_order_mark_of_an_editor_is_skipped_and_another_encoding_is_called_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(tmp_path, "plan")
    text = file.read_text()
    file.write_text(text, encoding="utf-8-sig")
    assert run(["show", str(file)]) == 0
    file.write_text(text, encoding="utf-16")
    assert run(["show", str(file)]) == 1
    assert "it is not JSON in UTF-8" in " ".join(capsys.readouterr().err.split())


def test_a_file_of_more_values_than_any_result_has_is_refused_before_they_are_made(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_bytes(b"[" + b"[]," * (planread.MOST_VALUES + 1) + b"[]]")
    with (
        bounded(seconds=20, megabytes=300),
        pytest.raises(planread.PlanFileError, match="holds more than 10,000,000 values"),
    ):
        read_result(tmp_path / "file.json")


def test_a_time_that_is_none_is_told_without_its_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(saved(tmp_path, "plan").read_text())
    (tmp_path / "file.json").write_text(json.dumps({**document, "created_at": "hunter2"}))
    assert run(["show", str(tmp_path / "file.json")]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "created_at: a time is written as" in told
    assert "hunter2" not in told


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planread, "LARGEST_BYTES", 1000)
    assert run(["show", "/dev/zero"]) == 1
    with pytest.raises(planread.PlanFileError, match="larger"):
        read_result(saved(tmp_path, "plan"))
