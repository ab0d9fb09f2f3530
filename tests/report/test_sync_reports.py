"""Reports on data syncs: what they say first, that they fit their schemas, and that no record can act on a reader."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from reconciler.kind.connection import Json
from reconciler.ledger.data.model import CodeCount, LevelCounts, OpenProblem, ProblemRow, SyncOverview
from reconciler.ledger.data.service_model import RunningNow
from reconciler.reconcile.paused import PausedNow
from reconciler.reconcile.plan import Note, NoteKind
from reconciler.report.csv.sync_problems import problems_to_csv
from reconciler.report.documents.sync_explain import explanation_to_json
from reconciler.report.documents.sync_problems import problems_to_json
from reconciler.report.documents.sync_run import run_to_json
from reconciler.report.documents.sync_status import statuses_to_json
from reconciler.report.escape import json_line, json_text
from reconciler.report.style import Style
from reconciler.report.text.sync_explain import explanation_to_text
from reconciler.report.text.sync_problems import problems_to_text
from reconciler.report.text.sync_run import run_to_text
from reconciler.report.text.sync_status import statuses_to_text
from reconciler.report.text.sync_words import progress_line
from reconciler.sync.datasync import DataSync, Standing
from reconciler.sync.explanation import Difference, Explanation, PartExplanation
from reconciler.sync.mode import Mode
from reconciler.sync.monitor.problems import Problems
from reconciler.sync.monitor.status import LeftAlone, SharedRate, SyncStatus, status_of, while_shared
from reconciler.sync.problem import RecordProblem
from reconciler.sync.run.counts import Requests
from reconciler.sync.run.progress import Phase, Progress
from reconciler.sync.run.report import RunReport, State
from support.examples import examples
from support.report_strategies import hostile_text
from support.sync_samples import NOW, PRODUCTS, ago, data_run, data_sync, overview, under_way

SCHEMAS = Path(__file__).parents[2] / "schemas"
OUR_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
ERRORS = "`reconciler sync errors shop -e production`"
REQUESTS = {"ordercloud": Requests(3012), "sparklayer": Requests(240, 235, 2, 3)}
PARTS = {"product": 20, "stock": 80, "prices": 90}
COUNTS = {
    "seen": 30_000,
    "written": 120,
    "unchanged": 29_880,
    "problems": 3,
    "logged_problems": 3,
    "new_problems": 2,
    "resolved": 1,
    "total": 30_000,
}


def run_report(**changes: Any) -> RunReport:
    given_values: dict[str, Any] = {
        "sync": "shop",
        "data_type": "products",
        "entries": PRODUCTS.entries,
        "ends": PRODUCTS.ends,
        "mode": Mode.FULL,
        "asked": None,
        "run_id": "run-1",
        "state": State.FINISHED,
        "resumed": False,
        "started_at": ago(minutes=5, seconds=12),
        "ended_at": NOW,
        "counts": COUNTS,
        "parts": PARTS,
        "requests": REQUESTS,
        "remarks": ("OrderCloud asked 3 times to slow down (429)",),
    }
    return RunReport(**given_values | changes)


def problem(text: str = "P-1/red", **changes: Any) -> OpenProblem:
    row = {"external_id": text, "part": "product", "code": "no-sku", "message": text, "url": text} | changes
    return OpenProblem(text, ProblemRow(**row), ago(days=1), logged=True)


def page(*listed: OpenProblem, **changes: Any) -> Problems:
    return replace(Problems("shop", "products", PRODUCTS.entries, len(listed), len(listed), listed), **changes)


def explanation(text: str) -> Explanation:
    value: Json = {text: [text]}
    part = PartExplanation(
        "product", {text: text}, {text: None}, (Difference(text, None, value),), as_written=False, sends=value
    )
    stock = replace(part, part="stock", mapped=None, removes=(text,))
    return Explanation(text, {text: value}, (part, stock), (RecordProblem(text, "product", text, text),), NOW)


def hostile_status(text: str) -> list[SyncStatus]:
    watcher = RunningNow(text, ago(hours=1), ago(seconds=3), alive=False)
    failed = data_run(state="failed", message=text, counts={})
    going = data_run(state="running", ended_at=None, message=text)
    known = (
        overview(failed, unfinished=failed, running=watcher),
        under_way(newest=going, running=watcher),
        SyncOverview(),
    )
    rates = (SharedRate("ordercloud", 5, text, 50),)
    alone = (LeftAlone("ordercloud", text, text, ago(minutes=-9)),)
    return [while_shared(status_of(data_sync(name=text), each, NOW), rates, alone) for each in known]


RENDERERS: dict[str, Callable[[str, Style], str]] = {
    "run": lambda text, style: run_to_text(
        run_report(sync=text, remarks=(text,), message=text, next_step=text, state=State.INTERRUPTED), text, style
    ),
    "status": lambda text, style: statuses_to_text(
        text, NOW, hostile_status(text), PausedNow((Note(NoteKind.PAUSED, text, text),), text), style
    ),
    "errors": lambda text, style: problems_to_text(text, page(problem(text), problem(text), more=True), style),
    "explain": lambda text, style: explanation_to_text(text, text, explanation(text), style),
}


@pytest.mark.parametrize("renderer", RENDERERS)
@given(text=hostile_text)
@hypothesis_settings(max_examples=examples(12))
def test_hostile_records_do_no_harm(renderer: str, text: str) -> None:
    for style in (Style(), Style(color=True), Style(unicode=False)):
        output = RENDERERS[renderer](text, style)
        plain = OUR_COLOURS.sub("", output) if style.color else output
        for line in plain.split("\n"):
            assert line.isprintable()
            assert not line.lstrip().startswith("::")
            assert not re.search(r"##\w*\[", line)
        assert style.unicode or output.isascii()


@cache
def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


@given(text=hostile_text)
@hypothesis_settings(max_examples=examples(12))
def test_json_fits_its_schema_and_keeps_every_value(text: str) -> None:
    report = run_to_json(run_report(sync=text, message=text, next_step=text, remarks=(text,)), text)
    statuses = statuses_to_json(text, NOW, hostile_status(text), PausedNow((Note(NoteKind.PAUSED, text, text),), text))
    errors = problems_to_json(text, page(problem(text)))
    for name, document in (("sync-run", report), ("sync-status", statuses), ("sync-errors", errors)):
        schema(name).validate(document)
        for written in (json_text(document), json_line(document)):
            assert json.loads(written) == document
            assert written.isascii()
        assert "\n" not in json_line(document)[:-1]
    assert errors["problems"][0]["external_id"] == text
    explained = explanation_to_json(text, text, explanation(text))
    assert json.loads(json_text(explained))["record"] == text


# Runs


def test_a_run_says_first_how_it_ended_and_what_it_wrote() -> None:
    lines = run_to_text(run_report(), "production", Style(width=120)).splitlines()
    assert lines[0] == "Full sync of shop in production, products: finished in 5 min 12 s"
    assert lines[1:5] == [
        "  read       30,000 records: 29,880 unchanged, 120 written",
        "  wrote      product of 20, stock of 80, prices of 90",
        "  problems   3 products and variants with open problems (2 new, 1 resolved); " + ERRORS,
        "  requests   OrderCloud 3,012; SparkLayer 240, of them 235 writes, 3 of the sync log, 2 refused (429)",
    ]
    assert lines[-1] == "  • OrderCloud asked 3 times to slow down (429)"


def test_a_run_that_did_not_finish_says_why_and_what_to_do() -> None:
    report = run_report(state=State.STOPPED, message="4,000 would go", next_step="Look at the catalogs.", resumed=True)
    text = run_to_text(report, "production", Style(width=120))
    assert "stopped by a limit after 5 min 12 s\n  4,000 would go\n" in text
    assert text.endswith("Next: Look at the catalogs.\n")
    assert "resumed an interrupted run" in text


def test_a_run_that_wrote_nothing_says_so() -> None:
    text = run_to_text(run_report(counts={"seen": 5, "unchanged": 5}, parts={"product": 0}, remarks=()), "production")
    assert "wrote      nothing" in text
    assert "problems   none open" in text
    assert "went through" not in text


def test_what_the_sync_log_has_no_room_for_is_counted() -> None:
    counts = {**COUNTS, "problems": 10_000, "logged_problems": 5_000}
    assert "the sync log has 5,000 of them" in run_to_text(run_report(counts=counts), "production", Style(width=120))


# Status


def status_text(sync: DataSync, known: SyncOverview) -> str:
    return statuses_to_text("production", NOW, [status_of(sync, known, NOW)], style=Style(width=120))


def test_a_run_under_way_is_shown_with_pace_and_holder() -> None:
    text = status_text(data_sync(), under_way())
    assert text.startswith("shop in production, products: running\n")
    assert "full sync, reading and writing: 100 of 300 (33 %), 1.0/s, 3 min 20 s left" in text
    assert "for 1 min 40 s, by root@host pid 2: sync run" in text
    assert "next run" not in text


def test_whose_rate_counts_is_said_where_it_is_that_of_another_environment() -> None:
    status = status_of(data_sync(), overview(), NOW)
    ours, theirs = SharedRate("sparklayer", 20, "production", 20), SharedRate("ordercloud", 5, "staging", 50)
    text = statuses_to_text("production", NOW, [replace(status, rates=(ours, theirs))], style=Style(width=120))
    assert text.count("  rate ") == 1
    assert "rate       OrderCloud: 5 requests a second for all, as staging says; production allows 50" in text


def test_an_api_that_is_left_alone_is_shown_and_the_next_run_waits_for_that() -> None:
    own = status_of(data_sync(), overview(), NOW)
    asked = "SparkLayer asks to be left alone for 10 min"
    status = while_shared(own, (), (LeftAlone("sparklayer", asked, "host pid 7: worker", ago(minutes=-9)),))
    text = statuses_to_text("production", NOW, [status], style=Style(width=160))
    assert text.startswith("shop in production, products: waits for SparkLayer\n")
    assert f"waits      SparkLayer is left alone until 2026-11-20 09:39 UTC, by host pid 7: worker: {asked}" in text
    assert "next run   incremental sync, in 9 min (2026-11-20 09:39 UTC): SparkLayer is left alone until then" in text
    (found,) = statuses_to_json("production", NOW, [status])["syncs"]
    until = "2026-11-20T09:39:00Z"
    told = {"api": "sparklayer", "reason": asked, "holder": "host pid 7: worker", "until": until}
    assert (found["left_alone"], found["next"]["at"]) == ([told], until)
    # Where it is over before the next run's time, nobody waits for it.
    soon = while_shared(own, (), (LeftAlone("sparklayer", asked, "worker", ago(minutes=-1)),))
    assert (soon.next, soon.waits_for) == (own.next, None)


def test_a_quiet_sync_is_shown_with_last_and_next_run() -> None:
    text = status_text(data_sync(), overview(counts=LevelCounts(records=300)))
    assert text.startswith("shop in production, products: up to date\n")
    assert "last run   full sync, finished 10 min ago (2026-11-20 09:20 UTC), took 5 min; 300 records" in text
    assert "next run   incremental sync, in 5 min (2026-11-20 09:35 UTC)\n" in text
    assert "problems   none open, 500 allowed" in text
    said = " ".join(text.split())
    assert (
        "freshness what lists show of product, stock and prices: compared 15 min ago, again in 45 min; 2 h promised "
        "freshness the inside of variants, stock that moves between places or variants and surcharges of variants: "
        "compared 15 min ago, again in 23 h 45 min; 1 d 2 h promised"
    ) in said


def test_a_sync_with_records_to_be_written_is_not_called_up_to_date_without_them() -> None:
    waits = status_text(data_sync(), overview(counts=LevelCounts(records=300, open=12)))
    assert waits.startswith("shop in production, products: up to date but for 12 records\n")
    assert "records    300, 12 to be written\n" in waits


def test_a_run_that_ended_in_the_future_is_not_told_as_one_of_just_now() -> None:
    said = " ".join(status_text(data_sync(), overview(data_run(ended_at=ago(hours=-23)))).split())
    assert "last run full sync, finished 23 h in the future: a clock is wrong (2026-11-21 08:30 UTC)" in said
    said = " ".join(status_text(data_sync(), overview(data_run(ended_at=ago(seconds=-20)))).split())
    assert "last run full sync, finished under 1 s ago" in said


def test_what_is_not_as_promised_comes_first() -> None:
    old = overview(data_run(ended_at=ago(hours=3)), counts=LevelCounts(records=9_000, problems=6_000, logged=5_000))
    lines = status_text(data_sync(), old).splitlines()
    assert lines[0].endswith(": not as promised")
    assert lines[1].startswith("  ✗ What lists show of product, stock and prices: last compared 3 h 5 min ago")
    assert "  ✗ 6,000 open problems, and 500 are allowed" in lines[2:4]
    assert any(
        "6,000 products and variants with open problems, 500 allowed; 5,000 of them in the sync log" in line
        for line in lines
    )


def test_a_run_that_a_limit_stopped_is_not_hidden() -> None:
    stopped = data_run(id="run-2", state="stopped", ended_at=ago(minutes=5), message="4,000 of 30,000 would go")
    text = status_text(data_sync(), overview(newest=stopped, unfinished=stopped))
    assert text.startswith("shop in production, products: its last run was stopped\n")
    assert "4,000 of 30,000 would go" in text
    assert "→" not in text


def test_a_first_run_that_was_cut_off_is_none_that_finished() -> None:
    for known in (under_way(), under_way(running=None)):
        assert "last run   none finished yet" in status_text(data_sync(), replace(known, last_finished=None))
    assert "last run   none yet" in status_text(data_sync(), SyncOverview())


@pytest.mark.parametrize(
    ("sync", "known", "step"),
    [
        (data_sync(Standing.NEVER), SyncOverview(), "reconciler apply -e production --target DataSync/shop"),
        (data_sync(Standing.CHANGED), overview(), "reconciler apply -e production --target DataSync/shop"),
        (data_sync(), SyncOverview(), "reconciler sync run shop -e production"),
        (data_sync(), under_way(running=None), "reconciler sync run shop -e production"),
        (data_sync(), overview(), "reconciler sync errors shop -e production"),
        (data_sync(), overview(counts=LevelCounts(records=300)), None),
    ],
    ids=["never applied", "changed", "never ran", "cut off", "problems", "well"],
)
def test_status_names_the_next_step(sync: DataSync, known: SyncOverview, step: str | None) -> None:
    last = status_text(sync, known).splitlines()[-1]
    assert last == f"  → {step}" if step else "→" not in last


# Problems


def test_problems_of_one_code_stand_together_below_how_many_there_are_of_each() -> None:
    items = [
        problem("P-1", message="The SKU is not set."),
        problem("P-2"),
        problem("P-1", code="no-name", message="No name."),
    ]
    codes = (CodeCount("no-sku", 2, ("P-1",), 1), CodeCount("no-name", 1))
    text = problems_to_text("production", page(*items, open=2, logged=2, codes=codes), Style(width=120))
    assert text.startswith("shop in production, products: 2 products and variants with open problems\n")
    assert text.splitlines()[1:3] == ["       2 no-sku, 1 record held back", "       1 no-name"]
    assert text.count("\nno-sku\n") == 1
    assert "\n  P-1: The SKU is not set. (since 2026-11-19 09:30 UTC)" in text


def test_more_problems_than_shown_are_announced() -> None:
    text = problems_to_text("production", page(problem(), open=70, logged=70, offset=50, more=True))
    assert "--offset 51" in text


@given(text=hostile_text)
@hypothesis_settings(max_examples=60)
def test_no_cell_of_the_csv_is_a_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(problems_to_csv("production", page(problem(text))))))
    assert rows[0][:4] == ["external_id", "record", "part", "code"]
    assert len(rows) == 2
    assert len(rows[1]) == len(rows[0])
    for cell in rows[1]:
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))
        assert cell.isprintable()


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(A1)", " =1", "\t=1", "＝1"])
def test_what_a_spreadsheet_would_carry_out_is_quoted(text: str) -> None:
    (_, row) = csv.reader(io.StringIO(problems_to_csv("production", page(problem(text)))))
    assert row[0].startswith("'")


def test_several_data_types_make_one_table_of_problems() -> None:
    first, second = (
        problems_to_csv("production", page(problem(text)), typed=True, headed=text == "P-1") for text in ("P-1", "P-2")
    )
    rows = list(csv.DictReader(io.StringIO(first + second)))
    assert [(row["data_type"], row["external_id"]) for row in rows] == [("products", "P-1"), ("products", "P-2")]


# Progress


def test_progress_fits_on_a_line() -> None:
    progress = Progress(Phase.READING, 12_300, 30_000, 120, 3, 96.04, 184.0)
    assert progress_line(progress) == (
        "reading and writing: 12,300 of 30,000 (41 %), 96.0/s, 3 min 4 s left; 120 written, 3 with problems"
    )
    assert progress_line(Progress(Phase.CHECKING)) == "checking the target"
    waiting = Progress(Phase.READING, 1, 3, waiting="SparkLayer: rate limited, again in 5 s")
    assert progress_line(waiting).endswith("; SparkLayer: rate limited, again in 5 s")


def test_it_is_not_done_before_the_last_record_is() -> None:
    assert "(99 %)" in progress_line(Progress(Phase.READING, 29_999, 30_000))
    assert "(100 %)" in progress_line(Progress(Phase.READING, 30_000, 30_000))


def test_a_guess_from_the_first_records_is_not_shown() -> None:
    assert "left" not in progress_line(Progress(Phase.READING, 1, 30_000, per_second=0.1, seconds_left=299_990.0))


def test_a_live_view_has_a_bar_of_what_is_done() -> None:
    going = [status_of(data_sync(), under_way(), NOW)]
    told = statuses_to_text("production", NOW, going, style=Style(width=120), bars=True)
    assert f"{' ' * 13}{'━' * 13}{'─' * 27}\n" in told
    plain = statuses_to_text("production", NOW, going, style=Style(unicode=False), bars=True)
    assert f"{'#' * 13}{'.' * 27}\n" in plain
    assert "━" not in statuses_to_text("production", NOW, going, style=Style(width=120))
