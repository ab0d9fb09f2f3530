"""Secrets that are parts of values: where references to them may stand, and what becomes of the values."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ManifestErrors
from reconciler.kind.kind import Kinds
from reconciler.manifest.load import load
from reconciler.manifest.resolve import resolve
from reconciler.manifest.scope import Scope
from reconciler.manifest.select import select
from reconciler.manifest.validate import Validation
from reconciler.secret import Secret

Check = Callable[..., Validation]
ENVIRONMENT = """
---
apiVersion: reconciler/v1
kind: Environment
metadata: {name: e}
spec: {variables: {host: hooks.example.com}, targetHosts: ["*.example.com"], guardrails: {literalSecrets: %s}}
"""


def config(endpoint: str = "https://x.example.com", data: Any = None, sensitive: list[str] | None = None) -> str:
    targets: dict[str, Any] = {"http": {"endpoint": endpoint, "secret": "${secret:S}"}}
    if data is not None:
        targets["contentHub"] = {
            "endpoint": "https://hub.example.com",
            "targetSchemaName": "M",
            "apiKey": "${secret:S}",
            "configData": data,
        }
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "DeliveryConfig",
        "metadata": {"name": "c", "sensitive": sensitive or []},
        "spec": {"name": "C", "deliveryTargets": targets},
    }
    return json.dumps(document, indent=1) + ENVIRONMENT % "warn"


ENDPOINT = ["deliveryTargets.http.endpoint"]


@pytest.mark.parametrize(
    ("endpoint", "sensitive"),
    [
        ("https://x.example.com/in?code=${secret:CODE}", []),
        ("https://${secret:ME}:${secret:PW}@x.example.com/in", []),
        ("https://${var:host}/in?a=b&code=${secret:CODE}", []),
        ("https://x.example.com/in#token=${secret:CODE}", []),
        ("https://x.example.com/services/${secret:CODE}", ENDPOINT),
    ],
)
def test_a_secret_may_be_a_part_of_a_url(check: Check, endpoint: str, sensitive: list[str]) -> None:
    assert check(config(endpoint, sensitive=sensitive)).problems == ()


@pytest.mark.parametrize(
    ("endpoint", "sensitive"),
    [
        ("${secret:URL}", []),
        ("${secret:URL}", ENDPOINT),
        ("${secret:SCHEME}://x.example.com/", ENDPOINT),
        ("https://${secret:HOST}/in", ENDPOINT),
        ("https://x.example.com:${secret:PORT}/in", ENDPOINT),
        ("https://me@${secret:HOST}/in", ENDPOINT),
        ("https://x.example.com/services/${secret:CODE}", []),
    ],
)
def test_it_stands_in_no_scheme_host_or_port_and_in_no_path_that_is_shown(
    check: Check, endpoint: str, sensitive: list[str]
) -> None:
    assert "secret-in-plain-field" in [
        problem.code for problem in check(config(endpoint, sensitive=sensitive)).problems
    ]


@pytest.mark.parametrize(
    ("data", "sensitive", "codes"),
    [
        ({"apiKey": "${secret:A}"}, [], []),
        ({"deep": [{"token": {"value": "Bearer ${secret:A}"}}]}, [], []),
        ({"url": "https://x.example.com/?sig=${secret:A}"}, [], []),
        ({"title": "${secret:A}"}, [], ["secret-in-plain-field"]),
        ({"title": "${secret:A}"}, ["deliveryTargets.contentHub.configData.title"], []),
        ({"token": "https://${secret:A}/"}, [], ["secret-in-plain-field"]),
    ],
)
def test_it_stands_behind_telling_names_of_free_form_maps(
    check: Check, data: Any, sensitive: list[str], codes: list[str]
) -> None:
    assert [problem.code for problem in check(config(data=data, sensitive=sensitive)).problems] == codes


def test_a_literal_host_beside_a_secret_is_checked(check: Check) -> None:
    (problem,) = check(config("https://evil.com/in?code=${secret:CODE}")).problems
    assert problem.code == "host-not-allowed"


@pytest.mark.parametrize(
    ("endpoint", "data", "sensitive", "paths"),
    [
        ("https://x.example.com/in?code=abc", None, [], ["deliveryTargets.http.endpoint"]),
        ("https://x.example.com/in?code=${secret:A}", None, [], []),
        ("https://x.example.com/T0", None, ENDPOINT, ["deliveryTargets.http.endpoint"]),
        ("https://x.example.com", {"apiKey": "abc"}, [], ["deliveryTargets.contentHub.configData.apiKey"]),
        ("https://x.example.com", {"apiKey": 1234567}, [], ["deliveryTargets.contentHub.configData.apiKey"]),
        (
            "https://x.example.com",
            {"l": [{"password": "abc"}]},
            [],
            ["deliveryTargets.contentHub.configData.l[0].password"],
        ),
    ],
)
def test_literal_secrets_are_judged(
    check: Check, endpoint: str, data: Any, sensitive: list[str], paths: list[str]
) -> None:
    text = config(endpoint, data, sensitive)
    found = [problem for problem in check(text).warnings if problem.code == "literal-secret"]
    assert [path for path in paths if not any(path in problem.message for problem in found)] == []
    assert len(found) == len(paths)
    assert "abc" not in repr(found)
    forbidden = check(text.replace("literalSecrets: warn", "literalSecrets: forbid")).problems
    assert [problem.code for problem in forbidden] == ["literal-secret"] * len(paths)


@pytest.mark.parametrize(("value", "count"), [("https://n:abc@h/?k=abc", 1), ("https://n:${secret:A}@h/", 0), ("C", 0)])
def test_a_literal_secret_in_a_plain_field_is_judged(check: Check, value: str, count: int) -> None:
    text = (
        config()
        .replace('"name": "C"', f'"name": {json.dumps(value)}')
        .replace("literalSecrets: warn", "literalSecrets: forbid")
    )
    assert [problem.code for problem in check(text).problems] == ["literal-secret"] * count


@pytest.mark.parametrize("path", ["deliveryTargets.htp", "nothing", "id", ""])
def test_what_cannot_be_hidden_is_a_problem(check: Check, path: str) -> None:
    (problem,) = check(config(sensitive=[path])).problems
    assert problem.code == "unknown-path"


@pytest.fixture
def resolved(write: Callable[..., Path], kinds: Kinds) -> Callable[..., Any]:
    def _resolved(text: str, **environ: str) -> Any:
        selected = select(load(write(text), kinds), None, kinds)
        (manifest,) = selected.manifests
        found = resolve(manifest, kinds[manifest.kind], Scope.of(selected.environment, environ))
        assert "marker" not in repr(found)
        assert "marker" not in str(found.spec)
        return found.state["deliveryTargets"]

    return _resolved


def test_the_value_is_sealed_with_its_secrets_masked(resolved: Callable[..., Any]) -> None:
    endpoint = "https://me:${secret:PW}@${var:host}/in?code=${secret:CODE}&v=1"
    found = resolved(config(endpoint, {"apiKey": "marker", "l": ["https://h/?x=marker"]}), PW="marker1", CODE="marker2")
    sealed = found["http"]["endpoint"]
    assert isinstance(sealed, Secret)
    assert sealed.shown == "https://••••••@hooks.example.com/in?code=••••••&v=••••••"
    assert sealed.reveal() == "https://me:marker1@hooks.example.com/in?code=marker2&v=1"
    data = found["contentHub"]["configData"]
    assert (data["apiKey"].reference, data["apiKey"].shown, data["apiKey"].reveal()) == (
        "(literal)",
        "••••••",
        "marker",
    )
    assert data["l"][0].shown == "https://h/?x=••••••"


def test_a_url_without_secrets_stays_plain(resolved: Callable[..., Any]) -> None:
    assert resolved(config("https://${var:host}/in"))["http"]["endpoint"] == "https://hooks.example.com/in"


def test_a_secret_cannot_move_the_host(resolved: Callable[..., Any]) -> None:
    sealed = resolved(config("https://me:${secret:PW}@x.example.com/in"), PW="marker@evil.com/")["http"]["endpoint"]
    with pytest.raises(ManifestErrors) as caught:
        sealed.reveal()
    assert "marker" not in repr(caught.value.problems)
