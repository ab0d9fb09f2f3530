"""Templates are filled: values, lists of lines, repetitions, conditions."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.gitops.init import template


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(template, "files", lambda _package: tmp_path)
    (tmp_path / "templates").mkdir()
    return tmp_path / "templates"


def test_values_lists_repetitions_and_conditions(write: Path) -> None:
    (write / "t.yml").write_text(
        "%% each ITEMS\n- @@NAME@@:\n  %% if FULL\n    @@LINES@@\n  %% end\n  %% unless FULL\n  none\n  %% end\n"
        "%% end\n  %% include part.yml\nlast: $NAME ${{ x }}\n"
    )
    (write / "part.yml").write_text("a\n\n  b: @@WHO@@\n")
    items = [{"NAME": "one", "FULL": True, "LINES": ["x: 1", "y: 2"]}, {"NAME": "two", "FULL": False, "LINES": []}]
    assert template.fill("t.yml", {"ITEMS": items, "WHO": "me"}) == (
        "- one:\n    x: 1\n    y: 2\n- two:\n  none\n  a\n\n    b: me\nlast: $NAME ${{ x }}\n"
    )


def test_a_value_that_is_missing_is_no_text(write: Path) -> None:
    (write / "t.yml").write_text("@@NOBODY@@ here\n")
    with pytest.raises(KeyError):
        template.fill("t.yml", {})
