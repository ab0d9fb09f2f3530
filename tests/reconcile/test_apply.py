"""Apply says truly what became of each change, whatever happens on the way."""

from __future__ import annotations

import sqlite3

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger.config.entries import Done
from reconciler.ledger.lock import Lock
from reconciler.ledger.writer import Ledger
from reconciler.secret import Secret
from support.apply_fakes import KINDS, Bench, FakeApi, Fault, Killed, WidgetKind, live, outcomes, widget


def test_apply_then_plan_is_empty(tmp_path):
    api = FakeApi(live("old", "change"))
    bench = Bench(
        tmp_path,
        api,
        widget("new", 1, key="k1"),
        widget("child", 2, parent="new"),
        widget("change", 3),
        widget("old", absent=True),
    )
    report = bench.apply()
    assert set(outcomes(report).values()) == {"applied"}
    assert api.objects["/widgets/new"] == {"ID": "new", "Size": 1, "Target": {"Key": "k1"}}
    assert "/widgets/old" not in api.objects
    assert bench.plan().plan.changes == ()
    assert api.calls.index(("POST", "/widgets")) < len(api.calls) - 1
    assert api.calls[-1] == ("DELETE", "/widgets/old")


def test_nothing_to_do_sends_nothing_and_remembers_what_is_settled(tmp_path):
    api = FakeApi(live("a"))
    bench = Bench(tmp_path, api, widget("a"))
    report = bench.apply()
    assert report.results == ()
    assert report.run is None
    assert api.calls == []
    api.objects["/widgets/a"]["Size"] = 7
    assert bench.plan().plan.changes[0].cause == "live-moved"


def test_a_change_whose_dependency_failed_is_skipped_and_says_why(tmp_path):
    bench = Bench(
        tmp_path,
        FakeApi(faults={0: Fault.REJECTED}),
        widget("base"),
        widget("child", parent="base"),
    )
    report = bench.apply()
    assert outcomes(report) == {"base": "failed", "child": "skipped"}
    assert report.results[0].code == "api-rejected"
    assert "Widget/base" in (report.results[1].message or "")


def test_a_failure_does_not_stop_what_does_not_depend_on_it(tmp_path):
    bench = Bench(tmp_path, FakeApi(faults={0: Fault.REJECTED}), widget("a"), widget("b"))
    assert sorted(outcomes(bench.apply()).values()) == ["applied", "failed"]


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.LOGIN])
def test_after_a_refused_login_or_role_nothing_more_is_sent(tmp_path, fault):
    api = FakeApi(faults={0: fault})
    bench = Bench(tmp_path, api, *(widget(name) for name in "abc"))
    report = bench.apply(side_by_side=1)
    assert sorted(outcomes(report).values()) == ["failed", "skipped", "skipped"]
    assert len(api.calls) == 1


def test_only_what_is_approved_is_carried_out(tmp_path):
    api = FakeApi()
    bench = Bench(tmp_path, api, widget("a"), widget("b"), widget("child", parent="b"))
    planned = bench.plan()
    approved = frozenset(change.digest for change in planned.plan.changes if change.name != "b")
    report = bench.apply(planned, approved=approved)
    assert outcomes(report) == {"a": "applied", "child": "skipped"}
    assert "not approved" in (report.results[1].message or "")
    assert set(api.objects) == {"/widgets/a"}


@pytest.mark.parametrize("silent", [False, True])
def test_an_accepted_write_that_did_not_take_effect_is_not_called_applied(tmp_path, silent):
    api = FakeApi(live("a"), ignored_members=frozenset({"Size"}), silent=silent)
    report = Bench(tmp_path, api, widget("a", 5)).apply()
    assert outcomes(report) == {"a": "failed"}
    assert report.results[0].code == "write-not-verified"
    assert "size" in (report.results[0].message or "")


def test_a_write_without_an_answer_is_verified_by_a_read(tmp_path):
    api = FakeApi(live("a"), silent=True)
    assert outcomes(Bench(tmp_path, api, widget("a", 5)).apply()) == {"a": "applied"}
    assert api.calls == [("PATCH", "/widgets/a"), ("GET", "/widgets/a")]


def test_an_accepted_write_that_cannot_be_read_back_is_unknown(tmp_path):
    api = FakeApi(live("a"), silent=True, faults={1: Fault.UNREACHABLE})
    assert outcomes(Bench(tmp_path, api, widget("a", 5)).apply()) == {"a": "unknown"}


def test_ignored_fields_do_not_count_against_a_write(tmp_path):
    api = FakeApi(live("a", Label="theirs"))
    desired = widget("a", 5, ignore=frozenset({"label"}))
    assert outcomes(Bench(tmp_path, api, desired).apply()) == {"a": "applied"}
    assert api.objects["/widgets/a"]["Label"] == "theirs"


class TestLostAnswers:
    def test_an_update_that_arrived_is_applied_and_not_repeated(self, tmp_path):
        api = FakeApi(live("a"), faults={0: Fault.LOST_AFTER})
        assert outcomes(Bench(tmp_path, api, widget("a", 5)).apply()) == {"a": "applied"}
        assert api.calls == [("PATCH", "/widgets/a"), ("GET", "/widgets/a")]

    def test_an_update_that_did_not_arrive_is_repeated(self, tmp_path):
        api = FakeApi(live("a"), faults={0: Fault.LOST_BEFORE})
        assert outcomes(Bench(tmp_path, api, widget("a", 5)).apply()) == {"a": "applied"}
        assert api.objects["/widgets/a"]["Size"] == 5

    def test_secrets_are_sent_again_because_no_read_can_show_them(self, tmp_path):
        api = FakeApi(faults={0: Fault.LOST_AFTER})
        bench = Bench(tmp_path, api, widget("a", 5, key="k"))
        assert outcomes(bench.apply()) == {"a": "applied"}
        assert api.effects == [("POST", "/widgets"), ("PATCH", "/widgets/a")]
        assert api.calls.count(("POST", "/widgets")) == 1
        assert bench.plan().plan.changes == ()

    def test_a_create_is_repeated_only_when_a_read_finds_nothing(self, tmp_path):
        api = FakeApi(faults={0: Fault.LOST_BEFORE, 1: Fault.UNREACHABLE})
        report = Bench(tmp_path, api, widget("a")).apply()
        assert outcomes(report) == {"a": "unknown"}
        assert api.calls.count(("POST", "/widgets")) == 1

    def test_a_delete_that_arrived_is_applied(self, tmp_path):
        api = FakeApi(live("a"), faults={0: Fault.LOST_AFTER})
        assert outcomes(Bench(tmp_path, api, widget("a", absent=True)).apply()) == {"a": "applied"}
        assert api.effects == [("DELETE", "/widgets/a")]

    def test_a_rename_that_arrived_is_found_under_its_new_id(self, tmp_path):
        api = FakeApi(live("old"), faults={0: Fault.LOST_AFTER})
        bench = Bench(tmp_path, api, widget("w", new_id="new", renamed_from=("old",)))
        assert outcomes(bench.apply()) == {"w": "applied"}
        assert set(api.objects) == {"/widgets/new"}

    def test_the_secrets_of_a_rename_that_arrived_go_to_the_new_id(self, tmp_path):
        api = FakeApi(live("old"), faults={0: Fault.LOST_AFTER})
        bench = Bench(tmp_path, api, widget("w", new_id="new", renamed_from=("old",), key="k"))
        assert outcomes(bench.apply()) == {"w": "applied"}
        assert api.effects == [("PATCH", "/widgets/old"), ("PATCH", "/widgets/new")]

    def test_a_rename_that_did_not_arrive_is_repeated(self, tmp_path):
        api = FakeApi(live("old"), faults={0: Fault.LOST_BEFORE})
        bench = Bench(tmp_path, api, widget("w", new_id="new", renamed_from=("old",)))
        assert outcomes(bench.apply()) == {"w": "applied"}

    def test_live_that_somebody_else_changed_meanwhile_is_unknown_and_left_alone(self, tmp_path):
        def somebody(api):
            api.objects["/widgets/a"]["Size"] = 99

        api = FakeApi(live("a"), faults={0: Fault.LOST_BEFORE}, meanwhile={1: somebody})
        report = Bench(tmp_path, api, widget("a", 5)).apply()
        assert outcomes(report) == {"a": "unknown"}
        assert api.objects["/widgets/a"]["Size"] == 99
        assert report.results[0].next_step

    def test_what_somebody_deleted_meanwhile_is_unknown_and_not_written_again(self, tmp_path):
        api = FakeApi(live("a"), faults={0: Fault.LOST_BEFORE}, meanwhile={1: lambda api: api.objects.clear()})
        assert outcomes(Bench(tmp_path, api, widget("a", 5)).apply()) == {"a": "unknown"}
        assert api.calls == [("PATCH", "/widgets/a"), ("GET", "/widgets/a")]

    def test_what_somebody_created_meanwhile_is_unknown_and_not_written_again(self, tmp_path):
        def somebody(api):
            api.objects.update(live("a", Size=9))

        api = FakeApi(faults={0: Fault.LOST_BEFORE}, meanwhile={1: somebody})
        assert outcomes(Bench(tmp_path, api, widget("a", 5)).apply()) == {"a": "unknown"}
        assert api.effects == []
        assert api.calls.count(("POST", "/widgets")) == 1

    def test_repeating_ends(self, tmp_path):
        api = FakeApi(live("a"), faults=dict.fromkeys((0, 2, 4), Fault.LOST_BEFORE))
        assert outcomes(Bench(tmp_path, api, widget("a", 5)).apply()) == {"a": "failed"}
        assert [method for method, _ in api.calls] == ["PATCH", "GET"] * 3

    def test_a_refusal_after_an_arrival_is_not_called_failed(self, tmp_path):
        api = FakeApi(faults={0: Fault.LOST_AFTER, 2: Fault.UNREACHABLE})
        bench = Bench(tmp_path, api, widget("a", 5, key="k"))
        assert outcomes(bench.apply()) == {"a": "unknown"}
        rest = bench.plan().plan.changes
        assert [field.path for change in rest for field in change.fields] == ["target.key"], "the secret stays in doubt"


class TestAppearedMeanwhile:
    def test_as_wanted_is_already(self, tmp_path):
        api = FakeApi(meanwhile={0: lambda api: api.objects.update(live("a"))})
        assert outcomes(Bench(tmp_path, api, widget("a")).apply()) == {"a": "already"}
        assert api.effects == []

    def test_otherwise_it_fails_and_is_left_alone(self, tmp_path):
        api = FakeApi(meanwhile={0: lambda api: api.objects.update(live("a", Size=9))})
        report = Bench(tmp_path, api, widget("a")).apply()
        assert outcomes(report) == {"a": "failed"}
        assert "appeared meanwhile" in (report.results[0].message or "")
        assert api.effects == []

    def test_a_delete_of_what_is_gone_is_applied(self, tmp_path):
        api = FakeApi(live("a"), meanwhile={0: lambda api: api.objects.clear()})
        assert outcomes(Bench(tmp_path, api, widget("a", absent=True)).apply()) == {"a": "applied"}


class TestSecrets:
    def test_a_rotated_secret_is_seen_and_sent(self, tmp_path):
        api = FakeApi()
        Bench(tmp_path, api, widget("a", key="one")).apply()
        bench = Bench(tmp_path, api, widget("a", key="two"))
        assert outcomes(bench.apply()) == {"a": "applied"}
        assert api.objects["/widgets/a"]["Target"]["Key"] == "two"
        assert bench.plan().plan.changes == ()

    def test_an_unset_secret_stops_its_change_before_anything_is_sent(self, tmp_path):
        api = FakeApi()
        bench = Bench(tmp_path, api, widget("a", key="k"))
        planned = bench.plan()
        secret = bench.desired[0].state["target"]["key"]
        secret._resolved, secret._value = True, None
        report = bench.apply(planned)
        assert outcomes(report) == {"a": "failed"}
        assert report.results[0].code == "secret-unset"
        assert api.calls == []

    def test_a_refused_write_leaves_what_was_known_of_its_secrets(self, tmp_path):
        api = FakeApi()
        Bench(tmp_path, api, widget("a", key="one")).apply()
        api.faults = {len(api.calls): Fault.REJECTED}
        assert outcomes(Bench(tmp_path, api, widget("a", key="two")).apply()) == {"a": "failed"}
        assert Bench(tmp_path, api, widget("a", key="one")).plan().plan.changes == ()

    def test_a_rename_keeps_what_is_known_of_secrets(self, tmp_path):
        api = FakeApi()
        Bench(tmp_path, api, widget("w", new_id="old", key="one")).apply()
        renamed = Bench(tmp_path, api, widget("w", new_id="new", renamed_from=("old",), key="one"))
        assert outcomes(renamed.apply()) == {"w": "applied"}
        plan = renamed.plan().plan
        assert (plan.changes, plan.notes) == ((), ())
        rotated = Bench(tmp_path, api, widget("w", new_id="new", key="two")).plan().plan
        assert [field.path for change in rotated.changes for field in change.fields] == ["target.key"]

    def test_a_secret_that_a_request_should_carry_and_does_not_is_not_forgotten(self, tmp_path, monkeypatch):
        """A kind may make another secret of it, which nobody recognises: it stays in doubt, and is sent again."""

        class Composes(WidgetKind):
            def update_body(self, desired, observed, changed):
                body = super().update_body(desired, observed, changed)
                return body | {"Target": {"Key": Secret("(composed)", body["Target"]["Key"].reveal)}}

        Bench(tmp_path, FakeApi(), widget("a", key="one")).apply()
        monkeypatch.setitem(KINDS, "Widget", Composes())
        bench = Bench(tmp_path, FakeApi(live("a")), widget("a", key="two"))
        assert outcomes(bench.apply()) == {"a": "applied"}
        assert [field.path for change in bench.plan().plan.changes for field in change.fields] == ["target.key"]

    def test_no_secret_is_in_any_byte_of_the_ledger(self, tmp_path):
        Bench(tmp_path, FakeApi(faults={0: Fault.LOST_AFTER}), widget("a", key="MARKER-of-a-secret")).apply()
        for file in tmp_path.iterdir():
            assert b"MARKER" not in file.read_bytes()


class TestInterruption:
    def test_after_stop_nothing_new_is_sent_and_what_is_under_way_ends(self, tmp_path):
        api = FakeApi()
        bench = Bench(tmp_path, api, widget("base"), widget("child", parent="base"))
        api.meanwhile = {0: lambda _: bench.stop.set()}
        report = bench.apply()
        assert outcomes(report) == {"base": "applied", "child": "skipped"}
        assert report.interrupted
        bench.stop.clear()
        resumed = bench.apply(resume=True)
        assert outcomes(resumed) == {"base": "applied", "child": "applied"}
        assert resumed.resumed
        assert api.effects == [("POST", "/widgets"), ("POST", "/widgets")]

    def test_what_does_not_end_in_time_is_unknown(self, tmp_path):
        import asyncio

        class Hangs(FakeApi):
            async def patch(self, path, body):
                bench.stop.set()
                await asyncio.Event().wait()

        bench = Bench(tmp_path, Hangs(live("a")), widget("a", 5))
        report = bench.apply(grace=0.05)
        assert outcomes(report) == {"a": "unknown"}
        assert report.interrupted

    def test_stop_after_the_last_change_is_no_interruption(self, tmp_path):
        bench = Bench(tmp_path, FakeApi(), widget("a"))
        report = bench.apply(on_event=lambda progress: bench.stop.set() if progress.result else None)
        assert outcomes(report) == {"a": "applied"}
        assert not report.interrupted


class TestLedgerTrouble:
    def test_a_lost_lock_stops_all_writes(self, tmp_path, monkeypatch):
        monkeypatch.setattr(Lock, "renew", lambda *_: False)
        api = FakeApi()
        report = Bench(tmp_path, api, widget("a"), widget("b")).apply(side_by_side=1)
        assert sorted(outcomes(report).values()) == ["failed", "skipped"]
        assert api.calls == []
        assert "no longer ours" in (report.ledger_problem or "")

    def test_a_ledger_that_breaks_after_a_write_does_not_change_the_report(self, tmp_path, monkeypatch):
        record = Ledger.record

        def full(self, run, entries, lock=None):
            if any(isinstance(entry, Done) for entry in entries):
                raise LedgerError("the disk is full")
            record(self, run, entries, lock)

        monkeypatch.setattr(Ledger, "record", full)
        api = FakeApi()
        report = Bench(tmp_path, api, widget("a"), widget("child", parent="a")).apply()
        assert outcomes(report) == {"a": "applied", "child": "skipped"}
        assert report.ledger_problem == "the disk is full"

    def test_sent_is_committed_before_the_request_goes_out(self, tmp_path):
        seen = []

        def look(_):
            with sqlite3.connect(tmp_path / "ledger.db") as other:
                seen.extend(other.execute("SELECT outcome FROM journal"))
            other.close()

        Bench(tmp_path, FakeApi(meanwhile={0: look}), widget("a")).apply()
        assert seen == [("sent",)]


class TestKilled:
    @pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
    @pytest.mark.parametrize("index", range(5))
    def test_resume_ends_where_the_plan_wanted_to_be(self, tmp_path, index, fault):
        api = FakeApi(live("old", "change"), faults={index: fault})
        bench = Bench(
            tmp_path,
            api,
            widget("new", 1, key="k1"),
            widget("child", 2, parent="new", key="k2"),
            widget("change", 3),
            widget("other", 4),
            widget("old", absent=True),
        )
        with pytest.raises(Killed):
            bench.apply(side_by_side=1)
        api.revive()
        report = bench.apply(resume=True)
        assert set(outcomes(report)) == {"new", "child", "change", "other", "old"}
        assert set(outcomes(report).values()) == {"applied"}
        assert api.effects.count(("DELETE", "/widgets/old")) == 1
        assert api.effects.count(("POST", "/widgets")) == 3
        assert api.objects["/widgets/child"]["Target"]["Key"] == "k2"
        assert bench.plan().plan.changes == ()

    def test_a_resumed_run_that_is_killed_can_be_resumed(self, tmp_path):
        api = FakeApi(faults={1: Fault.KILLED_AFTER})
        bench = Bench(tmp_path, api, *(widget(name) for name in "abcd"))
        with pytest.raises(Killed):
            bench.apply(side_by_side=1)
        api.revive()
        api.faults = {len(api.calls): Fault.KILLED_BEFORE}
        with pytest.raises(Killed):
            bench.apply(resume=True, side_by_side=1)
        api.revive()
        assert outcomes(bench.apply(resume=True)) == dict.fromkeys("abcd", "applied")
        assert len(api.effects) == 4

    def test_what_somebody_changed_meanwhile_is_stale_and_left_alone(self, tmp_path):
        api = FakeApi(live("a", "b"), faults={0: Fault.KILLED_BEFORE})
        bench = Bench(tmp_path, api, widget("a", 1), widget("b", 1))
        with pytest.raises(Killed):
            bench.apply(side_by_side=1)
        api.revive()
        api.objects["/widgets/b"]["Size"] = 9
        assert outcomes(bench.apply(resume=True)) == {"a": "applied", "b": "stale"}
        assert api.objects["/widgets/b"]["Size"] == 9

    def test_what_was_applied_and_then_put_back_by_somebody_is_not_done_again(self, tmp_path):
        api = FakeApi(live("a", "b"), faults={1: Fault.KILLED_BEFORE})
        bench = Bench(tmp_path, api, widget("a", 1), widget("b", 1))
        with pytest.raises(Killed):
            bench.apply(side_by_side=1)
        api.revive()
        api.objects["/widgets/a"]["Size"] = 0
        assert outcomes(bench.apply(resume=True)) == {"a": "applied", "b": "applied"}
        assert api.effects == [("PATCH", "/widgets/a"), ("PATCH", "/widgets/b")]
        assert [change.name for change in bench.plan().plan.changes] == ["a"]

    def test_a_plain_apply_after_a_kill_closes_the_old_run(self, tmp_path):
        bench = Bench(tmp_path, FakeApi(faults={0: Fault.KILLED_AFTER}), widget("a", key="k"))
        with pytest.raises(Killed):
            bench.apply()
        bench.api.revive()
        assert bench.plan().plan.changes[0].action == "update", "the secret is in doubt and goes out again"
        assert outcomes(bench.apply()) == {"a": "applied"}
        with Ledger.open(bench.url) as ledger:
            assert ledger.unfinished_run("test") is None
