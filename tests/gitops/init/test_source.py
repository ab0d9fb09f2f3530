"""Pipelines install what runs here, from where it came, and nobody's password goes along."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.gitops.init import source as module
from reconciler.gitops.init.source import Source, source

NAME = "ordercloud-reconciler[emulator,postgres]"
COMMIT = "a" * 40


def installed(monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None) -> Source:
    class Distribution:
        version = "0.1.0"

        def read_text(self, _name: str) -> str | None:
            return None if origin is None else json.dumps(origin)

    monkeypatch.setattr(module.metadata, "distribution", lambda _name: Distribution())
    return source()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host.example/o/r", "https://host.example/o/r"),
        ("https://me:ghp_secret@host.example:8443/o/r.git", "https://host.example:8443/o/r.git"),
        ("ssh://git@host.example:22/o/r.git", "https://host.example/o/r.git"),
        ("git@host.example:o/r.git", "https://host.example/o/r.git"),
    ],
)
def test_a_repository_is_pinned_to_its_commit(monkeypatch: pytest.MonkeyPatch, url: str, shown: str) -> None:
    found = installed(monkeypatch, {"url": url, "vcs_info": {"vcs": "git", "commit_id": COMMIT}})
    assert found == Source(f"{NAME} @ git+{shown}@{COMMIT}")


def test_an_address_keeps_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    found = installed(monkeypatch, {"url": "https://u:p@h.example/r.whl", "archive_info": {"hashes": {"sha256": "ab"}}})
    assert found == Source(f"{NAME} @ https://h.example/r.whl#sha256=ab")


def test_a_wheel_goes_along(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheel = tmp_path / "a b" / "r-0.1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(b"wheel")
    found = installed(monkeypatch, {"url": wheel.as_uri(), "archive_info": {}})
    assert found == Source("./wheels/r-0.1.0-py3-none-any.whl[emulator,postgres]", wheel)


def test_a_checkout_is_installed_from_its_origin_or_cannot_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    origin = {"url": tmp_path.as_uri(), "dir_info": {"editable": True}}
    assert installed(monkeypatch, origin) == Source(None)
    subprocess.run([*git, "remote", "add", "origin", "git@host.example:o/r.git"], check=True)
    requirement = installed(monkeypatch, origin).requirement
    assert requirement is not None
    assert requirement.startswith(f"{NAME} @ git+https://host.example/o/r.git@")


def test_from_an_index_it_is_pinned_to_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed(monkeypatch, None) == Source(f"{NAME}==0.1.0")


@pytest.mark.parametrize(
    ("remote", "requirement"),
    [
        ("/srv/a b@c", f"{NAME} @ git+file:///srv/a%20b%40c@{COMMIT}"),
        ("file:///srv/r", f"{NAME} @ git+file:///srv/r@{COMMIT}"),
        ("../main", None),
        ("main", None),
    ],
)
def test_an_origin_that_is_a_path_is_one_that_pip_can_read_or_none(
    monkeypatch: pytest.MonkeyPatch, remote: str, requirement: str | None
) -> None:
    monkeypatch.setattr(module, "_git", lambda _folder, word, *_: remote if word == "remote" else COMMIT)
    found = installed(monkeypatch, {"url": "file:///checkout", "dir_info": {}})
    assert found == Source(requirement)
    assert requirement is None or module.unusable(requirement) is None
