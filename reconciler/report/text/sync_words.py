"""The words that the reports on data syncs share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from reconciler.ledger.data.model import CodeCount
from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, Style
from reconciler.report.words import counted
from reconciler.sync.datasync import API_NAMES
from reconciler.sync.heldback import HeldBack
from reconciler.sync.mode import Mode
from reconciler.sync.monitor.outcomes import ENOUGH_PERCENT, OUTCOMES
from reconciler.sync.run.counts import DISCONTINUED, Requests
from reconciler.sync.run.progress import Phase, Progress
from reconciler.sync.run.report import RunReport, State
from reconciler.words import spoken

_LIMIT = 600
MODES = {
    Mode.INCREMENTAL: "incremental sync",
    Mode.LIGHT: "light walk",
    Mode.WALK: "incremental walk",
    Mode.FULL: "full sync",
    Mode.VERIFY: "full sync with --verify",
    Mode.REWRITE: "full sync with --rewrite",
    Mode.PULL: "pull by SparkLayer",
    Mode.REMOVE: "removal",
}
STATES = {
    State.FINISHED: "finished",
    State.INTERRUPTED: "interrupted",
    State.CANCELLED: "cancelled",
    State.STOPPED: "stopped by a limit",
}
# How the ledger calls the ends of runs; it knows nothing of the engine's words.
LEDGER_STATES = {
    "running": "cut off",
    "stopped": "stopped",
    "cancelled": "cancelled",
}
# Nothing is counted in these phases.
UNCOUNTED = (Phase.CHECKING, Phase.CLOSING)
_OUTCOME_WORDS = {
    "held_back": "not written because of a problem",
    "failed": "could not be written",
    "left": "left as they are",
}


def record_counts(counts: Mapping[str, int], ends: str) -> str:
    """Return `30,000 records: 120 written, 29,880 unchanged`; `ends` is what those are that are gone."""
    words = {**_OUTCOME_WORDS, DISCONTINUED: ends}
    found = [f"{counts[name]:,} {words.get(name, name)}" for name in OUTCOMES if counts.get(name)]
    return ": ".join([counted(counts.get("seen", 0), "record"), *filter(None, [", ".join(found)])])


def remarks_and_next_step(report: RunReport, style: Style) -> Iterator[str]:
    """Yield the lines that end the report of a run: its remarks, and what to do next."""
    if report.remarks:
        yield from ("", style.paint("Remarks", BOLD))
        for remark in report.remarks:
            yield from style.wrap(f"• {clip(visible(remark), _LIMIT)}", 2, hanging=2)
    if report.next_step is not None:
        yield from ("", *style.wrap(f"Next: {clip(visible(report.next_step), _LIMIT)}", 0, hanging=2))


def held_back_words(held: HeldBack) -> str:
    """Return `nothing goes through`, or `12 % held back`: the state of a data sync where nothing flows."""
    return "nothing goes through" if held.is_all else f"{held.percent_words} % held back"


def held_back_sentence(held: HeldBack) -> str:
    """Return how many records are held back, and what would let most of them through."""
    words = f"{held.words[0].upper()}{held.words[1:]}."
    return f"{words} {held.remedy}" if held.remedy else words


def code_count(code: CodeCount) -> str:
    """Return `9 no-sku, 9 records held back`."""
    held = f", {counted(code.held_back, 'record')} held back" if code.held_back else ""
    return f"{code.external_ids:>6,} {code.code}{held}"


def problem_count(number: int, entries: tuple[str, str]) -> str:
    """Return `59 products and variants with open problems`: each of them is one entry of the sync log."""
    return f"{counted(number, *entries)} with open problems"


def part_counts(parts: Mapping[str, int]) -> str:
    """Return `product of 120 records, stock of 80, prices of 90`, or `nothing`."""
    return ", ".join(f"{part} of {number:,}" for part, number in parts.items() if number) or "nothing"


def request_counts(requests: Mapping[str, Requests]) -> str:
    """Return `OrderCloud 3,012; SparkLayer 240, of them 238 writes`, or `none`."""
    return "; ".join(_requests(API_NAMES.get(api, api), found) for api, found in requests.items()) or "none"


def _requests(api: str, found: Requests) -> str:
    words = f"{api} {found.requests:,}"
    if found.writes:
        words += f", of them {counted(found.writes, 'write')}"
    if found.log_writes:
        words += f", {found.log_writes:,} of the sync log"
    return words + (f", {found.refused:,} refused (429)" if found.refused else "")


def progress_line(progress: Progress) -> str:
    """Return where a run stands on one line, raw text: `reading and writing: 12,300 of 30,000 (41 %), 96.0/s, …`."""
    written = "would be written" if progress.rehearsed else "written"
    found = [
        f"{number:,} {word}"
        for number, word in ((progress.written, written), (progress.problems, "with problems"))
        if number
    ]
    words = "; ".join(filter(None, [", ".join(_pace(progress)), ", ".join(found), progress.waiting]))
    return f"{progress.doing}: {words}" if words else progress.doing


def _pace(progress: Progress) -> Iterator[str]:
    if progress.phase in UNCOUNTED:
        return
    yield f"{progress.done:,}" + (f" of {progress.total:,} ({share(progress)} %)" if progress.total else "")
    if progress.per_second:
        yield f"{progress.per_second:,.1f}/s"
    if (left := time_left(progress)) is not None:
        yield f"{left} left"


def share(progress: Progress) -> int:
    """Return how much of a phase is done, in percent; it is not done before its last record is."""
    return min(100 * progress.done // progress.total, 100) if progress.total else 0


def time_left(progress: Progress) -> str | None:
    """Return how long a phase will still take, for people; None where that is not known yet."""
    if progress.seconds_left is None or share(progress) < ENOUGH_PERCENT:
        return None
    return spoken(timedelta(seconds=progress.seconds_left))
