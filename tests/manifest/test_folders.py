"""Finding and reading the files of a manifest folder."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import LoadError
from reconciler.kind.kind import Kinds
from reconciler.manifest.files import unread
from reconciler.manifest.load import Loaded, load
from reconciler.manifest.validate import validate

SYNC = "apiVersion: reconciler/v1\nkind: OrderSync\nmetadata: {name: orders}\nspec: {deliveryConfig: x}\n"
Write = Callable[..., Path]


def codes(loaded: Loaded) -> list[str]:
    return [problem.code for problem in loaded.problems]


def test_files_are_found_at_any_depth_in_a_stable_order(write: Write, kinds: Kinds) -> None:
    folder = write(b=SYNC)
    (folder / "a").mkdir()
    (folder / "a" / "z.yml").write_text(SYNC)
    (folder / "looks-like-a-file.yaml").mkdir()
    (folder / "looks-like-a-file.yaml" / "in.yaml").write_text(SYNC)
    (folder / "notes.txt").write_text("not: [yaml")
    loaded = load(folder, kinds)
    assert codes(loaded) == []
    assert [manifest.file for manifest in loaded.manifests] == [
        str(folder / name) for name in ("a/z.yml", "b.yaml", "looks-like-a-file.yaml/in.yaml")
    ]


def test_files_are_named_as_the_user_named_the_folder(
    write: Write, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(SYNC).parent)
    assert load(Path("manifests"), kinds).manifests[0].file == "manifests/m.yaml"


def test_dot_files_and_dot_folders_are_left_out(write: Write, kinds: Kinds) -> None:
    folder = write(SYNC)
    (folder / ".hidden.yaml").write_text("not: [yaml")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.yaml").write_text("not: [yaml")
    assert len(load(folder, kinds).manifests) == 1


@pytest.mark.parametrize("content", [None, "", "# only a comment\n", "---\n---\n"])
def test_a_folder_without_manifests_stops_the_run(write: Write, kinds: Kinds, content: str | None) -> None:
    with pytest.raises(LoadError) as caught:
        load(write(content), kinds)
    assert "absent" in (caught.value.next_step or "")
    assert "import` needs an Environment manifest there first" in (caught.value.next_step or "")


def test_a_missing_folder_stops_the_run(tmp_path: Path, kinds: Kinds) -> None:
    with pytest.raises(LoadError, match="there is no folder") as caught:
        load(tmp_path / "nowhere", kinds)
    assert "import` needs an Environment manifest there first" in (caught.value.next_step or "")


def test_a_file_instead_of_a_folder_stops_the_run(write: Write, kinds: Kinds) -> None:
    with pytest.raises(LoadError, match="not a folder"):
        load(write(SYNC) / "m.yaml", kinds)


def test_a_folder_that_is_a_link_in_a_circle_stops_the_run(tmp_path: Path, kinds: Kinds) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(LoadError):
        load(tmp_path / "loop", kinds)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_a_problem(write: Write, kinds: Kinds) -> None:
    folder = write(SYNC, locked=SYNC)
    (folder / "locked.yaml").chmod(0)
    (folder / "closed").mkdir(mode=0)
    loaded = load(folder, kinds)
    assert codes(loaded) == ["unreadable-file", "unreadable-file"]
    assert loaded.lost == {(None, None)}


def test_links_inside_the_folder_are_followed(write: Write, kinds: Kinds) -> None:
    # As Kubernetes mounts a ConfigMap.
    folder = write()
    (folder / "..2026").mkdir()
    (folder / "..2026" / "m.yaml").write_text(SYNC)
    (folder / "..data").symlink_to("..2026")
    (folder / "m.yaml").symlink_to("..data/m.yaml")
    loaded = load(folder, kinds)
    assert (len(loaded.manifests), codes(loaded)) == (1, [])


def test_links_out_of_the_folder_are_not_followed(write: Write, kinds: Kinds) -> None:
    folder = write(SYNC)
    (folder.parent / "secret.yaml").write_text("password: hunter2")
    (folder / "out.yaml").symlink_to("../secret.yaml")
    loaded = load(folder, kinds)
    assert codes(loaded) == ["link"]
    assert "hunter2" not in repr(loaded.problems)


def test_links_in_a_circle_and_to_folders_are_problems(write: Write, kinds: Kinds) -> None:
    folder = write(SYNC)
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "gone.yaml").symlink_to("gone-for-good")
    (folder / "up").symlink_to(folder)
    assert codes(load(folder, kinds)) == ["unreadable-file", "unreadable-file", "link"]


def test_pipes_and_sockets_never_block(write: Write, kinds: Kinds, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(SYNC)
    os.mkfifo(folder / "pipe.yaml")
    monkeypatch.chdir(folder)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
        loaded = load(folder, kinds)
    assert codes(loaded) == ["not-a-file", "unreadable-file"]
    assert len(loaded.manifests) == 1


def test_a_huge_file_is_not_read(write: Write, kinds: Kinds) -> None:
    folder = write(SYNC)
    with (folder / "huge.yaml").open("wb") as stream:
        stream.truncate(10 * 1024**3)
    assert codes(load(folder, kinds)) == ["too-large"]


def test_files_that_cannot_be_read_are_named_one_by_one(write: Write, kinds: Kinds) -> None:
    loaded = load(write(SYNC, a="a: [", b=b"\xff", c="- no manifest"), kinds)
    assert [(Path(problem.place.file).name, problem.code) for problem in loaded.problems] == [
        ("a.yaml", "not-yaml"),
        ("b.yaml", "not-utf8"),
        ("c.yaml", "not-a-manifest"),
    ]
    assert loaded.lost == {(None, None)}  # the list is no manifest at all, the other two may have been any


LOST = {
    "kind: ProduktSync\nmetadata: {name: c}": (None, "c"),
    "metadata: {name: c}": (None, "c"),
    "kind: DeliveryConfig\nmetadata: {name: c d}": ("DeliveryConfig", "c d"),
    "kind: DeliveryConfig\nmetadata: {name: [c]}": ("DeliveryConfig", None),
    "kind: DeliveryConfig\nmetadata: {name: c}\nspec: text": ("DeliveryConfig", "c"),
    "kind: Environment\nmetadata: {name: e}\nspec: {ledgr: x}": ("Environment", "e"),
}


@pytest.mark.parametrize(("text", "meant"), LOST.items())
def test_what_became_no_manifest_may_be_what_it_says(
    write: Write, kinds: Kinds, text: str, meant: tuple[str | None, str | None]
) -> None:
    loaded = load(write(SYNC, broken=f"apiVersion: reconciler/v1\n{text}\n"), kinds)
    assert loaded.lost == {meant}
    assert loaded.may_hold(meant[0] or "DeliveryConfig", meant[1] or "c")
    assert not loaded.may_hold(meant[0] or "DeliveryConfig", "other") or meant[1] is None
    assert not loaded.may_hold("OrderSync", "other")


@pytest.mark.parametrize("text", ["a\n", "kind: X\n", "{}\n", "apiVersion: reconciler/v1\nkind: OrderSync\n"])
def test_a_file_of_which_nothing_is_right_is_left_early(write: Write, kinds: Kinds, text: str) -> None:
    folder = write(SYNC, flood="---\n".join([text] * 50_000))
    started = time.thread_time()
    found = validate(load(folder, kinds), kinds)
    assert time.thread_time() - started < 5
    assert len(found.problems) < 210
    last = max(found.problems, key=lambda problem: problem.place)
    assert last.code == "too-many-problems"


def test_the_ending_may_be_in_capitals(write: Write, kinds: Kinds) -> None:
    folder = write()
    (folder / "A.YAML").write_text(SYNC)
    (folder / "b.Yml").write_text(SYNC.replace("productsync", "other"))
    assert len(load(folder, kinds).manifests) == 2


def test_what_looks_like_a_manifest_and_is_not_read_is_named(write: Write) -> None:
    folder = write(SYNC)
    like_one = (".hidden.yaml", "copy.yaml.txt", "copy.YML.bak", "old.yaml~", "sync.json")
    for name in (*like_one, "notes.txt", "sync.toml", "m.yaml.swp"):
        (folder / name).write_text(SYNC)
    (folder / "package.json").write_text('{"kind": "other"}')
    (folder / ".git").mkdir()
    (folder / ".git" / ".x.yaml").write_text(SYNC)
    os.mkfifo(folder / "pipe.json")
    found = list(unread(folder))
    assert [(problem.code, Path(problem.place.file).name) for problem in found] == [
        ("not-read", name) for name in sorted(like_one)
    ]
    assert all(".yaml" in (problem.hint or "") for problem in found)


def test_a_folder_that_holds_only_such_files_says_so(write: Write, kinds: Kinds) -> None:
    folder = write()
    (folder / "environment.yaml.txt").write_text(SYNC)
    with pytest.raises(LoadError, match="holds no manifest") as caught:
        load(folder, kinds)
    assert str(caught.value.place) == str(folder / "environment.yaml.txt")
    assert "ends in .yaml" in (caught.value.next_step or "")
