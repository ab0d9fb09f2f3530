"""Before a run the engine looks whether the target is what it left behind, and treats it as what it found."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields

from reconciler.errors import ServerFault
from reconciler.ledger.data.model import Level
from reconciler.sync.mode import Mode
from reconciler.sync.run.preflight import in_turns
from support.engine import Engine


def said(remarks: tuple[str, ...], words: str) -> bool:
    return any(words in remark for remark in remarks)


def test_one_record_that_somebody_changed_is_written_again(engine: Engine) -> None:
    engine.run()
    engine.things.site["b"] = "changed"
    report = engine.run(Mode.INCREMENTAL)
    assert (report.mode, engine.things.sent, engine.things.site["b"]) == (Mode.INCREMENTAL, ["b"], "B")
    assert said(report.remarks, "b: changed in the target by somebody else")


def test_many_changes_make_the_run_verify_everything(engine: Engine) -> None:
    engine.run()
    engine.things.site |= dict.fromkeys("abc", "changed")
    report = engine.run(Mode.INCREMENTAL)
    assert report.mode is Mode.VERIFY
    assert engine.things.site == {"a": "A", "b": "B", "c": "C"}
    assert said(report.remarks, "0 are missing in the target and 3 are not as we left them")


def test_one_record_that_is_missing_makes_the_run_verify_everything(engine: Engine) -> None:
    engine.run()
    del engine.things.site["b"]
    report = engine.run(Mode.INCREMENTAL)
    assert (report.mode, engine.things.sent) == (Mode.VERIFY, ["b"])


@pytest.mark.parametrize("log", [None, {"started_full_sync": "2020-01-01T00:00:00.000Z"}])
def test_a_sync_log_that_we_did_not_write_makes_the_run_verify_everything(
    engine: Engine, log: dict[str, str] | None
) -> None:
    engine.run()
    engine.site.log = log
    report = engine.run(Mode.INCREMENTAL)
    assert report.mode is Mode.VERIFY
    assert said(report.remarks, "the sync log is not as we left it")


def test_a_new_ledger_says_what_it_cannot_know_of_a_site_that_was_synced_before(engine: Engine) -> None:
    engine.site.log = {"started_full_sync": "2020-01-01T00:00:00.000Z"}
    assert said(engine.run().remarks, "the ledger is new, and the site was synced to before")


def test_a_target_as_we_left_it_changes_nothing(engine: Engine) -> None:
    engine.run()
    report = engine.run(Mode.INCREMENTAL)
    assert (report.mode, report.remarks) == (Mode.INCREMENTAL, ())


def test_what_another_configuration_compared_is_no_evidence_against_others(engine: Engine) -> None:
    engine.run()
    # Seen through another configuration the same site looks otherwise.
    engine.things.digest = "two"
    engine.things.site |= dict.fromkeys("abc", "as another configuration sees it")
    report = engine.run()
    assert (report.mode, report.remarks) == (Mode.FULL, ())


def test_a_run_that_changed_only_some_records_before_it_was_cut_off_accuses_nobody(engine: Engine) -> None:
    engine.run()
    engine.things.digest = "two"
    engine.things.there["a"] = "anew"
    engine.things.fails["list b"] = lambda: ServerFault("HTTP 503")
    engine.run()
    engine.things.fails.clear()
    engine.things.site |= dict.fromkeys("bc", "as another configuration sees it")
    assert not said(engine.run().remarks, "not as we left")


def test_records_with_problems_and_without_take_turns_and_those_never_written_come_last() -> None:
    good, bad = ([_level(f"{name}{number}", problems=name == "b") for number in range(3)] for name in "gb")
    unwritten = _level("u", prints={"stock": b"1"})
    found = in_turns([unwritten, *good, *bad[:1]], "product")
    assert [level.key for level in found] == ["g0", "b0", "g1", "g2", "u"]
    assert [level.key for level in in_turns([*bad, *good], "product")] == ["g0", "b0", "g1", "b1", "g2", "b2"]


def _level(key: str, **changes: Any) -> Level:
    values = dict.fromkeys((field.name for field in fields(Level)), None)
    known = {"prints": {"product": b"1"}, "held": {}, "problems": False}
    return Level(**{**values, "key": key, **known, **changes})
