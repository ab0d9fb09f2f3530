"""What the API cannot do is said in the plan, not found out in the apply."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import GuardrailBreach
from reconciler.http.client import HttpWriter
from reconciler.kind.connection import Json
from reconciler.kind.kind import Kind
from reconciler.kind.semantics import fields_of
from reconciler.reconcile.plan import NoteKind, Plan
from reconciler.registry import kinds
from support.sparklayer_workbench import Workbench, manifest, outcomes

GROUP = manifest("CustomerGroup", "g", "{name: G}")
LIST = manifest("PriceList", "a", "{name: A, currencyCode: GBP}")
CURRENCY = manifest("Store", "store", "{baseCurrency: GBP}")
STORE = manifest("Store", "store", "{baseCurrency: GBP, settings: {a: 1, b: 2}}")


@pytest.fixture
def bench(tmp_path: Path, emulator: RunningEmulator) -> Workbench:
    bench = Workbench(tmp_path, emulator)
    bench.write(GROUP, LIST, STORE)
    assert set(outcomes(bench.apply()).values()) == {"applied"}
    emulator.clear_requests()
    return bench


def hold(emulator: RunningEmulator, **held: object) -> None:
    """Let the site hold this, as somebody else left it there."""
    state = emulator.state(secrets=True)
    state["sparklayer"]["sites"]["demo"].update(held)
    emulator.load(state)


def notes(plan: Plan, kind: NoteKind) -> list[str]:
    return [note.message for note in plan.notes if note.kind is kind]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (manifest("CustomerGroup", "g", "{name: Other}"), "name is G and would become Other"),
        (
            manifest("CustomerGroup", "g", "{name: G, parent: h}") + manifest("CustomerGroup", "h", "{name: H}"),
            "parent",
        ),
        (manifest("CustomerGroup", "g", "{name: G}", state="absent"), "cannot delete a CustomerGroup"),
        (manifest("CustomerGroup", "other", "{name: G}", "renamedFrom: [g]"), "slug is g and would become other"),
        (manifest("PriceList", "other", "{name: A, currencyCode: GBP}", "renamedFrom: [a]"), "slug is a"),
        (manifest("PriceList", "a", "{name: A, currencyCode: GBP, source: platform}"), "source is custom"),
        (manifest("Store", "store", "{baseCurrency: EUR, settings: {a: 1, b: 2}}"), "baseCurrency is GBP"),
        (manifest("Store", "store", "{baseCurrency: GBP}", state="absent"), "cannot delete a Store"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_sent(bench: Workbench, document: str, words: str) -> None:
    bench.write(document)
    [breach] = bench.plan().refused
    assert breach.rule == "unsupported"
    assert words in breach.message
    with pytest.raises(GuardrailBreach, match="unsupported"):
        bench.apply()
    assert {entry["method"] for entry in bench.emulator.requests() if "auth" not in entry["path"]} <= {"GET"}


def test_no_override_makes_the_api_do_it(bench: Workbench) -> None:
    bench.write(manifest("Store", "store", "{baseCurrency: EUR}"))
    with pytest.raises(Exception, match="cannot be overridden"):
        bench.plan(overrides={"unsupported": "please"})


def test_another_currency_for_a_price_list_needs_an_override(bench: Workbench) -> None:
    bench.write(manifest("PriceList", "a", "{name: A, currencyCode: EUR}"))
    [breach] = bench.plan().refused
    assert (breach.rule, "keep their numbers" in breach.message) == ("loses-data", True)
    bench.apply(overrides={"loses-data": "it is empty"})
    assert bench.emulator.site()["price_lists"]["a"]["currency_code"] == "EUR"


def test_a_reference_to_nothing_is_refused_in_the_plan(bench: Workbench) -> None:
    rule = "rules: [{sourcePriceListSlug: nowhere}]"
    bench.write(
        manifest("PriceList", "b", f"{{name: B, currencyCode: GBP, {rule}}}"),
        manifest("CustomerGroup", "x", "{name: X, parent: nowhere}"),
    )
    assert [(each.rule, each.changes) for each in bench.plan().refused] == [
        ("missing-reference", ("CustomerGroup/x",)),
        ("missing-reference", ("PriceList/b",)),
    ]


def test_what_no_manifest_names_may_be_referred_to(bench: Workbench) -> None:
    rule = "rules: [{sourcePriceListSlug: a}]"
    bench.write(
        manifest("PriceList", "b", f"{{name: B, currencyCode: GBP, {rule}}}"),
        manifest("CustomerGroup", "x", "{name: X, parent: g}"),
    )
    assert bench.plan().refused == ()
    assert set(outcomes(bench.apply()).values()) == {"applied"}
    assert bench.plan().changes == ()


def test_a_list_that_rules_use_cannot_go(bench: Workbench) -> None:
    bench.write(LIST, manifest("PriceList", "b", "{name: B, currencyCode: GBP, rules: [{sourcePriceListSlug: a}]}"))
    bench.apply()
    bench.write(manifest("PriceList", "a", "{name: A, currencyCode: GBP}", state="absent"))
    assert [breach.rule for breach in bench.plan().refused] == ["in-use"]
    bench.write(
        manifest("PriceList", "a", "{name: A, currencyCode: GBP}", state="absent"),
        manifest("PriceList", "b", "{name: B, currencyCode: GBP}", state="absent"),
    )
    assert outcomes(bench.apply()) == {"PriceList/b": "applied", "PriceList/a": "applied"}


@pytest.mark.parametrize("read", ["refused", "absent"])
def test_where_settings_cannot_be_read_the_store_is_compared_with_what_was_applied(
    tmp_path: Path, emulator: RunningEmulator, read: str
) -> None:
    emulator.switch(spark_settings_read=read)
    emulator.add_site("demo", may_write_settings=read == "absent")
    bench = Workbench(tmp_path, emulator)
    bench.write(CURRENCY if read == "refused" else STORE)
    plan = bench.plan()
    assert "nothing was applied from this ledger yet" in notes(plan, NoteKind.UNREADABLE)[0]
    assert "if the site already has another one" in notes(plan, NoteKind.REMARK)[0]
    bench.apply()
    plan = bench.plan()
    assert "compared with what was applied 20" in notes(plan, NoteKind.UNREADABLE)[0]
    assert notes(plan, NoteKind.REMARK) == []
    assert plan.changes == ()


def test_what_the_site_shows_is_compared_and_what_it_does_not_show_is_said(bench: Workbench) -> None:
    assert notes(bench.plan(), NoteKind.UNREADABLE) == ["it is compared with what the API shows"]
    hold(bench.emulator, settings={"a": 5, "other": "VALUE-OF-NOBODY"})
    plan = bench.plan()
    [change] = plan.changes
    assert [(field.path, field.before, field.after) for field in change.fields] == [("settings.a", 5, 1)]
    assert notes(plan, NoteKind.UNREADABLE) == [
        "the site does not show settings.b, which cannot be compared: what was applied stands for that"
    ]
    assert "VALUE-OF-NOBODY" not in repr(plan)
    bench.apply()
    assert bench.emulator.site()["settings"] == {"a": 1, "other": "VALUE-OF-NOBODY"}


def test_without_a_lasting_ledger_what_the_site_does_not_show_is_no_change(
    tmp_path: Path, emulator: RunningEmulator
) -> None:
    bench = Workbench(tmp_path, emulator, lasting=False)
    bench.write(STORE)
    hold(emulator, settings={"a": 5})
    plan = bench.plan()
    assert [field.path for field in plan.changes[0].fields] == ["settings.a"]
    assert "without a lasting ledger" in notes(plan, NoteKind.UNREADABLE)[0]
    hold(emulator, settings={"a": 1})
    assert bench.plan().changes == ()


def test_the_base_currency_is_a_setting_first_and_the_stores_where_that_is_refused(
    tmp_path: Path, emulator: RunningEmulator
) -> None:
    for may_write, asked in ((True, ["/api/v1/settings"]), (False, ["/api/v1/settings", "/api/v1/store-currency"])):
        emulator.reset()
        emulator.add_site("demo", may_write_settings=may_write)
        bench = Workbench(tmp_path / str(may_write), emulator)
        bench.write(CURRENCY)
        emulator.clear_requests()
        assert outcomes(bench.apply()) == {"Store/store": "applied"}
        sent = [entry["path"].removeprefix("/sparklayer") for entry in emulator.requests() if entry["method"] != "GET"]
        assert [path for path in sent if "auth" not in path] == asked
        assert emulator.site()["currency"] == "GBP"
        assert bench.plan().changes == ()


def test_only_settings_that_changed_are_sent_and_none_is_taken_back(bench: Workbench) -> None:
    bench.write(manifest("Store", "store", "{baseCurrency: GBP, settings: {b: 3}}"))
    held = bench.emulator.state(secrets=True)
    held["sparklayer"]["sites"]["demo"]["settings"]["a"] = "set in the Dashboard"
    bench.emulator.load(held)
    assert notes(bench.plan(), NoteKind.REMARK) == [
        "settings.a: the API cannot take a setting back; it keeps the value that was set last"
    ]
    bench.apply()
    assert bench.emulator.site()["settings"] == {"a": "set in the Dashboard", "b": 3}
    assert bench.plan().changes == ()


def test_a_currency_that_was_set_elsewhere_fails_and_says_so(tmp_path: Path, emulator: RunningEmulator) -> None:
    hold(emulator, currency="USD")
    bench = Workbench(tmp_path, emulator)
    bench.write(STORE)
    [breach] = bench.plan().refused
    assert "baseCurrency is USD and would become GBP" in breach.message
    emulator.switch(spark_base_currency_setting="absent")
    for bodies in ("problem", "empty"):
        emulator.switch(spark_error_bodies=bodies)
        [result] = bench.apply().results
        assert (result.outcome.value, result.code) == ("failed", "api-conflict")
        assert "another base currency" in str(result.next_step)
    assert emulator.site()["settings"] == {}
    assert [change.key for change in bench.plan().changes] == ["Store/store"]


@pytest.mark.parametrize("bodies", ["problem", "empty"])
def test_settings_that_are_refused_leave_a_true_report(tmp_path: Path, emulator: RunningEmulator, bodies: str) -> None:
    emulator.add_site("demo", may_write_settings=False)
    emulator.switch(spark_error_bodies=bodies)
    bench = Workbench(tmp_path, emulator)
    bench.write(STORE)
    [result] = bench.apply().results
    assert result.outcome.value == "failed"
    assert "the base currency is set, but not the settings" in str(result.message)
    assert "made in the Dashboard" in str(result.next_step)
    assert emulator.site()["currency"] == "GBP"
    assert [change.key for change in bench.plan().changes] == ["Store/store"]


def test_an_answer_that_says_otherwise_is_believed(
    tmp_path: Path, emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put(self: HttpWriter, path: str, body: Json) -> Json:
        return {"currency_code": "USD"}

    monkeypatch.setattr(HttpWriter, "put", put)
    emulator.add_site("demo", may_write_settings=False)
    bench = Workbench(tmp_path, emulator)
    bench.write(CURRENCY)
    [result] = bench.apply().results
    assert (result.outcome.value, result.code) == ("failed", "write-not-verified")
    assert "baseCurrency" in str(result.message)
    assert [change.key for change in bench.plan().changes] == ["Store/store"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_about_the_store_is_sent_again(tmp_path: Path, emulator: RunningEmulator, when: str) -> None:
    bench = Workbench(tmp_path, emulator)
    bench.write(STORE)
    emulator.fault("reset", path="*/settings", method="PATCH", when=when)
    assert outcomes(bench.apply()) == {"Store/store": "applied"}
    assert emulator.site()["settings"] == {"a": 1, "b": 2}
    assert bench.plan().changes == ()


def test_what_became_of_the_store_may_stay_unknown_and_is_sent_with_the_next_apply(bench: Workbench) -> None:
    bench.write(manifest("Store", "store", "{baseCurrency: GBP, settings: {a: 9, b: 2}}"))
    bench.emulator.fault("reset", path="*/settings", method="PATCH", when="after", count=None)
    assert outcomes(bench.apply()) == {"Store/store": "unknown"}
    bench.emulator.clear_faults()
    # Live has 9 now; whoever takes the change back must see it sent, although the manifest is as it was before.
    bench.write(STORE)
    assert [change.key for change in bench.plan().changes] == ["Store/store"]
    bench.apply()
    assert bench.emulator.site()["settings"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("documents", "code"),
    [
        (manifest("CustomerGroup", "base", "{name: Base}"), "built-in"),
        (manifest("CustomerGroup", "x", "{slug: base, name: Base}"), "built-in"),
        (manifest("CustomerGroup", "base", state="absent"), "built-in"),
        (manifest("CustomerGroup", "x", "{slug: base}", state="absent"), "built-in"),
        (
            manifest("CustomerGroup", "x", "{name: X, parent: y}")
            + manifest("CustomerGroup", "y", "{name: Y, parent: x}"),
            "circular-reference",
        ),
        (
            manifest("PriceList", "x", "{name: X, currencyCode: GBP, rules: [{sourcePriceListSlug: x}]}"),
            "circular-reference",
        ),
        (manifest("PriceList", "x", "{name: X, currencyCode: gbp}"), "bad-format"),
        (manifest("PriceList", "x", f"{{name: X, slug: {'s' * 31}, currencyCode: GBP}}"), "too-long"),
        (
            manifest("PriceList", "x", "{name: X, currencyCode: GBP}", "ignore: ['rules[0].adjustmentPercentage']"),
            "unknown-path",
        ),
        (manifest("PriceList", "s" * 31, "{name: X, currencyCode: GBP}"), "too-long"),
        (manifest("Store", "x", "{baseCurrency: GBP}") + manifest("Store", "y", "{}"), "duplicate-live-object"),
        (
            manifest("StockLocation", "x", "{name: X}") + manifest("StockLocation", "y", "{externalID: x, name: Y}"),
            "duplicate-live-object",
        ),
        (manifest("PriceList", "x", "{name: X, currencyCode: GBP, pause: true}"), "not-pausable"),
    ],
)
def test_what_is_wrong_by_itself_is_found_offline(
    tmp_path: Path, emulator: RunningEmulator, documents: str, code: str
) -> None:
    bench = Workbench(tmp_path, emulator)
    bench.write(documents)
    assert {found for found, _ in bench.problems()} == {code}


@pytest.mark.parametrize("kind", [kind for kind in kinds().values() if kind.api == "sparklayer"], ids=lambda k: k.name)
def test_a_sparklayer_kind_names_no_role_and_uses_snake_case(kind: Kind) -> None:
    assert kind.role is None
    assert all(node.wire == node.wire.lower() for node in fields_of(kind.spec).values())


@pytest.mark.parametrize("name", [".", "..", "a/../b", "a//b", "/a", "a/", "a/."])
@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("PriceList", "{{slug: '{}', name: A, currencyCode: GBP}}"),
        ("CustomerGroup", "{{slug: '{}', name: A}}"),
        ("StockLocation", "{{externalID: '{}', name: A}}"),
    ],
)
def test_an_id_that_no_path_can_hold_is_a_problem(
    tmp_path: Path, emulator: RunningEmulator, kind: str, spec: str, name: str
) -> None:
    bench = Workbench(tmp_path, emulator)
    bench.write(manifest(kind, "x", spec.format(name)))
    [(code, message)] = bench.problems()
    assert code == "bad-format"
    assert "is an ID that no path can hold" in message
    for fine in (".a", "...", "a.b/c..d", "..a", "\u00fc/1"):
        bench.write(manifest(kind, "x", spec.format(fine)))
        assert bench.problems() == []
