"""What is wrong between manifests, and between manifests and their environment."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kind.kind import Kinds
from reconciler.manifest.load import Loaded, load
from reconciler.manifest.validate import Validation, validate

Check = Callable[..., Validation]


def config(name: str, fields: str = "", *, targets: str = "http: {endpoint: https://a, secret: '${secret:S}'}") -> str:
    head = f"apiVersion: reconciler/v1\nkind: DeliveryConfig\nmetadata: {{name: {name}}}\n"
    return f"{head}spec:\n  name: C\n  {fields or 'enabled: true'}\n  deliveryTargets:\n    {targets}\n---\n"


def sync(name: str, entity: str, target: str, more: str = "") -> str:
    head = f"apiVersion: reconciler/v1\nkind: EntitySync\nmetadata: {{name: {name}}}\n{more}"
    return f"{head}spec: {{entity: {entity}, deliveryConfig: {target}}}\n---\n"


def environment(spec: str = "{}", name: str = "e") -> str:
    return f"apiVersion: reconciler/v1\nkind: Environment\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"


def codes(validation: Validation) -> list[str]:
    return [problem.code for problem in validation.problems]


ABSENT = "state: absent\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (config("c") + sync("s", "buyers", "c"), []),
        (config("c") + config("c", "id: other"), ["duplicate-name"]),
        (config("c") + config("d", "id: c"), ["duplicate-live-object"]),
        (config("c") + sync("s", "buyers", "c") + sync("t", "buyers", "c"), ["duplicate-live-object"]),
        (config("c") + sync("s", "buyers", "d"), ["unknown-reference"]),
        (config("c") + sync("s", "buyers", "d", ABSENT), []),
        (config("c") + sync("s", "buyers", '"${var:x}"'), []),
        (environment() + environment(), ["duplicate-name"]),
    ],
)
def test_manifests_have_to_agree(check: Check, text: str, expected: list[str]) -> None:
    assert codes(check(text)) == expected


def test_the_second_of_two_names_the_first(check: Check) -> None:
    (problem,) = check(a=config("c"), b=config("d", "id: c")).problems
    assert problem.place.file.endswith("b.yaml")
    assert "a.yaml:1" in problem.message


@pytest.mark.parametrize(
    ("metadata", "code", "column"),
    [
        ("name: d, renamedFrom: [old, d]", "bad-rename", 40),
        ("name: d, ignore: [enabled, enabeld]", "unknown-path", 39),
        ("name: d, environments: [e, f]", "unknown-environment", 39),
        ("name: c", "duplicate-name", 18),
    ],
)
def test_problems_of_metadata_have_their_column(check: Check, metadata: str, code: str, column: int) -> None:
    text = config("c") + config("d").replace("name: d}", f"{metadata}}}") + environment("{targetHosts: [a]}", "e")
    (problem,) = check(text).problems
    assert (problem.code, problem.place.line, problem.place.column) == (code, 12, column)


def test_an_unknown_reference_offers_the_nearest_name(check: Check) -> None:
    (problem,) = check(config("search-products") + sync("s", "buyers", "search-product")).problems
    assert problem.hint == "Did you mean search-products?"
    assert (problem.place.line, problem.place.column) == (13, 40)


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("kind: DeliveryKonfig\nmetadata: {name: c}\n", ["unknown-kind", "unknown-reference"]),
        ("kind: DeliveryConfig\nmetadata: {nam: c}\n", ["missing-field", "unknown-field"]),
        ("kind: OrderSync\nmetadata: {nam: c}\n", ["missing-field", "unknown-field", *["unknown-reference"] * 2]),
        ("[", ["not-yaml"]),
    ],
)
def test_only_what_a_broken_document_may_have_been_is_not_called_unknown(
    check: Check, broken: str, expected: list[str]
) -> None:
    pointing = sync("s", "buyers", "c") + sync("t", "suppliers", "d")
    assert sorted(codes(check(pointing + f"apiVersion: reconciler/v1\n{broken}"))) == expected


def test_nothing_present_points_at_what_is_to_be_absent(check: Check) -> None:
    absent = config("c").replace("spec:", "state: absent\nspec:")
    assert codes(check(absent + sync("s", "buyers", "c"))) == ["reference-to-absent"]
    assert codes(check(absent + sync("s", "buyers", "c", ABSENT))) == []


def test_references_have_to_exist_in_every_environment(check: Check) -> None:
    limited = config("c").replace("name: c}", "name: c, environments: [a]}")
    text = limited + sync("s", "buyers", "c") + environment(name="a")
    assert codes(check(text)) == []
    assert codes(check(text + environment(name="b"))) == ["unknown-reference"]


def test_names_may_repeat_across_environments(check: Check) -> None:
    one = config("c").replace("name: c}", "name: c, environments: [a]}")
    other = config("c").replace("name: c}", "name: c, environments: [b]}")
    assert codes(check(one + other + environment(name="a") + environment(name="b"))) == []


def test_nothing_is_called_unknown_while_a_file_cannot_be_read(check: Check) -> None:
    assert codes(check(a=sync("s", "buyers", "c"), b="a: [")) == ["not-yaml"]


def test_a_manifest_with_problems_is_not_called_unknown_as_well(check: Check) -> None:
    assert codes(check(config("c", "enabled: 1") + sync("s", "buyers", "c"))) == ["wrong-type"]


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("name: d, renamedFrom: [old]", []),
        ("name: d, renamedFrom: [d]", ["bad-rename"]),
        ("name: d, renamedFrom: [old, old]", ["bad-rename"]),
        ("name: d, renamedFrom: [c]", ["bad-rename"]),
        ("name: d, ignore: [enabled, deliveryTargets.http.endpoint]", []),
        ("name: d, ignore: [deliveryTargets.http.endpoit]", ["unknown-path"]),
        ("name: d, ignore: ['']", ["unknown-path"]),
    ],
)
def test_metadata_has_to_make_sense(check: Check, metadata: str, expected: list[str]) -> None:
    assert codes(check(config("c") + config("d").replace("name: d}", f"{metadata}}}"))) == expected


def test_a_kinds_own_checks_run_after_patches(check: Check) -> None:
    patch = "{patches: [{kind: DeliveryConfig, name: c, spec: {deliveryTargets: %s}}]}"
    search = "{searchIngestion: {domain: d, source: s, endpoint: https://x, entity: e, apiKey: '${secret:K}'}}"
    text = config("c") + sync("s", "buyers", "c") + sync("t", "catalogs", "c")
    assert codes(check(text)) == []
    assert codes(check(text + environment(patch % search))) == ["shared-search-ingestion"]


HOSTS = "targetHosts: ['*.example.com', sb.windows.net]"


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ("http: {endpoint: https://a.example.com/x, secret: '${secret:S}'}", []),
        ("http: {endpoint: https://A.B.Example.COM, secret: '${secret:S}'}", []),
        ("http: {endpoint: https://example.com, secret: '${secret:S}'}", ["host-not-allowed"]),
        ("http: {endpoint: https://example.com.evil.org, secret: '${secret:S}'}", ["host-not-allowed"]),
        ("http: {endpoint: 'https://a.example.com@evil.org', secret: '${secret:S}'}", ["host-not-allowed"]),
        ("http: {endpoint: a.example.com, secret: '${secret:S}'}", ["unreadable-host"]),
        ("http: {endpoint: 'https://${var:host}/', secret: '${secret:S}'}", []),
        (
            "kafka: {bootstrapServers: 'a.example.com,b.org', saslUsername: u, saslPassword: '${secret:S}', topic: t}",
            ["host-not-allowed"],
        ),
        ("azureBlob: {connectionString: '${secret:S}'}", []),
    ],
)
def test_delivery_targets_point_at_allowed_hosts(check: Check, targets: str, expected: list[str]) -> None:
    assert codes(check(config("c", targets=targets) + environment(f"{{{HOSTS}}}"))) == expected


def test_a_host_in_a_literal_connection_string_is_checked_and_not_shown(check: Check) -> None:
    text = "azureBlob: {connectionString: 'AccountName=marker;AccountKey=4711'}"
    spec = f"{{{HOSTS}, guardrails: {{literalSecrets: allow}}}}"
    found = check(config("c", targets=text) + environment(spec))
    assert codes(found) == ["host-not-allowed"]
    assert "marker" not in repr(found)
    assert "4711" not in repr(found)


def test_an_environment_without_target_hosts_is_warned_about(check: Check) -> None:
    found = check(config("c") + environment())
    assert (codes(found), [warning.code for warning in found.warnings]) == ([], ["no-target-hosts"])


@pytest.mark.parametrize(
    ("rule", "problems", "warnings"), [("allow", 0, 0), ("warn", 0, 2), ("forbid", 2, 0), (None, 0, 2)]
)
def test_literal_secrets_count_as_the_guardrail_says(
    check: Check, rule: str | None, problems: int, warnings: int
) -> None:
    guardrails = f", guardrails: {{literalSecrets: {rule}}}" if rule else ""
    connection = "ordercloud: {region: us-west, environment: sandbox, clientID: x, clientSecret: marker}"
    spec = f"{{{connection}, targetHosts: [a]{guardrails}}}"
    text = config("c", targets="http: {endpoint: https://a, secret: marker}")
    found = check(text + environment(spec))
    assert [problem.code for problem in found.problems] == ["literal-secret"] * problems
    assert [problem.code for problem in found.warnings] == ["literal-secret"] * warnings
    assert "marker" not in repr(found)


def test_a_secret_by_way_of_a_variable_is_literal_too(check: Check) -> None:
    text = config("c", targets="http: {endpoint: https://a, secret: '${var:s}'}")
    found = check(
        text + environment("{variables: {s: marker}, targetHosts: [a], guardrails: {literalSecrets: forbid}}")
    )
    assert codes(found) == ["literal-secret"]


documents = st.lists(
    st.sampled_from(
        [
            config("a"),
            config("b", "id: a"),
            config("b"),
            config("c", "enabled: 1"),
            sync("s", "buyers", "a"),
            sync("t", "buyers", "b"),
            sync("u", "catalogs", "gone"),
            environment("{guardrails: {literalSecrets: forbid}, targetHosts: [b]}"),
            environment("{patches: [{kind: DeliveryConfig, name: a, spec: {name: ''}}]}", "f"),
        ]
    ),
    min_size=1,
    max_size=7,
    unique=True,
)


@given(documents, st.integers(), st.data())
def test_the_order_of_documents_and_files_makes_no_difference(
    tmp_path_factory: pytest.TempPathFactory, kinds: Kinds, texts: list[str], seed: int, data: st.DataObject
) -> None:
    def found(arranged: list[str], split: int) -> set[str]:
        folder: Path = tmp_path_factory.mktemp("m")
        for number, part in enumerate((arranged[:split], arranged[split:])):
            if part:
                (folder / f"{number}.yaml").write_text("".join(part))
        validation = validate(load(folder, kinds), kinds)
        problems = (*validation.problems, *validation.warnings)
        # Which of two duplicates comes second depends on the order, and so do places.
        return {problem.code for problem in problems}

    shuffled = texts[:]
    random.Random(seed).shuffle(shuffled)
    assert found(texts, len(texts)) == found(shuffled, data.draw(st.integers(0, len(texts))))


TWO_STRICT = environment("{targetHosts: [b]}", "one") + environment("{targetHosts: [b]}", "two")


def test_a_host_that_several_environments_refuse_is_one_problem(check: Check) -> None:
    (problem,) = check(config("c") + TWO_STRICT).problems
    assert problem.code == "host-not-allowed"
    assert problem.message.endswith("outside targetHosts of one, two")


def test_only_the_environments_asked_for_are_checked(loaded: Callable[..., Loaded], kinds: Kinds) -> None:
    patch = "patches: [{kind: DeliveryConfig, name: nowhere, spec: {enabled: false}}]"
    found = loaded(config("c") + environment(f"{{targetHosts: [b], {patch}}}", "bad") + environment("{}", "good"))
    assert codes(validate(found, kinds, ["good"])) == []
    assert set(codes(validate(found, kinds, ["bad"]))) == {"host-not-allowed", "patch-without-target"}
    assert validate(found, kinds).problems == validate(found, kinds, ["bad", "good"]).problems


def test_documents_are_checked_whatever_environment_is_asked_for(loaded: Callable[..., Loaded], kinds: Kinds) -> None:
    limited = config("c", "enabld: true").replace("{name: c}", "{name: c, environments: [other]}")
    found = loaded(limited + environment("{}", "other") + environment("{}", "good"))
    assert codes(validate(found, kinds, ["good"])) == ["unknown-field"]


def test_a_wrong_field_does_not_hide_what_is_wrong_across_fields_and_manifests(check: Check) -> None:
    product = "apiVersion: reconciler/v1\nkind: ProductSync\nmetadata: {name: %s}\nspec: {deliveryConfig: c%s}\n---\n"
    found = check(config("c", "enabld: true") + product % ("p", ", enabld: true") + product % ("q", ""))
    assert sorted(codes(found)) == ["duplicate-live-object", "unknown-field", "unknown-field"]


def test_a_consumer_reads_from_hosts_of_its_environment_alone(check: Check) -> None:
    kafka = "topics: [t], group: g, dataSync: d"
    consumers = (
        f"[{{kafka: {{bootstrapServers: 'a.b:1, evil.example:1', {kafka}}}}},"
        f" {{kafka: {{bootstrapServers: 'localhost:1', {kafka}}}}}]"
    )
    (problem,) = check(environment(f"{{targetHosts: ['*.b'], service: {{consumers: {consumers}}}}}", "e")).problems
    assert problem.code == "host-not-allowed"
    where = "service.consumers[0].kafka.bootstrapServers"
    assert problem.message == f"Environment e: {where} points at evil.example outside targetHosts of e"
    assert problem.place is not None
