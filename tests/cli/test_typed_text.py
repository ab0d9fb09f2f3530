"""No secret that a manifest names is kept or shown because somebody typed it, whichever command was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.app.typed_text import require_no_secret
from reconciler.cli.run import run
from reconciler.errors import UsageError
from support.commands import leaves

VALUE = "kr3mbel-9"
BESIDE = {
    "apply": ["plan.json", "--override", "maxDeletes"],
    "plan": ["--override", "maxDeletes"],
    "pause": ["ProductSync/p", "--for", "1h", "--reason", "load"],
    "drift snooze": ["EntitySync/stock", "--for", "1h"],
    "resync": ["products", "P-1", "--override", "resyncMax"],
    "sync run": ["--override", "maxDeletePercent"],
}
KEPT = [
    (path, parameter.opts[0])
    for path, command in leaves()
    for parameter in command.params
    if parameter.name in ("reason", "owner")
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "manifests"
    made.mkdir()
    (made / "hook.yaml").write_text("secret: ${secret:HOOK}\nkey: x${secret:file:key}\nshort: ${secret:SHORT}\n")
    return made


def test_reasons_are_taken_by_the_commands_that_are_known_to() -> None:
    assert {path for path, option in KEPT if option == "--reason"} >= {*BESIDE}


@pytest.mark.parametrize(("path", "option"), KEPT)
def test_a_command_refuses_what_holds_a_secret_and_does_not_say_it(
    path: str, option: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOK", VALUE)
    # The folder is named last: what is typed before it is held against it all the same.
    words = [*path.split(), *BESIDE.get(path, ()), option, f"for {VALUE}, again", "-m", str(folder)]
    assert run(words) == 64
    written = capfd.readouterr()
    assert f"{option} holds the value of ${{secret:HOOK}}" in written.err
    assert VALUE not in written.out + written.err
    assert [file.name for file in folder.parent.iterdir()] == ["manifests"]


def test_values_from_files_count_and_short_ones_and_unset_ones_do_not(folder: Path) -> None:
    (folder.parent / "held").mkdir()
    (folder.parent / "held" / "key").write_text(f"{VALUE}\n")
    environ = {"RECONCILER_SECRETS_DIR": "held", "SHORT": "price"}
    with pytest.raises(UsageError, match=r"--reason holds the value of \$\{secret:file:key\}"):
        require_no_secret("--reason", f"x{VALUE}y", folder, environ)
    require_no_secret("--reason", "price load", folder, environ)
    require_no_secret("--reason", "price load", folder / "nowhere", environ)


def test_a_credential_that_is_read_as_a_variable_is_a_secret_and_other_variables_are_none(folder: Path) -> None:
    (folder / "more.yaml").write_text("a: ${env:API_TOKEN}\nb: ${env:STAGE}\n")
    environ = {"RECONCILER_ALLOW_ENV": "API_TOKEN STAGE", "API_TOKEN": VALUE, "STAGE": "sandbox"}
    with pytest.raises(UsageError, match="API_TOKEN"):
        require_no_secret("--reason", VALUE, folder, environ)
    require_no_secret("--reason", "sandbox first", folder, environ)


def test_a_macro_that_azure_left_as_it_is_is_no_secret(folder: Path) -> None:
    environ = {"HOOK": "$(HOOK_OF_PRODUCTION)"}
    require_no_secret("--reason", "with $(HOOK_OF_PRODUCTION)", folder, environ | {"TF_BUILD": "True"})
    with pytest.raises(UsageError):
        require_no_secret("--reason", "with $(HOOK_OF_PRODUCTION)", folder, environ)


@pytest.mark.parametrize("text", ["key is SEKRETsec6", "x SEKRETcode2", "pin SEKRETpin12", "it is SEKRETpatch9"])
def test_a_secret_that_stands_in_a_manifest_or_a_patch_is_refused_like_one_that_is_referred_to(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "all.yaml").write_text(
        """\
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {name: hook}
spec:
  name: Hook
  deliveryTargets: {http: {endpoint: "https://hooks.example.com/x?code=SEKRETcode2", secret: SEKRETsec6}}
---
apiVersion: reconciler/v1
kind: ProductSync
metadata: {name: products}
spec: {deliveryConfig: hook, configData: {PIN_CODE: SEKRETpin12}}
---
apiVersion: reconciler/v1
kind: Environment
metadata: {name: one}
spec:
  ordercloud: {region: us-west, environment: sandbox, clientID: c, clientSecret: SEKRETlogin}
  patches:
    - {kind: DeliveryConfig, name: hook, spec: {deliveryTargets: {http: {secret: SEKRETpatch9}}}}
"""
    )
    with pytest.raises(UsageError, match="stands in the manifests"):
        require_no_secret("--reason", text, tmp_path, {})
    require_no_secret("--reason", "SEKRET alone", tmp_path, {})


def test_a_secret_that_stands_in_a_variable_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        """\
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {name: hook}
spec: {name: Hook, deliveryTargets: {http: {endpoint: "https://hooks.example.com", secret: "x${var:TAIL}"}}}
---
apiVersion: reconciler/v1
kind: Environment
metadata: {name: one}
spec: {variables: {TAIL: SEKRETtail7, seen: production}}
"""
    )
    with pytest.raises(UsageError, match="stands in the manifests"):
        require_no_secret("--reason", "it was xSEKRETtail7", tmp_path, {})
    require_no_secret("--reason", "in production, with ${var:TAIL}", tmp_path, {})
