"""What people are told about a wrong manifest: place, value, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from reconciler.errors import Problem
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.explain import PATTERNS
from reconciler.manifest.model import Metadata
from reconciler.manifest.validate import Validation
from reconciler.registry import kinds

Check = Callable[..., Validation]
ENVELOPE = "apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: x}}\nspec:\n"
CONFIG = """\
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {name: c}
spec: {name: C, deliveryTargets: {http: {endpoint: "https://a.example.com", secret: "${secret:S}"}}}
---
"""


def only(validation: Validation) -> Problem:
    (problem,) = validation.problems
    return problem


def entity(text: str) -> str:
    fields = {"entity": "buyers", "deliveryConfig": "c"}
    lines = [f"  {name}: {value}\n" for name, value in fields.items() if f"{name}:" not in text]
    return CONFIG + ENVELOPE.format(kind="EntitySync") + "".join(lines) + f"  {text}\n"


def test_a_right_manifest_has_no_problems(check: Check) -> None:
    assert check(entity("pause: {until: 2026-12-01T06:00:00Z, reason: Load}")).problems == ()
    window = "{cron: 0 1 * * 1-5, duration: 2h, timezone: Europe/London, reason: Nightly import}"
    assert check(entity(f"pause: {{windows: [{window}]}}")).problems == ()
    assert check(entity(f"pause: {{until: 2026-12-01T06:00:00Z, reason: Load, windows: [{window}]}}")).problems == ()


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "value", "hint"),
    [
        ("syncEntityChangd: true", "unknown-field", 12, 3, None, "Did you mean syncEntityChanged?"),
        ("SyncEntityChanged: true", "unknown-field", 12, 3, None, "Did you mean syncEntityChanged?"),
        ("syncEntityChanged: yes", "wrong-type", 12, 22, "yes", "Write true, without quotes."),
        ("syncEntityChanged: off", "wrong-type", 12, 22, "off", "Write false, without quotes."),
        ('syncEntityChanged: "true"', "wrong-type", 12, 22, "true", "Write true, without quotes."),
        ("syncEntityChanged: 1", "wrong-type", 12, 22, "1", None),
        ("syncEntityChanged:", "wrong-type", 12, 21, "null", "Give it a value, or leave the field out."),
        ("entity: category", "unknown-value", 11, 11, "category", "Did you mean categories?"),
        ("deliveryConfig: 12", "wrong-type", 11, 19, "12", "Put it in quotes."),
        ("deliveryConfig: [c]", "wrong-type", 11, 3, "[…]", None),
        ("pause: tomorrow", "wrong-type", 12, 10, "tomorrow", "Write true or false."),
        ("pause: {until: 2026-12-01T06:00:00Z}", "missing-field", 12, 3, None, "Add reason: it takes text."),
        ("pause: {reason: x, until: 2026-12-01T06:00:00}", "bad-format", 12, 29, "2026-12-01T06:00:00", None),
        ("pause: {reason: x, until: soon}", "wrong-type", 12, 29, "soon", None),
        ("pause: {reason: x, reasn: y}", "unknown-field", 12, 22, None, "Did you mean reason?"),
        ("pause: {windows: []}", "too-short", 12, 11, "[…]", "Give it a value, or leave the field out."),
        (
            "pause: {until: 2026-12-01T06:00:00Z, windows: [{cron: 0 1 * * *, duration: 2h, timezone: UTC, reason: x}]}",  # noqa: E501
            "missing-field",
            12,
            3,
            None,
            "Add reason: it takes text.",
        ),
        (
            "pause: {windows: [{cron: 0 1 * * *, duration: 2h, timezone: Europe/Londn, reason: x}]}",
            "bad-value",
            12,
            63,
            "Europe/Londn",
            "Did you mean Europe/London?",
        ),
        *(
            (
                f"pause: {{windows: [{{cron: 0 1 * * *, duration: 2h, timezone: {name}, reason: x}}]}}",
                "bad-value",
                12,
                63,
                name,
                hint,
            )
            for name, hint in (
                ("BST", "Did you mean Europe/London?"),
                ("MSZ", "Write an IANA name such as Europe/London, or UTC."),
            )
        ),
        (
            "pause: {windows: [{cron: 0 1 * * *, duration: 2 h, timezone: UTC, reason: x}]}",
            "bad-format",
            12,
            49,
            "2 h",
            "Write it as 30m, 2h or 7d.",
        ),
        (
            "pause: {windows: [{cron: 0 25 * * *, duration: 2h, timezone: UTC, reason: x}]}",
            "bad-value",
            12,
            28,
            "0 25 * * *",
            "Write five fields, such as 0 1 * * 1-5: Monday to Friday at 1.",
        ),
        (
            "pause: {windows: [{cron: 0 1 * * *, duration: 2h, reason: x}]}",
            "missing-field",
            12,
            21,
            None,
            "Add timezone: it takes text.",
        ),
        (
            "pause: {windows: [{cron: 0 1 * * *, duration: 2h, tz: UTC, timezone: UTC, reason: x}]}",
            "unknown-field",
            12,
            53,
            None,
            None,
        ),
    ],
)
def test_a_wrong_field_is_shown_where_it_stands(
    check: Check, text: str, code: str, line: int, column: int, value: str | None, hint: str | None
) -> None:
    problem = only(check(entity(text)))
    assert (problem.code, problem.value) == (code, value)
    assert (problem.place.line, problem.place.column) == (line, column)
    if hint is not None:
        assert problem.hint == hint


@pytest.mark.parametrize(
    ("envelope", "code", "value", "hint"),
    [
        ("apiVersion: reconciler/v2\nkind: OrderSync", "unknown-api-version", "reconciler/v2", "Write apiVersion"),
        ("kind: OrderSync", "missing-field", None, "Write apiVersion"),
        ("apiVersion: reconciler/v1\nkind: ProduktSync", "unknown-kind", "ProduktSync", "Did you mean ProductSync?"),
        ("apiVersion: reconciler/v1\nkind: productsync", "unknown-kind", "productsync", "Did you mean ProductSync?"),
        ("apiVersion: reconciler/v1", "missing-field", None, "DeliveryConfig"),
        ("apiVersion: reconciler/v1\nkind: [OrderSync]", "unknown-kind", "[…]", "OrderSync"),
        ("apiVersion: reconciler/v1\nkind: OrderSync\nstate: gone", "unknown-value", "gone", None),
        ("apiVersion: reconciler/v1\nkind: OrderSync\nstat: absent", "unknown-field", None, "Did you mean state?"),
    ],
)
def test_a_wrong_envelope_says_what_belongs_there(
    check: Check, envelope: str, code: str, value: str | None, hint: str | None
) -> None:
    problem = only(check(f"{CONFIG}{envelope}\nmetadata: {{name: x}}\nspec: {{deliveryConfig: c}}\n"))
    assert (problem.code, problem.value) == (code, value)
    assert hint is None or hint in (problem.hint or "")


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ("{}", "missing-field"),
        ("{name: a b}", "bad-format"),
        (f"{{name: {'a' * 101}}}", "too-long"),
        ("{name: x, protekt: true}", "unknown-field"),
        ("{name: x, protect: yes}", "wrong-type"),
        ("{name: x, environments: prod}", "wrong-type"),
        ("text", "wrong-type"),
        ("", "wrong-type"),
        ("{name: x, ignore: [enabld]}", "unknown-path"),
        ("{name: x, environments: [prod]}", "unknown-environment"),
        ("{name: x, renamedFrom: [OrderSync]}", "bad-rename"),
    ],
)
def test_wrong_metadata_is_named(check: Check, metadata: str, code: str) -> None:
    text = f"apiVersion: reconciler/v1\nkind: OrderSync\nmetadata: {metadata}\nspec: {{deliveryConfig: c}}\n"
    assert code in [problem.code for problem in check(CONFIG + text).problems]


def test_every_error_of_every_file_is_reported_in_one_go(check: Check) -> None:
    wrong = ENVELOPE.format(kind="OrderSync") + "  pause: true\n  deliveryConfig: 1\n"
    other = wrong.replace("OrderSync", "ErrorConfig")
    found = check(a=wrong + "---\n" + other, b=wrong.replace("name: x", "name: y"), c="a: [")
    codes = [*["not-pausable", "wrong-type"] * 2, "duplicate-live-object", "not-pausable", "wrong-type", "not-yaml"]
    assert [problem.code for problem in found.problems] == codes
    assert [problem.place.line for problem in found.problems] == [5, 6, 12, 13, 1, 5, 6, 2]


def test_pausing_what_cannot_be_paused_says_why(check: Check) -> None:
    problem = only(check(CONFIG + ENVELOPE.format(kind="OrderSync") + "  deliveryConfig: c\n  pause: true\n"))
    assert problem.code == "not-pausable"
    assert "the API has no Paused member there" in problem.message


@pytest.mark.parametrize(
    "secret",
    [
        "secret: {marker-4711: marker-4711}",
        "secret: [marker-4711]",
        f"secret: {'marker-4711' * 9}",
        "secrt: marker-4711",
        "secret: 4711.4711",
        "secret: ok\n      customAuthHeaderValue: [marker-4711]",
        f"secret: ok\n      customAuthHeaderValue: {'marker-4711' * 9}",
    ],
)
def test_no_message_shows_a_write_only_value(check: Check, secret: str) -> None:
    spec = f"  name: C\n  deliveryTargets:\n    http:\n      endpoint: https://a\n      {secret}\n"
    found = check(ENVELOPE.format(kind="DeliveryConfig") + spec)
    assert found.problems
    assert "4711" not in repr(found)


def test_ids_have_rules(check: Check) -> None:
    targets = "deliveryTargets: {http: {endpoint: https://a, secret: s}}"
    text = ENVELOPE.format(kind="DeliveryConfig") + "  id: {id}\n  name: C\n  " + targets
    assert only(check(text.replace("{id}", "a b"))).code == "bad-format"
    assert only(check(text.replace("{id}", "a" * 101))).code == "too-long"


@pytest.mark.parametrize("dots", [".", ".."])
@pytest.mark.parametrize(
    "text",
    [
        "kind: DeliveryConfig\nmetadata: {name: x}\nspec: {id: DOTS, name: C, deliveryTargets: {}}\n",
        "kind: DeliveryConfig\nmetadata: {name: DOTS}\nspec: {name: C, deliveryTargets: {}}\n",
        "kind: DeliveryConfig\nmetadata: {name: x, renamedFrom: [DOTS]}\nspec: {name: C, deliveryTargets: {}}\n",
        "kind: Resync\nmetadata: {name: x}\nspec: {type: products, records: [DOTS], notAfter: 2026-12-01T00:00:00Z}\n",
        "kind: Resync\nmetadata: {name: x}\nspec: {type: catalogs, records: [DOTS], notAfter: 2026-12-01T00:00:00Z}\n",
        "kind: PriceList\nmetadata: {name: x}\nspec: {slug: DOTS, name: P, currencyCode: GBP}\n",
        "kind: CustomerGroup\nmetadata: {name: x}\nspec: {slug: DOTS, name: G, parent: base}\n",
        "kind: StockLocation\nmetadata: {name: x}\nspec: {externalID: DOTS, name: W}\n",
    ],
)  # fmt: skip
def test_an_id_that_no_path_can_hold_is_refused(check: Check, text: str, dots: str) -> None:
    problem = only(check("apiVersion: reconciler/v1\n" + text.replace("DOTS", dots)))
    assert problem.code in ("bad-format", "bad-value")
    fine = check("apiVersion: reconciler/v1\n" + text.replace("DOTS", "other"))
    assert fine.problems == ()


@pytest.mark.parametrize(
    ("written", "code", "hint"),
    [
        (".inf", "bad-scalar", "Put it in quotes if it is text; else write a number that fits."),
        ('".inf"', "wrong-type", "Write a number."),
        ("many", "wrong-type", "Write a number."),
        ('"7"', "wrong-type", "Write the number without quotes."),
    ],
)
def test_what_is_to_be_a_number_is_told_once_with_what_helps(check: Check, written: str, code: str, hint: str) -> None:
    text = (
        ENVELOPE.format(kind="Environment") + f"  targetHosts: [a.example]\n  guardrails: {{maxChanges: {written}}}\n"
    )
    problem = only(check(text))
    assert (problem.code, problem.hint) == (code, hint)


def test_an_absent_manifest_needs_no_more_than_its_id(check: Check) -> None:
    absent = "apiVersion: reconciler/v1\nkind: EntitySync\nmetadata: {name: x}\nstate: absent\n"
    assert check(absent + "spec: {entity: buyers}\n").problems == ()
    assert check(absent.replace("EntitySync", "DeliveryConfig")).problems == ()
    assert "spec.entity is required" in only(check(absent)).message


def test_positions_survive_unicode_and_anchors(check: Check) -> None:
    text = entity("pause: &p {reason: 'ünïcödé ✓', owner: 1}")
    problem = only(check(text))
    line = text.split("\n")[problem.place.line - 1]
    assert line[problem.place.column - 1 :].startswith("1}")


def patterns_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for part in schema.values():
            yield from patterns_in(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from patterns_in(part)


@pytest.mark.parametrize("model", [Metadata, EnvironmentSpec, *(kind.spec for kind in kinds().values())])
def test_every_pattern_that_a_text_must_match_is_put_into_words(model: type[BaseModel]) -> None:
    assert set(patterns_in(model.model_json_schema())) <= set(PATTERNS)
