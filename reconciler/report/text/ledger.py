"""The overview of `ledger show`, as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconciler.report.style import BOLD, DIM, GREEN, RED, YELLOW, Style
from reconciler.report.words import counted, moment

_TOLD = ("open", "dead", "due", "gone")
_ENTRY_PROBLEMS = ("failed", "unknown", "sent", "pending")


def ledger_to_text(overview: Mapping[str, Any] | None, style: Style | None = None) -> str:
    """Return the overview of `ledger.reader.read_overview` as text; None stands for a ledger that is not there yet.

    Args:
        overview: plain data without secrets.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
    """
    style = style or Style()
    if overview is None:
        return style.finish(["There is no ledger yet; the first apply creates it."])
    counts = overview["counts"]
    parts = [counted(counts[name], name.removesuffix("s")) for name in counts]
    lines = style.wrap(f"Ledger: {', '.join(parts)}", 0, BOLD)
    if "moved_to" in overview:
        lines.extend(style.wrap(f"Taken to {overview['moved_to']}: it takes no more writes", 0, YELLOW))
    for lock in overview["locks"] or [None]:
        lines.extend(_lock(lock, style))
    for each in overview["commits"]:
        lines.extend(_commits(each, style))
    if overview["data"]:
        lines.extend(["", style.paint("Data syncs", BOLD)])
    for sync in overview["data"]:
        lines.extend(_data_sync(sync, style))
    if overview["runs"]:
        lines.extend(["", style.paint("Runs, newest first", BOLD)])
    for run in overview["runs"]:
        lines.extend(_run(run, style))
    if overview["requests"]:
        lines.extend(["", style.paint("Requests, newest first", BOLD)])
    for request in overview["requests"]:
        lines.extend(_request(request, style))
    if overview["snoozes"]:
        lines.extend(["", style.paint("Snoozes", BOLD)])
    for snooze in overview["snoozes"]:
        words = f"{snooze['environment']} {snooze['kind']}/{snooze['name']} until {_time(snooze['until'])}"
        lines.extend(style.wrap(f"{words}, by {snooze['by']}: {snooze['reason']}", 2, hanging=2))
    return style.finish(lines)


def _lock(lock: Mapping[str, Any] | None, style: Style) -> list[str]:
    if lock is None:
        return [f"Apply lock: {style.paint('free', GREEN)}"]
    of_one = lock["name"].partition(":")[2]
    by = f"{lock['holder']}{'' if lock['alive'] else ', who is dead'}"
    words = f"Apply lock{f' of {of_one}' if of_one else ''}: held by {by} since {_time(lock['taken_at'])}"
    return style.wrap(
        f"{words}, last heard of {_time(lock['heartbeat_at'])}, lapses {_time(lock['expires_at'])}",
        0,
        YELLOW,
        hanging=2,
    )


def _commits(each: Mapping[str, Any], style: Style) -> list[str]:
    """Return which commits were applied: with all that was approved, and with all that the manifests ask for."""
    if each["commit"] is None:
        words = f"all of commit {each['whole_commit']} ({_time(each['whole_applied_at'])})"
    else:
        whole = each["whole_commit"]
        rest = (
            "" if whole == each["commit"] else f"; all of {whole} before" if whole else "; something was left to apply"
        )
        words = f"what was approved up to commit {each['commit']} ({_time(each['applied_at'])}){rest}"
    return style.wrap(f"Applied to {each['environment']}: {words}", 0, hanging=2)


def _data_sync(sync: Mapping[str, Any], style: Style) -> list[str]:
    counts, run, lock = sync["counts"], sync["newest_run"], sync["lock"]
    told = [counted(counts["records"], "record"), *(f"{counts[name]:,} {name}" for name in _TOLD if counts[name])]
    if counts["problems"]:
        told.append(f"{counted(counts['problems'], 'problem')}, {counts['logged']:,} of them in the sync log")
    head = f"{sync['environment']}/{sync['integration']}/{sync['data_type']} at {sync['target']}: {', '.join(told)}"
    lines = style.wrap(head, 2, hanging=2)
    if run is not None:
        message = f": {run['message']}" if run["message"] else ""
        words = f"{_time(run['started_at'])}  {run['mode']} {run['state']}{message} ({run['holder']}, run {run['id']})"
        lines.extend(style.wrap(words, 6, hanging=2))
        for rule, reason in run["overrides"].items():
            lines.extend(style.wrap(f"overridden {rule}: {reason}", 6, YELLOW, hanging=2))
    if lock is not None:
        dead = "" if lock["alive"] else ", who is dead"
        words = f"lock {lock['name']}: held by {lock['holder']}{dead} since {_time(lock['taken_at'])}"
        lines.extend(style.wrap(f"{words}, last heard of {_time(lock['heartbeat_at'])}", 6, YELLOW, hanging=2))
    return lines


def _run(run: Mapping[str, Any], style: Style) -> list[str]:
    outcomes = Counter(entry["outcome"] for entry in run["entries"])
    closed_by = run["closed_by"]
    done = (
        f"cut off, and closed by run {closed_by}" if closed_by else "finished" if run["finished_at"] else "not finished"
    )
    counts = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items()) or "no changes"
    head = f"{_time(run['started_at'])}  {run['environment']}  {done}: {counts} ({run['holder']}, run {run['id']})"
    lines = style.wrap(head, 2, *([] if run["finished_at"] else [YELLOW]), hanging=2)
    if run["finished_at"] is None and run["command"] == "apply":
        lines.extend(style.wrap(f"→ reconciler apply --resume -e {run['environment']}", 6, DIM, hanging=2))
    # What became of it since stands in the run that closed it.
    for entry in run["entries"] if closed_by is None else ():
        if entry["outcome"] in _ENTRY_PROBLEMS:
            message = f": {entry['message']}" if entry["message"] else ""
            lines.extend(style.wrap(f"{entry['outcome']} {entry['key']}{message}", 6, RED, hanging=2))
    for override in run["overrides"]:
        lines.extend(style.wrap(f"overridden {override['rule']}: {override['reason']}", 6, YELLOW, hanging=2))
    return lines


def _request(request: Mapping[str, Any], style: Style) -> list[str]:
    states = Counter(step["state"] for step in request["steps"])
    sent = {"sent": "unknown"}
    counts = ", ".join(f"{number} {sent.get(state, state)}" for state, number in states.items())
    if request["unremembered"]:
        counts = "was there before this ledger remembered requests"
    name = f"{request['kind']}/{request['name']}" if request["name"] else request["kind"]
    head = f"{_time(request['asked_at'])}  {request['environment']}  {name}: {request['does']}"
    who = f" ({request['holder']})" if request["holder"] else ""
    return style.wrap(f"{head}: {counts}{who}", 2, *([YELLOW] if states["sent"] else []), hanging=2)


def _time(iso: str) -> str:
    return moment(datetime.fromisoformat(iso))
