"""A record that got a new ID is the same one: what the target holds of the old one is its own."""

from __future__ import annotations

from reconciler.sync.mode import Mode
from support.engine import Engine


def test_a_record_whose_old_id_is_gone_takes_over_what_the_target_holds(engine: Engine) -> None:
    engine.run()
    engine.things.there["new"] = engine.things.there.pop("b")
    engine.things.was = {"new": "b"}

    report = engine.run(Mode.WALK)

    assert engine.things.sent == ["new"]
    assert engine.levels.levels(["b"]) == {}
    assert report.counts["written"] == 1
    assert "discontinued" not in report.counts
    engine.run(Mode.WALK)
    assert engine.things.sent == []


def test_a_record_whose_old_id_is_still_there_is_another_one(engine: Engine) -> None:
    engine.run()
    engine.things.there["new"] = "N"
    engine.things.was = {"new": "b"}

    engine.run(Mode.WALK)

    assert (engine.things.sent, engine.level("b").gone) == (["new"], False)
    assert engine.things.site["b"] == engine.things.there["b"]


def test_what_a_source_finds_out_while_it_reads_is_told(engine: Engine) -> None:
    engine.things.remarks = ("two were skipped",)
    assert "two were skipped" in engine.run().remarks
