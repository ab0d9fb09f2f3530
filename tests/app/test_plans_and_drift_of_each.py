"""Plans and drift of several environments: one that fails stops no other, and only what is asked for is adopted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.app.drift import Drift, drift_of_each
from reconciler.app.plan import plan_each
from reconciler.errors import ReconcilerError, Unreachable
from reconciler.http.observe import Silent
from reconciler.kind.kind import Survey
from reconciler.reconcile.plan import Cause, DriftReport, Plan
from reconciler.reconcile.session import PlanRequest
from reconciler.secret import Secret
from support.app_fakes import ListedWidgets, World, connect_to, session_of
from support.apply_fakes import live, widget


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(live("old"))
    connect_to(made, monkeypatch)
    return made


def broken_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, calls = world.get, iter([True])

    async def get(path: str, params: object = None) -> object:
        if next(calls, False):
            raise Unreachable("no connection")
        return await whole(path, params)

    monkeypatch.setattr(world, "get", get)


def test_a_plan_says_what_would_change_and_writes_nothing(world: World, tmp_path: Path) -> None:
    sessions = [session_of(tmp_path, widget("new"), widget("old"))]
    (plan,) = asyncio.run(plan_each(sessions, PlanRequest(), Silent()))
    assert isinstance(plan, Plan)
    assert [change.key for change in plan.changes] == ["Widget/new"]
    assert world.effects == []
    assert not (tmp_path / "ledger.db").exists()


def test_an_environment_that_cannot_be_read_stops_no_other(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_once(world, monkeypatch)
    sessions = [session_of(tmp_path, widget("new"), name=name) for name in ("first", "second")]
    first, second = asyncio.run(plan_each(sessions, PlanRequest(), Silent()))
    assert isinstance(first, ReconcilerError)
    assert isinstance(second, Plan)


def test_of_several_environments_one_that_is_away_is_drift_of_its_own(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_once(world, monkeypatch)
    sessions = [session_of(tmp_path, widget("old", 1), name=name) for name in ("first", "second")]
    first, second = asyncio.run(drift_of_each(sessions, PlanRequest(), Silent()))
    assert isinstance(first, DriftReport)
    assert [item.cause for item in first.items] == [Cause.UNREACHABLE]
    assert isinstance(second, Drift)
    assert [item.name for item in second.report.items] == ["old"]
    assert second.without({"Widget/old"}).report.items == ()


def test_the_only_environment_that_cannot_be_read_is_an_error(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_once(world, monkeypatch)
    with pytest.raises(Unreachable):
        asyncio.run(drift_of_each([session_of(tmp_path, widget("old"))], PlanRequest(), Silent()))


class SurveyedWidgets(ListedWidgets):
    """Widgets about which OrderCloud has something to say."""

    def survey(self, desired: Any) -> Survey:
        async def ask(_: Any, reader: Any) -> list[str]:
            return [str(await reader.get("priceschedules"))]

        return Survey("ordercloud", (), ask)


def test_a_survey_that_cannot_log_in_stops_no_plan_that_needs_no_such_login(world: World, tmp_path: Path) -> None:
    session = session_of(tmp_path, widget("old"))
    unset = Secret("${secret:OC_CLIENT_SECRET}", lambda: None)
    other = replace(session.connections["widgets"], api="ordercloud", client_secret=unset)
    session = replace(
        session, kinds={"Widget": SurveyedWidgets()}, connections={**session.connections, "ordercloud": other}
    )
    (plan,) = asyncio.run(plan_each([session], PlanRequest(), Silent()))
    assert isinstance(plan, Plan), plan
