"""Steps of a request: noted before they are taken, taken at most once, and told as what is known of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from reconciler.errors import AnswerLost, ApiError, MissingRole, NotFound, Place, Rejected
from reconciler.kind.request import Call
from reconciler.ledger.writer import Ledger
from reconciler.reconcile.operate import Operator
from reconciler.reconcile.plan import Operation, OperationResult, Outcome
from reconciler.reconcile.requests import Task
from support.apply_fakes import NOW, URL, Killed

LATER = NOW + timedelta(hours=1)
RECORDS = ("a", "b", "c")
APPLIED, FAILED, UNKNOWN, SKIPPED = Outcome.APPLIED, Outcome.FAILED, Outcome.UNKNOWN, Outcome.SKIPPED
ALREADY, STALE = Outcome.ALREADY, Outcome.STALE


class FakeApi:
    """Takes records, and does at some of them what a test says."""

    def __init__(self, **answers: BaseException) -> None:
        self.answers = answers
        self.taken: list[tuple[str, str]] = []

    async def post(self, path: str, body: Any = None) -> None:
        record = body["ID"]
        answer = self.answers.get(path) or self.answers.get(record)
        if isinstance(answer, ApiError) and not answer.is_unsure:
            raise answer
        self.taken.append((path, record))
        if answer is not None:
            raise answer


def task(**changes: Any) -> Task:
    calls = tuple(Call(("sync", "other"), {"ID": record}) for record in RECORDS)
    operation = Operation(
        "Repair", "one", "id", "send again", None, tuple(call.does for call in calls), LATER, Place("requests.yaml", 1)
    )
    return Task(replace(operation, **changes), "test", "api", URL, calls)


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as found:
        yield found


def carried_out(
    ledger: Ledger,
    api: FakeApi,
    which: Task | None = None,
    *,
    go_on: bool = False,
    accept: bool = False,
    now: Callable[[], Any] = lambda: NOW,
    stopped: bool = False,
) -> OperationResult:
    async def run() -> OperationResult:
        stop = asyncio.Event()
        if stopped:
            stop.set()
        with ledger.lock("me") as lock:
            writers = {"api": cast("Any", api)}
            operator = Operator(ledger, lock, writers, "me", stop=stop, now=now, accept_unsure=accept, grace=0.01)
            return await operator.carry_out(which or task(), go_on=go_on)

    return asyncio.run(run())


def steps(result: OperationResult) -> list[Outcome]:
    return [step.outcome for step in result.steps]


def test_each_record_is_sent_once_and_the_second_time_none(ledger: Ledger) -> None:
    api = FakeApi()
    result = carried_out(ledger, api)
    assert (result.outcome, steps(result), len(api.taken)) == (APPLIED, [APPLIED] * 3, 3)
    again = carried_out(ledger, api)
    assert (again.outcome, len(api.taken)) == (STALE, 3)


@pytest.mark.parametrize("record", RECORDS)
def test_after_a_kill_the_one_that_was_sent_is_unknown_and_the_rest_only_resumed(ledger: Ledger, record: str) -> None:
    api = FakeApi(**{record: Killed()})
    with pytest.raises(Killed):
        carried_out(ledger, api)
    position = RECORDS.index(record)
    assert [taken for _, taken in api.taken] == list(RECORDS[: position + 1])
    api.answers.clear()
    assert carried_out(ledger, api).outcome is STALE
    assert len(api.taken) == position + 1
    resumed = carried_out(ledger, api, go_on=True)
    expected = [ALREADY] * position + [UNKNOWN] + [APPLIED] * (2 - position)
    assert (resumed.outcome, steps(resumed)) == (UNKNOWN, expected)
    assert [taken for _, taken in api.taken] == list(RECORDS)


def test_a_lost_answer_is_unknown_and_never_sent_again(ledger: Ledger) -> None:
    api = FakeApi(b=AnswerLost("no answer"))
    result = carried_out(ledger, api)
    # What may pass, passes for the next record no sooner.
    assert (result.outcome, steps(result)) == (UNKNOWN, [APPLIED, UNKNOWN, SKIPPED])
    assert "not sent again" in (result.next_step or "")
    assert carried_out(ledger, api).outcome is STALE
    assert [record for _, record in api.taken] == ["a", "b"]


def test_what_was_refused_as_a_whole_is_still_to_be_carried_out(ledger: Ledger) -> None:
    api = FakeApi(**{record: Rejected("not enabled", status=400) for record in RECORDS})
    assert carried_out(ledger, api).outcome is FAILED
    api.answers.clear()
    assert carried_out(ledger, api).outcome is APPLIED
    assert len(api.taken) == 3


def test_what_was_refused_in_part_is_over(ledger: Ledger) -> None:
    api = FakeApi(b=Rejected("no such record", status=400))
    result = carried_out(ledger, api)
    assert (result.outcome, steps(result)) == (FAILED, [APPLIED, FAILED, APPLIED])
    assert "in another request" in (result.next_step or "")
    assert carried_out(ledger, api).outcome is STALE


def test_without_the_role_nothing_more_is_sent(ledger: Ledger) -> None:
    result = carried_out(ledger, FakeApi(a=MissingRole("no role")))
    assert steps(result) == [FAILED, SKIPPED, SKIPPED]


@pytest.mark.parametrize("status", [404, 405])
def test_the_next_spelling_is_tried_where_the_first_is_no_path(ledger: Ledger, status: int) -> None:
    missing = NotFound("no path", status=404) if status == 404 else Rejected("no method", status=405)
    api = FakeApi(sync=missing)
    assert carried_out(ledger, api).outcome is APPLIED
    assert api.taken == [("other", record) for record in RECORDS]


def test_where_no_spelling_is_found_the_first_answer_is_told(ledger: Ledger) -> None:
    api = FakeApi(sync=NotFound("no record a", status=404), other=NotFound("no path", status=404))
    result = carried_out(ledger, api)
    assert (result.outcome, result.message) == (FAILED, "no record a")


def test_another_refusal_ends_the_search_for_a_path(ledger: Ledger) -> None:
    api = FakeApi(sync=Rejected("not enabled", status=400))
    assert carried_out(ledger, api).outcome is FAILED
    assert api.taken == []


def test_once_it_is_over_nothing_is_sent_not_even_the_rest(ledger: Ledger) -> None:
    api = FakeApi()
    assert carried_out(ledger, api, now=lambda: LATER).outcome is STALE
    moments = iter((NOW, NOW, NOW, LATER, LATER))
    result = carried_out(ledger, api, now=lambda: next(moments))
    assert steps(result) == [APPLIED, SKIPPED, SKIPPED]


def test_what_cannot_be_known_is_left_out_unless_it_is_accepted(ledger: Ledger) -> None:
    api, unsure = FakeApi(), task(unsure=True)
    left_out = carried_out(ledger, api, unsure)
    assert (left_out.outcome, left_out.code, api.taken) == (SKIPPED, "ledger-not-durable", [])
    accepted = carried_out(ledger, api, unsure, accept=True)
    assert accepted.outcome is APPLIED
    assert "cannot know" in (accepted.message or "")


def test_asked_to_stop_it_begins_nothing(ledger: Ledger) -> None:
    api = FakeApi()
    assert carried_out(ledger, api, stopped=True).outcome is SKIPPED
    assert api.taken == []


def test_what_was_there_before_the_ledger_remembered_stays_unknowable(ledger: Ledger) -> None:
    asked = task().asked("", NOW)
    ledger.requests.remember([URL], [asked])
    assert ledger.requests.begin(asked) is None
    assert ledger.requests.begin(asked, accept_unremembered=True) is not None
    other = replace(asked, id="another")
    ledger.requests.remember([URL], [other])
    assert ledger.requests.begin(other) is not None
