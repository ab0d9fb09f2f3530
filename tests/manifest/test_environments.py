"""Choosing an environment, its patches, and what it says of connections and limits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ManifestErrors, UnresolvedReference, UsageError
from reconciler.kind.kind import Kinds
from reconciler.manifest.connection import ordercloud_host, resolve_connection, resolve_settings
from reconciler.manifest.load import Loaded
from reconciler.manifest.model import EnvironmentManifest
from reconciler.manifest.scope import Scope
from reconciler.manifest.select import merge, select
from reconciler.manifest.validate import Validation

Load = Callable[..., Loaded]
Check = Callable[..., Validation]

CONFIG = """\
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {name: c%s}
spec: {name: C, deliveryTargets: {http: {endpoint: "https://a.example.com", secret: "${secret:S}"}}}
---
"""
ENVIRONMENT = "apiVersion: reconciler/v1\nkind: Environment\nmetadata: {{name: {name}}}\nspec:\n  {spec}\n---\n"


def environment(spec: str = "{}", name: str = "sandbox") -> str:
    return ENVIRONMENT.format(name=name, spec=spec)


def patch(spec: str, name: str = "c", kind: str = "DeliveryConfig") -> str:
    return environment(f"patches:\n    - kind: {kind}\n      name: {name}\n      spec: {spec}")


def test_the_only_environment_needs_no_name(loaded: Load, kinds: Kinds) -> None:
    assert select(loaded(CONFIG % "" + environment()), None, kinds).environment.name == "sandbox"


@pytest.mark.parametrize(
    ("names", "asked", "message", "hint"),
    [
        ((), None, "no Environment", "Add a manifest"),
        (("sandbox", "production"), None, "production, sandbox", "--environment"),
        (("sandbox", "production"), "prodution", "prodution", "Did you mean production"),
        (("sandbox",), "zzz", "zzz", "Known environments: sandbox"),
    ],
)
def test_what_cannot_be_chosen_is_a_usage_error(
    loaded: Load, kinds: Kinds, names: tuple[str, ...], asked: str | None, message: str, hint: str
) -> None:
    text = CONFIG % "" + "".join(environment(name=name) for name in names)
    with pytest.raises(UsageError, match=message) as caught:
        select(loaded(text), asked, kinds)
    assert hint in (caught.value.next_step or "")


def test_a_manifest_may_be_limited_to_environments(loaded: Load, kinds: Kinds) -> None:
    limited = (CONFIG % "2").replace("name: c2", "name: c2, environments: [b]")
    found = loaded(CONFIG % "1" + limited + environment(name="a") + environment(name="b"))
    assert [each.name for each in select(found, "a", kinds).manifests] == ["c1"]
    assert [each.name for each in select(found, "b", kinds).manifests] == ["c1", "c2"]


def test_a_patch_changes_the_manifest_in_its_environment_only(loaded: Load, kinds: Kinds) -> None:
    text = CONFIG % "" + patch("{enabled: false, deliveryTargets: {http: {customAuthHeaderName: X}}}")
    found = loaded(text + environment(name="other"))
    (patched,) = select(found, "sandbox", kinds).manifests
    (plain,) = select(found, "other", kinds).manifests
    assert patched.spec is not None
    assert plain.spec is not None
    assert patched.spec.model_dump()["enabled"] is False
    assert patched.spec.model_dump()["delivery_targets"]["http"]["custom_auth_header_name"] == "X"
    assert plain.spec.model_dump()["enabled"] is True


def test_places_of_a_patched_manifest_point_at_what_decides(loaded: Load, kinds: Kinds) -> None:
    (manifest,) = select(loaded(CONFIG % "" + patch("{enabled: false}")), None, kinds).manifests
    assert manifest.place("enabled").line == 13
    assert manifest.place("name").line == 4
    assert manifest.place().line == 1


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (patch("{enabled: false}", name="d"), "patch-without-target", 11),
        (patch("{enabled: false}", kind="DeliveryConfg"), "unknown-kind", 10),
        (patch("{enabled: 1}"), "wrong-type", 12),
        (patch("{enabeld: true}"), "unknown-field", 12),
        (patch("{deliveryTargets: {http: {endpoint: [1]}}}"), "wrong-type", 12),
        (
            patch(
                "{deliveryTargets: {searchIngestion: {domain: d, source: s, endpoint: 'https://x', entity: e, "
                "apiKey: '${secret:K}', content: {locales: [en, 1]}}}}"
            ),
            "wrong-type",
            12,
        ),
        (patch("{name: null}"), "missing-field", 4),
        (patch('{name: "${secret:S}"}'), "secret-in-plain-field", 12),
        (patch('{name: "${nothing}"}'), "bad-reference", 12),
    ],
)
def test_a_wrong_patch_is_a_problem_where_it_stands(
    loaded: Load, check: Check, kinds: Kinds, text: str, code: str, line: int
) -> None:
    (problem,) = check(CONFIG % "" + text).problems
    assert (problem.code, problem.place.line) == (code, line + (0 if code == "missing-field" else 1))
    with pytest.raises(ManifestErrors):
        select(loaded(CONFIG % "" + text), None, kinds)


def test_a_patch_may_hold_secrets_and_other_references(check: Check) -> None:
    secret = 'deliveryTargets: {http: {secret: "${secret:OTHER}", endpoint: "https://${var:h}"}}'
    assert check(CONFIG % "" + patch(f"{{{secret}}}")).problems == ()


def test_a_patch_for_a_manifest_of_another_environment_has_no_target(check: Check) -> None:
    limited = (CONFIG % "").replace("name: c", "name: c, environments: [other]")
    found = check(limited + patch("{enabled: false}") + environment(name="other"))
    assert [problem.code for problem in found.problems] == ["patch-without-target"]


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
maps = st.dictionaries(st.sampled_from("abc"), json, max_size=3)


@given(maps, maps)
def test_merging_sets_removes_and_keeps(base: dict[str, object], change: dict[str, object]) -> None:
    merged = merge(base, change)
    for name in base.keys() | change.keys():
        if name not in change:
            assert merged[name] == base[name]
        elif change[name] is None:
            assert name not in merged
        elif not isinstance(change[name], dict):
            assert merged[name] == change[name]
    assert merge(merged, change) == merged


CONNECTION = "ordercloud: {{{where}, clientID: '${{env:OC_CLIENT_ID}}', clientSecret: '${{secret:OC_SECRET}}'}}"
ENVIRON = {"OC_CLIENT_ID": "id", "OC_SECRET": "marker"}


@pytest.mark.parametrize(
    ("region", "stage", "host"),
    [
        ("us-west", "production", "api.ordercloud.io"),
        ("us-west", "staging", "stagingapi.ordercloud.io"),
        ("us-west", "sandbox", "sandboxapi.ordercloud.io"),
        ("us-east", "sandbox", "useast-sandbox.ordercloud.io"),
        ("australia-east", "staging", "australiaeast-staging.ordercloud.io"),
        ("europe-west", "production", "westeurope-production.ordercloud.io"),
        ("japan-east", "sandbox", "japaneast-sandbox.ordercloud.io"),
    ],
)
def test_region_and_environment_name_the_host(loaded: Load, kinds: Kinds, region: str, stage: str, host: str) -> None:
    assert ordercloud_host(region, stage) == host
    found = loaded(environment(CONNECTION.format(where=f"region: {region}, environment: {stage}")))
    chosen = select(found, None, kinds).environment
    connection = resolve_connection(chosen, Scope.of(chosen, ENVIRON), "ordercloud")
    assert (connection.api_url, connection.auth_url) == (f"https://{host}/v1", f"https://{host}/oauth/token")
    assert (connection.client_id, connection.environment) == ("id", stage)
    assert connection.client_secret.reveal() == "marker"
    assert "marker" not in repr(connection)


@pytest.mark.parametrize(
    ("url", "allow", "fine"),
    [
        ("https://api.ordercloud.io/v1", "", True),
        ("https://a.b.sparklayer.io/v1/", "", True),
        ("http://127.0.0.1:8800/ordercloud/v1", "", True),
        ("http://localhost:8800/v1", "", True),
        ("http://[::1]:8800/v1", "", True),
        ("https://proxy.example.com/v1", "", False),
        ("https://proxy.example.com/v1", "*.example.com", True),
        ("http://proxy.example.com/v1", "*.example.com", False),
        ("http://api.ordercloud.io/v1", "", False),
        ("https://ordercloud.io.evil.com/v1", "", False),
        ("https://evilordercloud.io/v1", "", False),
        ("https://api.ordercloud.io@evil.com/v1", "", False),
        ("https://evil.com\\\\@api.ordercloud.io/v1", "", False),
        ("https://user:pw@api.ordercloud.io/v1", "", False),
        ("https://api.ordercloud.io/v1?x=1", "", False),
        ("https://api.ordercloud.io/v1#x", "", False),
        ("ftp://api.ordercloud.io/v1", "", False),
        ("api.ordercloud.io/v1", "", False),
        ("https://127.0.0.1.evil.com/v1", "", False),
        ("http://2130706433/v1", "", False),
        ("https://api.ordercloud.io:port/v1", "", False),
    ],
)
@pytest.mark.parametrize("member", ["apiUrl", "authUrl"])
def test_credentials_go_to_allowed_hosts_only(
    loaded: Load, kinds: Kinds, member: str, url: str, allow: str, fine: bool
) -> None:
    urls = {"apiUrl": "https://api.ordercloud.io/v1", "authUrl": "https://api.ordercloud.io/oauth/token"}
    urls[member] = url
    where = ", ".join(f'{name}: "{value}"' for name, value in urls.items())
    chosen = select(loaded(environment(CONNECTION.format(where=where))), None, kinds).environment
    scope = Scope.of(chosen, ENVIRON | {"RECONCILER_ALLOW_API_HOSTS": allow})
    if fine:
        connection = resolve_connection(chosen, scope, "ordercloud")
        assert url.rstrip("/") in (connection.api_url, connection.auth_url)
    else:
        with pytest.raises(ManifestErrors) as caught:
            resolve_connection(chosen, scope, "ordercloud")
        (problem,) = caught.value.problems
        assert problem.code == "bad-api-url"
        assert "pw" not in repr(problem)


@pytest.mark.parametrize("where", ["region: us-west", "environment: sandbox", "apiUrl: https://api.ordercloud.io/v1"])
def test_half_a_connection_is_a_problem(check: Check, where: str) -> None:
    (problem,) = check(environment(CONNECTION.format(where=where))).problems
    assert problem.code == "bad-value"


def test_a_url_beside_a_region_is_a_problem(check: Check) -> None:
    urls = "apiUrl: https://api.ordercloud.io/v1, authUrl: https://api.ordercloud.io/oauth/token"
    (problem,) = check(environment(CONNECTION.format(where=f"{urls}, region: us-west"))).problems
    assert "apiUrl and region both say where the API is" in problem.message
    assert not check(environment(CONNECTION.format(where=f"{urls}, environment: staging"))).problems


@pytest.mark.parametrize("rate", ["1e-300", "0.01", "0", "-1", "1e9"])
def test_a_rate_at_which_nothing_would_ever_end_is_a_problem(check: Check, rate: str) -> None:
    where = f"region: us-west, environment: sandbox, requestsPerSecond: {rate}"
    (problem,) = check(environment(CONNECTION.format(where=where))).problems
    assert problem.code == "out-of-range"
    assert "must be at" in problem.message


@pytest.mark.parametrize(("site", "fine"), [("demo", True), ("sh\u00f6p", False), ("sh\u20acp", False), ("a b", False)])
def test_a_site_that_no_header_can_hold_is_a_problem(check: Check, site: str, fine: bool) -> None:
    spec = f'\n  sparklayer: {{stage: test, siteID: "{site}", clientID: a, clientSecret: "${{secret:S}}"}}'
    problems = check(environment(spec)).problems
    assert [problem.code for problem in problems] == ([] if fine else ["bad-format"])


def test_an_environment_without_the_api_says_so(loaded: Load, kinds: Kinds) -> None:
    chosen = select(loaded(environment()), None, kinds).environment
    with pytest.raises(ManifestErrors) as caught:
        resolve_connection(chosen, Scope.of(chosen, {}), "ordercloud")
    assert "ordercloud" in caught.value.problems[0].message


def test_settings_resolve_without_the_connections(loaded: Load, kinds: Kinds) -> None:
    spec = (
        CONNECTION.format(where="region: us-west, environment: sandbox")
        + "\n  ledger: ${env:RECONCILER_LEDGER:-sqlite:///x.db}"
        + "\n  targetHosts: ['${var:h}']\n  variables: {h: a.example.com}\n  guardrails: {maxChanges: '${env:MAX}'}"
    )
    chosen = select(loaded(environment(spec)), None, kinds).environment
    settings = resolve_settings(chosen, Scope.of(chosen, {"MAX": "7", "RECONCILER_ALLOW_ENV": "MAX"}))
    assert (settings.ledger.path, settings.target_hosts) == (Path("x.db"), ("a.example.com",))
    assert settings.guardrails.max_changes == 7
    ledger = {"MAX": "7", "RECONCILER_ALLOW_ENV": "MAX", "RECONCILER_LEDGER": "postgresql://u:p@h/db"}
    assert str(resolve_settings(chosen, Scope.of(chosen, ledger)).ledger) == "postgresql://h/db"
    with pytest.raises(UnresolvedReference, match="MAX"):
        resolve_settings(chosen, Scope.of(chosen, {}))


@pytest.mark.parametrize("length", ["99999999999d", "99999999999w", "36526d", "30m\\n", "30", "m", "1.5h", "0s"])
def test_a_duration_that_no_calendar_holds_is_a_problem_of_its_line(check: Check, length: str) -> None:
    (problem,) = check(environment(f'{{guardrails: {{maxPause: "{length}"}}}}')).problems
    assert problem.place.line == 5
    assert "maxPause" in problem.message


def connection_of(found: EnvironmentManifest, scope: Scope) -> object:
    return resolve_connection(found, scope, "ordercloud")


@pytest.mark.parametrize(
    ("resolve", "spec"),
    [
        (resolve_settings, "{ledger: '${ENV:LEDGER}'}"),
        (resolve_settings, "{targetHosts: ['${x'], ledger: l.db}"),
        (connection_of, "{ordercloud: {environment: sandbox, region: us-west, clientID: a, clientSecret: '${env:}'}}"),
    ],
)
def test_a_bad_reference_is_told_also_where_only_the_environment_is_looked_at(
    loaded: Load, resolve: Callable[[EnvironmentManifest, Scope], object], spec: str
) -> None:
    """As `ledger show` and `sync-log` do, whatever is wrong with the manifests."""
    (found,) = loaded(environment(spec)).environments
    with pytest.raises(UnresolvedReference) as caught:
        resolve(found, Scope.of(found, {}))
    assert caught.value.place is not None
    assert caught.value.next_step
