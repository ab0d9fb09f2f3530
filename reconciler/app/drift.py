"""What `drift` does beside finding: adopting live values, resuming what is overdue, snoozing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.app.apply import Approval, apply_session, apply_status
from reconciler.app.project import for_each, load_valid, open_one, readers, utc_now
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import error_style, say, write_file
from reconciler.errors import ApiError, ReconcilerError, UsageError
from reconciler.ledger.config.model import Snooze
from reconciler.ledger.reader import Ledgers
from reconciler.ledger.url import require_durable
from reconciler.manifest.edit import set_value
from reconciler.reconcile.adopt import adopt
from reconciler.reconcile.drift import find_drift, unreachable
from reconciler.reconcile.importer import manifest_names
from reconciler.reconcile.plan import Cause, DriftReport
from reconciler.reconcile.session import Comparison, PlanRequest, Session
from reconciler.registry import kinds
from reconciler.report.text.apply import apply_to_text
from reconciler.sync.monitor.drift import data_drift
from reconciler.words import parse_duration


@dataclass(frozen=True, slots=True)
class Drift:
    """The drift of one environment, with what it was found by."""

    session: Session
    comparison: Comparison
    report: DriftReport

    def without(self, adopted: Sequence[str]) -> Drift:
        """Return the drift that is left after these objects were adopted."""
        items = tuple(item for item in self.report.items if f"{item.kind}/{item.name}" not in adopted)
        return replace(self, report=replace(self.report, items=items))


async def find(
    sessions: Sequence[Session], targets: frozenset[str], options: Options, *, token_cache: bool
) -> list[Drift | DriftReport]:
    """Return the drift of each environment; for one that cannot be read, where there are several, just its report.

    Raises:
        ReconcilerError: the only environment cannot be compared, or something other than an API is wrong.
    """
    from reconciler.http.connections import Connections

    listener = Listener(options.verbosity)

    async def one(session: Session) -> Drift:
        memory = session.memory(ledgers)
        async with readers(session, targets, listener, token_cache=token_cache, connections=connections) as opened:
            comparison = await session.compare(opened, PlanRequest(targets), memory, session.opened_at)
            report = find_drift(comparison.inputs, comparison.planned)
            items = await data_drift(session, opened, targets, ledgers, memory)
        return Drift(session, comparison, replace(report, items=(*report.items, *items)))

    with Ledgers() as ledgers:
        async with Connections() as connections:
            found = await for_each(sessions, one)
    return [_or_unreachable(session, item, len(sessions)) for session, item in zip(sessions, found, strict=True)]


def _or_unreachable(session: Session, item: Drift | ReconcilerError, count: int) -> Drift | DriftReport:
    if isinstance(item, Drift):
        return item
    if count == 1 or not isinstance(item, ApiError):
        raise item
    return unreachable(session.name, item.message, session.opened_at)


def resume_expired(session: Session, options: Options, token_cache: bool) -> Status:
    """Resume the syncs of one environment whose declared pause has ended, and nothing else."""
    approval = Approval(agreed=True, only=lambda change: change.cause is Cause.OVERDUE)
    report = asyncio.run(
        apply_session(session, PlanRequest(), approval, options, command="drift", token_cache=token_cache)
    )
    if report is not None and report.results:
        say(apply_to_text(report, error_style(options.color)))
    return apply_status(report) if report is not None else Status.DONE


def adopt_into_files(drift: Drift, keys: Sequence[str], options: Options) -> Iterator[str]:
    """Write live values into the manifests that name them; yield a line about each value written.

    Raises:
        UsageError: one of them cannot be adopted; no file is changed then.
    """
    inputs, work = drift.comparison.inputs, drift.comparison.planned.work
    managed = {(item.kind, item.id): item.name for item in inputs.desired}
    names = manifest_names(inputs.live, managed)
    here = {manifest.key: manifest for manifest in drift.session.manifests}
    in_files = {manifest.key: manifest for manifest in load_valid(options).manifests}
    texts: dict[str, str] = {}
    lines: list[str] = []
    for key in dict.fromkeys(keys):
        if key not in work:
            raise UsageError(f"{key} has not drifted", next_step="`reconciler drift` lists what has.")
        manifest = in_files[key]
        for edit in adopt(drift.session.kinds, work[key], here[key], manifest, names):
            text = texts.get(manifest.file) or Path(manifest.file).read_bytes().decode()
            texts[manifest.file] = set_value(text, manifest.index, edit.path, edit.value)
            lines.append(f"Adopted {key} {'.'.join(edit.path[1:])} in {manifest.file}")
    for file, text in texts.items():
        write_file(Path(file), text)
    yield from lines


def start_snooze(options: Options, key: str, duration: str, reason: str, *, ephemeral: bool) -> str:
    """Mute the drift of one object; return what to tell the user.

    Raises:
        UsageError: no such kind, or no such duration.
        LedgerNotDurable: the ledger would forget it.
    """
    from reconciler.ledger.process import describe_holder
    from reconciler.ledger.writer import Ledger

    kind, name = _parts(key)
    try:
        until = utc_now() + parse_duration(duration)
    except ValueError as error:
        raise UsageError(f"--for {duration}: {error}") from None
    session = open_one(options, utc_now())
    require_durable(session.settings.ledger, os.environ, "A snooze", ephemeral=ephemeral)
    with Ledger.open(session.settings.ledger) as ledger:
        ledger.snooze(session.name, Snooze(kind, name, until, reason.strip(), describe_holder("drift snooze")))
    return f"Snoozed {key} in {session.name} until {until:%Y-%m-%d %H:%M %Z}: {reason.strip()}"


def end_snooze(options: Options, key: str) -> str:
    """Let the drift of one object be heard again; return what to tell the user."""
    from reconciler.ledger.writer import Ledger

    kind, name = _parts(key)
    session = open_one(options, utc_now())
    with Ledger.open(session.settings.ledger) as ledger:
        was = ledger.unsnooze(session.name, kind, name)
    return f"{key} is heard again in {session.name}" if was else f"{key} was not snoozed in {session.name}"


def _parts(key: str) -> tuple[str, str]:
    kind, slash, name = key.partition("/")
    if not slash or not name or kind not in kinds():
        raise UsageError(f"{key} is not KIND/NAME", next_step=f"The kinds are {', '.join(kinds())}.")
    return kind, name
