"""validate says of windows what nobody would notice before the night: nothing starts them, or they never end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.manifest.validate import Validation

Check = Callable[..., Validation]
HEAD = "apiVersion: reconciler/v1\nkind: {}\nmetadata: {{name: {}}}\n"
CONFIG = HEAD.format("DeliveryConfig", "c") + (
    'spec: {name: C, deliveryTargets: {http: {endpoint: "https://a.example.com", secret: "${secret:S}"}}}\n---\n'
)
NIGHT = "{cron: 0 1 * * *, duration: 2h, timezone: Europe/London, reason: Import}"
ALL_DAY = "{cron: 0 0 * * *, duration: 1d, timezone: Europe/London, reason: Load}"


def environment(name: str, rest: str) -> str:
    return HEAD.format("Environment", name) + (
        "spec:\n  ordercloud: {region: us-west, environment: sandbox, clientID: x, clientSecret: '${secret:O}'}\n"
        f"  targetHosts: ['*.example.com']\n  {rest}\n---\n"
    )


def sync(windows: str, rest: str = "") -> str:
    return HEAD.format("EntitySync", "buyers") + (
        f"{rest}spec:\n  entity: buyers\n  deliveryConfig: c\n  pause:\n    windows:\n      - {windows}\n"
    )


@pytest.mark.parametrize(
    ("spec", "windows", "codes"),
    [
        ("drift: {heal: [window]}", NIGHT, []),
        ("drift: {heal: [{cause: window}, overdue-pause]}", NIGHT, []),
        ("variables: {}", NIGHT, ["windows-not-healed"]),
        ("drift: {heal: [overdue-pause]}", NIGHT, ["windows-not-healed"]),
        ("drift: {heal: [window]}", ALL_DAY, ["windows-join"]),
        ("drift: {heal: [window]}\n  guardrails: {maxPause: 60m}", NIGHT, ["windows-join"]),
    ],
)
def test_windows_that_nothing_starts_or_that_do_not_end(
    check: Check, spec: str, windows: str, codes: list[str]
) -> None:
    found = check(environment("here", spec) + CONFIG + sync(windows))
    assert found.problems == ()
    assert [warning.code for warning in found.warnings] == codes
    assert all("EntitySync/buyers" in each.message and "here" in each.message for each in found.warnings)
    assert all(each.place.column == 5 for each in found.warnings)  # where `windows` stands


def test_each_environment_is_judged_by_what_it_says_itself(check: Check) -> None:
    heals = environment("heals", "drift: {heal: [window]}")
    found = check(heals + environment("not", "variables: {}") + CONFIG + sync(NIGHT))
    (warning,) = found.warnings
    assert "Environment not " in warning.message
    assert "drift.heal of not" in (warning.hint or "")


def test_of_a_sync_that_is_to_be_absent_nothing_is_said(check: Check) -> None:
    assert check(environment("here", "variables: {}") + CONFIG + sync(NIGHT, "state: absent\n")).warnings == ()


@pytest.mark.parametrize(
    ("heal", "code", "hint"),
    [
        ("[windows]", "unknown-value", "Did you mean window?"),
        ("window", "wrong-type", None),
        ("[{cause: live-moved, risks: [loses-data]}]", "unknown-value", None),
        ("[{cause: undeclared-pause, after: 30}]", "wrong-type", "Put it in quotes."),
        ("[{cause: undeclared-pause, afer: 30m}]", "unknown-field", "Did you mean after?"),
        ("[{after: 30m}]", "missing-field", None),
    ],
)
def test_a_wrong_rule_of_healing_is_told_where_it_stands(check: Check, heal: str, code: str, hint: str | None) -> None:
    found = check(environment("here", f"drift: {{heal: {heal}}}") + CONFIG)
    (problem,) = found.problems
    assert (problem.code, problem.place.line) == (code, 7)
    assert "spec.drift.heal" in problem.message
    assert hint in (None, problem.hint)
