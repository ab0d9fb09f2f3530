"""`validate FOLDER…` checks each folder by itself, and names what looks like a manifest and is not read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.cli.run import run

SYNC = "apiVersion: reconciler/v1\nkind: ProductSync\nmetadata: {name: products}\nspec: {deliveryConfig: %s}\n"
CONFIG = """\
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {name: hook}
spec: {name: Hook, deliveryTargets: {http: {endpoint: "https://hooks.example.com/x", secret: "${secret:HOOK}"}}}
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hook.yaml").write_text(CONFIG)
        (tmp_path / name / "sync.yaml").write_text(SYNC % "hook")
    return tmp_path


def test_several_folders_do_not_know_each_other(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # In one folder these would be two manifests of one name.
    assert run(["validate", "one", "two"]) == 0
    assert "4 manifests read" in capsys.readouterr().out


def test_the_problems_of_all_folders_are_shown(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        (checkout / name / "sync.yaml").write_text(SYNC % "nowhere")
    assert run(["validate", "one", "two", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)["problems"]
    assert [problem["source"]["file"] for problem in found] == ["one/sync.yaml", "two/sync.yaml"]


def test_naming_the_folders_twice_is_refused(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "one", "-m", "two"]) == 64
    assert "twice" in capsys.readouterr().err


def test_what_is_not_read_is_a_warning(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "one" / "hook.yaml.txt").write_text(CONFIG)
    assert run(["validate", "one", "two"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "one/hook.yaml.txt" in shown
    assert "is not read" in shown
