"""Apply as a use case: whoever asks is asked back, told, and may stop it; no terminal is needed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from reconciler.app.apply import Approval, apply_session
from reconciler.app.unattended import Unattended
from reconciler.http.observe import Silent
from reconciler.reconcile.plan import ApplyReport
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
