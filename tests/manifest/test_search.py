"""The folder `manifests` is found here or above, no further than the project goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import LoadError
from reconciler.manifest import search
from reconciler.manifest.search import find_manifests


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with manifests at its root, and more of them outside."""
    (tmp_path / "manifests").mkdir()
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    (root / "src" / "deep").mkdir(parents=True)
    return root


@pytest.mark.parametrize(
    ("start", "found"), [(".", "manifests"), ("src", "../manifests"), ("src/deep", "../../manifests")]
)
def test_it_is_found_from_any_folder_below(repository: Path, start: str, found: str) -> None:
    (repository / "manifests").mkdir()
    assert find_manifests(repository / start) == Path(found)


def test_the_nearest_one_counts(repository: Path) -> None:
    (repository / "manifests").mkdir()
    (repository / "src" / "manifests").mkdir()
    assert find_manifests(repository / "src" / "deep") == Path("../manifests")


@pytest.mark.parametrize("start", [".", "src/deep"])
def test_the_search_ends_at_the_root_of_the_repository(repository: Path, start: str) -> None:
    with pytest.raises(LoadError, match="the root of the repository") as caught:
        find_manifests(repository / start)
    assert (str(repository) in caught.value.message) == (start != ".")
    assert "-m" in (caught.value.next_step or "")


def test_a_repository_may_be_a_worktree(repository: Path) -> None:
    (repository / ".git").rmdir()
    (repository / ".git").write_text("gitdir: elsewhere")
    with pytest.raises(LoadError, match="the root of the repository"):
        find_manifests(repository / "src")


def test_the_search_ends_at_home_and_at_a_mount_point(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / ".git").rmdir()
    monkeypatch.setattr(search.os.path, "ismount", lambda path: Path(path) == repository)
    with pytest.raises(LoadError, match="a mount point"):
        find_manifests(repository / "src")
    monkeypatch.setattr(Path, "home", lambda: repository / "src")
    with pytest.raises(LoadError, match="your home folder"):
        find_manifests(repository / "src" / "deep")


def test_a_folder_above_that_belongs_to_somebody_else_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "shared" / "mine"
    below.mkdir(parents=True)
    (tmp_path / "shared" / "manifests").mkdir()
    (tmp_path / "manifests").mkdir()
    theirs, stat = tmp_path / "shared" / "manifests", Path.stat

    class Theirs:
        st_uid = 4711
        st_mode = 0o40755

    monkeypatch.setattr(Path, "stat", lambda path, **how: Theirs() if path == theirs else stat(path, **how))
    assert find_manifests(below) == Path("../../manifests")


def test_what_is_here_and_no_folder_is_left_to_whoever_reads_it(repository: Path) -> None:
    (repository / "src" / "manifests").write_text("")
    assert find_manifests(repository / "src") == Path("manifests")
