"""`init --from-live`: what two marketplaces share stands once, what differs is a patch, and one command reads both."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from reconciler.app.imports import import_into
from reconciler.app.project import Project
from reconciler.emulator.testing import RunningEmulator, running_emulator
from reconciler.gitops.init.repository import Wish, begin
from reconciler.gitops.init.source import Source
from support.http_client_helpers import Listener

ENVIRONMENT = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {{name: {name}}}
spec:
  ordercloud:
    apiUrl: {url}/ordercloud/v1
    authUrl: {url}/ordercloud/oauth/token
    clientID: ${{env:OC_CLIENT_ID}}
    clientSecret: ${{secret:OC_CLIENT_SECRET}}
  ledger: sqlite:///{ledger}
"""


def load(emulator: RunningEmulator, **endpoints: str) -> None:
    state = emulator.state(secrets=True)
    state["ordercloud"]["deliveryConfigs"] = {
        name: {"ID": name, "Name": name, "Enabled": True, "DeliveryTargets": {"Http": {"Endpoint": url, "Secret": "k"}}}
        for name, url in endpoints.items()
    }
    emulator.load(state)


def test_two_marketplaces_become_manifests_and_patches(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    environments = folder / "manifests" / "environments"
    environments.mkdir(parents=True)
    with running_emulator() as left, running_emulator() as right:
        load(left, same="https://hooks.example.com/a", other="https://left.example.com")
        load(right, same="https://hooks.example.com/a", other="https://right.example.com")
        environ = {}
        for name, emulator in (("left", left), ("right", right)):
            emulator.add_client(f"{name}-client", f"{name}-secret")
            ledger = tmp_path / f"{name}.db"
            text = ENVIRONMENT.format(name=name, url=emulator.url, ledger=ledger)
            (environments / f"{name}.yaml").write_text(text)
            environ |= {
                f"{name.upper()}_OC_CLIENT_ID": f"{name}-client",
                f"{name.upper()}_OC_CLIENT_SECRET": f"{name}-secret",
            }

        async def take(project: Project, into: Path) -> Sequence[str]:
            done = await import_into(project, into, frozenset(), Listener(), token_cache=False)
            return done.files

        wish = Wish(folder, "github", ("left", "right"))
        begun = asyncio.run(begin(wish, environ, Source("x"), take, branch="main"))

    documents: list[Any] = []
    for path in sorted((folder / "manifests").rglob("*.yaml")):
        documents += [one for one in yaml.safe_load_all(path.read_text()) if one["kind"] == "DeliveryConfig"]
    assert sorted(one["metadata"]["name"] for one in documents) == ["other", "same"]
    patches = yaml.safe_load((environments / "right.yaml").read_text())["spec"]["patches"]
    assert [(patch["kind"], patch["name"], patch["spec"]) for patch in patches] == [
        ("DeliveryConfig", "other", {"deliveryTargets": {"http": {"endpoint": "https://right.example.com"}}})
    ]
    assert not (folder / "manifests" / "delivery").exists(), "manifests to begin with are for those who import nothing"
    # The pipelines hand over what the imported manifests refer to.
    secrets = {name for need in begun.needs for name in need.targets}
    apply = (folder / ".github" / "workflows" / "reconciler-apply.yml").read_text()
    assert secrets
    assert all(f"{name}: ${{{{ secrets.{name} }}}}" in apply for name in secrets)
