"""Comments and issues are found by marker and author, written where something changed, and never by an older run."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from reconciler.errors import UsageError
from reconciler.gitops.comment import PLAN_OPENING, plan_comment
from reconciler.gitops.forge import Comment, Issue
from reconciler.gitops.issue import issue_body, issue_label, issue_title, state_of
from reconciler.gitops.plans import EnvironmentPlan
from reconciler.gitops.posting import Did, Posted, post_comment, post_issue
from reconciler.reconcile.plan import Cause, DriftItem, DriftReport
from reconciler.report.markdown.page import LIMIT
from support.forges.memory import MemoryForge
from support.markdown import assert_only_our_markup
from support.report_samples import NOW, SAMPLE_PLAN, hostile_drift
from support.report_strategies import hostile_text

OLD, NEW = "a" * 40, "b" * 40


def body(head: str, unchanged: int = 14) -> str:
    planned = replace(SAMPLE_PLAN, unchanged=unchanged)
    return plan_comment([EnvironmentPlan("p.json", planned)], head)


def post(forge: MemoryForge, text: str, head: str) -> Posted:
    return asyncio.run(post_comment(forge, 1, text, opening=PLAN_OPENING, head=head))  # type: ignore[arg-type]


def test_a_comment_is_written_once_brought_up_to_date_and_then_left_alone() -> None:
    forge = MemoryForge(head=OLD)
    assert post(forge, body(OLD), OLD).did is Did.CREATED
    assert post(forge, body(OLD), OLD).did is Did.UNCHANGED
    forge.head = NEW
    assert post(forge, body(NEW), NEW).did is Did.UPDATED
    assert forge.writes == ["add", "edit"]
    assert [each.body for each in forge.talk] == [body(NEW)]


def test_the_marker_of_somebody_else_is_not_ours() -> None:
    forge = MemoryForge(talk=[Comment("1", "mallory", body(OLD, 1))], head=OLD)
    assert post(forge, body(OLD), OLD).did is Did.CREATED
    assert forge.talk[0] == Comment("1", "mallory", body(OLD, 1))


def test_what_else_we_wrote_is_left_alone() -> None:
    other = Comment("1", "us", "<!-- reconciler:result environment=prod commit=x -->\nApplied")
    quoting = Comment("2", "us", f"see\n{body(OLD)}")
    forge = MemoryForge(talk=[other, quoting], head=OLD)
    post(forge, body(OLD), OLD)
    assert forge.talk[:2] == [other, quoting]


def test_an_older_run_that_ends_last_writes_nothing() -> None:
    forge = MemoryForge(head=NEW)
    post(forge, body(NEW), NEW)
    assert post(forge, body(OLD), OLD).did is Did.OLDER
    assert [each.body for each in forge.talk] == [body(NEW)]


def test_of_two_runs_at_the_same_time_the_oldest_comment_stays() -> None:
    forge = MemoryForge(head=OLD)

    async def meanwhile() -> None:
        await forge.add_comment(1, body(OLD, 99))

    forge.before_write = meanwhile
    posted = post(forge, body(OLD), OLD)
    assert [each.body for each in forge.talk] == [body(OLD)]
    assert posted.where == forge.talk[0].id == "101"


def test_what_racing_runs_left_is_tidied_by_the_next() -> None:
    forge = MemoryForge(talk=[Comment("1", "us", body(OLD)), Comment("2", "us", body(OLD, 5))], head=OLD)
    assert post(forge, body(OLD), OLD).did is Did.UNCHANGED
    assert [each.id for each in forge.talk] == ["1"]


def test_a_duplicate_that_another_run_deletes_first_is_no_trouble() -> None:
    forge = MemoryForge(talk=[Comment("1", "us", body(OLD)), Comment("2", "us", body(OLD, 5))], head=OLD)

    async def meanwhile() -> None:
        forge.talk = forge.talk[:1]

    forge.before_write = meanwhile
    assert post(forge, body(OLD), OLD).did is Did.UNCHANGED
    assert [each.id for each in forge.talk] == ["1"]


@pytest.mark.parametrize("create", [True, False])
def test_a_comment_that_was_deleted_meanwhile_is_written_anew_once_where_one_is_written_at_all(create: bool) -> None:
    forge = MemoryForge(talk=[Comment("1", "us", body(OLD, 5))], head=OLD)

    async def meanwhile() -> None:
        forge.talk = []

    forge.before_write = meanwhile
    posted = asyncio.run(post_comment(forge, 1, body(OLD), opening=PLAN_OPENING, create=create))  # type: ignore[arg-type]
    assert posted.did is (Did.CREATED if create else Did.NOTHING)
    assert [each.body for each in forge.talk] == ([body(OLD)] if create else [])


def test_a_token_of_somebody_elses_never_piles_up_comments() -> None:
    forge = MemoryForge(head=OLD, writes_as="alice")
    assert post(forge, body(OLD), OLD) == Posted(Did.CREATED, "alice", "101")
    assert post(forge, body(OLD, 3), OLD).author == "alice"
    assert [each.body for each in forge.talk] == [body(OLD, 3)]


STALE = DriftItem(
    "DataSync",
    "shop",
    "s",
    Cause.DATA_STALE,
    None,
    ("reconciler sync run shop",),
    message="Compared 2 h 5 min ago",
)
MOVED = DriftItem("Webhook", "hook", "h", Cause.LIVE_MOVED, None, (), message="moved")


def report(*items: DriftItem, later: int = 0) -> DriftReport:
    return DriftReport("prod", NOW + timedelta(hours=later), items, (), 14)


def keep(forge: MemoryForge, found: DriftReport) -> Did:
    return asyncio.run(post_issue(forge, found)).did  # type: ignore[arg-type]


def only(forge: MemoryForge) -> Issue:
    ((_, issue),) = forge.labelled
    return issue


def test_the_issue_is_opened_updated_where_something_changed_and_closed_by_itself() -> None:
    forge = MemoryForge()
    assert keep(forge, report()) is Did.NOTHING
    assert keep(forge, report(STALE)) is Did.CREATED
    older = replace(STALE, message="Compared 3 h ago")
    assert keep(forge, report(older, later=1)) is Did.UNCHANGED
    assert keep(forge, report(older, MOVED, later=2)) is Did.UPDATED
    assert "Webhook/hook" in only(forge).body
    assert keep(forge, report(later=3)) is Did.CLOSED
    assert not only(forge).is_open
    assert "No drift" in only(forge).body
    assert keep(forge, report(later=4)) is Did.UNCHANGED
    assert keep(forge, report(STALE, later=5)) is Did.REOPENED
    assert forge.writes == ["open", "edit", "edit", "edit"]


def test_what_somebody_closed_stays_closed_until_something_else_drifts() -> None:
    forge = MemoryForge()
    keep(forge, report(STALE))
    forge.labelled = [(label, replace(issue, is_open=False)) for label, issue in forge.labelled]
    assert keep(forge, report(STALE, later=1)) is Did.LEFT_CLOSED
    assert keep(forge, report(STALE, MOVED, later=2)) is Did.REOPENED


def test_snoozed_drift_is_folded_and_opens_no_issue() -> None:
    snoozed = replace(MOVED, snoozed_until=NOW + timedelta(days=7), snooze_reason="known")
    assert keep(MemoryForge(), report(snoozed)) is Did.NOTHING
    text = issue_body(report(STALE, snoozed))
    assert "<details><summary>1 snoozed</summary>" in text
    assert state_of(text) != state_of(issue_body(report(STALE, MOVED)))


def test_each_environment_has_its_own_issue() -> None:
    forge = MemoryForge()
    keep(forge, report(STALE))
    keep(forge, replace(report(STALE), environment="test"))
    assert [issue.title for _, issue in forge.labelled] == ["reconciler: drift in prod", "reconciler: drift in test"]


def test_labels_fit_and_differ_where_environments_do() -> None:
    names = ["prod", "prod/eu", "prod_eu", "p" * 90, "p" * 91, "p" * 33, "p" * 34]
    labels = [issue_label(name) for name in names]
    assert len(set(labels)) == len(names)
    assert max(map(len, labels)) <= 50


def test_a_labelled_issue_of_a_stranger_is_ignored() -> None:
    theirs = Issue("7", "mallory", "x", issue_body(report(MOVED)), True)
    forge = MemoryForge(labelled=[(issue_label("prod"), theirs)])
    assert keep(forge, report(STALE)) is Did.CREATED
    assert keep(forge, report(STALE)) is Did.UNCHANGED
    assert keep(forge, report()) is Did.CLOSED
    assert forge.labelled[0][1] == theirs


def test_an_issue_that_the_token_wrote_as_somebody_else_than_we_are_said_to_be_is_not_doubled() -> None:
    forge = MemoryForge(writes_as="alice")
    for _ in range(2):
        with pytest.raises(UsageError, match="written by alice") as raised:
            keep(forge, report(STALE))
    assert "--author alice" in (raised.value.next_step or "")
    assert forge.writes == ["open"]


def test_of_two_issues_opened_at_the_same_time_the_oldest_stays() -> None:
    forge = MemoryForge()

    async def meanwhile() -> None:
        await forge.open_issue("x", issue_body(report(MOVED)), issue_label("prod"))

    forge.before_write = meanwhile
    keep(forge, report(STALE))
    assert [(issue.id, issue.is_open) for _, issue in forge.labelled] == [("101", True), ("102", False)]
    assert "DataSync/shop" in forge.labelled[0][1].body


@given(hostile_text)
@settings(max_examples=30, deadline=None)
def test_hostile_drift_stays_text(text: str) -> None:
    found = hostile_drift(text)
    assert_only_our_markup(issue_body(found))
    assert "\n" not in issue_title(text)
    assert not set(issue_title(text) + issue_label(text)) & set("@#<>`[]/;,")


def test_a_huge_drift_report_makes_an_issue_that_fits() -> None:
    items = tuple(replace(MOVED, name=f"hook-{n}", message="x" * 500) for n in range(5_000))
    assert len(issue_body(report(*items))) <= LIMIT
