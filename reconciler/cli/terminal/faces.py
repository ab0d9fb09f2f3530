"""The terminal's faces to the use cases that ask and tell: what they say goes to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.app.signals import stopped_by_signals
from reconciler.cli.options import Options
from reconciler.cli.terminal.ask import confirmed
from reconciler.cli.terminal.output import error_style, say
from reconciler.report.escape import terminal
from reconciler.report.words import moment

if TYPE_CHECKING:
    import asyncio
    from datetime import datetime

    from reconciler.cli.terminal.progress import Display
    from reconciler.errors import ReconcilerError
    from reconciler.ledger.config.model import LockHolder
    from reconciler.reconcile.pause_report import Lifted
    from reconciler.reconcile.plan import Change, Operation, Plan
    from reconciler.reconcile.run import Progress as ApplyProgress
    from reconciler.report.given import Given
    from reconciler.sync.datasync import DataSync
    from reconciler.sync.run.progress import Progress
    from reconciler.sync.run.report import RunReport

_LEFT_ALONE_SHOWN = 5


class _Stoppable:
    asked_to_stop = False

    @contextmanager
    def stoppable(self) -> Iterator[asyncio.Event]:
        """Within, a signal sets the event."""
        with stopped_by_signals(self._stopping) as stop:
            yield stop

    def _stopping(self) -> None:
        self.asked_to_stop = True
        say("Stopping: nothing new is begun, what is under way is finished. Once more to stop at once.")


class PauseTerminal(_Stoppable):
    """Shows what is about to be sent for a pause or its end, and what becomes of it.

    Args:
        options: the shared options.
    """

    def __init__(self, options: Options) -> None:
        self._style = error_style(options.color, options.given, full=options.verbosity > 0)

    def waits_for(self, holder: LockHolder) -> None:
        say(terminal(f"Waiting for the lock, held by {holder.holder} since {holder.taken_at:%H:%M:%S %Z}"))

    def shows(self, plan: Plan, limits: Mapping[str, str]) -> None:
        from reconciler.report.text.pauses import steps_to_text

        say(steps_to_text(plan, limits, self._style))

    def lifted(self, lifted: Lifted) -> None:
        from reconciler.report.text.pauses import lifted_lines

        for line in lifted_lines(lifted, self._style):
            say(line)

    def progresses(self, event: ApplyProgress) -> None:
        from reconciler.report.text.apply import result_line

        if event.result is not None:
            say(result_line(event.result, self._style))


class HoldTerminal(PauseTerminal):
    """Says loudly what cannot wait for the end of a command that runs."""

    def alarms(self, message: str) -> None:
        from reconciler.report.style import BOLD, RED

        say(self._style.paint(terminal(f"reconciler pause: {message}"), RED, BOLD))


class ApplyTerminal(PauseTerminal):
    """Shows a plan and asks, and says what becomes of each change; `told` are the keys of those.

    Args:
        options: the shared options.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.told: set[str] = set()

    def lifted(self, lifted: Lifted) -> None:
        super().lifted(lifted)
        self.told.clear()

    def waits_for(self, holder: LockHolder) -> None:
        say(terminal(f"Waiting for the apply lock, held by {holder.holder} since {holder.taken_at:%H:%M:%S %Z}"))

    def agrees(self, plan: Plan) -> bool:
        from reconciler.report.text.plan import plan_to_text

        say(plan_to_text(plan, self._style, is_asked_for=True))
        return confirmed(f"Apply this to {terminal(plan.environment)}?")

    def leaves_alone(self, changes: tuple[Change | Operation, ...]) -> None:
        keys = [change.key for change in changes]
        more = f" and {len(keys) - _LEFT_ALONE_SHOWN} more" if len(keys) > _LEFT_ALONE_SHOWN else ""
        say(terminal(f"Left alone, because the plan does not have it: {', '.join(keys[:_LEFT_ALONE_SHOWN])}{more}"))

    def progresses(self, event: ApplyProgress) -> None:
        super().progresses(event)
        if event.result is not None:
            self.told.add(event.change.key)


class ResyncTerminal(_Stoppable):
    """Shows what is about to be sent again.

    Args:
        options: the shared options.
    """

    def __init__(self, options: Options) -> None:
        self._style = error_style(options.color, options.given)

    def waits_for(self, holder: LockHolder) -> None:
        say(terminal(f"Waiting for the apply lock, held by {holder.holder} since {holder.taken_at:%H:%M:%S %Z}"))

    def will(self, operation: Operation, remarks: Sequence[str]) -> None:
        from reconciler.report.text.operations import operation_to_text

        say(operation_to_text(operation, remarks, self._style))


class SyncTerminal(_Stoppable):
    """Shows the progress of a run.

    Args:
        display: shows progress.
    """

    def __init__(self, display: Display) -> None:
        self._display = display

    def waits_for(self, holder: LockHolder) -> None:
        say(terminal(f"Waiting for {holder.holder}, which runs this data sync since {holder.taken_at:%H:%M:%S %Z}"))

    def lifted(self, lifted: Lifted) -> None:
        if not lifted.syncs and lifted.ledger_problem is None:
            return  # leases are hardly ever over, and their words bring much along
        from reconciler.report.style import Style
        from reconciler.report.text.pauses import lifted_lines

        for line in lifted_lines(lifted, Style()):
            say(line)

    def left_paused(self, problem: ReconcilerError) -> None:
        say(terminal(f"{problem.message}. {problem.next_step or ''}".rstrip()))

    def progresses(self, progress: Progress) -> None:
        self._display.show(progress)

    @contextmanager
    def lending(self) -> Iterator[asyncio.Event]:
        """Within, a signal sets the event: workers go on with the run."""
        with stopped_by_signals(self._leaving) as stop:
            yield stop

    def _leaving(self) -> None:
        ours = "this command alone ends, once what it has under way is finished"
        say(f"Stopping: {ours}; the run is left to workers. Once more to stop at once.")


class WatchTerminal(SyncTerminal):
    """Shows the progress of run after run, and writes the report of each.

    Args:
        display: shows progress.
        write: writes a report to where results go.
        given: what a command that is named has to repeat.
    """

    def __init__(self, display: Display, write: Callable[[RunReport], None], given: Given) -> None:
        super().__init__(display)
        self._write = write
        self._given = given

    def ended(self, report: RunReport, following: datetime) -> None:
        self._display.clear()
        self._write(report)
        say(terminal(f"Next run of {report.sync}, {report.data_type}: {moment(following)}"))

    def lacks_something(self, error: ReconcilerError, following: datetime) -> None:
        self._display.clear()
        step = self._given.completed(error.next_step or "")
        say(terminal(f"{error.message[0].upper()}{error.message[1:]}. {step}".rstrip()))
        say(terminal(f"Next try: {moment(following)}"))

    def applied_anew(self, sync: DataSync) -> None:
        say(terminal(f"{sync.key} was applied anew. Start again, with the manifests that were applied."))
