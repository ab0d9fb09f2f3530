"""Words and shapes that the templates of the page use: everything that decides what is shown, and nothing of HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from reconciler.ledger.config.model import AskedRequest, StepState
from reconciler.ledger.data.model import OpenProblem
from reconciler.reconcile.pause_report import PausedSync, PauseState
from reconciler.reconcile.plan import Cause, DriftItem
from reconciler.report.codes.records import RECORDS
from reconciler.report.style import GREEN, RED, YELLOW
from reconciler.report.text import sync_status as words
from reconciler.report.values import FieldView, field_view
from reconciler.report.words import CAUSES
from reconciler.sync.heard import PartHeard
from reconciler.sync.monitor.compared import Compared
from reconciler.sync.monitor.overview import Chart, Deliveries, Facts, Fetching, Overview, SeenDrift, State
from reconciler.sync.monitor.problems import Problems
from reconciler.sync.monitor.status import Going, SyncStatus
from reconciler.words import counted, spoken

TONES = {
    State.UNREADABLE: "red",
    State.DRIFTED: "red",
    State.PAUSED: "purple",
    State.WAITING: "amber",
    State.UNKNOWN: "amber",
    State.RUNNING: "blue",
    State.IN_SYNC: "green",
}
_TITLES = {
    State.UNREADABLE: "Cannot be read",
    State.DRIFTED: "Not as declared or promised",
    State.PAUSED: "Paused",
    State.WAITING: "Waiting",
    State.UNKNOWN: "Not known",
    State.RUNNING: "Running",
    State.IN_SYNC: "In sync",
}
_CARDS = 24
"""So many environments of one state are shown as cards; more of them as a line each."""
_OF_COLOR = {RED: "red", YELLOW: "amber", GREEN: "green"}
_HEIGHT, _BAR, _GAP, _BELOW = 60, 8, 2, 10
_FIELDS_SHOWN = 30
_DAY_SECONDS = 86_400


class Bar(Struct, frozen=True):
    """One rectangle of a chart, in its units."""

    x: int
    y: float
    height: float
    kind: str


class Drawing(Struct, frozen=True):
    """A chart: its size, its rectangles, the line they stand on, and what it shows, for whoever cannot see it."""

    width: int
    height: int
    base: int
    bars: tuple[Bar, ...]
    told: str


class Group(Struct, frozen=True):
    """Environments of one state, for the page over all: those first of which most is not as it should be.

    Args:
        id: of its section, the same at every look.
        title: the state, for people.
        tone: of the state.
        overviews: the environments; none: the section is not shown.
        short: whether each is a line and not a card.
    """

    id: str
    title: str
    tone: str
    overviews: tuple[Overview, ...]
    short: bool


class CodeGroup(Struct, frozen=True):
    """Open problems of one code: how often, what it means, some of them."""

    code: str
    number: int
    held_back: int
    meaning: str | None
    keeps: str | None
    listed: tuple[OpenProblem, ...]


def tone_of(overview: Overview) -> str:
    """Return the tone of an environment."""
    return TONES[overview.state]


def groups_of(overviews: Sequence[Overview]) -> list[Group]:
    """Return environments by state, what needs somebody's attention first; a state that none has is there, empty."""
    found = []
    for state in State:
        of_state = [each for each in overviews if each.state is state]
        of_state.sort(key=lambda each: (-len(each.reasons), each.environment))
        short = len(of_state) > _CARDS
        found.append(Group(state.value.replace("-", ""), _TITLES[state], TONES[state], tuple(of_state), short))
    return found


def verdict_of(status: SyncStatus) -> tuple[str, str]:
    """Return how a data sync stands, in a few words, and the tone of that."""
    said, color = words.verdict(status)
    return said, "blue" if status.going is not None and color == GREEN else _OF_COLOR[color]


def rows_of(status: SyncStatus) -> Iterator[tuple[str, str]]:
    """Yield the facts of a data sync as name and words; freshness is a table of its own."""
    if status.waiting is not None:
        since = spoken(status.checked_at - status.waiting.since)
        yield "Watched", f"by {status.waiting.holder}, for {since}"
    for each in status.left_alone:
        yield "Waits", words.left_alone_words(each)
    if status.cut_off is not None:
        yield "Cut off", "the last run was cut off; the next one goes on with it"
    yield "Last run", words.last_words(status)
    if status.next is not None:
        yield "Next run", words.next_words(status.next, status.checked_at)
    if not status.sync.leaving and (full := words.full_words(status)):
        yield "Full sync", full
    yield "Records", words.record_words(status)
    yield "Problems", words.problem_words(status)


def going_lines(status: SyncStatus) -> list[str]:
    """Return where the run stands that is under way."""
    if status.going is None:
        return []
    return list(words.going_lines(status.going, status.checked_at, status.sync.data.ends))


def how_far(going: Going) -> str:
    """Return how much of a run is done: `45 %`, or `1,200 records` where nobody knows of how many."""
    if going.total:
        return f"{min(going.done, going.total) * 100 // going.total} %"
    return counted(going.done, "record")


def compared_words(found: Compared, now: datetime) -> tuple[str, str, str]:
    """Return when something was compared, when it will be, and how old it may be."""
    last = "never" if found.last_at is None else ago(found.last_at, now)
    following = f"in {spoken(found.next_at - now)}" if found.next_at > now else "due now"
    return last, following, spoken(found.promised)


def heard_word(part: PartHeard) -> str:
    """Return whether messages tell what lists do not show of a part."""
    return words.heard_word(part)


def ago(moment: datetime, now: datetime) -> str:
    """Return `5 min ago`; of a moment to come, `in 5 min`."""
    return f"in {spoken(moment - now)}" if moment > now else f"{spoken(now - moment)} ago"


def request_words(status: SyncStatus, facts: Facts) -> str:
    """Return how many requests a data sync makes a day, and how many the manifest allows."""
    said = words.request_words(status)
    allowed = round(sum(facts.limits.values()) * _DAY_SECONDS)
    if not status.requests_a_day or not allowed:
        return said
    share = 100 * status.requests_a_day / allowed
    told = "under 0.1" if share < 0.1 else f"{share:,.1f}"
    return f"{said}. requestsPerSecond of both APIs allows {allowed:,} a day: {told} % of that"


def codes_of(problems: Problems) -> list[CodeGroup]:
    """Return the open problems of a data sync by code, the most frequent first."""
    found = []
    for each in problems.codes:
        meaning, keeps = RECORDS.get(each.code, (None, None))
        listed = tuple(item for item in problems.listed if item.problem.code == each.code)
        found.append(CodeGroup(each.code, each.external_ids, each.held_back, meaning, keeps, listed))
    return found


def is_link(url: str) -> bool:
    """Whether a URL may be followed from the page: nothing but the web, whatever an answer held."""
    return url.startswith(("https://", "http://")) and url.isprintable() and not any(each in url for each in " \"'<>\\")


def drift_rows(seen: SeenDrift) -> list[tuple[DriftItem, datetime | None, bool]]:
    """Return each item of drift with since when it was seen and whether it is snoozed; what is snoozed comes last."""
    since: Sequence[datetime | None] = seen.since or [None] * len(seen.report.items)
    rows = [(item, at, item.snoozed_until is not None) for item, at in zip(seen.report.items, since, strict=False)]
    return sorted(rows, key=lambda row: (row[2], list(Cause).index(row[0].cause)))


def cause_words(item: DriftItem) -> str:
    """Return the cause of drift for people."""
    return CAUSES[item.cause]


def told_of(item: DriftItem) -> str:
    """Return what is known of how it came to differ, without the cause, which stands before it."""
    detail = item.change.detail if item.change is not None else None
    return (item.message or detail or "").removeprefix(CAUSES[item.cause]).removeprefix(": ")


def fields_of(item: DriftItem) -> tuple[list[FieldView], int]:
    """Return the fields that differ, as they are shown, and how many more there are. Of a secret only its name."""
    if item.change is None:
        return [], 0
    fields = item.change.fields
    return [field_view(each) for each in fields[:_FIELDS_SHOWN]], max(len(fields) - _FIELDS_SHOWN, 0)


def pause_words(paused: PausedSync, now: datetime) -> tuple[str, str, list[str]]:
    """Return how a sync stands, the tone of that, and by whom, why and until when: one line each."""
    said, tone = {
        PauseState.HELD: ("paused", "purple"),
        PauseState.OVERDUE: ("pause overdue", "red"),
        PauseState.UNDECLARED: ("paused, declared by nobody", "red"),
        PauseState.NOT_PAUSED: ("not paused, although it should be", "amber"),
        PauseState.RUNNING: ("running", "green"),
    }[paused.state]
    lines = []
    for lease, over in paused.leases:
        until = (
            f"until {moment(lease.until)}, {ago(lease.until, now)}" if over is None else f"over, {ago(over.at, now)}"
        )
        lines.append(f"by {lease.owner}, {until}: {lease.reason}")
    if (declared := paused.declared) is not None:
        end = "without an end that is known" if declared.until is None else f"until {moment(declared.until)}"
        by = declared.owner or "nobody named"
        where = "a window of its manifest" if declared.window else "its manifest"
        lines.append(f"by {where}, {end}, {by}: {declared.reason or 'no reason given'}")
    if paused.due is not None:
        lines.append(f"it should run again since {moment(paused.due)}")
    return said, tone, lines


def can_resume(paused: PausedSync) -> bool:
    """Whether ending the pauses that were taken by hand means something for a sync."""
    return bool(paused.leases)


def moment(at: datetime) -> str:
    """Return a time for people: UTC, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def stamp(at: datetime) -> str:
    """Return a time for programs."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def asked_words(asked: AskedRequest) -> tuple[str, str, str | None]:
    """Return what became of a request, the tone of that, and what was said to it."""
    states = {step.state for step in asked.steps}
    message = next((step.message for step in asked.steps if step.message), None)
    if asked.unremembered:
        return "not known", "amber", message
    for state, said, tone in (
        (StepState.REFUSED, "refused", "red"),
        (StepState.SENT, "begun; what became of it is not known yet", "amber"),
        (StepState.PENDING, "begun", "blue"),
    ):
        if state in states:
            return said, tone, message
    return "done", "green", message


def drawn(chart: Chart, noun: str) -> Drawing:
    """Return the chart of runs: what they changed above the line, runs that did not finish below it."""
    most = max((bucket.changed for bucket in chart.buckets), default=0)
    bars = []
    for number, bucket in enumerate(chart.buckets):
        x = number * (_BAR + _GAP)
        if bucket.finished or bucket.changed:
            height = max(_HEIGHT * bucket.changed / most, 3 if bucket.changed else 1.5) if most else 1.5
            bars.append(Bar(x, round(_HEIGHT - height, 2), round(height, 2), "changed" if bucket.changed else "quiet"))
        if bucket.unfinished:
            bars.append(Bar(x, _HEIGHT + 2, _BELOW - 2, "unfinished"))
    runs = sum(bucket.finished for bucket in chart.buckets)
    bad = sum(bucket.unfinished for bucket in chart.buckets)
    changed = sum(bucket.changed for bucket in chart.buckets)
    days = f"Runs of the last {len(chart.days)} days"
    told = f"{days}: {counted(runs, 'run')} finished and changed {counted(changed, noun)}"
    told += f"; {counted(bad, 'run')} did not finish" if bad else ""
    return Drawing(len(chart.buckets) * (_BAR + _GAP), _HEIGHT + _BELOW, _HEIGHT, tuple(bars), told)


def drawn_deliveries(found: Deliveries) -> Drawing:
    """Return the chart of deliveries in the last minutes."""
    most = max(found.per_minute, default=0)
    bars = tuple(
        Bar(number * (_BAR + _GAP), round(_HEIGHT * (1 - count / most), 2), round(_HEIGHT * count / most, 2), "changed")
        for number, count in enumerate(found.per_minute)
        if count
    )
    told = f"{counted(sum(found.per_minute), 'message')} in the last {len(found.per_minute)} minutes"
    return Drawing(len(found.per_minute) * (_BAR + _GAP), _HEIGHT, _HEIGHT, bars, f"{told}, at most {most:,} in one")


def delivery_words(found: Deliveries, now: datetime) -> str:
    """Return how many messages came in the last full minute, when the newest did, what waits, and what is not read."""
    came = "none came so far"
    if found.last_at is not None:
        last = found.per_minute[-2] if len(found.per_minute) > 1 else sum(found.per_minute)
        came = f"{counted(last, 'message')} in the last full minute, the newest {ago(found.last_at, now)}"
    waits = [f"{counted(found.later, 'message')} to raise records from"] if found.later else []
    waits += [f"{counted(found.waiting, 'record')} to be written"] if found.waiting else []
    waiting = " and ".join(waits) or "nothing waits"
    if waits and found.oldest_at is not None:
        waiting += f", the oldest for {spoken(now - found.oldest_at)}"
    strange = f"{found.unknown:,} of a type that nobody knows" if found.unknown else ""
    unread = f"{found.malformed:,} could not be read" if found.malformed else ""
    return "; ".join(filter(None, (came, waiting, strange, unread)))


def fetching_words(found: Fetching) -> str:
    """Return what a consumer does, what it waits for, and how much it took."""
    does = "reads" if found.waits is None else f"waits for {found.waits}"
    lag = "" if found.lag is None else f"{counted(found.lag, 'message')} at the broker"
    unread = f"{found.malformed:,} of them could not be read" if found.malformed else ""
    missed = f"{found.missed:,} were gone before they were fetched" if found.missed else ""
    return "; ".join(filter(None, (does, lag, f"{found.taken:,} taken since the start", unread, missed)))


def every_words(every: timedelta | None) -> str:
    """Return how often somebody looks for drift."""
    return "nobody looks by itself: the drift loop is not on" if every is None else f"every {spoken(every)}"


def globals_of() -> dict[str, Any]:
    """Return the functions that templates call, by name."""
    named = (
        tone_of, verdict_of, rows_of, going_lines, how_far, compared_words, heard_word, ago, request_words, codes_of,
        is_link, drift_rows, cause_words, told_of, fields_of, pause_words, can_resume, moment, stamp, asked_words,
        drawn, drawn_deliveries, delivery_words, fetching_words, every_words, counted, spoken,
    )  # fmt: skip
    return {function.__name__: function for function in named}
