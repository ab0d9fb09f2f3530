"""Status of an environment's data syncs, as text: what runs, what ran, what is due, what is not as promised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from reconciler.ledger.data.model import FINISHED, STOPPED, DataRun, LevelCounts
from reconciler.ledger.data.service_model import WORKER, ServiceProcess
from reconciler.reconcile.paused import NOTHING_PAUSED, PausedNow
from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, DIM, GREEN, RED, YELLOW, Style
from reconciler.report.text.plan import alarm_lines
from reconciler.report.text.sync_words import (
    LEDGER_STATES,
    MODES,
    held_back_words,
    problem_count,
    record_counts,
    request_counts,
)
from reconciler.report.words import moment
from reconciler.sync.datasync import API_NAMES, Standing
from reconciler.sync.heard import PartHeard
from reconciler.sync.mode import Mode
from reconciler.sync.monitor.compared import Compared, hidden_of, rest_of, shown_of
from reconciler.sync.monitor.deliveries import Deliveries
from reconciler.sync.monitor.health import CLOCK_SLACK
from reconciler.sync.monitor.status import Going, LeftAlone, NextRun, SharedRate, SyncStatus
from reconciler.words import counted, listed, spoken

_COMMIT = 10
_LIMIT = 400
_TYPE = 80
_INDENT, _HANGING = 2, 11
# A run that was taken up so much later than it began went on with one that was cut off.
_SOON = timedelta(minutes=1)


def statuses_to_text(
    environment: str,
    _checked_at: datetime,
    statuses: Sequence[SyncStatus],
    paused: PausedNow = NOTHING_PAUSED,
    style: Style | None = None,
    *,
    bars: bool = False,
) -> str:
    """Return the status of an environment's data syncs, as text.

    Args:
        environment: its name.
        statuses: of its data syncs.
        paused: what stands still there; it is said first.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
        bars: whether a bar shows how much of a run is done.
    """
    style = style or Style()
    lines: list[str] = list(alarm_lines(paused.notes, style))
    if paused.unseen is not None:
        words = f"Pauses that were made elsewhere are not known: {clip(visible(paused.unseen), _LIMIT)}"
        lines.extend((*style.wrap(words, 0, DIM), ""))
    if not statuses:
        lines.extend(style.wrap(f"The environment {environment} has no data sync.", 0))
    for number, status in enumerate(statuses):
        if number:
            lines.append("")
        lines.extend(_status_lines(environment, status, style, bars=bars))
    return style.finish(lines)


def _served(process: ServiceProcess, status: SyncStatus) -> str:
    """Return who serves it with which manifests, and whether these are what was applied."""
    words = f"by {visible(process.holder)}, since {moment(process.started_at)}"
    applied = None if status.applied is None else status.applied.commit
    if process.commit is not None:
        words += f", with commit {visible(process.commit[:_COMMIT])}"
        if applied is not None and applied != process.commit:
            words += f" ({visible(applied[:_COMMIT])} was applied)"
    return f"{words}; waits: {clip(visible(process.waits_for), _LIMIT)}" if process.waits_for else words


def _status_lines(environment: str, status: SyncStatus, style: Style, *, bars: bool) -> Iterator[str]:
    words, color = verdict(status)
    data_type = status.sync.scope.data_type
    yield from style.wrap(f"{status.sync.name} in {environment}, {data_type}: {words}", 0, BOLD, color, hanging=2)
    for trouble in status.troubles:
        yield from style.wrap(f"✗ {trouble}", _INDENT, RED, hanging=2)
    if status.going is not None:
        if bars and status.going.total:
            yield " " * (_INDENT + _HANGING) + style.bar(status.going.done / status.going.total)
        for line in going_lines(status.going, status.checked_at, status.sync.data.ends):
            yield from _row("running", line, style)
        for hand in status.going.hands:
            yield from _row("beside", f"by {visible(hand)}", style)
    if status.waiting is not None:
        yield from _row("watched", f"by {status.waiting.holder}, since {moment(status.waiting.since)}", style)
    for each in status.left_alone:
        yield from _row("waits", left_alone_words(each), style, YELLOW)
    for process in status.serving:
        yield from _row("worker" if process.kind == WORKER else "served", _served(process, status), style)
    if status.cut_off is not None:
        cut_off = status.cut_off
        # The message of a run that nobody ended is what it was busy with.
        known = cut_off.message if cut_off.ended_at is not None else None
        message = f": {clip(visible(known), _LIMIT)}" if known else ""
        words = f"{_mode(cut_off)} of {moment(cut_off.started_at)}, {_seen(cut_off)}; the next run goes on with it"
        yield from _row("cut off", f"{words}{message}", style, YELLOW)
    if (site := site_words(status)) is not None:
        yield from _row("site", site, style)
    yield from _row("last run", last_words(status), style)
    if status.next is not None:
        yield from _row("next run", next_words(status.next, status.checked_at), style)
    if not status.sync.leaving:
        yield from _row("full sync", full_words(status), style, *([YELLOW] if status.full_wanted else []))
    yield from _row("records", record_words(status), style)
    yield from _row("problems", problem_words(status), style)
    for words in freshness_lines(status):
        yield from _row("freshness", words, style)
    if status.deliveries is not None:
        for words in delivery_lines(status.deliveries, status.checked_at):
            yield from _row("deliveries", words, style)
        for words in heard_lines(status.heard):
            yield from _row("deliveries", words, style)
    yield from _row("requests", request_words(status), style)
    for rate in status.rates:
        if rate.environment != environment:
            yield from _row("rate", rate_words(rate, environment), style)
    if (step := step_of(environment, status)) is not None:
        yield from style.wrap(f"→ {step}", _INDENT, DIM, hanging=2)


def _row(name: str, words: str, style: Style, *codes: str) -> list[str]:
    return style.wrap(f"{name:<10} {words}", _INDENT, *codes, hanging=_HANGING)


def verdict(status: SyncStatus) -> tuple[str, str]:
    """Return how a data sync stands, in a few words, and the colour of that."""
    if status.held_back.is_too_much and status.sync.standing is not Standing.NEVER:
        return held_back_words(status.held_back), RED
    if status.sync.leaving:
        return ("removed, and not discontinued yet", RED) if status.troubles else ("removed", GREEN)
    if status.going is None and status.last is not None and status.last.state == STOPPED:
        return "its last run was stopped", RED
    if status.sync.is_disconnected:
        return "disconnected", RED
    if status.troubles:
        return "not as promised", RED
    if status.going is not None:
        return "running", GREEN
    if status.sync.standing is not Standing.APPLIED:
        return "not applied" if status.sync.standing is Standing.NEVER else "changed and not applied", YELLOW
    if (waits := status.waits_for) is not None:
        return f"waits for {API_NAMES[waits.api]}", YELLOW
    if status.cut_off is not None:
        return "cut off", YELLOW
    if status.last_full is None:
        return "waiting for its first full sync", YELLOW
    if status.held_back.is_all:
        return held_back_words(status.held_back), YELLOW
    return _up_to_date(status.counts)


def _up_to_date(counts: LevelCounts) -> tuple[str, str]:
    but = f" but for {counted(counts.open, 'record')}" if counts.open else ""
    problems = ", with problems" if counts.problems else ""
    return f"up to date{but}{problems}", YELLOW if but or problems else GREEN


def site_words(status: SyncStatus) -> str | None:
    """Say who brings the records, and since when SparkLayer has the site connected; None where there is only one way.

    That it clears the logs of others is said before it can be.
    """
    sync, parts = status.sync, []
    if sync.mode != "push":
        how = {"pull": "SparkLayer pulls its records", "both": "our runs send its records, and SparkLayer pulls them"}
        sends = sync.mode == "pull" and not sync.is_pulled
        words = "our runs send what SparkLayer does not pull" if sends else how[sync.mode]
        parts.append(f"{words} (mode: {sync.mode})")
    if sync.site is not None:
        state = "connected" if sync.site.connected else "disconnected"
        said = f"{state} by SparkLayer since {moment(sync.site.changed_at)}"
        parts.append(f"{said}; a disconnect clears the sync logs of every integration" if sync.site.connected else said)
    return ", ".join(parts) or None


def going_lines(going: Going, now: datetime, ends_as: str) -> Iterator[str]:
    """Yield where a run stands that is under way; `ends_as`: what those records are that are gone."""
    mode = MODES[going.mode]
    share = ""
    if going.total:
        share = f" of {going.total:,} ({min(100 * going.done // going.total, 100)} %)"
    pace = [f"{going.per_second:,.1f}/s"] if going.done else []
    if going.seconds_left is not None:
        pace.append(f"{spoken(timedelta(seconds=going.seconds_left))} left")
    doing = f", {clip(visible(going.doing), _LIMIT)}" if going.doing else ""
    ends = ""
    if going.seconds_left is not None:
        ends = f"; ends about {moment(now + timedelta(seconds=going.seconds_left))}"
    yield f"{mode}{doing}: {', '.join([f'{going.done:,}{share}', *pace])}{ends}"
    if going.usual is not None:
        usual = f"usually {going.usual.changed:,} in {spoken(going.usual.took)}"
        yield f"{counted(going.changed, 'record')} changed, {usual}"
    resumed = f" (goes on with one of {moment(going.started_at)})" if going.since > going.started_at + _SOON else ""
    yield f"for {spoken(now - going.since)}{resumed}, by {going.holder}"
    if going.done:
        yield record_counts(going.counts, ends_as)


def _mode(run: DataRun) -> str:
    return MODES[Mode.of(run.mode)]


def _seen(run: DataRun) -> str:
    total = run.counts.get("total", 0)
    return f"{run.counts.get('seen', 0):,}{f' of {total:,}' if total else ''} done"


def last_words(status: SyncStatus) -> str:
    """Return how the last run went, which ended."""
    run = status.last
    if run is None or run.ended_at is None:
        return "none yet" if status.going is None and status.cut_off is None else "none finished yet"
    state = LEDGER_STATES.get(run.state, run.state)
    took = spoken(run.ended_at - run.started_at)
    ended = f"{_since(run.ended_at, status.checked_at)} ({moment(run.ended_at)})"
    message = f"; {clip(visible(run.message), _LIMIT)}" if run.message and run.state != FINISHED else ""
    usual = f"; usually {status.last_usual.changed:,} changed" if status.last_usual is not None else ""
    read = record_counts(run.counts, status.sync.data.ends)
    return f"{_mode(run)}, {state} {ended}, took {took}; {read}{usual}{message}"


def next_words(following: NextRun, now: datetime) -> str:
    """Return when the next run starts, how, and why so."""
    when = f"in {spoken(following.at - now)} ({moment(following.at)})" if following.at > now else "due now"
    return f"{MODES[following.mode]}, {when}{f': {following.reason}' if following.reason else ''}"


def full_words(status: SyncStatus) -> str:
    """Return when the last full sync ended, and why one is wanted; empty: neither."""
    full = status.last_full
    last = f"last one ended {moment(full.ended_at)}" if full is not None and full.ended_at is not None else ""
    wanted = f"wanted: {status.full_wanted}" if status.full_wanted else ""
    return "; ".join(filter(None, [wanted, last]))


def record_words(status: SyncStatus) -> str:
    """Return how many records are known, and how many of them are not as they should be."""
    counts = status.counts
    named = ((counts.open, "to be written"), (counts.dead, "dead letters"), (counts.due, "due again at a set time"))
    rest = ((counts.held_back, "held back by problems"), (counts.gone, "gone"))
    parts = [f"{number:,} {words}" for number, words in (*named, *rest) if number]
    return ", ".join([f"{counts.records:,}", *parts])


def problem_words(status: SyncStatus) -> str:
    """Return how many problems are open, and how many of them the sync log has."""
    counts = status.counts
    allowed = f"{status.sync.settings.max_open_problems:,} allowed"
    if not counts.problems:
        return f"none open, {allowed}"
    logged = f"{counts.logged:,} of them in the sync log" if counts.logged < counts.problems else "all in the sync log"
    return f"{problem_count(counts.problems, status.sync.data.entries)}, {allowed}; {logged}"


def freshness_lines(status: SyncStatus) -> Iterator[str]:
    """Say when what lists show was compared, and the rest; a run compares all parts."""
    parts = status.compared
    if not parts:
        return
    if status.sync.data.lights:
        yield f"{shown_of(parts)}: {_compared(parts[0].shown, status.checked_at)}"
    if not status.sync.data.lights or parts[0].inside != parts[0].shown:
        yield f"{rest_of(parts)}: {_compared(parts[0].inside, status.checked_at)}"
    if status.whole is not None and status.whole.last_at != parts[0].inside.last_at:
        yield f"{hidden_of(status.sync)}: {_compared(status.whole, status.checked_at)}"
    if (distrust := status.distrust) is not None:
        found = f"found of {visible(distrust.key)} {_since(distrust.since, status.checked_at)}"
        yield f"{hidden_of(status.sync)}: {found}, so every walk reads all of it"


def heard_lines(parts: Iterable[PartHeard]) -> Iterator[str]:
    """Say of each part whether messages tell what lists do not show of it."""
    found: dict[str, list[str]] = {}
    for part in parts:
        found.setdefault(heard_word(part), []).append(part.part)
    for words, names in found.items():
        yield f"{listed(names)}: {words}"


def heard_word(part: PartHeard) -> str:
    """Return whether messages tell of a part what lists do not show, and why they do not."""
    if part.why is not None:
        return f"walked, as {clip(visible(part.why), _LIMIT)}"
    return "listed, and lists show all of it" if part.listed else "heard"


def delivery_lines(found: Deliveries, now: datetime) -> Iterator[str]:
    """Say how many messages came, when the last one did, and what waits since when."""
    others = [("touch nothing here", found.nothing), ("unknown", found.unknown), ("no messages", found.malformed)]
    rest = "".join(f", {number:,} {words}" for words, number in others if number)
    yield f"{counted(found.taken, 'message')} taken, the last one {_since(found.last_at, now)}{rest}"
    if found.waiting_since is not None:
        later = f", and what depends on {counted(found.later, 'message')}" if found.later else ""
        age = spoken(max(now - found.waiting_since, timedelta()))
        yield f"{counted(found.waiting, 'record')} waiting{later}, the oldest for {age}"
    if found.unknown_types:
        yield f"unknown types: {', '.join(clip(visible(each), _TYPE) for each in found.unknown_types)}"


def _compared(found: Compared, now: datetime) -> str:
    last = "never compared" if found.last_at is None else f"compared {_since(found.last_at, now)}"
    following = f"again in {spoken(found.next_at - now)}" if found.next_at > now else "due now"
    return f"{last}, {following}; {spoken(found.promised)} promised"


def _since(moment: datetime, now: datetime) -> str:
    ahead = moment - now
    return f"{spoken(ahead)} in the future: a clock is wrong" if ahead > CLOCK_SLACK else f"{spoken(-ahead)} ago"


def left_alone_words(found: LeftAlone) -> str:
    """Return which API nobody asks, until when and why."""
    why = clip(visible(found.reason), _LIMIT)
    return f"{API_NAMES[found.api]} is left alone until {moment(found.until)}, by {visible(found.holder)}: {why}"


def rate_words(rate: SharedRate, environment: str) -> str:
    """Return which rate of another environment counts for an API, and what this one allows."""
    said = f"{API_NAMES[rate.api]}: {rate.per_second:g} requests a second for all, as {visible(rate.environment)} says"
    return f"{said}; {environment} allows {rate.own:g}"


def request_words(status: SyncStatus) -> str:
    """Return how many requests a data sync makes a day, and made in its last good run."""
    if not status.requests:
        return "not known yet"
    a_day = f"about {status.requests_a_day:,} a day where nothing changes; " if status.requests_a_day else ""
    return f"{a_day}last good run: {request_counts(status.requests)}"


def step_of(environment: str, status: SyncStatus) -> str | None:
    """What to do next, where there is something to do."""
    sync = status.sync
    if sync.is_disconnected:
        return None  # it is connected at SparkLayer, not here
    if sync.standing is not Standing.APPLIED and status.going is None:
        return f"reconciler apply -e {environment} --target {sync.key}"
    if status.going is not None or (status.last is not None and status.last.state == STOPPED):
        return None  # the message of the run that was stopped says it
    if status.next is not None and status.next.at <= status.checked_at and status.waiting is None:
        return f"reconciler sync run {sync.command} -e {environment}"
    return f"reconciler sync errors {sync.command} -e {environment}" if status.counts.problems else None
