"""What has changed since a commit, committed or not; and no answer where git has none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.app.commits import changed_since, clean_commit


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    folder = tmp_path / "repository" / "manifests"
    folder.mkdir(parents=True)
    for name in ("a.yaml", "b ä.yaml", "c.yaml"):
        (folder / name).write_text("1\n")
    (folder.parent / "README").write_text("1\n")
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-qm", "one")
    return folder


def test_what_was_committed_changed_deleted_and_added_since(manifests: Path) -> None:
    commit = clean_commit(manifests)
    assert commit == git(manifests, "rev-parse", "HEAD")
    assert changed_since(manifests, commit) == frozenset()
    (manifests / "a.yaml").write_text("2\n")
    git(manifests, "commit", "-qam", "two")
    (manifests / "b ä.yaml").write_text("2\n")
    (manifests / "c.yaml").unlink()
    (manifests / "d.yaml").write_text("1\n")
    (manifests.parent / "README").write_text("2\n")
    names = ("a.yaml", "b ä.yaml", "c.yaml", "d.yaml")
    assert changed_since(manifests, commit) == {(manifests / name).resolve() for name in names}


def test_what_is_not_committed_is_at_no_commit(manifests: Path) -> None:
    (manifests.parent / "README").write_text("2\n")
    assert clean_commit(manifests) is not None
    (manifests / "d.yaml").write_text("1\n")
    assert clean_commit(manifests) is None


def test_where_git_knows_nothing_there_is_no_answer(
    manifests: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changed_since(manifests, None) is None
    assert changed_since(manifests, "0" * 40) is None
    assert changed_since(manifests, "--output=x") is None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert clean_commit(elsewhere) is None
    assert changed_since(elsewhere, "0" * 40) is None
    monkeypatch.setenv("PATH", str(elsewhere))
    assert clean_commit(manifests) is None
