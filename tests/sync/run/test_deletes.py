"""What a walk did not see is asked for by ID, and deleted at the target only where the source says that it is gone."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.errors import ServerFault, SourceIncomplete, Unreachable
from reconciler.sync.mode import Mode, most_deletes
from reconciler.sync.run.deletes import may_hold
from reconciler.sync.run.report import LimitReached, State
from support.engine import Engine


def test_a_record_that_is_gone_is_deleted_after_it_was_asked_for(engine: Engine) -> None:
    engine.run()
    del engine.things.there["b"]
    report = engine.run(Mode.WALK)
    assert engine.things.asked == ["b"]
    assert (engine.things.site["b"], engine.level("b").gone) == ("", True)
    assert report.counts["discontinued"] == 1
    engine.run(Mode.WALK)
    assert (engine.things.asked, engine.things.sent) == ([], [])


def test_a_record_that_is_only_not_listed_is_read_by_its_id_written_and_told_to_people(engine: Engine) -> None:
    engine.run()
    engine.things.unlisted = {"b"}
    engine.things.there["b"] = "B2"
    report = engine.run(Mode.WALK)
    assert (engine.things.asked, engine.things.sent) == (["b"], ["b"])
    assert (engine.things.site["b"], engine.level("b").gone, engine.site.errors) == (
        "B2",
        False,
        {"b": "b is in no list."},
    )
    assert (report.counts["written"], report.counts["unchanged"]) == (1, 2)
    # Nothing changes while it stays so, and the merchant is told as long as it does.
    assert engine.run(Mode.WALK).counts["unchanged"] == 3
    assert (engine.things.sent, list(engine.site.errors)) == ([], ["b"])
    engine.things.unlisted = set()
    engine.run(Mode.WALK)
    assert (engine.things.sent, engine.site.errors) == ([], {})


def test_a_record_that_is_not_listed_is_told_of_when_it_is_asked_for_too(engine: Engine) -> None:
    engine.run()
    engine.things.unlisted = {"b"}
    engine.levels.want(["b"])
    engine.run(Mode.INCREMENTAL)
    assert (engine.things.sent, list(engine.site.errors)) == ([], ["b"])


def test_a_record_with_problems_that_lists_do_not_have_any_more_keeps_them(engine: Engine) -> None:
    engine.things.held_back = {"b"}
    engine.run()
    assert list(engine.site.errors) == ["b"]
    engine.things.unlisted = {"b"}
    engine.run(Mode.WALK)
    assert "b is bad." in engine.site.errors["b"]
    assert "b is in no list." in engine.site.errors["b"]


def test_a_record_that_no_list_has_and_nobody_can_read_yet_is_left_as_it_is(engine: Engine) -> None:
    engine.run()
    engine.things.unlisted = engine.things.stale = {"b"}
    report = engine.run(Mode.WALK)
    assert (engine.things.asked, engine.things.sent, engine.site.errors) == (["b"], [], {})
    assert report.counts["left"] == 1
    assert any("1 thing did not come in the lists and still exist" in remark for remark in report.remarks)


def test_a_record_that_left_the_scope_is_deleted_like_one_that_is_gone(engine: Engine) -> None:
    engine.run()
    engine.things.outside = {"b"}
    report = engine.run(Mode.WALK)
    assert (engine.things.site["b"], engine.level("b").gone, report.counts["discontinued"]) == ("", True, 1)
    engine.things.outside = set()
    engine.run(Mode.WALK)
    assert (engine.things.site["b"], engine.level("b").gone) == ("B", False)


@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.WALK])
def test_what_the_manifest_names_stays_and_goes_once_it_names_it_no_more(engine: Engine, mode: Mode) -> None:
    engine.run()
    engine.things.word, engine.things.reserved = "word", frozenset({"word", "other"})
    del engine.things.there["b"]
    for _ in range(2):
        report = engine.run(mode)
        assert "1 thing no longer needed stays until nothing names it any more" in report.remarks
        assert (engine.things.site["b"], engine.level("b").gone, engine.things.sent) == ("B", False, [])
    engine.things.reserved = frozenset({"other"})
    report = engine.run(mode)
    assert (engine.things.site["b"], engine.level("b").gone, report.counts["discontinued"]) == ("", True, 1)


def test_what_left_the_scope_counts_for_the_limit(engine: Engine) -> None:
    engine.run()
    engine.things.outside = {"b"}
    del engine.things.there["c"]
    report = engine.run(Mode.WALK)
    assert (report.state, engine.things.sent) == (State.STOPPED, [])


def test_nothing_is_deleted_where_what_decides_the_scope_goes_during_the_walk(engine: Engine) -> None:
    engine.run()
    engine.things.outside = {"b"}
    asked = [0]

    def second() -> Exception | None:
        asked[0] += 1
        return SourceIncomplete("the shelf is gone") if asked[0] > 1 else None

    engine.things.fails["census"] = second
    with pytest.raises(SourceIncomplete):
        engine.run(Mode.WALK)
    assert engine.things.sent == []


# A removal asks the source for nothing.
@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.REMOVE])
def test_where_what_decides_the_scope_is_missing_nothing_is_begun(engine: Engine, mode: Mode) -> None:
    engine.run()
    engine.things.there.clear()
    engine.things.fails["census"] = lambda: SourceIncomplete("the shelf is gone")
    with pytest.raises(SourceIncomplete):
        engine.run(mode)
    assert engine.things.site == {"a": "A", "b": "B", "c": "C"}


def test_an_incremental_run_deletes_nothing_that_nobody_asked_for(engine: Engine) -> None:
    engine.run()
    engine.things.there.clear()
    engine.run(Mode.INCREMENTAL)
    assert engine.things.site == {"a": "A", "b": "B", "c": "C"}


def test_more_than_the_limit_stops_the_run_before_the_first_delete(engine: Engine) -> None:
    engine.run()
    del engine.things.there["a"], engine.things.there["b"]
    report = engine.run(Mode.FULL)
    assert (report.state, engine.things.sent) == (State.STOPPED, [])
    message = "2 things would be discontinued (2 gone at the source), and maxDeletePercent (50 %) allows 1 of 3 in 24 h"
    assert message in (report.message or "")
    assert report.limit == LimitReached("maxDeletePercent", 1, 0, ("a", "b"))
    engine.settings = replace(engine.settings, max_delete_percent=100)
    assert engine.run().mode is Mode.FULL
    assert engine.things.site == {"a": "", "b": "", "c": "C"}


@pytest.mark.parametrize(
    ("known", "percent", "allowed"),
    [(9, 10, 1), (1, 10, 1), (0, 10, 1), (19, 10, 1), (20, 10, 2), (1000, 0, 0), (9, 0.001, 1), (9, 100, 9)],
)
def test_at_least_one_may_be_deleted_unless_none_may(known: int, percent: float, allowed: int) -> None:
    assert most_deletes(known, percent) == allowed


def test_deletes_are_counted_over_a_day_and_not_over_a_run(engine: Engine) -> None:
    engine.settings = replace(engine.settings, max_delete_percent=1)
    engine.run()
    del engine.things.there["a"]
    assert engine.run(Mode.WALK).state is State.FINISHED
    del engine.things.there["b"]
    report = engine.run(Mode.WALK)
    assert (report.state, report.limit) == (State.STOPPED, LimitReached("maxDeletePercent", 1, 1, ("b",)))
    assert "after 1 in the last 24 h" in (report.message or "")
    engine.later(hours=23)
    assert engine.run(Mode.WALK).state is State.STOPPED
    engine.later(hours=1)
    assert engine.run(Mode.WALK).state is State.FINISHED
    assert engine.things.site == {"a": "", "b": "", "c": "C"}


def test_what_came_back_does_not_count(engine: Engine) -> None:
    engine.settings = replace(engine.settings, max_delete_percent=1)
    engine.run()
    for _ in range(3):
        del engine.things.there["a"]
        assert engine.run(Mode.WALK).state is State.FINISHED
        engine.things.there["a"] = "A"
        assert engine.run(Mode.WALK).state is State.FINISHED


def test_a_verify_of_what_is_gone_does_not_count_it_anew(engine: Engine) -> None:
    engine.settings = replace(engine.settings, max_delete_percent=1)
    engine.run()
    del engine.things.there["a"]
    engine.run(Mode.WALK)
    engine.later(hours=20)
    engine.things.site["a"] = "back"
    assert engine.run(Mode.VERIFY).state is State.FINISHED
    assert engine.things.site["a"] == ""
    engine.later(hours=5)
    del engine.things.there["b"]
    assert engine.run(Mode.WALK).state is State.FINISHED


def test_none_may_be_deleted_where_the_manifest_says_so(engine: Engine) -> None:
    engine.settings = replace(engine.settings, max_delete_percent=0)
    engine.run()
    del engine.things.there["a"]
    assert engine.run(Mode.WALK).state is State.STOPPED
    assert engine.things.sent == []


def test_an_override_holds_for_one_run_is_recorded_and_does_not_use_up_the_day(engine: Engine) -> None:
    engine.run()
    del engine.things.there["a"], engine.things.there["b"]
    assert engine.run(Mode.WALK).state is State.STOPPED
    engine.overrides = {"maxDeletePercent": "the shelf was cleared"}
    report = engine.run(Mode.WALK)
    assert (report.state, engine.things.site) == (State.FINISHED, {"a": "", "b": "", "c": "C"})
    assert report.overrides == {"maxDeletePercent": "the shelf was cleared"}
    assert "maxDeletePercent was overridden: the shelf was cleared" in report.remarks
    assert engine.levels.run(report.run_id).overrides == report.overrides
    engine.overrides = {}
    del engine.things.there["c"]
    assert engine.run(Mode.WALK).overrides == {}
    assert engine.things.site["c"] == ""


def test_an_override_that_was_not_needed_is_not_used(engine: Engine) -> None:
    engine.run()
    del engine.things.there["a"]
    engine.overrides = {"maxDeletePercent": "who knows"}
    assert engine.run(Mode.WALK).overrides == {}
    engine.overrides = {}
    del engine.things.there["b"]
    assert engine.run(Mode.WALK).state is State.STOPPED


@pytest.mark.parametrize("fault", [ServerFault("HTTP 500"), Unreachable("no answer")])
def test_a_list_that_fails_half_way_deletes_nothing(engine: Engine, fault: Exception) -> None:
    engine.run()
    engine.things.fails["list b"] = lambda: fault
    report = engine.run(Mode.WALK)
    assert (report.state, engine.things.sent, engine.things.asked) == (State.INTERRUPTED, [], [])


def test_a_record_that_comes_back_is_written_again(engine: Engine) -> None:
    engine.run()
    del engine.things.there["b"]
    engine.run(Mode.WALK)
    engine.things.there["b"] = "B"
    engine.run(Mode.WALK)
    assert (engine.things.site["b"], engine.level("b").gone) == ("B", False)


def test_a_record_that_was_never_written_is_forgotten(engine: Engine) -> None:
    engine.run()
    engine.levels.want(["ghost"])
    engine.run(Mode.WALK)
    assert engine.levels.levels(["ghost"]) == {}


def test_the_target_may_hold_what_was_noted_what_has_a_fingerprint_and_what_is_in_doubt(engine: Engine) -> None:
    engine.run()
    nothing = replace(engine.level("a"), held={}, prints={}, doubtful=False)
    assert not may_hold(nothing)
    assert may_hold(replace(nothing, held={"slug": "a"}))
    assert may_hold(replace(nothing, prints={"body": b"1"}))
    assert may_hold(replace(nothing, doubtful=True))


@pytest.mark.parametrize("outside", [False, True])
def test_what_a_data_type_never_deletes_is_told_and_counts_for_no_limit(engine: Engine, outside: bool) -> None:
    engine.things.there = {f"t{number}": "x" for number in range(6)}
    engine.run(Mode.FULL)
    engine.things.left_alone = True
    engine.settings = replace(engine.settings, max_delete_percent=0)
    if outside:
        engine.things.outside = {"t1", "t2"}
    else:
        del engine.things.there["t1"], engine.things.there["t2"]
    assert engine.run(Mode.WALK).state is State.FINISHED
    assert engine.things.sent == []
    assert engine.things.site.keys() == {f"t{number}" for number in range(6)}
    words = "left the scope" if outside else "is gone"
    told = engine.levels.store.problems.listed(10, 0)
    assert [(each.key, each.problem.message) for each in told] == [("t1", words), ("t2", words)]
