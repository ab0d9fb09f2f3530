"""What the `sync` commands share: which data sync, what the ledger knows of it, and running it under its lock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.app.project import open_one, utc_now
from reconciler.app.signals import stopped_by_signals
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import say
from reconciler.cli.terminal.progress import Display, progress_display
from reconciler.errors import Interrupted, LedgerError
from reconciler.ledger.url import require_durable
from reconciler.reconcile.session import Session
from reconciler.registry import open_reader, open_writer
from reconciler.report.escape import json_text, terminal
from reconciler.report.words import moment
from reconciler.sync.datasync import API_NAMES, DataSync, Standing, connections_of, data_syncs, named, require_applied
from reconciler.sync.run.report import State

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.errors import TargetIncomplete
    from reconciler.http.observe import Observer
    from reconciler.ledger.config.model import LockHolder
    from reconciler.ledger.data.store import Levels
    from reconciler.report.style import Style
    from reconciler.sync.mode import Mode
    from reconciler.sync.products.explain import Explanation
    from reconciler.sync.run.context import Job
    from reconciler.sync.run.report import RunReport

_Result = TypeVar("_Result")
_FEATURE = "A data sync"
_LOOK_EVERY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """A data sync and its environment."""

    session: Session
    sync: DataSync


@dataclass(frozen=True, slots=True)
class HowToRun:
    """The options of the commands that run a data sync."""

    ephemeral: bool = False
    lock_wait: float = 0.0
    token_cache: bool = True
    patience: float = 900.0


def choose(options: Options, name: str | None) -> Chosen:
    """Return the data sync that a command works on.

    Raises:
        UsageError: there is none of this name, or several and none is named.
        ReconcilerError: manifests or references are not as they have to be.
    """
    session = open_one(options, utc_now())
    return Chosen(session, named(data_syncs(session, session.memory()), session.name, name))


@contextmanager
def opened_levels(chosen: Chosen, feature: str, *, ephemeral: bool) -> Iterator[Levels]:
    """Within, the ledger of a data sync is open.

    Args:
        chosen: the data sync.
        feature: what needs it, for the message.
        ephemeral: a ledger that is gone after this job will do.

    Raises:
        LedgerNotDurable: the ledger would forget everything.
        LedgerError: it cannot be opened.
    """
    from reconciler.ledger.writer import Ledger

    url = chosen.session.settings.ledger
    require_durable(url, os.environ, feature, ephemeral=ephemeral)
    with Ledger.open(url) as ledger:
        yield ledger.levels(chosen.sync.scope)


async def run_once(chosen: Chosen, mode: Mode | None, options: Options, how: HowToRun) -> tuple[RunReport, bool]:
    """Run a data sync once.

    Args:
        chosen: the data sync.
        mode: how; None: whatever is due.
        options: the shared options.
        how: the options of the running commands.

    Returns:
        The report, and whether a signal ended it.

    Raises:
        ReconcilerError: nothing was begun, or the ledger failed.
    """
    from reconciler.sync.run.runner import run_sync

    async def run(job: Job, stop: asyncio.Event, display: Display) -> tuple[RunReport, bool]:
        return await run_sync(job, mode, stop=stop, on_progress=display.show), stop.is_set()

    return await _running(chosen, options, how, "sync run", run)


async def watch_on(
    chosen: Chosen, options: Options, how: HowToRun, on_report: Callable[[RunReport, datetime], None]
) -> tuple[RunReport | None, bool]:
    """Run a data sync again and again, until a signal, a limit or a new apply ends it; otherwise as `run_once`.

    Args:
        chosen: the data sync.
        options: the shared options.
        how: the options of the running commands.
        on_report: told of each run, and when the next one starts.
    """
    from reconciler.sync.run.loop import watch

    async def run(job: Job, stop: asyncio.Event, display: Display) -> tuple[RunReport | None, bool]:
        def missing(error: TargetIncomplete, following: datetime) -> None:
            display.clear()
            say(terminal(f"{error.message[0].upper()}{error.message[1:]}. {error.next_step or ''}".rstrip()))
            say(terminal(f"Next try: {moment(following)}"))

        def told(report: RunReport, following: datetime) -> None:
            display.clear()
            on_report(report, following)

        looking = asyncio.create_task(_stop_when_applied_anew(chosen, stop))
        try:
            last = await watch(job, stop=stop, on_progress=display.show, on_report=told, on_missing=missing)
            return last, stop.is_set()
        finally:
            looking.cancel()

    return await _running(chosen, options, how, "sync watch", run, watches=True)


async def _stop_when_applied_anew(chosen: Chosen, stop: asyncio.Event) -> None:
    """End a watch whose manifest is not what was applied any more: what was reviewed runs."""
    sync, session = chosen.sync, chosen.session
    while not stop.is_set():
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        try:
            memory = await asyncio.to_thread(session.memory)
        except LedgerError:  # busy now; where it is worse than that, the run says so
            continue
        now = named(data_syncs(session, memory), session.name, sync.name)
        if now.standing is not Standing.APPLIED:
            say(terminal(f"{sync.key} was applied anew. Start again, with the manifests that were applied."))
            stop.set()


async def _running(
    chosen: Chosen,
    options: Options,
    how: HowToRun,
    command: str,
    work: Callable[[Job, asyncio.Event, Display], Awaitable[_Result]],
    *,
    watches: bool = False,
) -> _Result:
    from reconciler.ledger.process import describe_holder

    # First: without a lasting ledger nothing counts as applied, and applying would not help.
    require_durable(chosen.session.settings.ledger, os.environ, _FEATURE, ephemeral=how.ephemeral)
    require_applied(chosen.sync)
    holder = describe_holder(command)
    with (
        opened_levels(chosen, _FEATURE, ephemeral=how.ephemeral) as levels,
        # A watch takes the lock of the runs for each of its own: between two of them anybody may run the sync.
        (levels.watching if watches else levels.lock)(holder, wait=how.lock_wait, on_wait=_say_who_is_waited_for),
    ):
        async with _job(chosen, levels, holder, options, how) as job:
            with stopped_by_signals() as stop, progress_display(options.color) as display:
                try:
                    return await work(job, stop, display)
                except asyncio.CancelledError:
                    raise Interrupted(
                        "Stopped at once: what was under way was not waited for",
                        next_step=f"`reconciler sync run {chosen.sync.name}` looks at what became of it, and goes on.",
                    ) from None


@asynccontextmanager
async def _job(chosen: Chosen, levels: Levels, holder: str, options: Options, how: HowToRun) -> AsyncIterator[Job]:
    from reconciler.http.observe import Silent
    from reconciler.http.retry import PATIENT
    from reconciler.sync.products.source import ROLES
    from reconciler.sync.run.context import Job
    from reconciler.sync.run.traffic import Traffic

    source, target = connections_of(chosen.session)
    # Hundreds of requests may wait at once: progress and report say so in one line, and each of them only with -v.
    listener: Observer = Listener(options.verbosity) if options.verbosity else Silent()
    source_traffic, target_traffic = (Traffic(API_NAMES[each.api], listener) for each in (source, target))
    cache, policy = how.token_cache, replace(PATIENT, seconds=how.patience)
    async with (
        open_reader(source, ROLES, token_cache=cache, observer=source_traffic, policy=policy) as reader,
        open_writer(target, (), token_cache=cache, observer=target_traffic, policy=policy) as writer,
    ):
        yield Job(
            settings=chosen.sync.settings,
            source=reader,
            target=writer,
            levels=levels,
            source_url=source.api_url,
            holder=holder,
            source_traffic=source_traffic,
            target_traffic=target_traffic,
            patience=how.patience,
        )


async def explain(chosen: Chosen, key: str, options: Options, how: HowToRun) -> Explanation:
    """Return what would become of one record; nothing is written to either API.

    Args:
        chosen: the data sync, applied or not.
        key: ID of the product.
        options: the shared options.
        how: the options of the running commands.

    Raises:
        ReconcilerError: something could not be read.
    """
    from reconciler.sync.products.explaining import explain_record

    with opened_levels(chosen, _FEATURE, ephemeral=True) as levels:
        async with _job(chosen, levels, "", options, how) as job:
            return await explain_record(job.settings, job.source, job.target, levels, key, utc_now())


def run_to(
    format_name: str,
    report: RunReport,
    environment: str,
    style: Style,
    *,
    one_line: Callable[[Any], str] = json_text,
) -> str:
    """Return the report of a run as text or JSON.

    Args:
        format_name: `text` or `json`.
        report: of the run.
        environment: its name.
        style: how text looks.
        one_line: writes the JSON.
    """
    if format_name == "json":
        from reconciler.report.documents.sync import run_to_json

        return one_line(run_to_json(report, environment))
    from reconciler.report.text.sync_run import run_to_text

    return run_to_text(report, environment, style)


def explanation_to(format_name: str, found: Explanation, chosen: Chosen, style: Style) -> str:
    """Return what becomes of one record as text or JSON."""
    from reconciler.report.text.sync_explain import explanation_to_json, explanation_to_text

    name, environment = chosen.sync.name, chosen.session.name
    if format_name == "json":
        return json_text(explanation_to_json(name, environment, found))
    return explanation_to_text(name, environment, found, style)


def run_status(report: RunReport | None, *, stopped: bool, fail_on_problems: bool = False) -> Status:
    """Return the exit status of a run.

    Args:
        report: of the run; None: none began before a signal came.
        stopped: whether a signal ended it.
        fail_on_problems: whether open problems are worth a status of their own.
    """
    if report is None:
        return Status.DONE
    if report.state is State.FINISHED:
        return Status.PARTLY if fail_on_problems and report.counts.get("problems") else Status.DONE
    if report.state is State.STOPPED:
        return Status.REFUSED
    return Status.INTERRUPTED if stopped or report.state is State.CANCELLED else Status.ERROR


def _say_who_is_waited_for(holder: LockHolder) -> None:
    say(terminal(f"Waiting for {holder.holder}, which runs this data sync since {holder.taken_at:%H:%M:%S %Z}"))
