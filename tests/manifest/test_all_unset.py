"""Whoever has to set variables is told of all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import ReconcilerError, SeveralUnset, UnresolvedReference
from reconciler.manifest.load import load
from reconciler.manifest.select import select
from reconciler.reconcile.session import Session, open_session
from reconciler.registry import kinds, manifest_kinds, request_kinds
from support.builders import NOW

MANIFESTS = """
apiVersion: reconciler/v1
kind: Environment
metadata: {name: here}
spec:
  ordercloud:
    region: us-west
    environment: sandbox
    clientID: ${env:OC_CLIENT_ID}
    clientSecret: ${secret:OC_CLIENT_SECRET}
  ledger: ${env:RECONCILER_LEDGER:-sqlite:///.reconciler/l.db}
  variables: {filled: a, from_env: "${env:EMULATOR}"}
---
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {name: hook}
spec:
  name: ${var:filled} ${var:nothing}
  deliveryTargets:
    http: {endpoint: "https://${var:host}/${env:EMULATOR:-x}", secret: "${secret:NOT_NEEDED_YET}"}
---
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {name: other}
spec: {name: "${var:from_env}", deliveryTargets: {http: {endpoint: "https://a.example/${env:FORBIDDEN}", secret: x}}}
"""


def opened(folder: Path, environ: dict[str, str], text: str = MANIFESTS) -> Session:
    (folder / "all.yaml").write_text(text)
    selected = select(load(folder, manifest_kinds()), "here", manifest_kinds())
    return open_session(selected, kinds(), environ, NOW, request_kinds())


def told(folder: Path, environ: dict[str, str]) -> list[tuple[str, int]]:
    with pytest.raises(SeveralUnset) as caught:
        opened(folder, environ)
    assert caught.value.message == f"{len(caught.value.problems)} references have no value"
    assert all(problem.hint for problem in caught.value.problems)
    return sorted((problem.message, problem.place.line) for problem in caught.value.problems)


def test_every_reference_without_a_value_is_named_once_with_its_place(tmp_path: Path) -> None:
    assert told(tmp_path, {}) == [
        ("${env:EMULATOR} has no value", 25),
        ("${env:OC_CLIENT_ID} has no value", 9),
        ("${secret:OC_CLIENT_SECRET} is not set", 10),
        ("${var:host} has no value", 20),
        ("${var:nothing} has no value", 18),
        ("manifests may not read the environment variable FORBIDDEN", 25),
    ]


def test_what_has_a_value_or_a_default_is_not_named(tmp_path: Path) -> None:
    environ = {"OC_CLIENT_ID": "a", "OC_CLIENT_SECRET": "b", "EMULATOR": "c", "RECONCILER_ALLOW_ENV": "FORBIDDEN"}
    assert told(tmp_path, environ) == [
        ("${env:FORBIDDEN} has no value", 25),
        ("${var:host} has no value", 20),
        ("${var:nothing} has no value", 18),
    ]


def test_one_alone_is_told_as_before(tmp_path: Path) -> None:
    text = MANIFESTS.replace("${var:nothing}", "n").replace("${var:host}", "h").replace("${env:FORBIDDEN}", "f")
    with pytest.raises(ReconcilerError, match="OC_CLIENT_ID") as caught:
        opened(tmp_path, {"OC_CLIENT_SECRET": "b", "EMULATOR": "c"}, text)
    assert type(caught.value) is UnresolvedReference
