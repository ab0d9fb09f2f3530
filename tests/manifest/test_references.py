"""References: their syntax, where they may stand, and what they become."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ManifestErrors, SecretUnset, UnresolvedReference
from reconciler.kind.kind import Kinds
from reconciler.manifest.load import load
from reconciler.manifest.references import BadReference, Reference, parse_text
from reconciler.manifest.resolve import ResolvedSpec, resolve
from reconciler.manifest.scope import Scope
from reconciler.manifest.select import select
from reconciler.manifest.validate import Validation
from reconciler.secret import Secret

Check = Callable[..., Validation]
Resolve = Callable[..., ResolvedSpec]

CONFIG = """\
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {{name: c}}
spec:
  name: {name}
  enabled: {enabled}
  deliveryTargets:
    http:
      endpoint: {endpoint}
      secret: {secret}
---
"""
SYNC = """\
apiVersion: reconciler/v1
kind: EntitySync
metadata: {{name: s}}
spec:
  entity: {entity}
  deliveryConfig: c
  pause: {pause}
---
"""
ENVIRONMENT = "apiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: e}\nspec: {variables: %s}\n"
DEFAULTS = {"name": "C", "enabled": "true", "endpoint": "https://a", "secret": '"${secret:S}"'}


def config(**values: str) -> str:
    return CONFIG.format(**(DEFAULTS | values))


@pytest.fixture
def resolved(write: Callable[..., Path], kinds: Kinds) -> Resolve:
    def _resolved(text: str, environ: dict[str, str] | None = None, variables: str = "{}") -> ResolvedSpec:
        environ = {} if environ is None else environ
        environ.setdefault("RECONCILER_ALLOW_ENV", "OC_*")
        selected = select(load(write(text + ENVIRONMENT % variables), kinds), None, kinds)
        (manifest,) = selected.manifests
        return resolve(manifest, kinds[manifest.kind], Scope.of(selected.environment, environ))

    return _resolved


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain $ {text}", ("plain $ {text}",)),
        ("${var:a.b-c}", (Reference("var", "a.b-c"),)),
        ("x${env:OC_A}y", ("x", Reference("env", "OC_A"), "y")),
        ("${env:OC_A:-http://x:1/}", (Reference("env", "OC_A", default="http://x:1/"),)),
        ("${env:OC_A:-}", (Reference("env", "OC_A", default=""),)),
        ("${secret:S}", (Reference("secret", "S"),)),
        ("${secret:file:db.key}", (Reference("secret", "db.key", "file"),)),
        ("$${env:OC_A}", ("${", "env:OC_A}")),
        ("$$${env:OC_A}", ("$", "${", "env:OC_A}")),
    ],
)
def test_texts_split_into_literals_and_references(text: str, parts: tuple[object, ...]) -> None:
    assert parse_text(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "${}",
        "${X}",
        "${var}",
        "${var:}",
        "${var:a b}",
        "${env:1}",
        "${env:A-B}",
        "${vars:x}",
        "${secret:}",
        "${secret:vault:x}",
        "${secret:file:../x}",
        "${secret:file:/etc/passwd}",
        "${secret:file:..}",
        "${env:A",
        "${env:${var:x}}",
        "a${",
    ],
)
def test_what_is_no_reference_is_refused_by_validate(text: str, check: Check) -> None:
    with pytest.raises(BadReference):
        parse_text(text)
    (problem,) = check(config(name=f"'{text}'")).problems
    assert (problem.code, problem.place.line, problem.place.column) == ("bad-reference", 5, 9)


def test_validate_needs_no_reference_to_be_set(check: Check) -> None:
    text = config(name="${env:OC_NAME}", enabled="${var:ON}", endpoint="https://${var:HOST}/x")
    sync = SYNC.format(entity="${env:OC_ENTITY}", pause="${var:PAUSED}")
    until = SYNC.format(entity="buyers", pause='{until: "${var:END}", reason: x}').replace("name: s", "name: t")
    assert check(text + sync + until).problems == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (config(name="${secret:S}"), "secret-in-plain-field"),
        (config(enabled="${secret:S}"), "secret-in-plain-field"),
        (config(enabled="x${var:S}"), "wrong-type"),
        (config().replace("  name: C", "  name: C\n  ${var:x}: 1"), "reference-not-allowed"),
    ],
)
def test_references_stand_only_where_they_can(check: Check, text: str, code: str) -> None:
    assert code in [problem.code for problem in check(text).problems]


def test_texts_and_typed_fields_are_resolved(resolved: Resolve) -> None:
    text = config(name="shop ${var:n} $${x}", enabled="${env:OC_ON}", endpoint="https://${var:host}/${env:OC_P:-p}")
    found = resolved(text, {"OC_ON": "false"}, "{n: 7, host: a.example.com}")
    assert found.state["name"] == "shop 7 ${x}"
    assert found.state["enabled"] is False
    assert found.state["deliveryTargets"]["http"]["endpoint"] == "https://a.example.com/p"


def test_variables_may_hold_environment_variables(resolved: Resolve) -> None:
    assert resolved(config(name="${var:n}"), {"OC_N": "x"}, '{n: "a-${env:OC_N}"}').state["name"] == "a-x"


def test_defaults_are_in_the_state_and_what_is_absent_is_not(resolved: Resolve) -> None:
    found = resolved(
        SYNC.format(entity="buyers", pause="{reason: x, until: '${var:u}'}"), {}, "{u: 2026-12-01T06:00:00Z}"
    )
    assert found.state == {
        "entity": "buyers",
        "deliveryConfig": "c",
        "syncEntityChanged": True,
        "syncEntityDeleted": True,
    }
    pause: Any = found.spec.pause  # type: ignore[union-attr]
    assert pause.until.isoformat() == "2026-12-01T06:00:00+00:00"


@pytest.mark.parametrize(
    ("values", "named"),
    [({"name": "${env:OC_GONE}"}, "OC_GONE"), ({"name": "${var:gone}"}, "gone"), ({"enabled": "${var:gone}"}, "gone")],
)
def test_an_unset_reference_names_itself_and_its_line(resolved: Resolve, values: dict[str, str], named: str) -> None:
    with pytest.raises(UnresolvedReference, match=named) as caught:
        resolved(config(**values))
    assert caught.value.place is not None
    assert caught.value.place.line == (5 if "name" in values else 6)
    assert named in (caught.value.next_step or "")


def test_a_resolved_value_that_does_not_fit_is_a_problem_with_its_line(resolved: Resolve) -> None:
    with pytest.raises(ManifestErrors) as caught:
        resolved(config(enabled="${var:ON}"), {}, "{ON: maybe}")
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.line, problem.value) == ("wrong-type", 6, "maybe")


@pytest.mark.parametrize(
    "name", ["PATH", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "OCX", "EMULATOR_X", "RECONCILER_LEDGER"]
)
def test_environment_variables_of_others_are_out_of_reach(resolved: Resolve, name: str) -> None:
    with pytest.raises(UnresolvedReference, match="may not read") as caught:
        resolved(config(name=f"${{env:{name}}}"), {name: "marker-4711"})
    assert "4711" not in str(caught.value)
    with pytest.raises(UnresolvedReference, match="may not read"):
        resolved(config(secret=f'"${{env:{name}}}"'), {name: "x"}).state["deliveryTargets"]["http"]["secret"].reveal()


@pytest.mark.parametrize("name", ["OC_PASS", "OC_PWD", "SPARK_KEY", "OC_CLIENT_ID2", "SPARK_X"])
def test_a_beginning_that_is_known_opens_nothing(resolved: Resolve, name: str) -> None:
    with pytest.raises(UnresolvedReference, match="may not read"):
        resolved(config(name=f"${{env:{name}}}"), {name: "x", "RECONCILER_ALLOW_ENV": ""})


@pytest.mark.parametrize("name", ["OC_CLIENT_ID", "SPARK_CLIENT_ID", "EMULATOR"])
def test_what_the_example_needs_can_be_read(resolved: Resolve, name: str) -> None:
    found = resolved(config(name=f"${{env:{name}}}"), {name: "x", "RECONCILER_ALLOW_ENV": ""})
    assert found.state["name"] == "x"


FORBIDDEN = [
    "RECONCILER_LEDGER",
    "RECONCILER_PLAN_KEY",
    "GITHUB_TOKEN",
    "SYSTEM_ACCESSTOKEN",
    "CI_JOB_TOKEN",
    "GITLAB_TOKEN",
    "GITLAB_GATE_TOKEN",
]


@pytest.mark.parametrize("name", FORBIDDEN)
def test_credentials_of_the_run_itself_are_no_secrets_of_a_manifest(resolved: Resolve, check: Check, name: str) -> None:
    text = config(secret=f'"x${{secret:{name}}}"')
    (problem,) = check(text).problems
    assert (problem.code, problem.place.line) == ("secret-not-allowed", 10)
    variable = config(secret='"${var:x}"')
    found = resolved(variable, {name: "marker"}, f"{{x: '${{secret:{name}}}'}}")
    with pytest.raises(UnresolvedReference, match=name) as caught:
        found.state["deliveryTargets"]["http"]["secret"].reveal()
    assert "marker" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("key", "key"),
        ("key\n", "key"),
        ("key\r\n", "key"),
        ("key\n\n", "key\n"),
        ("\ufeffkey\n", "key"),
        (" key ", " key "),
        ("\n", None),
        ("\ufeff", None),
    ],
)
def test_one_final_newline_and_a_byte_order_mark_are_no_part_of_a_secret(
    resolved: Resolve, tmp_path: Path, given: str, sent: str | None
) -> None:
    (tmp_path / "key").write_bytes(given.encode())
    environ = {"S": given, "RECONCILER_SECRETS_DIR": str(tmp_path)}
    for reference in ("${secret:S}", "${secret:file:key}"):
        secret = resolved(config(secret=f'"{reference}"'), environ).state["deliveryTargets"]["http"]["secret"]
        assert secret.value == sent


@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        ("", "is empty"),
        ("\n", "is empty"),
        ("\ufeff\r\n", "is empty"),
        ("marker\udcff", "holds bytes that are no UTF-8"),
        (None, "is not set"),
    ],
)
@pytest.mark.parametrize("member", ["secret", "endpoint"])
def test_what_a_source_has_and_cannot_be_sent_is_told_apart_from_what_is_not_set(
    resolved: Resolve, tmp_path: Path, given: str | None, lacks: str, member: str
) -> None:
    environ = {"RECONCILER_SECRETS_DIR": str(tmp_path)}
    if given is not None:
        environ["S"] = given
        (tmp_path / "key").write_bytes(given.encode(errors="surrogateescape"))
    for reference in ("${secret:S}", "x${secret:file:key}"):
        text = {"secret": f'"{reference}"', "endpoint": f"https://hooks.example.com/?code={reference}"}[member]
        secret = resolved(config(**{member: text}), environ).state["deliveryTargets"]["http"][member]
        assert not secret.is_set
        assert secret.lacks == lacks
        with pytest.raises(SecretUnset, match=rf"has to be sent and {lacks}") as caught:
            secret.reveal()
        assert "marker" not in str(caught.value)


def test_the_environment_of_the_run_can_allow_more(resolved: Resolve) -> None:
    environ = {"SHOP_NAME": "a", "CITY": "b", "RECONCILER_ALLOW_ENV": "SHOP_*, CITY"}
    assert resolved(config(name="${env:SHOP_NAME}${env:CITY}"), environ).state["name"] == "ab"


@pytest.mark.parametrize("name", ["OC_CLIENT_SECRET", "SPARK_PASSWORD", "RECONCILER_TOKEN", "OC_API_KEY"])
def test_a_variable_that_names_a_secret_is_not_shown(resolved: Resolve, name: str) -> None:
    globs = {"RECONCILER_ALLOW_ENV": "OC_* SPARK_* RECONCILER_*"}
    with pytest.raises(UnresolvedReference, match="names a secret"):
        resolved(config(name=f"${{env:{name}}}"), {name: "marker", **globs})
    assert resolved(config(name=f"${{env:{name}}}"), {name: "x", "RECONCILER_ALLOW_ENV": name}).state["name"] == "x"
    sealed = resolved(config(secret=f'"${{env:{name}}}"'), {name: "marker", **globs}).state["deliveryTargets"]["http"][
        "secret"
    ]
    assert sealed.reveal() == "marker"


def test_a_url_with_a_password_is_not_shown(resolved: Resolve) -> None:
    with pytest.raises(UnresolvedReference, match="password") as caught:
        resolved(config(name="${env:OC_DB}"), {"OC_DB": "postgresql://u:marker@h/db"})
    assert "marker" not in str(caught.value)


def test_secrets_are_sealed_and_looked_up_when_asked(resolved: Resolve) -> None:
    environ: dict[str, str] = {}
    found = resolved(config(secret='"a-${secret:S}"'), environ)
    secret = found.state["deliveryTargets"]["http"]["secret"]
    assert isinstance(secret, Secret)
    assert secret.reference == "${secret:S}"
    environ["S"] = "marker"
    assert secret.reveal() == "a-marker"
    assert "marker" not in repr(found)
    assert "marker" not in str(found.spec)


def test_an_unset_secret_names_variable_file_and_line(resolved: Resolve) -> None:
    secret = resolved(config()).state["deliveryTargets"]["http"]["secret"]
    assert not secret.is_set
    with pytest.raises(SecretUnset, match=r"\$\{secret:S\}") as caught:
        secret.reveal()
    assert caught.value.place is not None
    assert caught.value.place.line == 10


def test_a_literal_secret_is_sealed_too(resolved: Resolve) -> None:
    found = resolved(config(secret="marker"))
    secret = found.state["deliveryTargets"]["http"]["secret"]
    assert (secret.reference, secret.reveal()) == ("(literal)", "marker")
    assert "marker" not in repr(found.spec)


def test_a_secret_that_is_too_long_is_not_shown(resolved: Resolve) -> None:
    secret = resolved(config(), {"S": "marker" * 10}).state["deliveryTargets"]["http"]["secret"]
    with pytest.raises(ManifestErrors) as caught:
        secret.reveal()
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.line) == ("too-long", 10)
    assert "50" in problem.message
    assert "marker" not in repr(caught.value.problems)


def test_a_long_reference_in_a_short_field_is_fine(check: Check) -> None:
    assert check(config(secret=f'"${{secret:{"LONG_" * 20}}}"')).problems == ()


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "key").write_text("marker\n")
    (folder / "two-lines").write_bytes(b"a\nb\r\n")
    (tmp_path / "outside").write_text("stolen")
    (folder / "link").symlink_to("../outside")
    (folder / "inside").symlink_to("key")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "marker"),
        ("inside", "marker"),
        ("two-lines", "a\nb"),
        ("link", None),
        ("folder", None),
        ("pipe", None),
        ("gone", None),
    ],
)
def test_secret_files_stay_inside_their_folder(resolved: Resolve, secrets: Path, name: str, value: str | None) -> None:
    environ = {"RECONCILER_SECRETS_DIR": str(secrets)}
    found = resolved(config(secret=f'"${{secret:file:{name}}}"'), environ)
    assert found.state["deliveryTargets"]["http"]["secret"].value == value


def test_an_environment_with_a_folder_of_its_own_sees_the_secrets_in_it_and_no_others(
    resolved: Resolve, secrets: Path
) -> None:
    """Else whoever may change the manifests of one marketplace could send the secrets of all others somewhere."""
    (secrets / "e").mkdir()
    (secrets / "e" / "own").write_text("of e")
    (secrets / "e" / "up").symlink_to("../key")
    environ = {"RECONCILER_SECRETS_DIR": str(secrets)}
    values = [
        resolved(config(secret=f'"${{secret:file:{name}}}"'), environ).state["deliveryTargets"]["http"]["secret"].value
        for name in ("own", "key", "up")
    ]
    assert values == ["of e", None, None]


def test_secret_files_need_their_folder_to_be_named(resolved: Resolve, secrets: Path) -> None:
    assert not resolved(config(secret='"${secret:file:key}"')).state["deliveryTargets"]["http"]["secret"].is_set


def test_a_variable_that_no_default_rule_allows_is_a_warning(check: Check) -> None:
    targets = "{http: {endpoint: '${env:HOME}', secret: '${env:OC_KEY}${env:AWS_KEY:-x}'}}"
    config = "apiVersion: reconciler/v1\nkind: DeliveryConfig\nmetadata: {name: c}\n"
    environment = "apiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: e}\n"
    variables = "spec: {variables: {x: '${env:PWD}', y: '${env:SPARK_X}'}, targetHosts: []}\n"
    found = check(f"{config}spec: {{name: C, deliveryTargets: {targets}}}\n---\n{environment}{variables}")
    assert found.problems == ()
    assert [problem.code for problem in found.warnings] == ["unreadable-variable"] * 5
    assert [(problem.value, problem.place.line) for problem in found.warnings] == [
        ("HOME", 4),
        ("AWS_KEY", 4),
        ("OC_KEY", 4),
        ("PWD", 9),
        ("SPARK_X", 9),
    ]
