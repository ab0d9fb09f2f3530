"""Every format that `validate` offers can be written, of manifests that are right and of ones that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.exit_status import Status
from reconciler.cli.run import run
from reconciler.report.renderers import PROBLEMS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("format_name", PROBLEMS.formats)
def test_right_manifests_can_be_told_in_every_format(format_name: str, tmp_path: Path) -> None:
    output = str(tmp_path / "out")
    assert run(["validate", "-m", str(ROOT / "manifests"), "--format", format_name, "--output", output]) == Status.DONE
    assert Path(output).exists()


@pytest.mark.parametrize("format_name", PROBLEMS.formats)
def test_wrong_manifests_can_be_told_in_every_format(format_name: str, tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "wrong.yaml").write_text("apiVersion: reconciler/v1\nkind: Nonsense\n")
    output = str(tmp_path / "out")
    words = ["validate", "-m", str(tmp_path / "manifests"), "--format", format_name, "--output", output]
    assert run(words) == Status.ERROR
    assert "unknown-kind" in Path(output).read_text()
