"""Files in deploy/ fit what the service is: its metrics, its paths, its signals, and no more rights than it needs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.serve.metrics import Metrics
from reconciler.serve.routes.health import QUIET
from support.checkout import wait_until

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
METRIC = re.compile(r"\breconciler_[a-z_]+\b(?!=)")


def names_of_metrics() -> set[str]:
    text = Metrics().text().decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    histograms = {name for name, kind in kinds.items() if kind == "histogram"}
    return {*kinds, *(f"{name}_bucket" for name in histograms)}


def expressions(file: str) -> list[str]:
    content = (DEPLOY / file).read_text(encoding="utf-8")
    found = json.loads(content) if file.endswith(".json") else yaml.safe_load(content)

    def walk(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [str(node["expr"])] if "expr" in node else []
            return own + [each for value in node.values() for each in walk(value)]
        return [each for item in node for each in walk(item)] if isinstance(node, list) else []

    return walk(found)


@pytest.mark.parametrize("file", ["alerts.yaml", "grafana.json"])
def test_an_expression_asks_for_metrics_that_there_are(file):
    known, asked = names_of_metrics(), set[str]()
    for expression in expressions(file):
        asked |= set(METRIC.findall(re.sub(r'"[^"]*"', "", expression)))
    assert len(asked) > 5
    assert asked <= known


def test_an_alert_about_causes_of_drift_names_causes_that_there_are():
    from reconciler.reconcile.plan import Cause

    named = {
        cause
        for expression in expressions("alerts.yaml")
        for group in re.findall(r'cause=~?"([^"]+)"', expression)
        for cause in group.split("|")
    }
    assert {"data-stale", "held-back", "overdue", "undeclared-pause"} <= named <= {each.value for each in Cause}


def kubernetes() -> dict[str, Any]:
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))
    return {document["kind"]: document for document in documents}


def test_a_pod_writes_nowhere_but_to_its_volumes_as_nobody():
    pod = kubernetes()["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {probe: container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")} == {
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {"/healthz", "/readyz"} <= QUIET
    assert pod["terminationGracePeriodSeconds"] > 30 + 5  # what the service takes at most, and the wait before it


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path):
    unit = (DEPLOY / "reconciler.service").read_text(encoding="utf-8")
    at_hand = tmp_path / "reconciler.service"
    at_hand.write_text(unit.replace("/opt/reconciler/bin/reconciler", "/bin/true"), encoding="utf-8")
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(at_hand)], capture_output=True, text=True, check=False
    )
    assert [line for line in found.stderr.splitlines() if "reconciler.service" in line] == []


def as_nobody(folder: Path, *command: str) -> list[str]:
    """Return a command line that runs one as nobody, with one folder to write to and everything else read-only."""
    script = (
        'mount --bind "${0%/*}" "${0%/*}" && mount --bind "$0" "$0" && mount -o remount,ro,bind "${0%/*}" && '
        'mount -o remount,ro,bind / && exec unshare -U --map-user=65534 --map-group=65534 "$@"'
    )
    return ["unshare", "-rm", "bash", "-c", script, str(folder), *command]


def can_unshare(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(as_nobody(folder, "true"), capture_output=True, check=False)
    return tried.returncode == 0


ENVIRONMENT = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: production}
spec:
  ordercloud:
    apiUrl: http://127.0.0.1:9/v1
    authUrl: http://127.0.0.1:9/oauth/token
    clientID: nobody
    clientSecret: none
  guardrails: {literalSecrets: allow}
  service: {loops: [drift]}
"""


def test_the_containers_command_runs_as_nobody_with_a_read_only_root(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    if not can_unshare(data):
        pytest.skip("unshare cannot make a namespace here")
    containerfile = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    entry, words = (
        json.loads(re.search(rf"^{word} (.*)$", containerfile, re.MULTILINE)[1]) for word in ("ENTRYPOINT", "CMD")
    )
    assert entry == ["reconciler"]
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "shop.yaml").write_text(ENVIRONMENT, encoding="utf-8")
    variables = {
        name: value.replace("/data", str(data)) for name, value in re.findall(r"(RECONCILER_\w+)=(\S+)", containerfile)
    }
    command = [sys.executable, "-m", "reconciler", *words, "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        as_nobody(data, *command), cwd=tmp_path, env={**os.environ, **variables}, stderr=subprocess.PIPE, text=True
    )
    try:
        lines: list[str] = []
        for line in process.stderr:
            lines.append(line)
            if '"serving"' in line:
                break
        else:
            raise AssertionError("".join(lines))
        wait_until(lambda: (data / "ledger.db").exists())
        probe = as_nobody(data, "bash", "-c", f"id -u; touch {data}/mine && ! touch {tmp_path}/not-mine 2>&1")
        said = subprocess.run(probe, capture_output=True, text=True, check=True).stdout
        assert said.startswith("65534")
        assert "Read-only file system" in said
    finally:
        process.terminate()
        with process:
            assert process.wait(timeout=60) == 0
