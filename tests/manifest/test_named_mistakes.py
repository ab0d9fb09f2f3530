"""Mistakes that people make in files are named for what they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.manifest.validate import Validation

Check = Callable[..., Validation]
HEAD = "apiVersion: reconciler/v1\nkind: {}\nmetadata: {{name: x}}\nspec:\n  "
SYNC = HEAD.format("EntitySync") + "entity: buyers\n  deliveryConfig: c\n  pause: {until: VALUE, reason: x}\n"
HUB = HEAD.format("OrderSync") + "deliveryConfig: c\n  configData: {zip: VALUE}\n"


def found(check: Check, text: str, *codes: str) -> list[tuple[str, int, str]]:
    listed = [(problem.code, problem.place.line, problem.message) for problem in check(text).problems]
    return [each for each in listed if each[0] in codes]


@pytest.mark.parametrize("number", ["01234", "00501", "007.50"])
def test_a_number_that_begins_with_0_is_refused_before_it_loses_it(check: Check, number: str) -> None:
    ((_, line, message),) = found(check, HUB.replace("VALUE", number), "bad-number", "bad-scalar")
    assert line == 6
    assert "begins with 0" in message


@pytest.mark.parametrize("number", ["'01234'", "0", "10", "0.5", "-1", "0x1F", "0o17"])
def test_other_numbers_and_texts_are_what_they_are(check: Check, number: str) -> None:
    assert "begins with 0" not in repr(check(HUB.replace("VALUE", number)).problems)


CONFLICT = """\
apiVersion: reconciler/v1
kind: OrderSync
<<<<<<< HEAD
metadata: {name: a}
=======
metadata: {name: b}
>>>>>>> branch
spec: {deliveryConfig: c}
"""


def test_a_merge_conflict_is_named_and_placed(check: Check) -> None:
    ((_, line, message),) = found(check, CONFLICT, "conflict-marker", "not-yaml")
    assert line == 3
    assert "merge conflict" in message
    windows = CONFLICT.replace("\n", "\r\n")
    assert [code for code, _, _ in found(check, windows, "conflict-marker", "not-yaml")] == ["conflict-marker"]


def test_text_that_only_looks_like_one_is_no_conflict(check: Check) -> None:
    text = (
        HEAD.format("OrderSync")
        + "deliveryConfig: c\n  configData:\n    t: |\n"
        + "".join(f"      {line}\n" for line in ("<<<<<<< a", "=======", ">>>>>>> b"))
    )
    assert found(check, text, "conflict-marker", "not-yaml") == []


@pytest.mark.parametrize(
    ("time", "says"),
    [
        ("2026-02-30T06:00:00Z", "day that does not exist"),
        ("2026-13-01T06:00:00Z", "day that does not exist"),
        ("2026-04-31", "day that does not exist"),
        ("0000-01-01T00:00:00Z", "day that does not exist"),
        ("2026-02-28T25:00:00Z", "time of day that does not exist"),
        ("soon", "with its offset"),
    ],
)
def test_times_that_do_not_exist_are_told_so(check: Check, time: str, says: str) -> None:
    messages = [
        problem.message for problem in check(SYNC.replace("VALUE", time)).problems if "until" in problem.message
    ]
    assert len(messages) == 1
    assert says in messages[0]
