"""Rules that changed: what no comparison with live can show, old and new, and no secret in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.kind.kind import ManifestKinds
from reconciler.manifest.load import Loaded, load
from reconciler.manifest.rule_changes import RuleChange, rule_changes
from reconciler.manifest.secret_changes import secret_changes
from reconciler.secret import MASK

Compare = Callable[[str, str], list[tuple[str, str | None, str | None]]]


def environment(spec: str = "{}", name: str = "e") -> str:
    return f"apiVersion: reconciler/v1\nkind: Environment\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"


def config(metadata: str = "name: c", fields: str = "enabled: true") -> str:
    head = f"apiVersion: reconciler/v1\nkind: DeliveryConfig\nmetadata: {{{metadata}}}\n"
    target = "http: {endpoint: https://a, secret: '${secret:S}'}"
    return f"{head}spec:\n  name: C\n  {fields}\n  deliveryTargets:\n    {target}\n---\n"


def policy(spec: str = "message: M, schema: {}", metadata: str = "name: p") -> str:
    return f"apiVersion: reconciler/v1\nkind: Policy\nmetadata: {{{metadata}}}\nspec: {{{spec}}}\n---\n"


@pytest.fixture
def between(tmp_path: Path, kinds: ManifestKinds) -> Callable[[str | None, str], tuple[RuleChange, ...]]:
    def loaded(name: str, text: str) -> Loaded:
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "m.yaml").write_text(text)
        found = load(tmp_path / name, kinds)
        assert not found.problems
        return found

    def _between(before: str | None, after: str) -> tuple[RuleChange, ...]:
        old, new = None if before is None else loaded("before", before), loaded("after", after)
        return (*rule_changes(old, new, "e"), *secret_changes(old, new, "e", kinds))

    return _between


@pytest.fixture
def compare(between: Callable[[str, str], tuple[RuleChange, ...]]) -> Compare:
    def _compare(before: str, after: str) -> list[tuple[str, str | None, str | None]]:
        return [
            (f"{each.kind}/{each.name} {each.path}".strip(), each.before, each.after) for each in between(before, after)
        ]

    return _compare


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("{}", "{guardrails: {maxDeletes: 5}}", ("spec.guardrails.maxDeletes", "0", "5")),
        ("{drift: {heal: [window]}}", "{}", ("spec.drift.heal", '["window"]', "[]")),
        (
            "{targetHosts: [a.example]}",
            "{targetHosts: [b.example]}",
            ("spec.targetHosts", '["a.example"]', '["b.example"]'),
        ),
        ("{targetHosts: [a.example]}", "{}", ("spec.targetHosts", '["a.example"]', None)),
        ("{}", "{ledger: 'sqlite:///x.db'}", ("spec.ledger", "sqlite:///.reconciler/ledger.db", "sqlite:///x.db")),
        ("{}", "{apply: {bracket: never}}", ("spec.apply.bracket", "auto", "never")),
        (
            "{sparklayer: {stage: test, siteID: s, clientID: c, clientSecret: '${secret:A}'}}",
            "{sparklayer: {stage: test, siteID: s, clientID: c, clientSecret: '${secret:B}'}}",
            ("spec.sparklayer.clientSecret", "${secret:A}", "${secret:B}"),
        ),
        (
            "{variables: {l: a}, ledger: 'sqlite:///${var:l}.db'}",
            "{variables: {l: b}, ledger: 'sqlite:///${var:l}.db'}",
            ("spec.variables.l", "a", "b"),
        ),
    ],
)
def test_what_an_environment_says_is_a_rule(
    compare: Compare, before: str, after: str, expected: tuple[str, str | None, str | None]
) -> None:
    path, old, new = expected
    assert compare(environment(before), environment(after)) == [(f"Environment/e {path}", old, new)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", "{guardrails: {maxDeletes: 0}}"),
        ("{variables: {x: a}}", "{variables: {x: b}}"),
        ("{}", "{patches: [{kind: DeliveryConfig, name: c, spec: {enabled: false}}]}"),
        ("{guardrails: {maxDeletes: 1, maxChanges: 2}}", "{guardrails: {maxChanges: 2, maxDeletes: 1}}"),
    ],
)
def test_what_shows_in_the_plan_or_changes_nothing_is_none(compare: Compare, before: str, after: str) -> None:
    assert compare(environment(before) + config(), environment(after) + config()) == []


def test_other_environments_are_not_told(compare: Compare) -> None:
    other = environment("{guardrails: {maxDeletes: 9}}", name="f")
    assert compare(environment() + environment(name="f"), environment() + other) == []
    rule = policy(metadata="name: p, environments: [f]")
    assert compare(environment() + environment(name="f"), environment() + environment(name="f") + rule) == []


def test_an_environment_that_is_new_is_one_change(
    compare: Compare, between: Callable[..., tuple[RuleChange, ...]]
) -> None:
    whole = environment() + policy() + config("name: c, protect: true")
    (change,) = between(None, whole)
    assert (change.kind, change.name, change.path, change.before, change.after) == ("Environment", "e", "", None, "new")


def test_policies_come_and_go_and_change(compare: Compare) -> None:
    assert compare(environment(), environment() + policy()) == [("Policy/p", None, "error: M")]


def test_a_policy_that_goes_is_told(compare: Compare) -> None:
    assert compare(environment() + policy(), environment()) == [("Policy/p", "error: M", None)]


def test_each_part_of_a_policy_is_told(compare: Compare) -> None:
    before = policy("message: M, schema: {type: object}")
    after = policy("message: N, severity: warning, schema: {}", "name: p, environments: [e]")
    assert compare(environment() + before, environment() + after) == [
        ("Policy/p spec.message", "M", "N"),
        ("Policy/p spec.schema.type", "object", None),
        ("Policy/p spec.severity", "error", "warning"),
        ("Policy/p metadata.environments", None, '["e"]'),
    ]


def test_a_policy_that_stops_being_for_the_environment_is_gone(compare: Compare) -> None:
    both = environment() + environment(name="f")
    assert compare(both + policy(), both + policy(metadata="name: p, environments: [f]")) == [
        ("Policy/p", "error: M", None)
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("protect: true", "", ("metadata.protect", "true", None)),
        ("", "ignore: [enabled]", ("metadata.ignore", None, '["enabled"]')),
        ("", "sensitive: [name]", ("metadata.sensitive", None, '["name"]')),
        ("", "environments: [f]", ("metadata.environments", None, '["f"]')),
    ],
)
def test_what_metadata_says_is_a_rule(
    compare: Compare, before: str, after: str, expected: tuple[str, str | None, str | None]
) -> None:
    both = environment() + environment(name="f")
    path, old, new = expected
    found = compare(both + config(f"name: c, {before}"), both + config(f"name: c, {after}"))
    assert found == [(f"DeliveryConfig/c {path}", old, new)]


def test_a_manifest_that_is_gone_is_told(compare: Compare) -> None:
    assert compare(environment() + config(), environment()) == [("DeliveryConfig/c", "managed", None)]


def test_a_manifest_that_is_called_otherwise_is_not_gone(compare: Compare) -> None:
    assert compare(environment() + config(), environment() + config("name: d, renamedFrom: [c]")) == []


def test_a_manifest_that_asks_for_absence_is_seen_in_the_plan(compare: Compare) -> None:
    absent = config().replace("spec:", "state: absent\nspec:")
    assert compare(environment() + config(), environment() + absent) == []


def test_secrets_are_masked(compare: Compare) -> None:
    def connected(secret: str) -> str:
        return environment(f"{{sparklayer: {{stage: test, siteID: s, clientID: c, clientSecret: '{secret}'}}}}")

    assert compare(connected("hunter2"), connected("hunter3")) == [
        ("Environment/e spec.sparklayer.clientSecret", MASK, MASK)
    ]


def test_the_default_of_a_secret_is_masked_too(compare: Compare) -> None:
    rule = "sparklayer: {stage: test, siteID: s, clientID: c, clientSecret: '${env:X:-DEFAULT}'}"
    before, after = (environment(f"{{{rule.replace('DEFAULT', default)}}}") for default in ("hunter2", "hunter3"))
    shown = f"${{env:X:-{MASK}}}"
    assert compare(before, after) == [("Environment/e spec.sparklayer.clientSecret", shown, shown)]


def test_a_password_in_the_ledgers_url_is_masked(compare: Compare) -> None:
    (found,) = compare(environment(), environment("{ledger: 'postgresql://u:hunter2@localhost/l'}"))
    assert "hunter2" not in str(found)
    assert "localhost" in str(found)


@pytest.mark.parametrize(
    "rule",
    [
        "sparklayer: {stage: test, siteID: s, clientID: c, clientSecret: '${var:x}'}",
        "ledger: 'postgresql://u:${var:x}@localhost/l'",
    ],
)
def test_a_variable_that_is_a_secret_where_a_rule_uses_it_is_masked(compare: Compare, rule: str) -> None:
    (found,) = compare(
        environment(f"{{variables: {{x: hunter2}}, {rule}}}"), environment(f"{{variables: {{x: hunter3}}, {rule}}}")
    )
    assert found == ("Environment/e spec.variables.x", MASK, MASK)


def test_a_password_in_the_default_of_a_reference_is_masked(compare: Compare) -> None:
    ledger = "${env:RECONCILER_LEDGER:-postgresql://u:hunter2@localhost/l}"
    (found,) = compare(environment(), environment(f"{{ledger: '{ledger}'}}"))
    assert "hunter2" not in str(found)


def test_of_a_long_list_the_entries_that_are_new_or_gone_are_told(compare: Compare) -> None:
    hosts = [f"host-{number}.example.com" for number in range(60)]
    before, after = hosts, [*hosts[:30], "*.evil.example", *hosts[31:]]
    assert compare(environment(f"{{targetHosts: {before}}}"), environment(f"{{targetHosts: {after}}}")) == [
        ("Environment/e spec.targetHosts[30]", "host-30.example.com", None),
        ("Environment/e spec.targetHosts[30]", None, "*.evil.example"),
    ]


def test_a_long_list_that_comes_goes_or_is_ordered_otherwise_is_told(compare: Compare) -> None:
    hosts = [f"host-{number}.example.com" for number in range(20)]
    found = compare(environment(), environment(f"{{targetHosts: {hosts}}}"))
    assert found[0] == ("Environment/e spec.targetHosts", None, "20 entries")
    assert len(found) == 21
    assert compare(environment(f"{{targetHosts: {hosts}}}"), environment("{targetHosts: []}"))[0] == (
        "Environment/e spec.targetHosts",
        "20 entries",
        "0 entries",
    )
    assert compare(environment(f"{{targetHosts: {hosts}}}"), environment(f"{{targetHosts: {hosts[::-1]}}}")) == [
        ("Environment/e spec.targetHosts", "20 entries", "20 entries, in another order or number")
    ]


def test_nothing_hides_between_long_reasons(compare: Compare) -> None:
    def overridden(*entries: str) -> str:
        return environment(f"{{guardrails: {{overrides: [{', '.join(entries)}]}}}}")

    def entry(objects: str, reason: str) -> str:
        return f"{{rule: maxDeletes, objects: ['{objects}'], reason: {reason}, until: 2030-01-01T00:00:00Z}}"

    first, last = entry("EntitySync/a", "a" * 300), entry("EntitySync/b", "b" * 300)
    found = compare(overridden(first, last), overridden(first, entry("*/*", "x"), last))
    assert ("Environment/e spec.guardrails.overrides[1].objects", None, '["*/*"]') in found
    assert all(before is None for _, before, _ in found)
    assert len(found) == 4


def test_of_a_schema_what_changed_is_told(compare: Compare) -> None:
    def rule(most: int) -> str:
        padding = ", ".join(f"p{number}: {{type: string}}" for number in range(40))
        return policy(f"message: M, schema: {{properties: {{{padding}, secret: {{maximum: {most}}}}}}}")

    assert compare(environment() + rule(1), environment() + rule(9)) == [
        ("Policy/p spec.schema.properties.secret.maximum", "1", "9")
    ]


def test_a_manifest_that_is_for_no_environment_any_more_is_told(compare: Compare) -> None:
    assert compare(environment() + config(), environment() + config("name: c, environments: []")) == [
        ("DeliveryConfig/c metadata.environments", None, "[]")
    ]


def test_another_secret_is_told(compare: Compare) -> None:
    other = config().replace("secret:S}", "secret:OTHER}")
    assert compare(environment() + config(), environment() + other) == [
        ("DeliveryConfig/c spec.deliveryTargets.http.secret", "${secret:S}", "${secret:OTHER}")
    ]


SECRET_PATH = "DeliveryConfig/c spec.deliveryTargets.http.secret"
S, T = "${secret:S}", "${secret:T}"


def hook(secret: str, endpoint: str = "https://a") -> str:
    return config().replace("secret:S", "secret:GONE").replace("${secret:GONE}", secret).replace("https://a", endpoint)


def patch(secret: str | None = None, **variables: str) -> str:
    target = f"{{deliveryTargets: {{http: {{secret: '{secret}'}}}}}}"
    patches = f"[{{kind: DeliveryConfig, name: c, spec: {target}}}]" if secret is not None else "[]"
    return environment(f"{{variables: {variables}, patches: {patches}}}")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(patch() + hook(S), patch(T) + hook(S), (S, T), id="a patch comes"),
        pytest.param(patch(T) + hook(S), patch() + hook(S), (T, S), id="a patch goes"),
        pytest.param(patch(S) + hook(S), patch(T) + hook(S), (S, T), id="a patch changes"),
        pytest.param(patch() + hook("hunter2"), patch() + hook(S), (MASK, S), id="a literal becomes a reference"),
        pytest.param(patch() + hook(S), patch() + hook("hunter2"), (S, MASK), id="a reference becomes a literal"),
        pytest.param(patch() + hook("hunter2"), patch() + hook("hunter3"), (MASK, MASK), id="another literal"),
        pytest.param(
            patch() + hook(f"pre-{S}"), patch() + hook(f"post-{S}"), (MASK + S, MASK + S), id="what stands around it"
        ),
        pytest.param(patch() + hook(S + T), patch() + hook(T + S), (S + T, T + S), id="another order"),
        pytest.param(
            patch(k="hunter2") + hook("${var:k}"), patch(k="hunter2") + hook(S), (MASK, S), id="a variable to a secret"
        ),
        pytest.param(
            patch(k="a") + hook("${var:k}" + S), patch(k="b") + hook("${var:k}" + S), (MASK + S,) * 2, id="a variable"
        ),
        pytest.param(
            patch() + hook("${env:OC_CLIENT_ID:-hunter2}"),
            patch() + hook("${env:OC_CLIENT_ID:-hunter3}"),
            (f"${{env:OC_CLIENT_ID:-{MASK}}}",) * 2,
            id="a default",
        ),
    ],
)
def test_what_a_secret_value_is_made_of_is_told(
    compare: Compare, before: str, after: str, expected: tuple[str, str]
) -> None:
    assert compare(before, after) == [(SECRET_PATH, *expected)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(patch() + hook("hunter2"), patch(k="hunter2") + hook("${var:k}"), id="the same by a variable"),
        pytest.param(patch() + hook(S), patch(S) + hook(S), id="a patch that says the same"),
        pytest.param(patch(T) + hook(S), patch(T) + hook("hunter2"), id="what a patch replaces"),
        pytest.param(patch(k="a") + hook(S), patch(k="b") + hook(S), id="a variable that is not used"),
    ],
)
def test_secret_values_that_are_made_of_the_same_are_not_told(compare: Compare, before: str, after: str) -> None:
    assert compare(before, after) == []


def test_a_secret_inside_an_address_is_told_by_its_name_alone(compare: Compare) -> None:
    before, after = (hook(S, f"'https://a/?key={key}'") for key in ("hunter2", T))
    assert compare(patch() + before, patch() + after) == [
        ("DeliveryConfig/c spec.deliveryTargets.http.endpoint", MASK, MASK + T)
    ]


def test_another_secret_of_what_is_called_otherwise_now_is_told(compare: Compare) -> None:
    assert compare(
        patch() + config(), patch() + config("name: d, renamedFrom: [c]").replace("secret:S}", "secret:T}")
    ) == [(SECRET_PATH.replace("/c", "/d"), S, T)]


def test_secrets_of_an_object_that_is_new_are_seen_in_the_plan(compare: Compare) -> None:
    assert compare(patch(), patch() + hook(S)) == []


def test_the_line_of_a_patched_secret_is_that_of_the_patch(between: Callable[..., tuple[RuleChange, ...]]) -> None:
    (found,) = between(patch() + hook(S), patch(T) + hook(S))
    assert (found.place.line, found.is_of_secret) == (4, True)


def test_a_manifest_that_was_refused_is_compared_by_its_name(tmp_path: Path, kinds: ManifestKinds) -> None:
    loaded = []
    for folder, change in (("before", "id: [1]"), ("after", "enabled: true")):
        (tmp_path / folder).mkdir()
        text = environment() + config(fields=change).replace("${secret:S}", f"${{secret:OF_{folder}}}")
        (tmp_path / folder / "m.yaml").write_text(text)
        loaded.append(load(tmp_path / folder, kinds))
    (found,) = secret_changes(loaded[0], loaded[1], "e", kinds)
    assert (found.before, found.after) == ("${secret:OF_before}", "${secret:OF_after}")
