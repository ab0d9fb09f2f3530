"""Apply as a use case: whoever asks is asked back, told, and may stop it; no terminal is needed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from reconciler.app.apply import Approval, apply_session
from reconciler.app.plan import plan_each
from reconciler.app.saved_plans import SavedPlans
from reconciler.app.unattended import Unattended
from reconciler.http.observe import Silent
from reconciler.ledger.reader import Ledgers
from reconciler.ledger.writer import Ledger
from reconciler.reconcile.gathered import Reviewed
from reconciler.reconcile.plan import ApplyReport, Plan
from reconciler.reconcile.session import PlanRequest, Session
from support.app_fakes import Remembering, World, connect_to, session_of
from support.apply_fakes import live, outcomes, widget


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(live("old"))
    connect_to(made, monkeypatch)
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    return made


def applied(session: Session, approval: Approval, face: Unattended) -> ApplyReport | None:
    return asyncio.run(apply_session(session, PlanRequest(), approval, face, Silent()))


def test_what_is_agreed_to_is_carried_out_and_told(world: World, tmp_path: Path) -> None:
    face = Remembering()
    report = applied(session_of(tmp_path, widget("new"), widget("old", 1)), Approval(agreed=True), face)
    assert report is not None
    assert outcomes(report) == {"new": "applied", "old": "applied"}
    assert sorted(face.heard) == ["Widget/new applied", "Widget/old applied"]
    assert set(world.objects) == {"/widgets/new", "/widgets/old"}


def test_without_agreement_the_face_is_asked_and_may_refuse(world: World, tmp_path: Path) -> None:
    face = Remembering(agrees=False)
    assert applied(session_of(tmp_path, widget("new")), Approval(), face) is None
    assert face.heard == ["asked about Widget/new"]
    assert world.effects == []


def test_nobody_agrees_to_nothing(world: World, tmp_path: Path) -> None:
    assert applied(session_of(tmp_path, widget("new")), Approval(), Unattended()) is None
    assert world.effects == []


def test_what_moved_while_somebody_thought_is_left_alone(world: World, tmp_path: Path) -> None:
    def somebody_deletes() -> None:
        del world.objects["/widgets/old"]

    face = Remembering(agrees=True, on_question=somebody_deletes)
    report = applied(session_of(tmp_path, widget("new"), widget("old", 1)), Approval(), face)
    assert report is not None
    assert outcomes(report) == {"new": "applied", "old": "stale"}
    assert "/widgets/old" not in world.objects


def test_a_face_that_asks_for_an_end_gets_a_report_of_what_was_not_begun(world: World, tmp_path: Path) -> None:
    stop = asyncio.Event()
    stop.set()
    report = applied(session_of(tmp_path, widget("new")), Approval(agreed=True), Unattended(stop))
    assert report is not None
    assert report.interrupted
    assert outcomes(report) == {"new": "skipped"}
    assert world.effects == []


class StoppedTwice(Remembering):
    """Asks for an end as soon as something is sent, and then for an end at once."""

    def __init__(self) -> None:
        super().__init__()
        self.task: asyncio.Task[object] | None = None

    def progresses(self, progress: Any) -> None:
        super().progresses(progress)
        if progress.result is None and self._stop is not None and not self._stop.is_set():
            self._stop.set()
            assert self.task is not None
            asyncio.get_running_loop().call_later(0.05, self.task.cancel)


def test_whoever_stops_it_twice_gets_a_report_all_the_same(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_path: str, _body: object) -> object:
        return await asyncio.Event().wait()

    monkeypatch.setattr(world, "patch", never)
    face = StoppedTwice()

    async def work() -> ApplyReport | None:
        face.task = asyncio.current_task()
        session = session_of(tmp_path, widget("old", 1), widget("after", parent="old"))
        return await apply_session(session, PlanRequest(), Approval(agreed=True), face, Silent())

    report = asyncio.run(work())
    assert report is not None
    assert report.interrupted
    assert outcomes(report) == {"old": "unknown", "after": "skipped"}
    assert world.effects == []


def remembered(folder: Path) -> tuple[str | None, str | None]:
    url = f"sqlite:///{folder}/ledger.db"
    with Ledgers() as ledgers, Ledger.open(url) as ledger:
        return ledgers.applied_commit(url, "test"), ledger.whole_commit("test")


def test_a_commit_is_remembered_once_all_that_was_approved_of_it_is_applied(world: World, tmp_path: Path) -> None:
    one, two, three = ("1" * 40, "2" * 40, "3" * 40)

    def apply(commit: str, approval: Approval, *names: str, targets: frozenset[str] = frozenset()) -> None:
        session = session_of(tmp_path, *(widget(name) for name in names))
        run = apply_session(session, PlanRequest(targets), approval, Unattended(), Silent(), commit=commit)
        assert asyncio.run(run) is not None

    def saved(*names: str) -> SavedPlans:
        session = session_of(tmp_path, *(widget(name) for name in names))
        (plan,) = asyncio.run(plan_each([session], PlanRequest(), Silent()))
        assert isinstance(plan, Plan)
        return SavedPlans((Reviewed(plan),))

    # Nobody approved `c`: what was approved is applied, and something is left.
    apply(one, Approval(saved("a", "b"), agreed=True), "a", "b", "c")
    assert remembered(tmp_path) == (one, None)
    apply(two, Approval(agreed=True), "a", "b", "c", targets=frozenset({"Widget/c"}))
    assert remembered(tmp_path) == (one, None)
    apply(two, Approval(agreed=True), "a", "b", "c")
    assert remembered(tmp_path) == (two, two)
    reviewed = saved("a", "b", "c", "d")
    world.objects["/widgets/d"] = {"ID": "d", "Size": 7}
    apply(three, Approval(reviewed, agreed=True), "a", "b", "c", "d")  # stale by now
    assert remembered(tmp_path) == (two, two)
