"""A project: the folder, the environments that are meant, and the variables that references are resolved with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.app import project as project_module
from reconciler.app.project import Project
from reconciler.errors import ManifestErrors, ReconcilerError, UnresolvedReference, UsageError

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ENVIRONMENT = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {{name: {name}}}
spec:
  ordercloud: {{region: us-west, environment: sandbox, clientID: "${{env:OC_CLIENT_ID}}", clientSecret: x}}
---
"""


def project(folder: Path, *names: str, extra: str = "", **settings: object) -> Project:
    manifests = folder / "manifests"
    manifests.mkdir()
    (manifests / "all.yaml").write_text("".join(ENVIRONMENT.format(name=name) for name in names) + extra)
    return Project(manifests, **settings)  # type: ignore[arg-type]


def test_references_are_resolved_with_the_variables_of_the_project(tmp_path: Path) -> None:
    found = project(tmp_path, "sandbox", environ={"OC_CLIENT_ID": "mine"}).session(NOW)
    assert found.connections["ordercloud"].client_id == "mine"


def test_the_only_environment_needs_no_name_and_several_do(tmp_path: Path) -> None:
    several = project(tmp_path, "one", "two", environ={"OC_CLIENT_ID": "mine"})
    with pytest.raises(UsageError):
        several.session(NOW)
    named = Project(several.manifests, ("two",), several.environ)
    assert named.session(NOW).name == "two"


def test_all_are_opened_in_the_order_of_their_names(tmp_path: Path) -> None:
    found, failures = project(tmp_path, "two", "one", environments=("all",), environ={"OC_CLIENT_ID": "mine"}).sessions(
        NOW
    )
    assert [session.name for session in found] == ["one", "two"]
    assert failures == ()


def test_of_several_environments_those_that_cannot_be_opened_are_told_and_the_only_one_is_an_error(
    tmp_path: Path,
) -> None:
    several = project(tmp_path, "one", "two", environments=("one", "two"), environ={})
    found, failures = several.sessions(NOW)
    assert found == ()
    assert [type(error) for error in failures] == [UnresolvedReference, UnresolvedReference]
    with pytest.raises(UnresolvedReference):
        Project(several.manifests, ("one",), {}).sessions(NOW)


def test_one_use_case_for_one_environment_refuses_several(tmp_path: Path) -> None:
    several = project(tmp_path, "one", "two", environments=("one", "two"), environ={"OC_CLIENT_ID": "mine"})
    with pytest.raises(UsageError, match="one environment"):
        several.settings()


def test_the_ledger_is_found_although_a_manifest_is_wrong(tmp_path: Path) -> None:
    broken = project(tmp_path, "sandbox", extra="apiVersion: reconciler/v1\nkind: Nonsense\n", environ={})
    assert broken.settings().ledger
    with pytest.raises(ManifestErrors):
        broken.session(NOW)


def test_the_manifests_of_many_environments_are_read_once_and_one_that_is_wrong_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    load = project_module.load
    monkeypatch.setattr(project_module, "load", lambda folder, *more: read.append(folder) or load(folder, *more))
    patch = "spec: {patches: [{kind: DeliveryConfig, name: gone, spec: {enabled: false}}]}\n"
    patch = f"apiVersion: reconciler/v1\nkind: Environment\nmetadata: {{name: wrong}}\n{patch}"
    names = [f"shop-{number}" for number in range(5)]
    several = project(tmp_path, *names, extra=patch, environments=("all",), environ={"OC_CLIENT_ID": "mine"})
    openers = several.openers()
    assert len(read) == 1
    assert {name for name, opener in openers.items() if isinstance(opener, ReconcilerError)} == {"wrong"}
    for name in names:
        opener = openers[name]
        assert not isinstance(opener, ReconcilerError)
        assert opener(NOW).name == name
