"""The light walk: lists alone are compared with what they showed last, and what differs is read and written."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.errors import ServerFault
from reconciler.sync.mode import Mode
from reconciler.sync.run.report import State
from support.engine import Engine


def test_an_ordinary_run_is_a_light_walk_once_the_interval_has_passed(engine: Engine) -> None:
    engine.run()
    engine.things.there["b"] = "B2"
    report = engine.run()
    assert (report.mode, engine.things.sent) == (Mode.INCREMENTAL, [])
    engine.later(hours=1)
    report = engine.run()
    assert (report.mode, engine.things.sent, engine.things.site["b"]) == (Mode.LIGHT, ["b"], "B2")
    assert {name: report.counts[name] for name in ("seen", "unchanged", "written")} == {
        "seen": 3,
        "unchanged": 2,
        "written": 1,
    }
    assert engine.run().mode is Mode.INCREMENTAL


def test_what_lists_show_as_before_is_neither_read_nor_written(engine: Engine) -> None:
    engine.run()
    read = engine.things.reads.copy()
    report = engine.run(Mode.LIGHT)
    assert (engine.things.sent, engine.things.asked, engine.things.reads) == ([], [], read)
    assert (report.state, report.counts["seen"], report.counts["unchanged"]) == (State.FINISHED, 3, 3)


def test_what_differs_is_read_once_and_not_again_by_the_next_light_walk(engine: Engine) -> None:
    engine.run()
    engine.things.there["b"] = "B2"
    engine.run(Mode.LIGHT)
    read = engine.things.reads.copy()
    engine.run(Mode.LIGHT)
    assert engine.things.reads == read


def test_what_lists_do_not_show_is_found_by_a_walk(engine: Engine) -> None:
    engine.run()
    engine.things.there["b"] = "B|other"
    engine.run(Mode.LIGHT)
    assert engine.things.sent == []
    engine.run(Mode.WALK)
    assert engine.things.sent == ["b"]


def test_a_new_record_is_read_and_written(engine: Engine) -> None:
    engine.run()
    engine.things.there["d"] = "D"
    engine.run(Mode.LIGHT)
    assert (engine.things.sent, engine.things.site["d"]) == (["d"], "D")


def test_a_record_that_is_gone_is_deleted_after_it_was_asked_for_and_back_again_when_it_is_listed(
    engine: Engine,
) -> None:
    engine.run()
    gone = engine.things.there.pop("b")
    report = engine.run(Mode.LIGHT)
    assert (engine.things.asked, engine.things.sent, engine.level("b").gone) == (["b"], ["b"], True)
    assert report.counts["discontinued"] == 1
    # It looks as it did before it went.
    engine.things.there["b"] = gone
    engine.run(Mode.LIGHT)
    assert (engine.things.sent, engine.level("b").gone, engine.things.site["b"]) == (["b"], False, "B")


def test_too_many_that_are_gone_stop_it_and_the_next_run_looks_again(engine: Engine) -> None:
    engine.run()
    del engine.things.there["b"], engine.things.there["c"]
    report = engine.run(Mode.LIGHT)
    assert (report.state, engine.things.sent) == (State.STOPPED, [])
    engine.settings = replace(engine.settings, max_delete_percent=100)
    report = engine.run()
    assert (report.mode, sorted(engine.things.sent)) == (Mode.LIGHT, ["b", "c"])


def test_nothing_is_deleted_where_a_list_breaks_off(engine: Engine) -> None:
    engine.run()
    engine.things.fails["list b"] = lambda: ServerFault("HTTP 500")
    report = engine.run(Mode.LIGHT)
    assert (report.state, engine.things.asked, engine.things.sent) == (State.INTERRUPTED, [], [])
    del engine.things.fails["list b"]
    report = engine.run()
    assert (report.mode, report.resumed, report.state, report.counts["seen"]) == (
        Mode.LIGHT,
        True,
        State.FINISHED,
        3,
    )


def test_what_was_found_to_differ_is_written_by_the_next_run_where_this_one_was_cut_off(engine: Engine) -> None:
    engine.run()
    engine.things.there["a"] = "A2"
    engine.things.fails["list c"] = lambda: ServerFault("HTTP 500")
    engine.run(Mode.LIGHT)
    assert engine.things.sent == []
    engine.things.fails.clear()
    engine.run()
    assert engine.things.site["a"] == "A2"


def test_a_record_without_a_usable_id_is_taken_from_the_list_and_not_asked_for(engine: Engine) -> None:
    engine.things.without_id = {"b"}
    engine.run()
    assert engine.run(Mode.LIGHT).counts["seen"] == len(engine.things.there)
    assert engine.things.sent == []
    engine.things.there["b"] = "B2"
    engine.things.there["e"] = "E"
    engine.things.without_id = {"b", "e"}
    engine.things.reads.clear()
    engine.run(Mode.LIGHT)
    assert (engine.things.asked, set(engine.things.reads)) == ([], set())
    assert (engine.things.site["b"], engine.things.site["e"]) == ("B2", "E")


def test_what_came_to_nothing_is_tried_again_by_a_later_run_and_does_not_keep_it_waiting(engine: Engine) -> None:
    engine.run()
    engine.things.there["b"] = "B2"
    engine.things.fails["b"] = lambda: ServerFault("HTTP 500")
    report = engine.run(Mode.LIGHT)
    assert (report.state, engine.things.asked, engine.level("b").is_open) == (State.FINISHED, [], True)
    engine.things.fails.clear()
    engine.later(hours=2)
    engine.run(Mode.INCREMENTAL)
    assert engine.things.site["b"] == "B2"


def test_it_is_a_partial_sync_to_the_merchant_where_it_wrote_something(engine: Engine) -> None:
    engine.run()
    log = dict(engine.site.log or {})
    engine.run(Mode.LIGHT)
    assert engine.site.log == log
    engine.things.there["b"] = "B2"
    engine.run(Mode.LIGHT)
    assert engine.site.log is not None
    assert {name for name, value in engine.site.log.items() if value != log.get(name)} == {"last_partial_sync"}


@pytest.mark.parametrize("walk", [Mode.FULL, Mode.WALK, Mode.VERIFY])
def test_every_walk_notes_what_lists_show(engine: Engine, walk: Mode) -> None:
    engine.run()
    engine.things.there["b"] = "B2"
    engine.run(walk)
    read = engine.things.reads.copy()
    engine.run(Mode.LIGHT)
    assert engine.things.reads == read
